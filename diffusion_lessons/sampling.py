"""The reverse process: pure step functions and one loop.

A step takes a picture at t and what the network said about it, and returns a picture at s < t.
Steps know nothing of networks; the loop knows nothing of formulas; guidance turns a model into
another model.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from . import guard
from .forward import Prediction, posterior, prediction
from .guard import below, guarded, one_for_all, picture, predicted, whole_level
from .schedules import Schedule

Step = Callable[..., Tensor]


class Model(Protocol):
    """What draws: a network, an ideal denoiser, or either of them guided."""

    target: str

    def __call__(self, x_t: Tensor, t: Tensor, cond: Tensor | None = None) -> Tensor: ...


class State(NamedTuple):
    """One state of the trajectory: the step t, the picture x_t, and the clean picture predicted.

    At t = 0 the prediction is x_t itself.
    """

    t: int
    x_t: Tensor
    x0_hat: Tensor


@guarded(x_t=picture, pred=predicted, t=whole_level, s=below("t"), z=guard.fresh_noise)
def ddpm_step(
    schedule: Schedule,
    x_t: Tensor,
    t: Tensor | int,
    s: Tensor | int,
    pred: Prediction,
    z: Tensor | None = None,
) -> Tensor:
    """One random step back: x_s = μ̃(x_t, x̂₀) + √β̃ z, the posterior with x̂₀ in place of x₀.

    Source: Ho, Jain and Abbeel 2020, algorithm 2 and equations 6 and 7 (their smaller variance),
    for any s < t. ``z`` is standard normal noise of the shape of x_t; it may be left out only
    where the step adds none, which is at s = 0.
    """
    mean, std = posterior(schedule, x_t, pred.x0_hat, t, s)
    return mean if z is None else mean + std * z


@guarded(
    eta=guard.share_of_noise, x_t=picture, pred=predicted, t=whole_level, s=below("t"),
    z=guard.fresh_noise,
)  # fmt: skip
def ddim_step(
    schedule: Schedule,
    x_t: Tensor,
    t: Tensor | int,
    s: Tensor | int,
    pred: Prediction,
    eta: float = 0.0,
    z: Tensor | None = None,
) -> Tensor:
    """One step that re-noises x̂₀ to s, with old noise, fresh noise, or a mix of both.

    x_s = √ᾱ_s x̂₀ + √(1−ᾱ_s−std²) ε̂ + std z,  std = η √((1−ᾱ_s)/(1−ᾱ_t)) √(1−ᾱ_t/ᾱ_s)
    Source: Song, Meng and Ermon 2021 (DDIM), equations 12 and 16. ``eta`` 0 is deterministic, 1 is
    `ddpm_step`. ``z`` may be left out only where no noise is added.
    """
    a_t, a_s = schedule.at(t, x_t), schedule.at(s, x_t)
    std = eta * ((1 - a_s) / (1 - a_t) * (1 - a_t / a_s)).sqrt()
    # Rounding can put the difference a hair below 0 where all noise is fresh.
    old_noise_rate = (1 - a_s - std**2).clamp(min=0).sqrt().to(pred.eps_hat)
    x_s = a_s.sqrt().to(pred.x0_hat) * pred.x0_hat + old_noise_rate * pred.eps_hat
    # Predictions are at least float32; the trajectory keeps the dtype that it started with.
    x_s = x_s.to(x_t)
    return x_s if z is None else x_s + std.to(x_t) * z


def dpm_solver_2m() -> Step:
    """A fresh second-order step, DPM-Solver++(2M): deterministic, one network call a step.

    With λ = ln(√ᾱ/√(1−ᾱ)), h = λ_s − λ_t, r = h_before/h:
    D = (1 + 1/(2r)) x̂₀ − 1/(2r) x̂₀_before,  x_s = √(1−ᾱ_s)/√(1−ᾱ_t) x_t − √ᾱ_s (e⁻ʰ − 1) D
    Source: Lu et al. 2022 (DPM-Solver++), algorithm 2. The first and the last step are first order
    (D = x̂₀, which is `ddim_step`). The step holds its own history: make a new one for each
    trajectory. All pictures of a batch must be at the same t.
    """
    before: tuple[int, int, Tensor] | None = None

    @guarded(t=one_for_all(whole_level), s=one_for_all(below("t")))
    def step(
        schedule: Schedule,
        x_t: Tensor,
        t: int,
        s: int,
        pred: Prediction,
        z: Tensor | None = None,
    ) -> Tensor:
        nonlocal before
        D = x0_hat = pred.x0_hat
        if before is not None and s > 0:
            guard.same_trajectory(before, t, x0_hat)
            t_before, _, x0_hat_before = before
            h, h_before = _h(schedule, t, s), _h(schedule, t_before, t)
            # Where the noise level stood still there is no slope to follow.
            if h_before > 0:
                half_over_r = 0.5 * h / h_before
                D = (1 + half_over_r) * x0_hat - half_over_r * x0_hat_before
        before = (t, s, x0_hat)
        # The first-order formula with D in place of x̂₀; ε̂ belongs to D then.
        signal_t, noise_t = float(schedule.signal_rate[t]), float(schedule.noise_rate[t])
        return ddim_step(schedule, x_t, t, s, Prediction(D, (x_t - signal_t * D) / noise_t))

    return step


def _h(schedule: Schedule, t: int, s: int) -> float:
    """λ_s − λ_t, half the logarithm of the ratio of the signal-to-noise ratios."""
    if schedule.snr[t] == 0:
        return math.inf
    # In float32: a ratio in float64 would move the last digits of every picture.
    return 0.5 * math.log(np.float32(schedule.snr[s] / schedule.snr[t]))


@guarded(n=guard.jumps, x_T=guard.initial_noise)
def sample(
    model: Model,
    schedule: Schedule,
    x_T: Tensor,
    n: int,
    *,
    step: Step,
    cond: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Iterator[State]:
    """Run the process backwards from x_T in n steps; yields n+1 states, T … 0.

    ``model`` is called n times as ``model(x_t, t, cond)`` with t int64 of shape (B,), and has an
    attribute ``target``. ``step`` is `ddpm_step`, `ddim_step`, or a fresh `dpm_solver_2m()`.
    Fresh noise comes from ``generator``; without one, a step that needs noise is an error.
    ``*_, last = sample(...)`` gives the finished pictures, ``last.x_t``, in about [−1, 1].
    """
    x_t = x_T
    for t, s in itertools.pairwise(schedule.timesteps(n).tolist()):
        # Switched off around the call only: a generator must not change the caller's grad mode.
        with torch.no_grad():
            t_batch = torch.full((len(x_t),), t, dtype=torch.int64, device=x_t.device)
            pred = prediction(schedule, x_t, t_batch, model(x_t, t_batch, cond), model.target)
        yield State(t, x_t, pred.x0_hat)
        z = None
        if generator is not None and s > 0:
            z = torch.randn(
                x_t.shape, generator=generator, device=generator.device, dtype=x_t.dtype
            ).to(x_t.device)
        x_t = step(schedule, x_t, t, s, pred, z=z)
    yield State(0, x_t, x_t)


class guided:
    """Classifier-free guidance: another model whose output is out_null + w (out_cond − out_null).

    ``cond`` and ``null`` are what ``model`` takes as cond: what is wanted, and what to move away
    from (no words, or a negative prompt). ``scale`` is w: 1 is the plain conditional model, 0 the
    plain one without words. Others write w − 1 for it, so that their 6.5 is 7.5 here.
    Source: Ho and Salimans 2022, equation 6 (there w is our w − 1). The output is linear in x̂₀ and
    ε̂, so it does not matter which the model predicts.

    ``between``: the lowest and the highest level at which w may be above 1 (all pictures of a batch
    at one level), as Kynkäänniemi et al. 2024 propose; None: everywhere.
    """

    @guarded(scale=guard.finite_scale)
    def __init__(
        self,
        model: Model,
        cond: Tensor | None,
        null: Tensor | None,
        scale: float,
        *,
        between: tuple[int, int] | None = None,
    ) -> None:
        self.model, self.cond, self.null, self.between = model, cond, null, between
        self.scale, self.target = scale, model.target

    @guarded(cond=guard.no_second_words)
    def __call__(self, x_t: Tensor, t: Tensor, cond: Tensor | None = None) -> Tensor:
        w = self.scale
        if self.between is not None:
            low, high = self.between
            if not low <= int(torch.as_tensor(t).min()) <= high:
                w = min(w, 1.0)
        if w == 1:
            return self.model(x_t, t, self.cond)
        out_null = self.model(x_t, t, self.null)
        return out_null + w * (self.model(x_t, t, self.cond) - out_null)
