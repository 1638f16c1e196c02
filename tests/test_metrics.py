"""Metrics against independent references, closed forms and planted answers."""

import math

import numpy as np
import pytest
import scipy.linalg
import torch
from torch.testing import assert_close

from diffusion_lessons import files, metrics
from diffusion_lessons.critters import datasets, words, world
from diffusion_lessons.critters.datasets import to_floats
from diffusion_lessons.critters.judge import classify, load_judge, prompt_accuracy, words_found
from diffusion_lessons.critters.words import word_ids


@pytest.fixture(scope="module")
def judge():
    return load_judge()


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("seed", range(3))
def test_frechet_distance_equals_scipys_matrix_root(seed):
    a = normal(200, 7, seed=seed) @ normal(7, 7, seed=seed + 10)
    b = normal(90, 7, seed=seed + 20) @ normal(7, 7, seed=seed + 30) + 0.5
    cov_a, cov_b = np.cov(a.numpy().T), np.cov(b.numpy().T)
    root = scipy.linalg.sqrtm(cov_a @ cov_b)
    gap = a.mean(0).numpy() - b.mean(0).numpy()
    expected = gap @ gap + np.trace(cov_a + cov_b - 2 * root.real)
    assert metrics.frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_of_two_gaussians_on_a_line():
    a, b = normal(100_000, 1), 3 * normal(100_000, 1, seed=1) + 2
    # (μ_a − μ_b)² + (σ_a − σ_b)² = 4 + 4
    assert metrics.frechet_distance(a, b) == pytest.approx(8, rel=0.02)


def test_frechet_distance_of_a_set_from_itself_is_zero_and_is_symmetric():
    a, b = normal(64, 20), normal(64, 20, seed=1)
    assert metrics.frechet_distance(a, a) == pytest.approx(0, abs=1e-8)
    assert metrics.frechet_distance(a, b) == pytest.approx(metrics.frechet_distance(b, a))


def test_frechet_distance_survives_fewer_pictures_than_features():
    assert np.isfinite(metrics.frechet_distance(normal(5, 20).float(), normal(9, 20).float()))


def test_the_floor_is_the_mean_over_pairs_and_falls_with_more_pictures():
    few = metrics.frechet_floor([normal(50, 8, seed=i) for i in range(10)])
    many = metrics.frechet_floor([normal(500, 8, seed=i) for i in range(10)])
    assert 0 < many.mean < few.mean / 5  # about 1/n
    pairs = [
        metrics.frechet_distance(normal(50, 8, seed=i), normal(50, 8, seed=i + 1))
        for i in range(0, 10, 2)
    ]
    assert few.mean == pytest.approx(np.mean(pairs))
    assert few.spread == pytest.approx(np.std(pairs, ddof=1))
    assert metrics.frechet_excess(3.0, metrics.RealBaseline(2.0, 0.1)) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="five pairs"):
        metrics.frechet_floor([normal(5, 2)] * 8)


@pytest.mark.parametrize(("a", "b"), [((1, 3), (5, 3)), ((5, 3), (5, 4)), ((5,), (5, 3))])
def test_frechet_distance_says_what_it_expects(a, b):
    with pytest.raises(ValueError, match="compares features"):
        metrics.frechet_distance(normal(*a), normal(*b))


def test_high_frequency_power_is_one_for_the_same_below_for_blur_above_for_grain():
    real = normal(8, 3, 32, 32)
    blurred = torch.nn.functional.avg_pool2d(real, 3, stride=1, padding=1)
    assert metrics.high_frequency_power(real, real) == pytest.approx(1)
    assert metrics.high_frequency_power(blurred, real) < 0.5
    smooth = blurred + 0.1 * normal(8, 3, 32, 32, seed=1)
    assert metrics.high_frequency_power(smooth, blurred) > 1


@pytest.mark.parametrize(("cycles", "counts"), [(4, False), (7, False), (9, True), (16, True)])
def test_high_frequency_power_counts_waves_shorter_than_four_pixels(cycles, counts):
    x = torch.arange(32, dtype=torch.float64)
    wave = torch.cos(2 * torch.pi * cycles * x / 32).expand(1, 1, 32, 32)
    power = metrics.high_frequency_power(wave, normal(1, 1, 32, 32))
    assert (power > 1e-6) == counts


def test_nearest_equals_brute_force_and_finds_planted_copies():
    x, data = normal(30, 3, 4, 4), normal(2500, 3, 4, 4, seed=1)
    data[2100], data[7] = x[5], x[20] + 0.01
    found = metrics.nearest(x, data)
    brute = torch.stack([(data - one).square().mean((1, 2, 3)).sqrt() for one in x])
    assert_close(found.distance, brute.min(1).values)
    assert_close(found.index, brute.argmin(1))
    assert found.distance[5] == 0 and found.index[5] == 2100
    assert found.distance[20] == pytest.approx(0.01) and found.index[20] == 7


def test_nearest_measures_near_copies_exactly_in_float32():
    data = 0.9 + 0.001 * normal(50, 3, 32, 32).float()
    found = metrics.nearest(data[10:11] + 1e-4, data)
    assert found.index.item() == 10
    assert found.distance.item() == pytest.approx(1e-4, rel=1e-2)


def test_nearest_refuses_other_shapes():
    with pytest.raises(ValueError, match="must be the same"):
        metrics.nearest(normal(2, 3, 4, 4), normal(2, 3, 8, 8))


def row(**named):
    return [values.index(named.get(n, "none" if "none" in values else values[0]))
            for n, values in world.ATTRIBUTES.items()]  # fmt: skip


def test_every_word_must_be_found_in_any_order_and_silence_is_free():
    seen = torch.tensor([row(subject="cat", color="black", place="night")] * 5)
    prompts = [
        word_ids({"subject": "cat", "place": "night"}),
        word_ids({"subject": "cat", "place": "night"})[::-1],
        word_ids({"subject": "cat", "sunglasses": "sunglasses"}),
        word_ids({"subject": "dog"}),
        [0] * 6,
    ]
    found = words_found(seen, torch.tensor(prompts))
    assert found.tolist() == [True, True, False, False, True]
    with pytest.raises(ValueError, match="one for each"):
        words_found(seen, torch.tensor(prompts[:2]))


@pytest.mark.slow
def test_the_judge_is_right_about_fresh_pictures(judge):
    drawn = datasets.draw_dataset(10_000, seed=987_654, split="all")
    said = classify(to_floats(drawn.pictures), judge)
    right = (said.attributes.numpy() == drawn.attributes).all(axis=1)
    assert right.mean() >= 0.9995
    assert said.features.shape == (10_000, 128)
    assert all(torch.allclose(p.sum(1), torch.ones(10_000)) for p in said.probabilities)


def test_prompt_accuracy_of_real_pictures_is_one_and_of_shuffled_ones_is_not(judge):
    drawn = datasets.draw_dataset(500, seed=4321, split="all")
    cond = torch.tensor([word_ids(words.named(c)) for c in drawn.captions])
    x = to_floats(drawn.pictures)
    assert prompt_accuracy(x, cond, judge) >= 0.998
    assert prompt_accuracy(x.roll(1, 0), cond, judge) < 0.3


def test_the_judge_says_what_it_looks_at(judge):
    with pytest.raises(ValueError, match=r"\(B, 3, 32, 32\)"):
        classify(torch.zeros(2, 3, 64, 64), judge)


def test_a_file_that_is_no_judge_is_refused(tmp_path):
    files.save(tmp_path / "x.safetensors", "model", {"w": torch.zeros(1)})
    with pytest.raises(files.FileError, match="holds a model, but a judge"):
        load_judge(tmp_path / "x.safetensors")


def test_what_cannot_be_measured_is_a_clear_error(judge):
    a, x = normal(5, 3), normal(2, 3, 8, 8)
    with pytest.raises(ValueError, match="features hold NaN"):
        metrics.frechet_distance(a / 0, a)
    with pytest.raises(ValueError, match="picture holds NaN"):
        metrics.high_frequency_power(x / 0, x)
    with pytest.raises(ValueError, match="no fine detail"):
        metrics.high_frequency_power(x, torch.zeros(2, 3, 8, 8))
    with pytest.raises(ValueError, match="x holds NaN"):
        classify(torch.full((1, 3, 32, 32), torch.nan), judge)
    for number in (-1, 99):
        with pytest.raises(ValueError, match=f"word numbers from .*{number}"):
            words_found(torch.zeros(1, 6, dtype=torch.int64), torch.tensor([[number]]))


def test_no_pictures_have_no_neighbours():
    found = metrics.nearest(normal(0, 3), normal(4, 3))
    assert (found.distance.shape, found.index.shape) == ((0,), (0,))


def test_the_judge_looks_at_pictures_of_any_float(judge):
    x = to_floats(datasets.draw_dataset(20, seed=1, split="all").pictures)
    expected = classify(x, judge).attributes
    for dtype in (torch.float64, torch.float16):
        assert_close(classify(x.to(dtype), judge).attributes, expected, rtol=0, atol=0)


def test_the_judge_sees_what_a_screen_would_show(judge):
    x = 3 * to_floats(datasets.draw_dataset(8, seed=2, split="all").pictures)
    seen = classify(x, judge).features
    assert_close(seen, classify(x.clamp(-1, 1), judge).features, rtol=0, atol=0)


def test_the_judgement_is_what_the_judge_says_as_a_network(judge):
    x = to_floats(datasets.draw_dataset(8, seed=3, split="all").pictures)
    said = classify(x, judge, batch=3)
    for k, scores in enumerate(judge(x)):
        assert_close(said.probabilities[k], scores.softmax(1), rtol=0, atol=1e-5)
        assert_close(said.attributes[:, k], scores.argmax(1))


def test_what_a_guess_lacks_is_counted_by_size_of_detail():
    x = torch.linspace(0, 2 * torch.pi, 33)[:-1].double()
    shading, stripes = torch.cos(x).expand(32, 32), torch.cos(8 * x)[:, None].expand(32, 32)
    end = (0.3 + shading + 0.5 * stripes).expand(2, 3, 32, 32)
    guess = (0.3 + shading + 0.25 * stripes).expand(2, 3, 32, 32)
    for waves, lacks in (((0, 0), 0), ((1, 1), 0), ((7, 9), 0.25)):
        assert metrics.missing_detail(guess, end, waves) == pytest.approx(lacks, abs=1e-12)
    assert metrics.missing_detail(torch.zeros_like(end), end, (0, 23)) == pytest.approx(1)
    assert metrics.missing_detail(end + 0.03, end, (0, 0)) == pytest.approx(0.01)
    with pytest.raises(ValueError, match="no detail of 3 to 4 waves"):
        metrics.missing_detail(guess, torch.zeros_like(end), (3, 4))
    with pytest.raises(ValueError, match="Square pictures"):
        metrics.missing_detail(guess[:1], end, (0, 0))


def test_spectrum_of_one_wave_is_in_its_ring():
    across = torch.arange(32, dtype=torch.float64)
    wave = torch.cos(2 * math.pi * 5 * across / 32).expand(1, 3, 32, 32)
    k, power = metrics.power_spectrum(wave)
    torch.testing.assert_close(k, torch.arange(1, 17, dtype=torch.float64))
    # A wave has a mean square of 1/2, and all of it lies in two of the waves of ring 5.
    fy, fx = np.meshgrid(*[np.fft.fftfreq(32, 1 / 32)] * 2, indexing="ij")
    in_ring = int((np.round(np.hypot(fy, fx)) == 5).sum())
    expected = torch.zeros(16, dtype=torch.float64)
    expected[4] = 32 * 32 / 2 / in_ring
    torch.testing.assert_close(power, expected, atol=1e-9, rtol=1e-12)


@pytest.mark.parametrize("shape", [(2, 3, 64, 64), (40, 96), (3, 51, 64)])
def test_spectrum_of_white_noise_is_flat_at_its_variance(shape):
    x = 0.3 * torch.randn((20, *shape), generator=torch.Generator().manual_seed(0))
    _, power = metrics.power_spectrum(x)
    assert len(power) == min(shape[-2:]) // 2
    torch.testing.assert_close(power, torch.full_like(power, 0.09), rtol=0.25, atol=0)
    torch.testing.assert_close(power[4:].mean().item(), 0.09, rtol=0.02, atol=0)


def test_spectrum_counts_waves_across_the_shorter_side():
    wave = np.cos(2 * math.pi * 6 * np.arange(48) / 48)[None].repeat(24, axis=0)
    for picture in (wave, wave.T):
        k, power = metrics.power_spectrum(picture)
        assert k[power.argmax()] == 3 and power.sum() - power[2] < 1e-9


def test_spectrum_takes_arrays_and_is_the_mean_over_pictures():
    x = np.random.default_rng(0).normal(size=(4, 3, 16, 16))
    _, together = metrics.power_spectrum(x)
    apart = torch.stack([metrics.power_spectrum(torch.tensor(one))[1] for one in x])
    torch.testing.assert_close(together, apart.mean(0))


@pytest.mark.parametrize(
    "x",
    [np.zeros((8, 8, 3), dtype=np.uint8), np.zeros(8), np.zeros((3, 1, 8)), np.zeros((0, 8, 8))],
)
def test_spectrum_of_what_is_no_picture_is_a_clear_error(x):
    with pytest.raises(ValueError, match="at least 2 × 2 pixels are expected"):
        metrics.power_spectrum(x)
