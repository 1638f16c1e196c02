"""The forward process: from picture to noise, and what a prediction of the noise means.

All functions are pure: the noise comes in as an argument. Pictures are float tensors (B, C, H, W);
t is a whole number or an int64 tensor of shape (B,), from 0 (the picture) to T (noise). Anything
else is a ``ValueError`` in one sentence (`guard`).
"""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import torch
from torch import Tensor

from .guard import below, clean, guarded, like, picture, target, telling_level, whole_level
from .schedules import Schedule


class Prediction(NamedTuple):
    """Both views of one network output: the implied clean picture and the implied noise.

    Both have the shape of x_t, and x_t = √ᾱ_t x0_hat + √(1−ᾱ_t) eps_hat always holds.
    """

    x0_hat: Tensor
    eps_hat: Tensor


@guarded(x0=clean, eps=like("x0"), t=whole_level)
def add_noise(schedule: Schedule, x0: Tensor, t: Tensor | int, eps: Tensor) -> Tensor:
    """Jump from the clean picture straight to step t: x_t = √ᾱ_t x₀ + √(1−ᾱ_t) ε.

    ``x0`` and ``eps`` are floats of the same shape (B, …), x0 in [−1, 1], ε ~ N(0, 1); returns the
    same shape. Source: Ho, Jain and Abbeel 2020, equation 4.
    """
    signal_rate, noise_rate = schedule.rates(t, x0)
    return signal_rate * x0 + noise_rate * eps


@guarded(x0=clean, eps=like("x0"), t=whole_level)
def velocity(schedule: Schedule, x0: Tensor, t: Tensor | int, eps: Tensor) -> Tensor:
    """The velocity, a training target that is well behaved at both ends: v = √ᾱ_t ε − √(1−ᾱ_t) x₀.

    Shapes as in `add_noise`. Source: Salimans and Ho 2022, appendix D.
    """
    signal_rate, noise_rate = schedule.rates(t, x0)
    return signal_rate * eps - noise_rate * x0


@guarded(target=target, x_t=picture, output=like("x_t"), t=telling_level)
def prediction(
    schedule: Schedule, x_t: Tensor, t: Tensor | int, output: Tensor, target: str
) -> Prediction:
    """Turn a network's raw output into what it says about the picture and about the noise.

    target "eps": x̂₀ = (x_t − √(1−ᾱ_t) output) / √ᾱ_t          (not where ᾱ_t = 0)
    target "x0":  ε̂ = (x_t − √ᾱ_t output) / √(1−ᾱ_t)           (not where ᾱ_t = 1)
    target "v":   x̂₀ = √ᾱ_t x_t − √(1−ᾱ_t) output,  ε̂ = √(1−ᾱ_t) x_t + √ᾱ_t output

    ``x_t`` and ``output`` have the same shape (B, …). Nothing is clipped. Computed in at least
    float32. Source: Salimans and Ho 2022, section 4.
    """
    x_t, output = _wide(x_t, output)
    signal_rate, noise_rate = schedule.rates(t, x_t)
    if target == "eps":
        return Prediction((x_t - noise_rate * output) / signal_rate, output)
    if target == "x0":
        return Prediction(output, (x_t - signal_rate * output) / noise_rate)
    x0_hat = signal_rate * x_t - noise_rate * output
    eps_hat = noise_rate * x_t + signal_rate * output
    return Prediction(x0_hat, eps_hat)


@guarded(x_t=picture, x0=like("x_t"), t=whole_level, s=below("t"))
def posterior(
    schedule: Schedule, x_t: Tensor, x0: Tensor, t: Tensor | int, s: Tensor | int | None = None
) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of q(x_s given x_t and x_0), the step back if x_0 were known.

    With α = ᾱ_t / ᾱ_s:
    mean = √α (1−ᾱ_s)/(1−ᾱ_t) x_t + √ᾱ_s (1−α)/(1−ᾱ_t) x_0,  std² = (1−ᾱ_s)/(1−ᾱ_t) (1−α)
    (Ho, Jain and Abbeel 2020, equations 6 and 7, which are the case s = t − 1, the default here).

    ``x_t``, ``x0``: floats of one shape (B, …), not clipped; 0 ≤ s < t ≤ T. Returns the mean, of
    that shape, and the std, of shape (B, 1, …) or (1, 1, …), both in the dtype of x_t. The std at
    s = 0 is exactly 0.
    """
    a_t, a_s = schedule.at(t, x_t), schedule.at(t - 1 if s is None else s, x_t)
    alpha, (x, x0) = a_t / a_s, _wide(x_t, x0)
    weight_t = (alpha.sqrt() * (1 - a_s) / (1 - a_t)).to(x)
    weight_0 = (a_s.sqrt() * (1 - alpha) / (1 - a_t)).to(x0)
    mean = weight_t * x + weight_0 * x0
    std = ((1 - a_s) / (1 - a_t) * (1 - alpha)).sqrt()
    return mean.to(x_t), std.to(x_t)


def _wide(*pictures: Tensor) -> list[Tensor]:
    """At least float32: half of it would lose what differences of near numbers leave."""
    wide = reduce(torch.promote_types, (x.dtype for x in pictures), torch.float32)
    return [x.to(wide) for x in pictures]
