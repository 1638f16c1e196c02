"""The ideal denoiser is what its formula says; the network is a function of what it is given."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from torch.testing import assert_close

from diffusion_lessons import checkpoints, files, sampling
from diffusion_lessons.critters import datasets, world
from diffusion_lessons.denoisers import IdealDenoiser
from diffusion_lessons.forward import add_noise, prediction
from diffusion_lessons.schedules import Schedule, cosine, linear
from diffusion_lessons.unet import Block, UNet, count_weights, time_features


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("schedule", [linear(100), cosine(100), Schedule([1, 0.5, 0])], ids=repr)
def test_one_picture_is_always_the_answer(schedule):
    only = noise(1, 3, 4, 4).clamp(-1, 1)
    ideal = IdealDenoiser(only, schedule)
    for t in (0, 1, schedule.T):
        said = ideal(noise(5, 3, 4, 4, seed=t), torch.full((5,), t))
        assert_close(said, only.expand(5, -1, -1, -1), rtol=0, atol=0)


def test_two_points_by_hand():
    # ᾱ = 0.64: the points +1 and −1 are seen at +0.8 and −0.8, with noise of variance 0.36.
    schedule, points = Schedule([1, 0.64]), torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
    x_t = torch.tensor([[0.0], [0.3], [-2.0]], dtype=torch.float64)
    weights = IdealDenoiser(points, schedule).weights(x_t, 1)
    odds = torch.exp(2 * 0.8 * x_t[:, 0] / 0.36)
    assert_close(weights[:, 0], odds / (1 + odds), rtol=1e-12, atol=0)
    assert_close(weights.sum(1), torch.ones(3, dtype=torch.float64))
    expected = torch.tanh(0.8 * x_t / 0.36)  # the textbook answer for ±1
    assert_close(IdealDenoiser(points, schedule)(x_t, 1), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("schedule", [linear(1000), cosine(1000)], ids=repr)
def test_equals_brute_force(schedule):
    data = noise(7, 2, 3, 3).clamp(-1, 1)
    t = torch.tensor([1, 50, 300, 700, 1000])
    x_t = add_noise(schedule, data[:5], t, noise(5, 2, 3, 3, seed=1))
    for i in range(5):
        log = torch.stack(
            [
                -((x_t[i] - schedule.signal_rate[t[i]] * picture) ** 2).sum()
                / (2 * schedule.noise_rate[t[i]] ** 2)
                for picture in data
            ]
        )
        votes = torch.softmax(log, 0)
        expected = sum(vote * picture for vote, picture in zip(votes, data, strict=True))
        assert_close(IdealDenoiser(data, schedule)(x_t, t)[i], expected, rtol=0, atol=1e-9)


def test_float32_answers_are_computed_in_float64():
    data = noise(50, 3, 8, 8, dtype=torch.float32).clamp(-1, 1)
    schedule, t = linear(1000), torch.tensor([1, 2, 5, 400])
    x_t = add_noise(schedule, data[:4], t, noise(4, 3, 8, 8, seed=1, dtype=torch.float32))
    said = IdealDenoiser(data, schedule)(x_t, t)
    assert said.dtype == torch.float32
    exact = IdealDenoiser(data.double(), schedule)(x_t.double(), t)
    assert_close(said.double(), exact, rtol=0, atol=1e-6)


def test_large_data_are_worked_through_in_slices_all_the_same():
    data = noise(5000, 1, 2, 2)
    x_t = noise(3, 1, 2, 2, seed=1)
    weights = IdealDenoiser(data, linear(1000)).weights(x_t, 500)
    assert weights.shape == (3, 5000)
    log = -((x_t[:, None] - linear(1000).signal_rate[500] * data) ** 2).flatten(2).sum(2)
    expected = torch.softmax(log / (2 * linear(1000).noise_rate[500] ** 2), 1)
    assert_close(weights, expected, rtol=1e-9, atol=0)


def test_at_t_0_it_answers_with_the_nearest_picture():
    data, schedule = noise(20, 3, 4, 4), linear(100)
    x_t = noise(9, 3, 4, 4, seed=1)
    nearest = torch.cdist(x_t.flatten(1), data.flatten(1)).argmin(1)
    assert_close(IdealDenoiser(data, schedule)(x_t, 0), data[nearest], rtol=0, atol=0)
    assert_close(IdealDenoiser(data, schedule)(data, 0), data, rtol=0, atol=0)


def test_pure_noise_gets_the_average_picture():
    data = noise(20, 3, 4, 4)
    said = IdealDenoiser(data, Schedule([1, 0.5, 0]))(noise(2, 3, 4, 4, seed=1), 2)
    assert_close(said, data.mean(0).expand(2, -1, -1, -1), rtol=0, atol=1e-12)


def test_no_small_change_of_the_answer_lowers_the_loss():
    """The optimum over all functions: at every x_t the mean of the pictures that explain it."""
    schedule, t = linear(1000), 600
    data = noise(3, 1, 1, 1, seed=3)
    x0 = data[torch.randint(3, (200_000,), generator=torch.Generator().manual_seed(0))]
    x_t = add_noise(schedule, x0, t, noise(*x0.shape, seed=1))
    said = IdealDenoiser(data, schedule)(x_t, t)
    best = ((said - x0) ** 2).mean()
    for change in (0.02, -0.02, 0.02 * x_t, -0.02 * x_t, 0.02 * torch.sin(3 * x_t)):
        assert ((said + change - x0) ** 2).mean() > best


def test_a_batch_is_worked_through_in_slices_each_with_its_own_t():
    # So many pictures that only two fit into a slice.
    data = torch.linspace(-1, 1, 1_500_000, dtype=torch.float64)[:, None]
    t = torch.tensor([0, 100, 400, 700, 1000])
    x_t = add_noise(linear(1000), data[:5], t, noise(5, 1))
    ideal = IdealDenoiser(data, linear(1000))
    alone = torch.cat([ideal(x_t[i : i + 1], t[i : i + 1]) for i in range(5)])
    assert_close(ideal(x_t, t), alone, rtol=0, atol=1e-12)
    weights = ideal.weights(x_t[1:4], t[1:4])
    assert_close(weights @ data, alone[1:4], rtol=0, atol=1e-9)
    assert ideal(x_t[:0], 5).shape == (0, 1)


MEMORY = """
import resource, sys, torch
from diffusion_lessons import denoisers, schedules

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

{before}
before = peak()
{then}
print(peak() - before)
"""  # noqa: E501


def growth(before, then):
    """By how many bytes a process that has done ``before`` grows when it does ``then``."""
    said = subprocess.run(
        [sys.executable, "-c", MEMORY.format(before=before, then=then)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    return int(said.stdout)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no getrusage")
def test_a_large_batch_against_20000_pictures_needs_little_memory():
    # All votes at once would be 400 MB, several times over.
    before = """
ideal = denoisers.IdealDenoiser(torch.rand(20_000, 1, 4, 4), schedules.cosine(1000))
x_t = torch.randn(2_500, 1, 4, 4)
ideal(x_t[:300], 900)"""
    assert growth(before, "ideal(x_t, 900)") < 200e6


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no getrusage")
def test_the_axes_of_20000_pictures_need_little_memory():
    # All pictures in float64 would be 82 MB, and there were three such blocks.
    before = """
data = torch.rand(20_000, 2, 16, 16)
denoisers.LinearDenoiser(data[:1100], schedules.cosine(1000))"""
    assert growth(before, "denoisers.LinearDenoiser(data, schedules.cosine(1000))") < 40e6


@pytest.fixture(scope="module")
def some_critters():
    drawn = datasets.draw_dataset(200, size=32, seed=0, split="train", held_out=world.HELD_OUT)
    return datasets.to_floats(drawn.pictures)


@pytest.mark.parametrize("step", [sampling.ddim_step, sampling.ddpm_step])
@pytest.mark.parametrize(
    "schedule",
    [cosine(1000), linear(1000), cosine(50), Schedule(np.linspace(1, 0, 11))],
    ids=["cosine", "linear", "short", "straight"],
)
def test_ten_steps_end_on_exactly_a_training_picture(some_critters, schedule, step):
    x_T = noise(24, 3, 32, 32, dtype=torch.float32)
    draw = torch.Generator().manual_seed(1)
    ideal = IdealDenoiser(some_critters, schedule)
    *_, last = sampling.sample(ideal, schedule, x_T, 10, step=step, generator=draw)
    known = {picture.tobytes() for picture in datasets.to_pixels(some_critters)}
    drawn = [picture.tobytes() for picture in datasets.to_pixels(last.x_t)]
    assert known.issuperset(drawn)
    assert len(set(drawn)) > 5


def test_almost_no_noise_is_no_problem():
    data = noise(50, 3, 8, 8).clamp(-1, 1)
    schedule = Schedule([1, 1 - 1e-15, 0.5])
    said = IdealDenoiser(data, schedule)(data + 1e-9, 1)
    assert_close(said, data, rtol=0, atol=0)
    assert torch.isfinite(IdealDenoiser(data, schedule)(1e6 * data, 1)).all()


@pytest.mark.parametrize("spread", [0.05, 0.3, 2.0])
@pytest.mark.parametrize("alpha_bar", [0.999, 0.5, 0.02])
def test_soft_data_equal_the_integral_over_all_clean_values(spread, alpha_bar):
    centres = torch.tensor([[-0.8], [0.1], [0.9]], dtype=torch.float64)
    x_t = torch.tensor([[-1.7], [0.2], [0.95]], dtype=torch.float64)
    x0 = np.linspace(-20, 20, 400_001)
    prior = sum(np.exp(-((x0 - float(c)) ** 2) / (2 * spread**2)) for c in centres)
    expected = []
    for seen in x_t[:, 0].numpy():
        joint = prior * np.exp(-((seen - alpha_bar**0.5 * x0) ** 2) / (2 * (1 - alpha_bar)))
        expected.append(np.trapezoid(x0 * joint, x0) / np.trapezoid(joint, x0))
    said = IdealDenoiser(centres, Schedule([1, alpha_bar]), spread)(x_t, 1)
    assert_close(said[:, 0], torch.tensor(expected), rtol=0, atol=1e-9)


def test_the_votes_of_soft_data_are_scipys():
    centres, alpha_bar, spread = noise(4, 3), 0.6, 0.4
    x_t = noise(5, 3, seed=1)
    likely = np.stack(
        [
            multivariate_normal(
                alpha_bar**0.5 * centre.numpy(), alpha_bar * spread**2 + 1 - alpha_bar
            ).pdf(x_t.numpy())
            for centre in centres
        ],
        axis=1,
    )
    expected = torch.tensor(likely / likely.sum(1, keepdims=True))
    said = IdealDenoiser(centres, Schedule([1, alpha_bar]), spread).weights(x_t, 1)
    assert_close(said, expected, rtol=1e-9, atol=1e-12)


def test_the_ends_of_soft_data():
    centres, x_t = noise(4, 3), noise(5, 3, seed=1)
    soft = IdealDenoiser(centres, Schedule([1, 0.5, 0]), 0.4)
    assert_close(soft(x_t, 0), x_t, rtol=0, atol=1e-12)  # a clean picture is its own best guess
    assert_close(soft(x_t, 2), centres.mean(0).expand(5, 3), rtol=0, atol=1e-12)
    hard = IdealDenoiser(centres, Schedule([1, 0.5, 0]))
    assert_close(IdealDenoiser(centres, hard.schedule, 1e-9)(x_t, 1), hard(x_t, 1))


@pytest.mark.parametrize("spread", [-0.1, float("nan"), float("inf")])
def test_a_spread_that_is_none_is_a_clear_error(spread):
    with pytest.raises(ValueError, match="spread is"):
        IdealDenoiser(noise(2, 3), linear(10), spread)


def test_the_ideal_denoiser_refuses_words_empty_data_and_other_shapes():
    data, schedule = noise(2, 3, 4, 4), linear(10)
    x_t = noise(1, 3, 4, 4)
    with pytest.raises(ValueError, match="knows no words"):
        IdealDenoiser(data, schedule)(x_t, 1, torch.zeros(1, 1))
    with pytest.raises(ValueError, match="at least one picture"):
        IdealDenoiser(data[:0], schedule)
    with pytest.raises(ValueError, match="uint8"):
        IdealDenoiser(data.to(torch.uint8), schedule)
    with pytest.raises(ValueError, match=r"shape \(3, 2, 2\)"):
        IdealDenoiser(data, schedule)(noise(1, 3, 2, 2), 1)
    with pytest.raises(ValueError, match="t = 11 is outside"):
        IdealDenoiser(data, schedule)(x_t, 11)


def network(**options):
    """A small network whose weights are all at work, unlike a fresh one that starts silent."""
    model = UNet(channels=3, widths=(8, 16), **options)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
        if model.vocabulary:
            model.words.weight[0] = 0
    return model


X, T = noise(2, 3, 8, 8, dtype=torch.float32), torch.tensor([3, 900])


@pytest.mark.parametrize("size", [4, 8, 20])
@pytest.mark.parametrize("target", ["eps", "v", "x0"])
def test_the_network_answers_in_the_shape_of_the_picture(size, target):
    model = UNet(channels=3, widths=(8, 16), target=target)
    x_t = noise(2, 3, size, size, dtype=torch.float32)
    assert model.target == target
    assert model(x_t, T).shape == x_t.shape
    assert torch.isfinite(prediction(linear(1000), x_t, T, model(x_t, T), target).x0_hat).all()


def test_every_weight_learns_from_a_single_call():
    model = network(vocabulary=5)
    model(X, T, torch.tensor([[1, 2], [3, 4]])).square().mean().backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name


def test_the_network_looks_at_t_and_can_be_kept_from_it():
    seeing, blind = network(), network(uses_time=False)
    other = torch.tensor([3, 901])
    assert_close(seeing(X, T)[0], seeing(X, other)[0], rtol=0, atol=1e-5)
    assert (seeing(X, T)[1] - seeing(X, other)[1]).abs().max() > 1e-5
    assert (seeing(X, T)[1] - seeing(X, torch.tensor([3, 100]))[1]).abs().max() > 1e-2
    assert_close(blind(X, T), blind(X, torch.tensor([500, 1])), rtol=0, atol=0)


def test_pictures_of_a_batch_do_not_see_each_other():
    model = network(vocabulary=3)
    cond = torch.tensor([[1], [2]])
    alone = torch.cat([model(X[i : i + 1], T[i : i + 1], cond[i : i + 1]) for i in range(2)])
    assert_close(model(X, T, cond), alone, rtol=0, atol=1e-5)


def test_words_are_a_set_and_0_says_nothing():
    model = network(vocabulary=5)

    def said(*rows):
        return model(X, T, torch.tensor(rows))

    assert_close(said([1, 2], [3, 4]), said([2, 1], [4, 3]), rtol=0, atol=1e-5)
    assert_close(said([1, 0], [3, 0]), said([1], [3]), rtol=0, atol=1e-5)
    assert_close(said([0, 0], [0, 0]), model(X, T), rtol=0, atol=1e-5)
    assert (said([1], [3]) - said([2], [3]))[0].abs().max() > 1e-2


@pytest.mark.parametrize(
    ("cond", "why"),
    [
        (torch.tensor([[6], [1]]), "word numbers up to 6.*5 words"),
        (torch.tensor([[-1], [1]]), "word numbers"),
        (torch.tensor([[1]]), r"shape \(1, 1\)"),
        (torch.tensor([1, 2]), r"shape \(2,\)"),
        (torch.tensor([[1.0], [2.0]]), "whole numbers"),
    ],
)
def test_words_that_are_none_are_a_clear_error(cond, why):
    with pytest.raises(ValueError, match=why):
        network(vocabulary=5)(X, T, cond)


def test_an_unknown_target_is_a_clear_error():
    with pytest.raises(ValueError, match="target is 'noise'"):
        UNet(target="noise")


def test_the_vector_of_t_tells_all_steps_apart():
    features = time_features(torch.arange(1001), 64)
    assert features.shape == (1001, 64)
    assert_close(features[0], torch.cat([torch.ones(32), torch.zeros(32)]))
    apart = torch.cdist(features, features) + 10 * torch.eye(1001)
    assert apart.min() > 0.1
    assert apart[500, 501] < apart[500, 510]


def test_counts_the_weights():
    assert count_weights(torch.nn.Linear(3, 4)) == 16


def test_a_model_file_gives_the_same_network_again(tmp_path):
    model = network(vocabulary=5, target="x0", uses_time=True)
    checkpoints.save(model, tmp_path / "m.safetensors", seed=3)
    again = checkpoints.load(tmp_path / "m.safetensors")
    assert again.target == "x0"
    assert again.config == model.config
    assert not again.training
    cond = torch.tensor([[1, 2], [3, 0]])
    assert not again(X, T, cond).requires_grad
    # Weights are kept in float16, so the answers agree to about three digits.
    assert_close(again(X, T, cond), model(X, T, cond).detach(), rtol=0, atol=2e-2)
    assert files.load(tmp_path / "m.safetensors", "model")[1]["seed"] == 3
    # What was loaded is saved again without any loss.
    checkpoints.save(again, tmp_path / "n.safetensors", seed=3)
    assert (tmp_path / "n.safetensors").read_bytes() == (tmp_path / "m.safetensors").read_bytes()


@pytest.mark.parametrize(
    "facts",
    [{}, {"config": {"widths": [8]}}, {"config": {"depth": 3}}, {"config": 5}],
    ids=["none", "other", "unknown", "nonsense"],
)
def test_weights_that_do_not_fit_are_a_clear_error(tmp_path, facts):
    tensors = {name: tensor.half() for name, tensor in network().state_dict().items()}
    files.save(tmp_path / "m.safetensors", "model", tensors, **facts)
    with pytest.raises(files.FileError, match="does not fit this version"):
        checkpoints.load(tmp_path / "m.safetensors")


def test_a_file_of_another_kind_is_no_model(tmp_path):
    files.save(tmp_path / "run.safetensors", "run", {"a": torch.zeros(1)})
    with pytest.raises(files.FileError, match="holds a run, but a model is needed"):
        checkpoints.load(tmp_path / "run.safetensors")


@pytest.mark.parametrize("shape", [(2, 3, 10, 8), (2, 1, 8, 8), (3, 8, 8)])
def test_pictures_that_do_not_fit_the_network_are_a_clear_error(shape):
    with pytest.raises(ValueError, match="divisible by 4"):
        network()(torch.zeros(shape), T)


@pytest.mark.parametrize("t", [5, torch.tensor(5), torch.tensor([5])], ids=repr)
def test_one_t_may_stand_for_all_pictures(t):
    model = network()
    assert_close(model(X, t), model(X, torch.tensor([5, 5])), rtol=0, atol=0)
    with pytest.raises(ValueError, match=r"t has shape \(3,\).*2 pictures"):
        model(X, torch.tensor([1, 2, 3]))


def test_whole_numbers_are_no_pictures_for_a_network_nor_for_the_ideal():
    with pytest.raises(ValueError, match=r"dtype torch\.uint8, but this network takes floats"):
        network()(X.to(torch.uint8), T)
    with pytest.raises(ValueError, match=r"uint8.*floats"):
        IdealDenoiser(X, linear(10))(X.to(torch.uint8), 1)
    with pytest.raises(ValueError, match="data holds NaN"):
        IdealDenoiser(X / 0, linear(10))


def test_skips_carry_the_picture_past_the_bottom():
    model = network()
    with torch.no_grad():
        for up in model.up:
            up.weight.zero_()
    other = noise(2, 3, 8, 8, seed=5, dtype=torch.float32)
    assert (model(X, T) - model(other, T)).abs().max() > 1e-2


def test_words_scale_and_shift_at_both_norms_of_a_block():
    torch.manual_seed(0)
    h, contexts = torch.randn(1, 8, 4, 4), torch.randn(2, 1, 6)
    for unheard in (slice(0, 16), slice(16, 32)):
        block = Block(8, 6)
        torch.nn.init.normal_(block.conv2.weight)
        with torch.no_grad():
            block.modulate.weight[unheard] = 0
            one, other = (block(h, context) for context in contexts)
        assert (one - other).abs().max() > 0.1


def test_without_attention_places_meet_only_by_convolutions_and_norms():
    plain = UNet(widths=(8, 16), attention=False)
    assert not any("attention" in name for name, _ in plain.named_parameters())
    assert UNet(**plain.config).config == plain.config
    assert plain(torch.zeros(1, 3, 8, 8), torch.tensor([5])).shape == (1, 3, 8, 8)
