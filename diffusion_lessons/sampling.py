"""The reverse process: pure step functions and one loop.

A step takes a picture at t and what the network said about it, and returns a picture at s < t.
Steps know nothing of networks; the loop knows nothing of formulas; guidance is a function that
turns a model into another model.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from .forward import Prediction, check_order, check_t, posterior, prediction, step_rates
from .schedules import Schedule

Step = Callable[..., Tensor]


class State(NamedTuple):
    """One frame of the film: the step t, the picture x_t, and the clean picture predicted from it.

    At t = 0 the prediction is x_t itself.
    """

    t: int
    x_t: Tensor
    x0_hat: Tensor


def ddpm_step(
    schedule: Schedule,
    x_t: Tensor,
    t: Tensor | int,
    s: Tensor | int,
    prediction: Prediction,
    z: Tensor | None = None,
) -> Tensor:
    """One random step back: x_s = μ̃(x_t, x̂₀) + √β̃ z, the posterior with x̂₀ in place of x₀.

    Source: Ho, Jain and Abbeel 2020, algorithm 2 and equations 6 and 7 (their smaller variance),
    for any s < t. ``z`` is standard normal noise of the shape of x_t; it may be left out only
    where the step adds none, which is at s = 0.
    """
    mean, std = posterior(schedule, x_t, prediction.x0_hat, t, s)
    return _with_noise(mean, std, z)


def ddim_step(
    schedule: Schedule,
    x_t: Tensor,
    t: Tensor | int,
    s: Tensor | int,
    prediction: Prediction,
    eta: float = 0.0,
    z: Tensor | None = None,
) -> Tensor:
    """One step that re-noises x̂₀ to s, with old noise, fresh noise, or a mix of both.

    x_s = √ᾱ_s x̂₀ + √(1−ᾱ_s−std²) ε̂ + std z,  std = η √((1−ᾱ_s)/(1−ᾱ_t)) √(1−ᾱ_t/ᾱ_s)
    Source: Song, Meng and Ermon 2021 (DDIM), equations 12 and 16. ``eta`` 0 is deterministic, 1 is
    `ddpm_step`. ``z`` may be left out only where no noise is added.
    """
    if not 0 <= eta <= 1:
        raise ValueError(f"eta is {eta}, but it must be from 0 (no fresh noise) to 1 (DDPM).")
    # With η = 1 the noise is the posterior's.
    _, alpha_bar_s, std = step_rates(schedule, x_t, prediction.x0_hat, t, s)
    std = eta * std
    # Rounding can put the difference a hair below 0 where all noise is fresh.
    old_noise = (1 - alpha_bar_s - std**2).clamp(min=0).sqrt().to(prediction.eps_hat)
    signal_rate = alpha_bar_s.sqrt().to(prediction.x0_hat)
    mean = signal_rate * prediction.x0_hat + old_noise * prediction.eps_hat
    # Predictions are at least float32; the film keeps the dtype that it started with.
    return _with_noise(mean.to(x_t), std.to(x_t), z)


def dpm_solver_2m() -> Step:
    """A fresh second-order step, DPM-Solver++(2M): deterministic, one network call a step.

    With λ = ln(√ᾱ/√(1−ᾱ)), h = λ_s − λ_t, r = h_before/h:
    D = (1 + 1/(2r)) x̂₀ − 1/(2r) x̂₀_before,  x_s = √(1−ᾱ_s)/√(1−ᾱ_t) x_t − √ᾱ_s (e⁻ʰ − 1) D
    Source: Lu et al. 2022 (DPM-Solver++), algorithm 2. The first and the last step are first order
    (D = x̂₀, which is `ddim_step`). The step holds its own history: make a new one for each film.
    All pictures of a batch must be at the same t.
    """
    before: tuple[int, int, Tensor] | None = None

    def step(
        schedule: Schedule,
        x_t: Tensor,
        t: Tensor | int,
        s: Tensor | int,
        prediction: Prediction,
        z: Tensor | None = None,
    ) -> Tensor:
        nonlocal before
        t, s = _common(schedule, t, x_t, "t"), _common(schedule, s, x_t, "s")
        check_order(torch.tensor([t]), torch.tensor([s]))
        x0_hat = prediction.x0_hat
        D = x0_hat
        if before is not None and s > 0:
            t_before, s_before, x0_hat_before = before
            if s_before != t or x0_hat_before.shape != x0_hat.shape:
                raise ValueError(
                    "This multistep step holds the history of another film: make a fresh one with "
                    "dpm_solver_2m() for each call of sample."
                )
            gap, gap_before = (_log_snr_gap(schedule, *steps) for steps in ((t, s), (t_before, t)))
            # Where the noise level stood still there is no slope to follow.
            if gap_before > 0:
                half_over_r = 0.5 * gap / gap_before
                D = (1 + half_over_r) * x0_hat - half_over_r * x0_hat_before
        before = (t, s, x0_hat)
        # The first-order formula with D in place of x̂₀; ε̂ belongs to D then.
        signal_t, noise_t = float(schedule.signal_rate[t]), float(schedule.noise_rate[t])
        return ddim_step(schedule, x_t, t, s, Prediction(D, (x_t - signal_t * D) / noise_t))

    return step


def sample(
    model: Callable[..., Tensor],
    schedule: Schedule,
    x_T: Tensor,
    n: int,
    *,
    step: Step,
    cond: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Iterator[State]:
    """Run the process backwards from x_T in n steps; yields the n+1 states of the film, T … 0.

    ``model`` is called n times as ``model(x_t, t, cond)`` with t int64 of shape (B,), and has an
    attribute ``target``. ``step`` is `ddpm_step`, `ddim_step`, or a fresh `dpm_solver_2m()`.
    Fresh noise comes from ``generator``; without one, a step that needs noise is an error.
    ``*_, last = sample(...)`` gives the finished pictures, ``last.x_t``, in about [−1, 1].
    """
    steps = schedule.timesteps(n)
    if not isinstance(x_T, Tensor) or not x_T.is_floating_point() or x_T.ndim < 2:
        raise ValueError(
            "x_T must be a float tensor of shape (B, C, H, W): the noise to start from."
        )
    if not torch.isfinite(x_T).all():
        raise ValueError("x_T holds NaN or infinity: start from torch.randn.")
    return _film(model, schedule, x_T, steps.tolist(), step, cond, generator)


def _film(model, schedule, x_T, steps, step, cond, generator) -> Iterator[State]:
    x_t = x_T
    for t, s in itertools.pairwise(steps):
        # Switched off around the call only: a generator must not change the caller's grad mode.
        with torch.no_grad():
            t_batch = torch.full((len(x_t),), t, dtype=torch.int64, device=x_t.device)
            said = prediction(schedule, x_t, t_batch, model(x_t, t_batch, cond), model.target)
        yield State(t, x_t, said.x0_hat)
        z = None
        if generator is not None and s > 0:
            z = torch.randn(
                x_t.shape, generator=generator, device=generator.device, dtype=x_t.dtype
            ).to(x_t.device)
        x_t = step(schedule, x_t, t, s, said, z=z)
    yield State(0, x_t, x_t)


class _Guided:
    def __init__(self, model, cond, null, scale: float, between: tuple[int, int] | None) -> None:
        self.model, self.cond, self.null, self.scale = model, cond, null, scale
        self.between, self.target = between, model.target

    def __call__(self, x_t: Tensor, t: Tensor, cond: Tensor | None = None) -> Tensor:
        if cond is not None:
            raise ValueError(
                "This model already carries its words (guided was given cond): call it, or sample, "
                "with cond=None."
            )
        scale = self.scale
        if self.between is not None:
            low, high = self.between
            if not low <= int(torch.as_tensor(t).min()) <= high:
                scale = min(scale, 1.0)
        if scale == 1:
            return self.model(x_t, t, self.cond)
        unguided = self.model(x_t, t, self.null)
        return unguided + scale * (self.model(x_t, t, self.cond) - unguided)


def guided(
    model: Callable[..., Tensor],
    cond: Tensor | None,
    null: Tensor | None,
    scale: float,
    *,
    between: tuple[int, int] | None = None,
) -> Callable[..., Tensor]:
    """Classifier-free guidance: another model whose output is out_null + w (out_cond − out_null).

    ``cond`` and ``null`` are what ``model`` takes as cond: what is wanted, and what to move away
    from (no words, or a negative prompt). ``scale`` is w: 1 is the plain conditional model, 0 the
    plain one without words. Others write w − 1 for it, so that their 6.5 is 7.5 here.
    Source: Ho and Salimans 2022, equation 6 (there w is our w − 1). The output is linear in x̂₀ and
    ε̂, so it does not matter which the model predicts.

    ``between``: the lowest and the highest level at which w may be above 1 (all pictures of a batch
    at one level); None: everywhere. Near T, where nothing can be seen yet, the words already say
    all, and more of them only takes variety away; near 0 all that they say is settled, and what is
    blown up is grain (Kynkäänniemi et al. 2024).
    """
    if not torch.isfinite(torch.as_tensor(float(scale))):
        raise ValueError(f"scale is {scale}, but it must be a finite number; 1 means no guidance.")
    return _Guided(model, cond, null, float(scale), between)


def _with_noise(mean: Tensor, std: Tensor, z: Tensor | None) -> Tensor:
    if z is None:
        if bool((std > 0).any()):
            raise ValueError(
                "This step adds fresh noise, so it needs z: give z (to sample: a generator), or "
                "use ddim_step with eta=0."
            )
        return mean
    if z.shape != mean.shape:
        raise ValueError(
            f"z has shape {tuple(z.shape)}, but it must match the picture's, {tuple(mean.shape)}."
        )
    return mean + std * z.to(mean)


def _common(schedule: Schedule, t: Tensor | int, x: Tensor, name: str) -> int:
    t = check_t(schedule, t, x, name)
    if not (t == t[0]).all():
        raise ValueError(f"A multistep step needs one {name} for the whole batch.")
    return int(t[0])


def _log_snr_gap(schedule: Schedule, t: int, s: int) -> float:
    """λ_s − λ_t, where λ = ln(√ᾱ/√(1−ᾱ)) is half the logarithm of the signal-to-noise ratio."""
    low, high = float(schedule.snr[t]), float(schedule.snr[s])
    return float("inf") if low == 0 else 0.5 * float(torch.tensor(high / low).double().log())
