"""The forward process: one jump, many small steps, and every way back."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from diffusion_lessons.forward import (
    add_noise,
    posterior,
    prediction,
    velocity,
)
from diffusion_lessons.guard import TARGETS
from diffusion_lessons.schedules import Schedule, cosine, linear

SCHEDULES = [linear(1000), cosine(40), Schedule([1, 0.64, 0.2, 0.01])]


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def exact(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_one_pixel_by_hand():
    schedule = Schedule([1, 0.64])  # keeps 0.8 of the picture, adds 0.6 of noise
    x0, eps = exact(0.5), exact(-1.0)
    assert_close(add_noise(schedule, x0, 1, eps), exact(0.8 * 0.5 - 0.6 * 1))
    assert_close(velocity(schedule, x0, 1, eps), exact(0.8 * -1 - 0.6 * 0.5))
    assert_close(add_noise(schedule, x0, 0, eps), x0, rtol=0, atol=0)


def test_the_noise_is_an_argument_and_the_only_randomness():
    x0, eps = noise(2, 1, 4, 4).clamp(-1, 1), noise(2, 1, 4, 4, seed=1)
    assert_close(
        add_noise(linear(10), x0, 5, eps), add_noise(linear(10), x0, 5, eps), rtol=0, atol=0
    )


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
@pytest.mark.parametrize("target", TARGETS)
def test_conversions_are_inverses(schedule, target):
    x0, eps = noise(8, 3, 4, 4).clamp(-1, 1), noise(8, 3, 4, 4, seed=1)
    low = max(t for t in range(schedule.T + 1) if schedule.alpha_bar[t] > 1e-3)
    t = torch.linspace(1, low, 8).round().long()
    x_t = add_noise(schedule, x0, t, eps)
    output = {"eps": eps, "v": velocity(schedule, x0, t, eps), "x0": x0}[target]
    x0_hat, eps_hat = prediction(schedule, x_t, t, output, target)
    assert_close(x0_hat, x0, rtol=0, atol=1e-12)
    assert_close(eps_hat, eps, rtol=0, atol=1e-12)


@pytest.mark.parametrize("target", TARGETS)
def test_both_views_always_add_up_to_the_noisy_picture(target):
    schedule = linear(1000)
    x_t, output = noise(6, 2), noise(6, 2, seed=1)
    t = torch.tensor([1, 2, 10, 100, 500, 1000])
    said = prediction(schedule, x_t, t, output, target)
    signal_rate = torch.tensor(schedule.signal_rate)[t, None]
    noise_rate = torch.tensor(schedule.noise_rate)[t, None]
    assert_close(signal_rate * said.x0_hat + noise_rate * said.eps_hat, x_t, rtol=0, atol=1e-12)


def test_each_picture_has_its_own_t():
    schedule, t = cosine(20), torch.tensor([0, 7, 20])
    x0, eps = noise(3, 1, 2, 2).clamp(-1, 1), noise(3, 1, 2, 2, seed=1)
    alone = [add_noise(schedule, x0[i : i + 1], int(t[i]), eps[i : i + 1]) for i in range(3)]
    assert_close(add_noise(schedule, x0, t, eps), torch.cat(alone), rtol=0, atol=0)
    assert_close(add_noise(schedule, x0, 7, eps)[1:2], alone[1], rtol=0, atol=0)


def test_pure_noise_says_nothing_about_the_picture():
    schedule = Schedule([1, 0.5, 0])
    x_t, output = noise(2, 1, 2, 2), noise(2, 1, 2, 2, seed=1)
    with pytest.raises(ValueError, match="says nothing about the picture where ᾱ = 0"):
        prediction(schedule, x_t, 2, output, "eps")
    with pytest.raises(ValueError, match="says nothing about the picture"):
        prediction(schedule, x_t, torch.tensor([1, 2]), output, "eps")
    for target in ("v", "x0"):
        said = prediction(schedule, x_t, 2, output, target)
        assert_close(said.x0_hat, -output if target == "v" else output, rtol=0, atol=0)
        assert_close(said.eps_hat, x_t, rtol=0, atol=0)


def test_a_clean_picture_says_nothing_about_the_noise():
    x_t, output = noise(1, 4), noise(1, 4, seed=1)
    with pytest.raises(ValueError, match="says nothing about the noise"):
        prediction(linear(10), x_t, 0, output, "x0")
    for target in ("v", "eps"):
        said = prediction(linear(10), x_t, 0, output, target)
        assert_close(said.x0_hat, x_t, rtol=0, atol=0)
        assert_close(said.eps_hat, output, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("target", TARGETS)
def test_half_precision_is_converted_in_float32(dtype, target):
    schedule, t = linear(1000), torch.tensor([1, 300, 990])
    x_t, output = noise(3, 8).to(dtype), noise(3, 8, seed=1).to(dtype)
    wide = prediction(schedule, x_t.double(), t, output.double(), target)
    for half, full in zip(prediction(schedule, x_t, t, output, target), wide, strict=True):
        assert half.dtype == torch.float32
        assert_close(half.double(), full, rtol=1e-5, atol=1e-5)
    mixed = prediction(schedule, x_t.float(), t, output, target)
    assert_close(mixed.x0_hat.double(), wide.x0_hat, rtol=1e-5, atol=1e-5)
    assert prediction(schedule, x_t.double(), t, output, target).x0_hat.dtype == torch.float64


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_many_small_steps_are_one_jump_in_the_same_realisation(schedule):
    x0, T = noise(2, 1, 3, 3).clamp(-1, 1), schedule.T
    x, combined = x0, torch.zeros_like(x0)
    for t in range(1, T + 1):
        z = noise(2, 1, 3, 3, seed=t)
        one_step = Schedule([1, schedule.alpha[t]])
        x = add_noise(one_step, x, 1, z)
        # The jump's noise is the sum of all z, each shrunk by all the steps that follow.
        combined = schedule.alpha[t] ** 0.5 * combined + schedule.beta[t] ** 0.5 * z
    assert_close(
        x, add_noise(schedule, x0, T, combined / schedule.noise_rate[T]), atol=1e-12, rtol=0
    )


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_many_small_steps_are_one_jump_in_mean_and_variance(schedule):
    mean, variance = 1.0, 0.0
    for t in range(1, schedule.T + 1):
        one_step = Schedule([1, schedule.alpha[t]])
        keeps = add_noise(one_step, exact(1.0), 1, exact(0.0)).item()
        adds = add_noise(one_step, exact(0.0), 1, exact(1.0)).item()
        mean, variance = keeps * mean, keeps**2 * variance + adds**2
        jump_mean = add_noise(schedule, exact(1.0), t, exact(0.0)).item()
        jump_std = add_noise(schedule, exact(0.0), t, exact(1.0)).item()
        assert mean == pytest.approx(jump_mean, rel=1e-9)
        assert variance == pytest.approx(jump_std**2, rel=1e-9)


def test_the_spread_of_real_draws_is_the_noise_rate():
    schedule, x0 = cosine(10), torch.full((200_000,), 0.5, dtype=torch.float64)
    x_t = add_noise(schedule, x0, 4, noise(200_000))
    assert x_t.mean().item() == pytest.approx(0.5 * schedule.alpha_bar[4] ** 0.5, abs=0.005)
    assert x_t.std().item() == pytest.approx((1 - schedule.alpha_bar[4]) ** 0.5, rel=0.01)


def bayes_on_a_grid(schedule, x_t, x0, t, s):
    """Mean and std of q(x_s | x_t, x_0) ∝ q(x_t | x_s) q(x_s | x_0), by brute force."""
    alpha_bar_s, alpha = schedule.alpha_bar[s], schedule.alpha_bar[t] / schedule.alpha_bar[s]
    x_s = np.linspace(-12, 12, 400_001)
    log = -((x_t - alpha**0.5 * x_s) ** 2) / (2 * (1 - alpha))
    log -= (x_s - alpha_bar_s**0.5 * x0) ** 2 / (2 * (1 - alpha_bar_s))
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    mean = (weight * x_s).sum()
    return mean, ((weight * (x_s - mean) ** 2).sum()) ** 0.5


@pytest.mark.parametrize(
    ("schedule", "t", "s"),
    [
        (linear(1000), 1000, None),
        (linear(1000), 300, None),
        (linear(1000), 500, 100),
        (linear(1000), 1000, 1),
        (cosine(1000), 2, None),
        (cosine(50), 30, None),
        (cosine(50), 50, None),
        (cosine(50), 44, 3),
        (Schedule([1, 0.7, 0.3, 0]), 3, None),
        (Schedule([1, 0.7, 0.3, 0]), 3, 1),
    ],
)
def test_the_posterior_is_bayes_rule(schedule, t, s):
    for x_t, x0 in [(0.3, -0.8), (-1.7, 1.0), (2.5, 0.1)]:
        mean, std = posterior(schedule, exact(x_t), exact(x0), t, s)
        grid_mean, grid_std = bayes_on_a_grid(schedule, x_t, x0, t, t - 1 if s is None else s)
        assert mean.item() == pytest.approx(grid_mean, abs=1e-8)
        assert std.item() == pytest.approx(grid_std, abs=1e-8)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_the_posterior_leads_back_to_the_forward_marginal(schedule):
    """x_t ~ q(x_t | x_0), then x_s ~ the posterior: that must be x_s ~ q(x_s | x_0)."""
    x0 = exact(0.7)
    T = schedule.T
    for t, s in [(T, T - 1), (T, 1), (T, 0), (2, 1), (1, 0)]:
        mean_t, noise_t = schedule.signal_rate[t] * x0, schedule.noise_rate[t]
        mean, std = posterior(schedule, mean_t, x0, t, s)
        shifted, _ = posterior(schedule, mean_t + noise_t, x0, t, s)
        variance = (shifted - mean).item() ** 2 + std.item() ** 2
        assert_close(mean, schedule.signal_rate[s] * x0, rtol=0, atol=1e-12)
        assert variance == pytest.approx(1 - schedule.alpha_bar[s], abs=1e-12)


def test_the_last_step_of_the_posterior_is_x0_without_noise():
    for schedule in SCHEDULES:
        x_t, x0 = noise(2, 1, 3, 3), noise(2, 1, 3, 3, seed=1)
        for t in (1, schedule.T):
            mean, std = posterior(schedule, x_t, x0, t, 0)
            assert (std == 0).all()
            assert_close(mean, x0, rtol=0, atol=1e-12)


def test_the_posterior_takes_a_t_for_each_picture():
    schedule, x_t, x0 = cosine(20), noise(3, 1, 2, 2), noise(3, 1, 2, 2, seed=1)
    t, s = torch.tensor([3, 9, 20]), torch.tensor([0, 8, 5])
    mean, std = posterior(schedule, x_t, x0, t, s)
    assert mean.shape == x_t.shape
    assert std.shape == (3, 1, 1, 1)
    for i in range(3):
        alone = posterior(schedule, x_t[i : i + 1], x0[i : i + 1], int(t[i]), int(s[i]))
        assert_close((mean[i : i + 1], std[i : i + 1]), alone, rtol=0, atol=0)


X = torch.zeros(2, 3, 4, 4)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"t": -1}, "t = -1 is outside this schedule"),
        ({"t": 11}, "t = 11 is outside this schedule: choose from 0 .* to 10"),
        ({"t": torch.tensor([0, -1])}, "t = -1 is outside"),
        ({"t": 3.0}, "whole numbers"),
        ({"t": True}, "whole numbers"),
        ({"t": torch.tensor([1.5, 2.5])}, "whole numbers"),
        ({"t": torch.tensor([1, 2, 3])}, r"shape \(3,\).*2 pictures"),
        ({"t": torch.tensor([[1], [2]])}, r"shape \(2, 1\)"),
        ({"x0": (X + 200).to(torch.uint8)}, "uint8.*datasets.to_floats"),
        ({"x0": X + 255}, r"reaches 255.*\[−1, 1\]"),
        ({"x0": X.numpy()}, "torch tensor"),
        ({"x0": X / 0}, "NaN or infinity"),
        ({"x0": X - torch.inf}, "NaN or infinity"),
        ({"eps": X / 0}, "eps holds NaN or infinity"),
        ({"eps": X[:1]}, r"eps has shape \(1, 3, 4, 4\)"),
        ({"eps": X.long()}, "eps has dtype torch.int64"),
    ],
)
@pytest.mark.parametrize("function", [add_noise, velocity])
def test_bad_input_is_a_clear_error(function, change, why):
    given = {"x0": X, "t": 1, "eps": X} | change
    with pytest.raises(ValueError, match=why):
        function(linear(10), **given)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"target": "noise"}, "target is 'noise'"),
        ({"t": 11}, "outside this schedule"),
        ({"t": -1}, "outside this schedule"),
        ({"output": X[:, :1]}, "must match"),
        ({"output": X / 0}, "output holds NaN"),
        ({"x_t": X / 0}, "x_t holds NaN"),
        ({"x_t": X.to(torch.uint8)}, "uint8"),
    ],
)
def test_bad_input_to_prediction_is_a_clear_error(change, why):
    given = {"x_t": X, "t": 1, "output": X, "target": "v"} | change
    with pytest.raises(ValueError, match=why):
        prediction(linear(10), **given)


@pytest.mark.parametrize(
    ("t", "s", "why"),
    [
        (5, 5, "s must be smaller"),
        (5, 6, "s must be smaller"),
        (5, -1, "s = -1 is outside"),
        (11, 5, "t = 11 is outside"),
        (0, None, "no noise to take away"),
        (torch.tensor([0, 5]), None, "no noise to take away"),
        (torch.tensor([5, 2]), torch.tensor([4, 3]), "s must be smaller"),
        (5, 2.0, "s must be whole numbers"),
    ],
)
def test_the_posterior_only_goes_down(t, s, why):
    with pytest.raises(ValueError, match=why):
        posterior(linear(10), X, X, t, s)


@pytest.mark.parametrize("t", ["five", None, {}], ids=str)
def test_a_t_that_is_no_number_is_a_clear_error(t):
    with pytest.raises(ValueError, match="t must be a whole number or one for each picture"):
        add_noise(linear(10), X, t, X)


@pytest.mark.parametrize(
    "t", [2, np.int64(2), np.array([2, 2]), torch.tensor(2), torch.tensor([2, 2]).int(), [2, 2]]
)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(2,), (2, 3), (2, 3, 4), (2, 1, 3, 4), (2, 1, 2, 3, 4)])
def test_any_whole_t_any_shape_any_float(t, dtype, shape):
    x0, eps = noise(*shape).clamp(-1, 1), noise(*shape, seed=1)
    schedule, tolerance = cosine(4), {"rtol": 0, "atol": 3 * torch.finfo(dtype).eps}
    x_t = add_noise(schedule, x0.to(dtype), t, eps.to(dtype))
    expected = schedule.signal_rate[2] * x0 + schedule.noise_rate[2] * eps
    assert (x_t.dtype, x_t.shape) == (dtype, shape)
    assert_close(x_t.double(), expected, rtol=0, atol=8 * torch.finfo(dtype).eps)
    mean, std = posterior(schedule, x_t, x0.to(dtype), t)
    wide = posterior(schedule, x_t.double(), x0.to(dtype).double(), 2)
    assert (mean.dtype, std.dtype, mean.shape) == (dtype, dtype, shape)
    assert_close(mean.double(), wide[0], **tolerance)
    assert_close(std.double().flatten()[0], wide[1].flatten()[0], **tolerance)


def test_the_error_of_a_large_batch_names_one_step_and_stays_a_sentence():
    x, t = torch.zeros(5000, 1), torch.full((5000,), 3)
    s = t - 1
    s[4000] = 7
    with pytest.raises(ValueError, match=r"s must be smaller, but s = 7 and t = 3\.$"):
        posterior(linear(10), x, x, t, s)
