"""What lesson 08 measures with: planted copies, brute force, and closed forms on Gaussians."""

import pytest
import torch
from torch.testing import assert_close

from diffusion_lessons import metrics
from diffusion_lessons.denoisers import IdealDenoiser, LinearDenoiser, LocalDenoiser
from diffusion_lessons.schedules import Schedule, cosine


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# --- copies ---


def test_planted_copies_are_counted_and_nothing_else():
    data, fresh = noise(200, 3, 8, 8), noise(40, 3, 8, 8, seed=1)
    assert metrics.copy_rate(fresh, data) == 0
    planted = fresh.clone()
    planted[:10] = data[50:60] + 0.01 * fresh[:10]
    assert metrics.copy_rate(planted, data) == 10 / 40
    # Half-way between two of them is a copy of neither.
    assert metrics.copy_rate((data[:5] + data[5:10]) / 2, data) == 0


def test_a_copy_of_a_repeated_picture_is_a_copy():
    data = torch.cat([noise(50, 3, 8, 8), noise(50, 3, 8, 8)[:1].expand(100, -1, -1, -1)])
    assert metrics.copy_rate(data[:1] + 1e-3, data) == 1
    with pytest.raises(ValueError, match="two different"):
        metrics.copy_rate(data[:1], data[:1].expand(3, -1, -1, -1))


# --- precision and recall ---


def by_hand(points, centres, k):
    found = 0
    for point in points:
        for centre in centres:
            reach = sorted(float((centre - other).norm()) for other in centres)[k]
            if float((point - centre).norm()) <= reach:
                found += 1
                break
    return found / len(points)


@pytest.mark.parametrize("k", [1, 3])
def test_precision_and_recall_by_brute_force(k):
    drawn, real = noise(30, 2), noise(40, 2, seed=1) * torch.tensor([1.0, 2.0])
    found = metrics.precision_recall(drawn, real, k)
    assert_close(found.precision, by_hand(drawn, real, k))
    assert_close(found.recall, by_hand(real, drawn, k))
    assert found.precision > found.recall  # the drawn ones are narrower


def test_a_copier_is_precise_and_one_who_draws_one_thing_covers_little():
    real = noise(200, 4)
    assert metrics.precision_recall(real, real) == (1, 1)
    narrow = metrics.precision_recall(real[:1] + 1e-3 * noise(50, 4, seed=1), real)
    assert narrow.precision == 1 and narrow.recall < 0.05
    assert metrics.precision_recall(real + 100, real) == (0, 0)
    with pytest.raises(ValueError, match="n above k = 3"):
        metrics.precision_recall(real[:3], real)


# --- the linear denoiser ---


def test_the_linear_denoiser_is_the_conditional_mean_of_a_gaussian():
    # Two numbers, correlated: E[x₀ | x_t] by the textbook formula, with the sample's own moments.
    data = (noise(2500, 2) @ torch.tensor([[1.0, 0.8], [0.0, 0.3]], dtype=torch.float64)) + 0.5
    data = data.reshape(2500, 1, 1, 2)
    alpha_bar = 0.6
    linear = LinearDenoiser(data, Schedule([1, alpha_bar]))
    x_t = noise(7, 1, 1, 2, seed=2)
    flat = data.flatten(1)
    mean, covariance = flat.mean(0), torch.cov(flat.T, correction=0)
    seen = alpha_bar * covariance + (1 - alpha_bar) * torch.eye(2, dtype=torch.float64)
    pull = alpha_bar**0.5 * covariance @ torch.linalg.inv(seen)
    expected = mean + (x_t.flatten(1) - alpha_bar**0.5 * mean) @ pull.T
    assert_close(linear(x_t, 1).flatten(1), expected)


def test_no_other_linear_guess_has_a_smaller_error_on_its_data():
    data = noise(400, 1, 2, 2) ** 3 / 5
    schedule = Schedule([1, 0.5])
    x_t = 0.5**0.5 * data + 0.5**0.5 * noise(400, 1, 2, 2, seed=3)
    error = (LinearDenoiser(data, schedule)(x_t, 1) - data).square().mean()
    ones = torch.ones(400, 1, dtype=torch.float64)
    fit = torch.linalg.lstsq(torch.cat([x_t.flatten(1), ones], 1), data.flatten(1)).solution
    best = (torch.cat([x_t.flatten(1), ones], 1) @ fit - data.flatten(1)).square().mean()
    assert best <= error < 1.1 * best  # the fit also knows this one draw of noise


def test_the_linear_denoiser_at_both_ends():
    data = noise(20, 1, 4, 4)
    linear = LinearDenoiser(data, Schedule([1, 0.5, 0]))
    assert_close(linear(data[:3], 0), data[:3], atol=1e-9, rtol=0)
    expected = data.mean(0, keepdim=True).expand(3, -1, -1, -1)
    assert_close(linear(data[:3], 2), expected, atol=1e-9, rtol=0)
    with pytest.raises(ValueError, match="as in the data"):
        linear(noise(1, 1, 8, 8), 1)
    with pytest.raises(ValueError, match="no words"):
        linear(data, 1, torch.zeros(20, 6, dtype=torch.int64))


# --- the local denoiser ---


def local_by_hand(x, data, alpha_bar, size):
    answer = torch.zeros_like(x)
    half = size // 2
    _, height, width = x.shape
    for row in range(height):
        for column in range(width):
            window = (
                slice(None),
                slice(max(0, row - half), row + half + 1),
                slice(max(0, column - half), column + half + 1),
            )
            squared = torch.stack(
                [(x[window] - alpha_bar**0.5 * picture[window]).square().sum() for picture in data]
            )
            votes = torch.softmax(-squared / (2 * (1 - alpha_bar)), 0)
            answer[:, row, column] = votes @ data[:, :, row, column]
    return answer


@pytest.mark.parametrize("size", [1, 3, 5])
def test_the_local_denoiser_by_brute_force(size):
    data, x_t = noise(300, 2, 5, 6), noise(2, 2, 5, 6, seed=1)
    schedule = Schedule([1, 0.9, 0.3])
    local = LocalDenoiser(data, schedule, size)
    said = local(x_t, torch.tensor([1, 2]))
    for i, alpha_bar in enumerate((0.9, 0.3)):
        assert_close(said[i], local_by_hand(x_t[i], data, alpha_bar, size))


def test_a_window_over_everything_is_the_ideal_denoiser():
    data, x_t = noise(300, 3, 4, 4), noise(3, 3, 4, 4, seed=1)
    schedule = cosine(1000)
    for t in (50, 500, 950):
        expected = IdealDenoiser(data, schedule)(x_t, t)
        assert_close(LocalDenoiser(data, schedule, 9)(x_t, t), expected, rtol=0, atol=1e-8)


def test_the_window_may_change_with_the_level():
    data, x_t = noise(20, 1, 4, 4), noise(1, 1, 4, 4, seed=1)
    schedule = Schedule([1, 0.8, 0.2])
    changing = LocalDenoiser(data, schedule, [1, 1, 7])
    for t, size in ((1, 1), (2, 7)):
        assert_close(changing(x_t, t), LocalDenoiser(data, schedule, size)(x_t, t))
    for wrong in (2, 0, [1, 1]):
        with pytest.raises(ValueError, match="odd"):
            LocalDenoiser(data, schedule, wrong)


def test_a_local_guess_can_put_together_what_no_picture_has():
    # Left halves and right halves of two pictures: somebody local may choose each by itself.
    a, b = torch.full((1, 1, 8), -1.0), torch.full((1, 1, 8), 1.0)
    data = torch.stack([a, b]).double()
    mixed = torch.cat([a[..., :4], b[..., 4:]], -1)[None].double()
    schedule = Schedule([1, 0.9])
    assert_close(LocalDenoiser(data, schedule, 1)(0.9**0.5 * mixed, 1), mixed, atol=1e-6, rtol=0)
    ideal = IdealDenoiser(data, schedule)(0.9**0.5 * mixed, 1)
    assert (ideal - ideal[..., :1]).abs().max() < 1e-9
