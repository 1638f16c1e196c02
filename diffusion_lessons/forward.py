"""The forward process: from picture to noise, and what a prediction of the noise means.

All functions are pure: the noise comes in as an argument. Pictures are tensors (B, C, H, W);
t is a whole number or an int64 tensor of shape (B,), from 0 (the picture) to T (noise).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .schedules import Schedule

TARGETS = ("eps", "v", "x0")


class Prediction(NamedTuple):
    """Both views of one network output: the implied clean picture and the implied noise.

    Both have the shape of x_t, and x_t = √ᾱ_t x0_hat + √(1−ᾱ_t) eps_hat always holds.
    """

    x0_hat: Tensor
    eps_hat: Tensor


def add_noise(schedule: Schedule, x0: Tensor, t: Tensor | int, eps: Tensor) -> Tensor:
    """Jump from the clean picture straight to step t: x_t = √ᾱ_t x₀ + √(1−ᾱ_t) ε.

    ``x0`` and ``eps`` are floats of the same shape (B, …), x0 in [−1, 1], ε ~ N(0, 1); returns the
    same shape. Source: Ho, Jain and Abbeel 2020, equation 4. Raises ``ValueError`` for integer
    pictures, differing shapes, NaN, and t outside 0 … T.
    """
    _check_picture("x0", x0, clean=True)
    _check_picture("eps", eps, like=x0)
    signal_rate, noise_rate = _rates(schedule, t, x0)
    return signal_rate * x0 + noise_rate * eps


def velocity(schedule: Schedule, x0: Tensor, t: Tensor | int, eps: Tensor) -> Tensor:
    """The velocity, a training target that is well behaved at both ends: v = √ᾱ_t ε − √(1−ᾱ_t) x₀.

    Shapes and errors as in `add_noise`. Source: Salimans and Ho 2022, appendix D.
    """
    _check_picture("x0", x0, clean=True)
    _check_picture("eps", eps, like=x0)
    signal_rate, noise_rate = _rates(schedule, t, x0)
    return signal_rate * eps - noise_rate * x0


def prediction(
    schedule: Schedule, x_t: Tensor, t: Tensor | int, output: Tensor, target: str
) -> Prediction:
    """Turn a network's raw output into what it says about the picture and about the noise.

    target "eps": x̂₀ = (x_t − √(1−ᾱ_t) output) / √ᾱ_t
    target "x0":  ε̂ = (x_t − √ᾱ_t output) / √(1−ᾱ_t)
    target "v":   x̂₀ = √ᾱ_t x_t − √(1−ᾱ_t) output,  ε̂ = √(1−ᾱ_t) x_t + √ᾱ_t output
    (Salimans and Ho 2022, section 4). Nothing is clipped. Computed in at least float32.

    ``x_t`` and ``output`` have the same shape (B, …). Raises ``ValueError`` for an unknown target,
    for "eps" where ᾱ_t = 0 (pure noise says nothing about the picture) and for "x0" where ᾱ_t = 1
    (a clean picture says nothing about the noise).
    """
    if target not in TARGETS:
        raise ValueError(f"target is {target!r}, but it must be one of {', '.join(TARGETS)}.")
    _check_picture("x_t", x_t)
    _check_picture("output", output, like=x_t)
    wide = torch.promote_types(torch.promote_types(x_t.dtype, output.dtype), torch.float32)
    x_t, output = x_t.to(wide), output.to(wide)
    signal_rate, noise_rate = _rates(schedule, t, x_t)
    if target == "eps":
        if not (signal_rate > 0).all():
            raise ValueError(
                "A prediction of the noise says nothing about the picture where ᾱ = 0 (here at "
                "t = T): use target 'v' or 'x0' with this schedule."
            )
        return Prediction((x_t - noise_rate * output) / signal_rate, output)
    if target == "x0":
        if not (noise_rate > 0).all():
            raise ValueError(
                "A prediction of the picture says nothing about the noise where there is none "
                "(ᾱ = 1, as at t = 0): use t of at least 1."
            )
        return Prediction(output, (x_t - signal_rate * output) / noise_rate)
    return Prediction(
        signal_rate * x_t - noise_rate * output, noise_rate * x_t + signal_rate * output
    )


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
    alpha_bar_t, alpha_bar_s, std = step_rates(schedule, x_t, x0, t, s)
    alpha = alpha_bar_t / alpha_bar_s
    wide = torch.promote_types(torch.promote_types(x_t.dtype, x0.dtype), torch.float32)
    x_t_wide, x0 = x_t.to(wide), x0.to(wide)
    mean = (alpha.sqrt() * (1 - alpha_bar_s) / (1 - alpha_bar_t)).to(x_t_wide) * x_t_wide
    mean = mean + (alpha_bar_s.sqrt() * (1 - alpha) / (1 - alpha_bar_t)).to(x0) * x0
    return mean.to(x_t), std.to(x_t)


def step_rates(
    schedule: Schedule, x_t: Tensor, x0: Tensor, t: Tensor | int, s: Tensor | int | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """ᾱ_t, ᾱ_s and the posterior's std of a step from t down to s, with all its checks.

    Arguments and errors as in `posterior`. float64, whatever the pictures are, since differences
    of nearly equal numbers follow; shape (B, 1, …) or (1, 1, …).
    """
    _check_picture("x_t", x_t)
    _check_picture("x0", x0, like=x_t)
    t = check_t(schedule, t, x_t)
    s = t - 1 if s is None else check_t(schedule, s, x_t, name="s")
    check_order(t, s)
    shape = (-1, *[1] * (x_t.ndim - 1))
    alpha_bar = torch.tensor(schedule.alpha_bar)
    alpha_bar_t, alpha_bar_s = alpha_bar[t.cpu()].reshape(shape), alpha_bar[s.cpu()].reshape(shape)
    if not (alpha_bar_t < 1).all():
        raise ValueError(
            "There is no noise to take away at this t (ᾱ_t = 1): step from a later t, or use a "
            "schedule that adds noise from its first step on."
        )
    share = (1 - alpha_bar_s) / (1 - alpha_bar_t)
    return alpha_bar_t, alpha_bar_s, (share * (1 - alpha_bar_t / alpha_bar_s)).sqrt()


def check_t(schedule: Schedule, t: Tensor | int, x: Tensor, name: str = "t") -> Tensor:
    """t as an int64 tensor of shape (B,) or (1,) on the device of x, or a one-sentence error.

    Without this check an index of −1 would silently mean T.
    """
    try:
        t = torch.as_tensor(t, device=x.device)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(
            f"{name} must be a whole number or one for each picture, but it is {t!r}."
        ) from None
    if t.dtype == torch.bool or t.is_floating_point() or t.is_complex():
        raise ValueError(f"{name} must be whole numbers (int64), but its dtype is {t.dtype}.")
    t = t.long().reshape(-1) if t.ndim == 0 else t.long()
    if t.ndim != 1 or len(t) not in (1, len(x)):
        raise ValueError(
            f"{name} has shape {tuple(t.shape)}, but it must be one number or one for each of the "
            f"{len(x)} pictures."
        )
    if len(t) and (int(t.min()) < 0 or int(t.max()) > schedule.T):
        worst = int(t.min()) if int(t.min()) < 0 else int(t.max())
        raise ValueError(
            f"{name} = {worst} is outside this schedule: choose from 0 (the picture) to "
            f"{schedule.T} (noise)."
        )
    return t


def check_order(t: Tensor, s: Tensor) -> None:
    """Raise ``ValueError`` unless s < t everywhere: a sampler steps from t down to s."""
    if not (s < t).all():
        s, t = torch.broadcast_tensors(s, t)
        wrong = int((s >= t).nonzero()[0])
        raise ValueError(
            f"A step back goes from t down to s, so s must be smaller, but s = {int(s[wrong])} and "
            f"t = {int(t[wrong])}."
        )


def _check_picture(name: str, x: Tensor, like: Tensor | None = None, clean: bool = False) -> None:
    if not isinstance(x, Tensor):
        raise ValueError(f"{name} must be a torch tensor, but it is a {type(x).__name__}.")
    if not x.is_floating_point():
        raise ValueError(
            f"{name} has dtype {x.dtype}, but floats are expected: turn a picture of 0 … 255 into "
            "−1 … 1 first with data.to_floats."
        )
    if x.ndim < 1:
        raise ValueError(f"{name} must have a first axis that counts pictures, as in (B, C, H, W).")
    if like is not None and x.shape != like.shape:
        raise ValueError(
            f"{name} has shape {tuple(x.shape)}, but it must match the picture's, "
            f"{tuple(like.shape)}."
        )
    if not torch.isfinite(x).all():
        raise ValueError(f"{name} holds NaN or infinity: check the step that made it.")
    # Ten leaves room for toy data that is not a picture, and still recognises 0 … 255.
    if clean and x.numel() and float(x.abs().max()) > 10:
        raise ValueError(
            f"x0 reaches {float(x.abs().max()):.4g}, but a clean picture lies in [−1, 1]: turn a "
            "picture of 0 … 255 into −1 … 1 first with data.to_floats."
        )


def _rates(schedule: Schedule, t: Tensor | int, x: Tensor) -> tuple[Tensor, Tensor]:
    """√ᾱ_t and √(1−ᾱ_t) in the dtype of x, shaped (B, 1, …) so that they multiply pictures."""
    t = check_t(schedule, t, x).cpu()
    signal_rate = torch.tensor(schedule.signal_rate)[t]
    noise_rate = torch.tensor(schedule.noise_rate)[t]
    return _like(signal_rate, x), _like(noise_rate, x)


def _like(coefficient: Tensor, x: Tensor) -> Tensor:
    return coefficient.to(x).reshape(-1, *[1] * (x.ndim - 1))
