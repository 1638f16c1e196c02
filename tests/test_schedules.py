"""Noise schedules: the values of `diffusers`, what is derived from them, and what is refused."""

import inspect
import warnings

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler
from torch.testing import assert_close

from diffusion_lessons import schedules
from diffusion_lessons.schedules import Schedule, cosine, linear

EVERY = [
    make
    for name, make in vars(schedules).items()
    if inspect.isfunction(make) and make.__module__ == schedules.__name__ and name[0] != "_"
]


def diffusers(name):
    """ᾱ_1 … ᾱ_T and β_1 … β_T of a schedule of theirs."""

    def theirs(T):
        made = DDPMScheduler(T, beta_start=1e-4, beta_end=0.02, beta_schedule=name)
        return made.alphas_cumprod.double(), made.betas.double()

    return theirs


# Each beside another implementation: that of diffusers, or its published formula.
BESIDE = {linear: diffusers("linear"), cosine: diffusers("squaredcos_cap_v2")}


@pytest.mark.parametrize("T", [2, 10, 137, 1000])
@pytest.mark.parametrize("make", EVERY)
def test_every_schedule_equals_another_implementation(make, T):
    (alpha_bar, beta), ours = BESIDE[make](T), make(T)
    assert ours.T == T
    assert ours.alpha_bar[0] == 1
    # Theirs is a product of up to 1,000 factors in float32.
    assert_close(torch.tensor(ours.alpha_bar[1:]), alpha_bar, rtol=2e-4, atol=0)
    assert_close(torch.tensor(ours.beta[1:]), beta, rtol=1e-5, atol=1e-8)


def test_linear_runs_between_the_same_betas_whatever_T_is():
    for T in (2, 30, 1000):
        beta = linear(T).beta
        assert_close(beta[[1, T]], np.array([1e-4, 0.02]), rtol=1e-10, atol=0)
        assert_close(np.diff(beta[1:]), np.full(T - 1, (0.02 - 1e-4) / max(T - 1, 1)))


def test_cosine_caps_beta_and_follows_the_published_curve_before():
    T = 50
    schedule = cosine(T)
    f = np.cos(np.pi / 2 * (np.arange(T + 1) / T + 0.008) / 1.008) ** 2
    assert_close(schedule.alpha_bar[:T].copy(), (f / f[0])[:T], rtol=1e-12, atol=0)
    assert_close(schedule.beta[T], np.float64(0.999), rtol=1e-12, atol=0, check_dtype=False)
    assert schedule.alpha_bar[T] > 0


@pytest.mark.parametrize(
    "schedule", [linear(1000), cosine(100), Schedule([1, 0.5, 0.5, 0.1, 0])], ids=repr
)
def test_everything_is_derived_from_alpha_bar(schedule):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        alpha, beta, snr, sigma = schedule.alpha, schedule.beta, schedule.snr, schedule.sigma
        signal_rate, noise_rate = schedule.signal_rate, schedule.noise_rate
    for array in (schedule.alpha_bar, alpha, beta, snr, sigma, signal_rate, noise_rate):
        assert array.dtype == np.float64
        assert array.shape == (schedule.T + 1,)
    assert (beta[0], sigma[0], snr[0]) == (0, 0, np.inf)
    assert_close(np.cumprod(1 - beta), schedule.alpha_bar.copy(), rtol=1e-10, atol=0)
    assert_close(alpha + beta, np.ones(schedule.T + 1))
    assert_close(signal_rate**2, schedule.alpha_bar.copy(), rtol=1e-12, atol=0)
    assert_close(signal_rate**2 + noise_rate**2, np.ones(schedule.T + 1), rtol=1e-12, atol=0)
    inner = schedule.alpha_bar > 0
    inner[0] = False
    assert_close(sigma[inner], noise_rate[inner] / signal_rate[inner], rtol=1e-10, atol=0)
    assert_close(snr[inner], sigma[inner] ** -2, rtol=1e-10, atol=0)


def test_nothing_left_at_the_end_is_zero_snr_and_infinite_sigma():
    schedule = Schedule([1, 0.5, 0])
    assert (schedule.snr[-1], schedule.sigma[-1], schedule.beta[-1]) == (0, np.inf, 1)


def test_is_a_frozen_value():
    source = np.array([1, 0.5, 0.1])
    schedule = Schedule(source)
    source[1] = 0.9
    assert schedule == Schedule([1, 0.5, 0.1])
    assert hash(schedule) == hash(Schedule([1, 0.5, 0.1]))
    assert schedule != Schedule([1, 0.5, 0.2])
    for array in (schedule.alpha_bar, schedule.beta, schedule.signal_rate):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(AttributeError):
        schedule.alpha_bar = source


@pytest.mark.parametrize(
    ("alpha_bar", "why"),
    [
        ([1, 0.5, 0.6], "rises from 0.5 to 0.6 at t = 2"),
        ([1, 0.5, 0.5 + 1e-9, 0.1], "rises from 0.5 to 0.5 at t = 2"),
        ([1, np.nan, 0.1], r"alpha_bar\[1\] is nan"),
        ([1, 0.5, -np.inf], r"alpha_bar\[2\] is -inf"),
        ([0.9, 0.5], r"alpha_bar\[0\] is 0.9"),
        ([1.1, 0.5], r"alpha_bar\[0\] is 1.1"),
        ([1, 0.5, -0.1], r"alpha_bar\[2\] is -0.1"),
        ([1, 0, 0], "only the last entry may be 0"),
        ([1], "at least two"),
        ([], "at least two"),
        ([[1, 0.5], [1, 0.5]], r"shape is \(2, 2\)"),
        ("noise", "list of numbers"),
        (None, "."),
    ],
)
def test_refuses_what_is_no_schedule(alpha_bar, why):
    with pytest.raises(ValueError, match=why):
        Schedule(alpha_bar)


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("T", [0, -3, 2.5, "ten", True, None])
def test_refuses_what_is_no_number_of_steps(make, T):
    with pytest.raises(ValueError, match="whole number from 1 up"):
        make(T)


def test_steps_fall_strictly_from_T_to_0_for_every_T_and_n():
    for T in [*range(1, 61), 1000]:
        schedule = linear(T)
        for n in range(1, T + 1):
            steps = schedule.timesteps(n)
            assert steps.dtype == np.int64
            assert (len(steps), steps[0], steps[-1]) == (n + 1, T, 0)
            assert (np.diff(steps) < 0).all(), (T, n)
            # Even: no jump is more than one step away from the average.
            assert np.abs(-np.diff(steps) - T / n).max() <= 1, (T, n)


@pytest.mark.parametrize("n", [0, -1, 11, 2.0, True, "5", None])
def test_refuses_more_jumps_than_steps(n):
    with pytest.raises(ValueError, match="whole number from 1 to 10"):
        linear(10).timesteps(n)


def test_refuses_complex_numbers_and_what_belongs_to_a_gradient():
    for alpha_bar in (np.array([1, 0.5 + 1j]), [1, 0.5 + 1j]):
        with pytest.raises(ValueError, match="could not be read"):
            Schedule(alpha_bar)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match="could not be read"):
            Schedule(torch.tensor([1, 0.5], requires_grad=True))


def test_steps_are_rounded_to_the_nearest():
    assert linear(10).timesteps(3).tolist() == [10, 7, 3, 0]
    assert linear(1000).timesteps(7).tolist() == [1000, 857, 714, 571, 429, 286, 143, 0]
