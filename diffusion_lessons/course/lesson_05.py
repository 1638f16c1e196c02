"""Lesson 05, reverse sampling: its exercises and its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from .figures import NOISE, PREDICTION, SIGNAL, Figure, draw_measured, finished, panels, styled
from .grading import Exercise, Trials, dtype_of, numbers


def _guesses() -> Trials:
    draw = torch.Generator().manual_seed(5)
    trials = []
    # The first shape has odd sizes; the last trial is the last step, where no noise is left.
    for shape, left_t, left_s in (
        ((2, 3, 5, 7), 0.3, 0.64), ((6,), 0.001, 0.05), ((1, 1, 4, 4), 0.97, 0.9981),
        ((1, 3, 2, 2), 0.2, 0.5), ((1, 3, 4, 4), 0.9, 1.0),
    ):  # fmt: skip
        # Wider than [−1, 1]: predictions are, now and then.
        x0_hat = torch.rand(shape, generator=draw) * 2.8 - 1.4
        eps_hat = torch.randn(shape, generator=draw)
        x_t = left_t**0.5 * x0_hat + (1 - left_t) ** 0.5 * eps_hat
        trials.append((x_t, x0_hat, eps_hat, torch.tensor(left_s, dtype=torch.float64)))
    return trials


step_back = Exercise(
    "step_back(x_t, x0_hat, eps_hat, alpha_bar_s)",
    "alpha_bar_s**0.5 * x0_hat + (1 - alpha_bar_s) ** 0.5 * eps_hat",
    trials=_guesses,
    given="a = alpha_bar_s",
    slips="""
the noise lacks its square root: 1 − ᾱ is its variance, and what multiplies ε̂ is √(1 − ᾱ).
    a**0.5 * x0_hat + (1 - a) * eps_hat
the picture lacks its square root: ᾱ is a share of power, and what multiplies x̂₀ is √ᾱ.
    a * x0_hat + (1 - a) ** 0.5 * eps_hat
both square roots are missing: ᾱ and 1 − ᾱ are shares of power, and power is a square.
    a * x0_hat + (1 - a) * eps_hat
the two factors are swapped: at ᾱ = 1 nothing but x̂₀ should be left, and yours is all noise.
    (1 - a) ** 0.5 * x0_hat + a**0.5 * eps_hat
the two factors are swapped (at ᾱ = 1 nothing but x̂₀ should be left), and both lack their square
root.
    (1 - a) * x0_hat + a * eps_hat
the noise is subtracted. It has been taken out already, in x̂₀; here a little of it is put back, so
add it.
    a**0.5 * x0_hat - (1 - a) ** 0.5 * eps_hat
it gives x_t back, so nothing moves: take ᾱ at s, where you want to go, and not at t, where you are.
    x_t
it returns x̂₀: that jumps the whole way at once, to a blur. Put noise back until the share ᾱ_s of
picture is right.
    x0_hat
no noise is put back: add √(1 − ᾱ_s) ε̂. The network has only ever seen pictures with the full noise
of their level.
    a**0.5 * x0_hat
this is the noise alone: add √ᾱ_s x̂₀.
    (1 - a) ** 0.5 * eps_hat
it mixes x_t with noise. x_t has its noise in it already: mix x̂₀, the clean guess, with ε̂.
    a**0.5 * x_t + (1 - a) ** 0.5 * eps_hat
it mixes x̂₀ with x_t, so that there is too much picture: mix it with ε̂.
    a**0.5 * x0_hat + (1 - a) ** 0.5 * x_t
your two factors add to 1, but their squares should: the noise's is √(1 − ᾱ), not 1 − √ᾱ.
    a**0.5 * x0_hat + (1 - a**0.5) * eps_hat
the picture is at full strength: multiply x̂₀ by √ᾱ_s, or it is too loud for its level.
    x0_hat + (1 - a) ** 0.5 * eps_hat
the picture is at full strength (multiply x̂₀ by √ᾱ_s), and the noise lacks its root.
    x0_hat + (1 - a) * eps_hat
the noise comes back at full strength: multiply ε̂ by √(1 − ᾱ_s).
    a**0.5 * x0_hat + eps_hat
this only adds: ᾱ_s should say how much of each, √ᾱ_s of the picture and √(1 − ᾱ_s) of the noise.
    x0_hat + eps_hat
it takes away all the predicted noise, and without its factor: build x_s anew from x̂₀ and ε̂.
    x_t - eps_hat
it takes noise away from x_t. Then the picture in it stays as faint as it was: build x_s anew from
x̂₀ and ε̂.
    x_t - (1 - a) ** 0.5 * eps_hat
this is the formula for x̂₀, with ᾱ of the wrong step: x̂₀ is given. Put noise back.
    (x_t - (1 - a) ** 0.5 * eps_hat) / a**0.5
it blends x_t and x̂₀. That makes the noise in x_t smaller, but not the size that belongs to s: mix
x̂₀ with ε̂.
    a * x_t + (1 - a) * x0_hat
    a * x0_hat + (1 - a) * x_t
it takes ᾱ for what multiplies the picture: ᾱ is the share of power, which is the square of that.
    a * x0_hat + (1 - a**2) ** 0.5 * eps_hat
it takes squares where square roots are needed: √ is ** 0.5.
    a**2 * x0_hat + (1 - a) ** 2 * eps_hat
brackets are missing: Python takes the power first, so write (1 - alpha_bar_s) ** 0.5.
    a**0.5 * x0_hat + 1 - a**0.5 * eps_hat
it halves where a square root belongs: ** 1/2 is read as (… ** 1) / 2, so write ** 0.5.
    a**1 / 2 * x0_hat + (1 - a) ** 1 / 2 * eps_hat
    a**1 / 2 * x0_hat + (1 - a) ** 0.5 * eps_hat
    a**0.5 * x0_hat + (1 - a) ** 1 / 2 * eps_hat
x̂₀ is nowhere in it: mix √ᾱ_s of x̂₀ with √(1 − ᾱ_s) of ε̂.
    a**0.5 * eps_hat + (1 - a) ** 0.5 * x_t
the formula is right, but x̂₀ is clipped first. People do that, and it changes the picture; here,
leave it as it is.
    a**0.5 * x0_hat.clamp(-1, 1) + (1 - a) ** 0.5 * eps_hat
the formula is right, but the result is clipped: noisy values may lie outside [−1, 1]. Clipping is
for showing a picture only.
    (a**0.5 * x0_hat + (1 - a) ** 0.5 * eps_hat).clamp(-1, 1)
""",
)


def _steps_of_schedules() -> Trials:
    draw = torch.Generator().manual_seed(6)
    trials = []
    for shape, steps, t in (
        ((2, 3, 5, 7), (0, 0.02, 0.1, 0.3, 0.45, 0.6), 3),
        ((5,), (0, 0.1, 0.25, 0.2, 0.5), 2),
        ((1, 1, 3, 3), (0, 0.3, 0.15, 0.4, 0.7), 3),
        # The last step back, from t = 1 to the picture itself.
        ((1, 3, 2, 2), (0, 0.2, 0.35, 0.5), 1),
    ):
        beta = torch.tensor(steps, dtype=torch.float64)
        x_t = torch.randn(shape, generator=draw)
        # Wider than [−1, 1]: in the sampler a guess takes the place of x0.
        x0 = torch.rand(shape, generator=draw) * 2.8 - 1.4
        trials.append((x_t, x0, beta, (1 - beta).cumprod(0), t))
    return trials


posterior_mean = Exercise(
    "posterior_mean(x_t, x0, beta, alpha_bar, t)",
    """
    before, now = alpha_bar[t - 1], alpha_bar[t]
    of_x_t = (1 - beta[t]) ** 0.5 * (1 - before) / (1 - now)
    of_x0 = before**0.5 * beta[t] / (1 - now)
    return of_x_t * x_t + of_x0 * x0
    """,
    trials=_steps_of_schedules,
    given="""
    b, before, now = beta[t], alpha_bar[t - 1], alpha_bar[t]
    of_x_t = (1 - b) ** 0.5 * (1 - before) / (1 - now)
    of_x0 = before**0.5 * b / (1 - now)
    """,
    slips="""
β is of the wrong step: the step from t to t − 1 takes back what step t added, which is beta[t]. (A
published course has this slip.)
    right(x_t, x0, beta.roll(1), alpha_bar, t)
    right(x_t, x0, beta.roll(-1), alpha_bar, t)
    of_x_t * x_t + before**0.5 * beta[t - 1] / (1 - now) * x0
ᾱ is one step late: t − 1 and t are meant, not t and t + 1.
    right(x_t, x0, beta, alpha_bar.roll(-1), t)
everything is one step late. Both lists have t = 0 in front, so step t is number t.
    right(x_t, x0, beta, alpha_bar, t + 1)
everything is one step early. Both lists have t = 0 in front, so step t is number t.
    right(x_t, x0, beta, alpha_bar, t - 1)
ᾱ_t and ᾱ_{t−1} are swapped.
    (1 - b) ** 0.5 * (1 - now) / (1 - before) * x_t + now**0.5 * b / (1 - before) * x0
it takes ᾱ_t where ᾱ_{t−1} belongs: look at the small letters in the formula.
    (1 - b) ** 0.5 * x_t + now**0.5 * b / (1 - now) * x0
x0 is multiplied by √ᾱ_t, but √ᾱ_{t−1} belongs there.
    of_x_t * x_t + now**0.5 * b / (1 - now) * x0
x_t and x0 (or their factors) are swapped: the last step, from t = 1, should end at x0 exactly.
    of_x0 * x_t + of_x_t * x0
a square root is missing: x_t is multiplied by √(1 − β_t) and x0 by √ᾱ_{t−1}, as they stand in the
formula.
    (1 - b) * (1 - before) / (1 - now) * x_t + of_x0 * x0
    of_x_t * x_t + before * b / (1 - now) * x0
    (1 - b) * (1 - before) / (1 - now) * x_t + before * b / (1 - now) * x0
√(1 − β_t) is missing in front of x_t.
    (1 - before) / (1 - now) * x_t + of_x0 * x0
√ᾱ_{t−1} is missing in front of x0.
    of_x_t * x_t + b / (1 - now) * x0
the division by 1 − ᾱ_t is missing, in both terms.
    (1 - b) ** 0.5 * (1 - before) * x_t + before**0.5 * b * x0
the division by 1 − ᾱ_t is missing in the second term.
    of_x_t * x_t + before**0.5 * b * x0
the division by 1 − ᾱ_t is missing in the first term.
    (1 - b) ** 0.5 * (1 - before) * x_t + of_x0 * x0
the second term is subtracted: the mean is drawn towards x0, so add it.
    of_x_t * x_t - of_x0 * x0
β and 1 − β are swapped: a small β is a small step, so x_t has to keep most of it.
    b**0.5 * (1 - before) / (1 - now) * x_t + before**0.5 * (1 - b) / (1 - now) * x0
β_t in the second term has no root.
    of_x_t * x_t + (before * b) ** 0.5 / (1 - now) * x0
1 − ᾱ_{t−1} and 1 − ᾱ_t have no root in the first term.
    ((1 - b) * (1 - before) / (1 - now)) ** 0.5 * x_t + of_x0 * x0
the part of x0 is missing: that is where the picture comes in.
    of_x_t * x_t
the part of x_t is missing: the step back starts from there.
    of_x0 * x0
it takes away √β_t of the noise, as if all of it were the last step's: in terms of the noise, the
factor is β_t/√(1 − ᾱ_t).
    eps = (x_t - now**0.5 * x0) / (1 - now) ** 0.5
    return (x_t - b**0.5 * eps) / (1 - b) ** 0.5
this is the deterministic step of the core, which keeps all the old noise. Here part of it is going
to be replaced by fresh noise: take the formula above.
    eps = (x_t - now**0.5 * x0) / (1 - now) ** 0.5
    return before**0.5 * x0 + (1 - before) ** 0.5 * eps
it halves where a square root belongs: ** 1/2 is read as (… ** 1) / 2, so write ** 0.5.
    (1 - b) ** 1 / 2 * (1 - before) / (1 - now) * x_t + before**1 / 2 * b / (1 - now) * x0
brackets are missing: / 1 - x divides by 1 only, so write / (1 - alpha_bar[t]).
    of_x_t = (1 - b) ** 0.5 * (1 - before) / 1 - now
    of_x0 = before**0.5 * b / 1 - now
    return of_x_t * x_t + of_x0 * x0
    (1 - b) ** 0.5 * (1 - before) / 1 - now * x_t + before**0.5 * b / 1 - now * x0
x_t is multiplied by √ᾱ_t, but √(1 − β_t) belongs there: what this one step keeps.
    now**0.5 * (1 - before) / (1 - now) * x_t + of_x0 * x0
the formula is right, but x0 is clipped first. People do that, and it changes the picture; here,
leave it as it is.
    of_x_t * x_t + of_x0 * x0.clamp(-1, 1)
the formula is right, but the result is clipped: noisy values may lie outside [−1, 1].
    (of_x_t * x_t + of_x0 * x0).clamp(-1, 1)
it returns x0: only the last step, from t = 1, goes all the way.
    x0
this is the variance of the step back: its mean is asked for.
    (1 - before) / (1 - now) * b
""",
)


def _no_even_walk(answer: Any, T: int, n: int) -> str | None:
    """Why an answer is no even walk of whole numbers from T down to 0 in n jumps, or None."""
    if isinstance(answer, range):
        answer = list(answer)
    a = numbers(answer)
    asked = f"T = {T}, n = {n}"
    if a is None:
        return f"it returns a {type(answer).__name__}, but a list of whole numbers is expected."
    if a.ndim != 1 or len(a) == 0:
        return f"for {asked} its answer has shape {a.shape}, but a flat list is expected."
    if not np.isfinite(a).all():
        return "its answer holds NaN or infinity."
    jumps = -np.diff(a)
    if len(a) > 1 and (jumps < 0).all():
        return "it rises. Sampling runs from noise to the picture: start at T and fall to 0."
    if (a < 0).any():
        return (
            f"for {asked} it goes down to {a.min():g}. Python reads a place below 0 from the end "
            "of the list, which is noise again: stop at exactly 0."
        )
    stride = T // n
    if stride * n != T and len(jumps) and (jumps == stride).all():
        return (
            f"for {asked} all jumps are T // n = {stride}, so it runs from {a[0]:g} to {a[-1]:g}: "
            f"{n} times {stride} is {n * stride}, not {T}. Divide without cutting off, and round "
            "each place at the end."
        )
    if a[0] == T - 1:
        return f"for {asked} it starts at {a[0]:g}: the last level, pure noise, is T itself."
    if a[0] != T:
        return f"for {asked} it starts at {a[0]:g}, but pure noise is T = {T}."
    if len(a) == n and a[-1] != 0:
        return (
            f"for {asked} it ends at {a[-1]:g} after {len(a)} places: n jumps have n + 1 ends. The "
            "last is 0, the finished picture."
        )
    if a[-1] == 1:
        return f"for {asked} it ends at 1, with the last of the noise still in it: end at 0."
    if a[-1] != 0:
        return f"for {asked} it ends at {a[-1]:g}: the finished picture is t = 0."
    if len(a) != n + 1:
        return f"for {asked} it has {len(a)} places, but n jumps have n + 1 ends: {n + 1}."
    if (a != a.round()).any():
        where = a[a != a.round()][0]
        return (
            f"for {asked} there is a {where:.4g} in it: steps are places in a list, so round them."
        )
    if not (jumps > 0).all():
        return (
            f"for {asked} it stands still or goes back somewhere: each place comes once, falling. "
            "(Is something cut off that should be rounded?)"
        )
    if jumps.max() - jumps.min() > 1:
        return (
            f"for {asked} its jumps run from {jumps.min():g} to {jumps.max():g}: make them even, "
            "with at most 1 between the longest and the shortest."
        )
    if not all(isinstance(i, int) or dtype_of(i).startswith(("int", "uint")) for i in answer):
        kind = "text" if any(isinstance(i, str) for i in answer) else "floats"
        return (
            f"its places are right, but they come as {kind}, which is no place in a list: turn "
            "them into whole numbers, int."
        )
    return None


timesteps = Exercise(
    "timesteps(T, n)",
    "[round(T - i * T / n) for i in range(n + 1)]",
    trials=lambda: [(1000, 16), (1000, 4), (10, 3), (500, 30), (7, 7), (5, 1), (1000, 700)],
    problem=_no_even_walk,
)


# --- figures ---


@styled
def posterior_curves(
    x: Any, curves: Mapping[str, Any], mean: float, std: float, caption: str
) -> Figure:
    """What two clues say about one number, their product, and a bell curve of given mean and std.

    ``curves``: three named densities over ``x``: the first clue, the second, and the product. The
    bell is dashed and black, so that it can be seen lying on the product.
    """
    x = np.asarray(x)
    bell = np.exp(-((x - mean) ** 2) / (2 * std**2)) / (std * np.sqrt(2 * np.pi))
    looks = ((SIGNAL, "-.", 2.2), (NOISE, "--", 2.2), (PREDICTION, "-", 5))
    canvas, axes = panels(7, 3.4)
    for (name, y), (color, dash, width) in zip(curves.items(), looks, strict=True):
        axes.plot(x, y, label=name, color=color, linestyle=dash, linewidth=width)
    axes.plot(x, bell, label="the formula", color="black", linestyle=":", linewidth=2)
    axes.set(xlabel="value of the pixel at step s", ylabel="how likely", xlim=(x[0], x[-1]))
    axes.set(ylim=(0, None))
    axes.legend()
    return finished(canvas, caption)


@styled
def by_steps(
    steps: Sequence[int], distance: Mapping[str, Any], fine: Mapping[str, Any], caption: str
) -> Figure:
    """Two panels over the number of steps: how far from the end result, and how much fine detail.

    ``distance`` and ``fine``: name of a sampler → one number for each entry of ``steps``; fine
    detail is relative to real pictures, whose value, 1, is a dotted line.
    """
    canvas, (left, right) = panels(8.4, 3.4, 2)
    for axes, curves in ((left, distance), (right, fine)):
        draw_measured(axes, steps, curves)
        axes.set(xscale="log", xlabel="number of steps")
        axes.set_xticks(steps, [str(n) for n in steps])
        axes.minorticks_off()
    right.axhline(1, color="black", linestyle=":", linewidth=1.2)
    right.annotate("real pictures", (steps[0], 1), (0, 3), textcoords="offset points")
    ticks = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
    left.set(yscale="log", title="distance from the end result")
    left.set_yticks(ticks, [f"{y:g}" for y in ticks])
    left.minorticks_off()
    right.set(title="fine detail, beside real pictures", ylim=(0, 1.25))
    return finished(canvas, caption)
