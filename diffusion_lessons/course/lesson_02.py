"""Lesson 02, the noise schedule: its exercises and its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from .figures import (
    DASHES,
    NOISE,
    SCHEDULES,
    SIGNAL,
    Figure,
    as_image,
    axes_at,
    canvas_of,
    draw_tile,
    finished,
    panels,
    styled,
    tile_size,
)
from .grading import Exercise, Trials, numbers


def _pictures_and_noise() -> Trials:
    draw = torch.Generator().manual_seed(2)
    # The first shape has odd sizes; the last two are the ends, a clean picture and pure noise.
    shapes = (2, 3, 5, 7), (1, 1, 4, 4), (6,), (1, 3, 2, 2), (1, 3, 4, 4), (1, 3, 4, 4)
    return [
        (
            torch.rand(shape, generator=draw) * 2 - 1,
            torch.tensor(share, dtype=torch.float64),
            torch.randn(shape, generator=draw),
        )
        for shape, share in zip(shapes, (0.81, 0.2, 0.9981, 0.5, 1.0, 0.0), strict=True)
    ]


add_noise = Exercise(
    "add_noise(x0, alpha_bar_t, eps)",
    "alpha_bar_t**0.5 * x0 + (1 - alpha_bar_t) ** 0.5 * eps",
    trials=_pictures_and_noise,
    given="a = alpha_bar_t",
    slips="""
the noise lacks its square root: 1 − ᾱ is its variance, and what multiplies ε is the spread,
√(1 − ᾱ). (A well-known course has this slip; at ᾱ = 0.998 it leaves a twentieth of the noise.)
    a**0.5 * x0 + (1 - a) * eps
the picture lacks its square root: ᾱ is the share of its power, and power is a square, so what
multiplies x0 is √ᾱ.
    a * x0 + (1 - a) ** 0.5 * eps
both square roots are missing: ᾱ and 1 − ᾱ are shares of power, and power is a square. This way the
spread shrinks where it should stay.
    a * x0 + (1 - a) * eps
the two rates are swapped: at ᾱ = 1 the picture should be clean, and yours is pure noise.
    (1 - a) ** 0.5 * x0 + a**0.5 * eps
the two rates are swapped (at ᾱ = 1 the picture should be clean), and both lack their square root.
    (1 - a) * x0 + a * eps
the picture does not shrink: multiply x0 by √ᾱ, or the numbers grow as in section 1.
    x0 + (1 - a) ** 0.5 * eps
the picture does not shrink (multiply x0 by √ᾱ), and the noise lacks its square root.
    x0 + (1 - a) * eps
the noise comes in at full strength whatever ᾱ is: multiply ε by √(1 − ᾱ).
    a**0.5 * x0 + eps
this only adds: ᾱ should say how much of each, √ᾱ of the picture and √(1 − ᾱ) of the noise.
    x0 + eps
the noise is subtracted. Such a picture is just as likely, as noise has no preferred sign; but then
ε is not what was added, and a network that learns to predict ε would learn the wrong sign. Add it.
    a**0.5 * x0 - (1 - a) ** 0.5 * eps
your two factors add to 1, but their squares should: the noise's is √(1 − ᾱ), not 1 − √ᾱ.
    a**0.5 * x0 + (1 - a**0.5) * eps
it takes ᾱ for what multiplies the picture: ᾱ is the share of power, which is the square of that.
    a * x0 + (1 - a**2) ** 0.5 * eps
it takes squares where square roots are needed: √ is ** 0.5.
    a**2 * x0 + (1 - a) ** 2 * eps
picture and noise have the same factor: the noise's is √(1 − ᾱ), it grows as the picture's shrinks.
    a**0.5 * (x0 + eps)
both terms hold x0: the second should be noise, eps.
    (1 - a) ** 0.5 * x0 + a**0.5 * x0
this only shrinks the picture: add √(1 − ᾱ) ε.
    a**0.5 * x0
this is the noise alone: add √ᾱ x0.
    (1 - a) ** 0.5 * eps
the formula is right, but the result is clipped: noisy values may lie outside [−1, 1]. Clipping is
for showing a picture only.
    (a**0.5 * x0 + (1 - a) ** 0.5 * eps).clamp(-1, 1)
something is clipped: noise and noisy values may lie outside [−1, 1]. Clipping is for showing a
picture only.
    (a**0.5 * x0 + (1 - a) ** 0.5 * eps).clamp(0, 1)
    a**0.5 * x0 + (1 - a) ** 0.5 * eps.clamp(-1, 1)
it halves in place of a square root. (** 1/2 means (… ** 1) / 2: write ** 0.5, or ** (1/2).)
    a**0.5 * x0 + (1 - a) ** 1 / 2 * eps
    a**1 / 2 * x0 + (1 - a) ** 0.5 * eps
    a**1 / 2 * x0 + (1 - a) ** 1 / 2 * eps
the noise's factor is squared where a square root is needed: √ is ** 0.5.
    a**0.5 * x0 + (1 - a) ** 2 * eps
the picture's factor is squared where a square root is needed: √ is ** 0.5.
    a**2 * x0 + (1 - a) ** 0.5 * eps
brackets are missing: Python takes the power first, so write (1 - alpha_bar_t) ** 0.5.
    a**0.5 * x0 + 1 - a**0.5 * eps
brackets and a root are missing: the noise is multiplied by (1 - alpha_bar_t) ** 0.5.
    a**0.5 * x0 + 1 - a * eps
√ᾱ multiplies the noise, too: it belongs to x0 alone.
    a**0.5 * (x0 + (1 - a) ** 0.5 * eps)
picture and noise have the same factor: the picture's is √ᾱ, it shrinks as the noise's grows.
    (1 - a) ** 0.5 * (x0 + eps)
eps is missing: multiply √(1 − ᾱ) by it.
    a**0.5 * x0 + (1 - a) ** 0.5
it multiplies picture and noise: add them.
    a**0.5 * x0 * (1 - a) ** 0.5 * eps
the formula is right, but it is halved: this is a sum, no average.
    (a**0.5 * x0 + (1 - a) ** 0.5 * eps) / 2
it returns picture and noise apart: add them, with + and no comma.
    a**0.5 * x0, (1 - a) ** 0.5 * eps
the picture does not shrink (multiply x0 by √ᾱ), and the noise is subtracted: add it.
    x0 - (1 - a) ** 0.5 * eps
the two rates are swapped (at ᾱ = 1 the picture should be clean), and the picture's lacks its square
root.
    (1 - a) * x0 + a**0.5 * eps
the two rates are swapped (at ᾱ = 1 the picture should be clean), and the noise's lacks its square
root.
    (1 - a) ** 0.5 * x0 + a * eps
it returns the clean picture: where is the noise?
    x0
it returns the noise as it was: where is the picture?
    eps
""",
)

alpha_bar_from_beta = Exercise(
    "alpha_bar_from_beta(beta)",
    "np.append(1.0, np.cumprod(1 - beta))",
    trials=lambda: [
        (np.array([0.5, 0.2, 0.1, 0.4]),),
        (np.linspace(1e-4, 0.02, 30),),
        (np.array([0.3]),),
        (np.array([0.01, 0.9, 0.05, 0.05, 0.6]),),
    ],
    slips="""
it has one entry too few: ᾱ_0 = 1, the clean picture, belongs in front.
    np.cumprod(1 - beta)
the 1 is at the end: the clean picture is t = 0, so it belongs in front.
    np.append(np.cumprod(1 - beta), 1.0)
it starts at 0, but at t = 0 all of the picture is there: put a 1 in front.
    np.append(0.0, np.cumprod(1 - beta))
it subtracts every β from the whole: each step takes its share of what is *left*, so multiply
(np.cumprod), don't add.
    np.append(1.0, 1 - np.cumsum(beta))
it adds where it should multiply (np.cumprod of 1 − β), and ᾱ_0 = 1 is missing.
    1 - np.cumsum(beta)
it adds up what each step keeps: the shares multiply (np.cumprod), so that ᾱ falls.
    np.append(1.0, np.cumsum(1 - beta))
it adds up what each step keeps: the shares multiply (np.cumprod), and ᾱ_0 = 1 is missing.
    np.cumsum(1 - beta)
it multiplies the β, the shares of *noise*: a step keeps 1 − β of the picture.
    np.append(1.0, np.cumprod(beta))
it multiplies the β, the shares of *noise* (a step keeps 1 − β of the picture), and ᾱ_0 = 1 is
missing.
    np.cumprod(beta)
this is α, what each *single* step keeps: ᾱ_t is the product of all up to t.
    np.append(1.0, 1 - beta)
this is α, what each *single* step keeps: ᾱ_t is the product of all up to t, with a 1 in front.
    1 - beta
this is √ᾱ, the amplitude: ᾱ is the product of 1 − β without roots.
    np.append(1.0, np.cumprod(np.sqrt(1 - beta)))
this is 1 − ᾱ after the first entry, the share of noise: leave out the last '1 −'.
    np.append(1.0, 1 - np.cumprod(1 - beta))
this is 1 − ᾱ, the share of noise: leave out the last '1 −'.
    1 - np.append(1.0, np.cumprod(1 - beta))
it is one step late: ᾱ_1 has the first β in it already.
    np.append([1.0, 1.0], np.cumprod(1 - beta)[:-1])
the last β is left out: T steps and the start make T + 1 entries.
    np.append(1.0, np.cumprod(1 - beta)[:-1])
the 1 should stand in front of all the products, not in place of the first.
    np.append(1.0, np.cumprod(1 - beta)[1:])
it multiplies from the last β backwards: start at the first.
    np.append(1.0, np.cumprod(1 - beta[::-1]))
β is a variance already: don't square it.
    np.append(1.0, np.cumprod(1 - beta**2))
it takes all steps before t to be like step t: multiply the different β.
    np.append(1.0, (1 - beta) ** np.arange(1, len(beta) + 1))
this is what infinitely many infinitely small steps would leave, close for small β only: multiply
1 − β.
    np.append(1.0, np.exp(-np.cumsum(beta)))
it returns the last product only: np.cumprod keeps all those on the way.
    np.prod(1 - beta)
it keeps the last product only: np.cumprod keeps all those on the way.
    np.append(1.0, np.prod(1 - beta))
the 1 is added to every number: with an array, + calculates. To put it in front, use
np.append(1.0, …).
    1 + np.cumprod(1 - beta)
it has a 0 at the end, and no 1 in front: nothing says that the picture ends at 0.
    np.append(np.cumprod(1 - beta), 0.0)
the 1 is there twice: ᾱ_0 = 1, and ᾱ_1 is the first product.
    np.append([1.0, 1.0], np.cumprod(1 - beta))
this is √ᾱ, the amplitude (ᾱ is the product of 1 − β without roots), and ᾱ_0 = 1 is missing.
    np.cumprod(np.sqrt(1 - beta))
it squares: what a step keeps of the *power* is 1 − β itself.
    np.append(1.0, np.cumprod((1 - beta) ** 2))
β is a variance, a share of power: leave out the root.
    np.append(1.0, np.cumprod(1 - np.sqrt(beta)))
this is 1 − ᾱ, the share of noise, without t = 0: leave out the last '1 −' and put a 1 in front.
    1 - np.cumprod(1 - beta)
it multiplies the β and subtracts then: subtract first, and multiply the 1 − β.
    np.append(1.0, 1 - np.cumprod(beta))
it multiplies the β and subtracts then: subtract first, and multiply the 1 − β. (ᾱ_0 = 1 is missing,
too.)
    1 - np.cumprod(beta)
it is 0 all along. (If you put the 1 in front of β, the first step takes everything: put it in front
of the products.)
    np.cumprod(1 - np.append(1.0, beta))
ᾱ_0 = 1 is missing in front, and the last number stands there twice.
    np.cumprod(1 - np.append(beta, 0.0))
after the 1 the products run backwards: the first step comes first.
    np.append(1.0, np.cumprod(1 - beta)[::-1])
this is β itself: ᾱ_t is the product of all 1 − β up to t.
    beta
this is β with a 1 in front: ᾱ_t is the product of all 1 − β up to t.
    np.append(1.0, beta)
it adds up the β: multiply the 1 − β (np.cumprod).
    np.append(1.0, np.cumsum(beta))
it adds up the β: multiply the 1 − β (np.cumprod), with a 1 in front.
    np.cumsum(beta)
it takes all steps to be like the first: multiply the different β.
    np.append(1.0, (1 - beta[0]) ** np.arange(1, len(beta) + 1))
it rounds: keep all the digits.
    np.append(1.0, np.cumprod(1 - beta)).round(3)
""",
)

snr = Exercise(
    "snr(alpha_bar)",
    "alpha_bar / (1 - alpha_bar)",
    trials=lambda: [
        (np.array([0.9999, 0.9, 0.5, 0.2, 0.03]),),
        (np.array([0.7]),),
        (np.array([[0.99, 0.4], [0.6, 0.05]]),),
    ],
    given="a = alpha_bar",
    slips="""
this is noise to signal: the picture's power goes on top.
    (1 - a) / a
this is the ratio of amplitudes: the signal-to-noise ratio compares powers, so leave out the root.
    np.sqrt(a / (1 - a))
an amplitude on top, a power below: use powers for both, without a root.
    np.sqrt(a) / (1 - a)
a power on top, an amplitude below: use powers for both, without a root.
    a / np.sqrt(1 - a)
ᾱ is a power already: don't square.
    (a / (1 - a)) ** 2
    a / (1 - a**2)
    a**2 / (1 - a**2)
these are decibels, which come next: return the plain ratio.
    10 * np.log10(a / (1 - a))
this is a difference: a ratio divides.
    a - (1 - a)
this is ᾱ, the signal's share of the whole: divide by the noise's.
    a
this is the noise's share: ᾱ has to be divided by it.
    1 - a
the signal is missing on top: it is ᾱ, not 1.
    1 / (1 - a)
this multiplies the two shares: a ratio divides, / in place of *.
    a * (1 - a)
brackets are missing: Python divides first, so write a / (1 - a).
    a / 1 - a
it has the wrong sign: the noise's share is 1 − ᾱ, not ᾱ − 1.
    a / (a - 1)
the noise's share is 1 − ᾱ: there is a + in place of −.
    a / (1 + a)
this is one divided by ᾱ: divide ᾱ by the noise's share.
    1 / a
this is noise to signal, in amplitudes: the picture on top, and no root.
    np.sqrt((1 - a) / a)
ᾱ is a power already: leave out the roots.
    np.sqrt(a) / (1 - np.sqrt(a))
no logarithm yet: return the plain ratio.
    np.log10(a / (1 - a))
    np.log(a / (1 - a))
    10 * np.log(a / (1 - a))
    20 * np.log10(a / (1 - a))
// throws the fraction away: use /.
    a // (1 - a)
it rounds: keep the fraction.
    np.round(a / (1 - a))
it rounds: keep all the digits.
    np.round(a / (1 - a), 2)
this is in per cent: return the plain ratio, 1 where half is left.
    100 * a / (1 - a)
it divides by an average (or sum) over all steps: each step has its own ratio.
    a / (1 - a).mean()
    a / (1 - a).sum()
""",
)


def _no_schedule(answer: Any, T: int) -> str | None:
    """Why an answer is no useful ᾱ_0 … ᾱ_T, the likely mistake first, or None."""
    if hasattr(answer, "alpha_bar"):
        return "it returns a whole Schedule: return its numbers, .alpha_bar."
    a = numbers(answer)
    if a is None:
        return f"it returns a {type(answer).__name__}, but a list of numbers is expected."
    if a.ndim != 1 or len(a) < 2:
        return f"its answer has shape {a.shape}, but one flat list of T + 1 numbers is expected."
    if not np.isfinite(a).all():
        return "its answer holds NaN or infinity: look for a division by zero or a negative root."
    if len(a) == T and abs(a[0] - 1) < 1e-9:
        return f"T + 1 numbers are needed, for t = 0, 1, …, T, but T = {T} gives {len(a)}."
    if len(a) == T and a[0] > a[-1]:
        return (
            f"T = {T} gives {len(a)} numbers, and the first is {a[0]:.4g}: t = 0 is missing. Put a "
            "1 in front."
        )
    if len(a) not in (T, T + 1):
        return (
            f"T = {T} gives {len(a)} numbers, but there should be {T + 1}: use T, whatever it is, "
            "and not a fixed number."
        )
    if (a > 1).any() and (a[0] == 100 or a[0] == 255):
        return f"it starts at {a[0]:.0f}: ᾱ is a share, from 1 down to 0."
    if (np.diff(a) >= 0).all() and a[-1] > a[0]:
        if a[-1] > 0.9:
            return (
                "it rises from t = 0 to t = T: ᾱ is what is left of the *picture*, so it starts at "
                "1 and falls. (Did you return the share of noise, 1 − ᾱ, or count t backwards?)"
            )
        return (
            f"it starts at {a[0]:.4g} and rises: that looks like β, what each step adds. Return ᾱ, "
            "the product of all 1 − β so far, with a 1 in front."
        )
    if len(a) == T:
        return f"T + 1 numbers are needed, for t = 0, 1, …, T, but T = {T} gives {len(a)}."
    if a[0] != 1:
        return (
            f"it starts at {a[0]:.6g}, but t = 0 is the clean picture: the first number must be "
            "exactly 1. Put a 1 in front, or divide all by the first."
        )
    rises = np.flatnonzero(np.diff(a) > 0)
    if len(rises):
        t = rises[0] + 1
        return (
            f"for T = {T} it rises from {a[t - 1]:.4g} to {a[t]:.4g} at t = {t}, but noise is only "
            "ever added: it must never rise."
        )
    if a[-1] < 0:
        # What people get who let a step of 1/T, or a cosine, run down to 0.
        rounding = " (By rounding only: np.maximum(…, 0) mends it.)" if a[-1] > -1e-6 else ""
        return f"it goes below 0, to {a[-1]:.4g}: no less than nothing can be left.{rounding}"
    if (a[:-1] <= 0).any():
        t = int(np.flatnonzero(a <= 0)[0])
        return f"for T = {T} it is 0 at t = {t} already: only the very last may be 0."
    if a[-1] > 1e-3 * (1 + 1e-9):
        return (
            f"for T = {T} it ends at {a[-1]:.3g}, so {a[-1] ** 0.5:.0%} of the picture's amplitude "
            "is left in the last step: bring the end down to 0.001 or less. (Likely reasons: this "
            "is √ᾱ; or 1 − β, not multiplied up; or β that don't grow where T is small.)"
        )
    worst = int(np.argmax(-np.diff(a))) + 1
    if a[worst - 1] - a[worst] > 0.2:
        slashes = " (Is there a // in place of /?)" if np.isin(a, (0, 1)).all() else ""
        return (
            f"for T = {T} the step to t = {worst} takes {a[worst - 1] - a[worst]:.0%} of the "
            f"picture's power at once, but 20 % is the limit here: spread it over more steps."
            f"{slashes}"
        )
    return None


my_schedule = Exercise(
    "my_schedule(T)",
    "(1 - np.arange(T + 1) / T) ** 2",
    trials=lambda: [(50,), (200,), (1000,)],
    problem=_no_schedule,
)


# --- figures ---


@styled
def schedules_at(
    pictures: Mapping[str, Any], curves: Mapping[str, Any], t: int, caption: str
) -> Figure:
    """One picture at step t of several schedules, above the curves of what is left, ᾱ.

    ``pictures``: name (one of `SCHEDULES`) → noisy picture; ``curves``: the same names →
    ᾱ_0 … ᾱ_T, all of one length; a vertical line marks t.
    """
    # Fixed places: a constrained layout would take longer than everything else here.
    canvas = canvas_of(720, 480)
    axes = axes_at(canvas, 66, 242, 624, 182)
    for i, (name, picture) in enumerate(pictures.items()):
        left, T, color = curves[name][t], len(curves[name]) - 1, SCHEDULES[name]
        tile = as_image(picture)
        size, title = tile_size(tile, 1.92), f"{name}: {left:.1%} left"
        draw_tile(canvas, 66 + 216 * i, 24, size, tile, title)
        axes.plot(range(T + 1), curves[name], label=name, color=color, linestyle=DASHES[i])
        axes.plot(t, left, "o", color=color, markersize=8, clip_on=False, zorder=3)
    axes.axvline(t, color="black", linewidth=1, linestyle=":")
    axes.set(xlim=(0, T), ylim=(0, 1.02), ylabel="share of power left, ᾱ")
    axes.set_xlabel(f"step t, from the picture (0) to noise ({T}); here t = {t}")
    axes.legend()
    return finished(canvas, caption)


@styled
def quarter_circle(signal_rate: Any, noise_rate: Any, steps: Sequence[int], caption: str) -> Figure:
    """What multiplies the noise against what multiplies the picture, with some steps named.

    ``signal_rate`` and ``noise_rate`` are √ᾱ_t and √(1−ᾱ_t) for t = 0 … T.
    """
    signal_rate, noise_rate = np.asarray(signal_rate), np.asarray(noise_rate)
    canvas, axes = panels(4.3, 4.1)
    axes.plot(signal_rate, noise_rate, color="#555555", linewidth=1.5)
    for t in steps:
        x, y = signal_rate[t], noise_rate[t]
        axes.plot((0, x), (0, y), color="#BBBBBB", linewidth=1, zorder=0)
        axes.plot(x, y, "o", color="#555555", markersize=7, clip_on=False)
        axes.annotate(f"t = {t}", (x, y), (1.05 * x + 0.01, max(1.05 * y, 0.05)), va="center")
    axes.set(xlim=(0, 1.3), ylim=(0, 1.15), aspect="equal")
    axes.set_xlabel("what multiplies the picture, √ᾱ", color=SIGNAL)
    axes.set_ylabel("what multiplies the noise, √(1 − ᾱ)", color=NOISE)
    return finished(canvas, caption)
