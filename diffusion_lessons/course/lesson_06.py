"""Lesson 06, why start with noise?: its exercises and its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from .figures import DASHES, NEUTRAL, Figure, finished, panels, styled
from .grading import Exercise, Trials


def _walks() -> Trials:
    by_hand = torch.tensor([1.0, 0.97, 0.85, 0.64, 0.36, 0.2, 0.09], dtype=torch.float64)
    uneven = torch.tensor([1.0, 0.9, 0.75, 0.72, 0.5, 0.41, 0.4, 0.15], dtype=torch.float64)
    return [
        (by_hand, [6, 4, 3, 1]),
        (uneven, [7, 5, 4, 2, 1]),
        (by_hand, [4, 3]),
        (by_hand, [6, 5, 4, 3, 2, 1, 0]),
    ]


def _walk(factors: Sequence[float]) -> np.ndarray:
    return np.cumprod(np.append(1.0, factors))


survives = Exercise(
    "survives(alpha_bar, steps)",
    """
    left = [1.0]
    for t, s in zip(steps[:-1], steps[1:]):
        root = (alpha_bar[t] / alpha_bar[s]) ** 0.5
        left.append(left[-1] * root * (1 - alpha_bar[s]) / (1 - alpha_bar[t]))
    return left
    """,
    trials=_walks,
    tolerance=1e-6,
    names={"walk": _walk},
    # Here t and s are ᾱ itself, before and after each step.
    given="""
    t, s = alpha_bar[steps[:-1]], alpha_bar[steps[1:]]
    factors = (t / s) ** 0.5 * (1 - s) / (1 - t)
    """,
    slips="""
a square root is missing: ᾱ_t/ᾱ_s is a share of power, and what multiplies x_t is its root.
    walk(t / s * (1 - s) / (1 - t))
√(ᾱ_t/ᾱ_s) is missing: it undoes how the forward process shrinks the picture from s to t.
    walk((1 - s) / (1 - t))
(1 − ᾱ_s)/(1 − ᾱ_t) is missing: without it no noise is taken away, and at s = 0 something of the
static would be left.
    walk((t / s) ** 0.5)
this is what the deterministic step keeps, √(1 − ᾱ_s)/√(1 − ᾱ_t). The random step keeps less:
√(ᾱ_t/ᾱ_s) · (1 − ᾱ_s)/(1 − ᾱ_t).
    walk(((1 - s) / (1 - t)) ** 0.5)
there is one root too many: (1 − ᾱ_s)/(1 − ᾱ_t) has none.
    walk((t / s * (1 - s) / (1 - t)) ** 0.5)
brackets are missing: write (1 - alpha_bar[s]) / (1 - alpha_bar[t]).
    walk((t / s) ** 0.5 * (1 - s) / 1 - t)
under the root t and s are swapped: ᾱ_t is the smaller one, and the root must be below 1.
    walk((s / t) ** 0.5 * (1 - s) / (1 - t))
in (1 − ᾱ_s)/(1 − ᾱ_t) the levels are swapped: less noise is left at s than at t, so it must be
below 1.
    walk((t / s) ** 0.5 * (1 - t) / (1 - s))
t and s are swapped: a step goes from t, the noisier level, to s, which comes after it in the list.
    walk((s / t) ** 0.5 * (1 - t) / (1 - s))
it halves where a square root belongs: ** 1/2 is read as (… ** 1) / 2, so write ** 0.5.
    walk((t / s) ** 1 / 2 * (1 - s) / (1 - t))
it takes √(1 − α), which belongs to the fresh noise: what is kept is √α, with α = ᾱ_t/ᾱ_s.
    walk((1 - t / s) ** 0.5 * (1 - s) / (1 - t))
this is what multiplies the guess x̂₀. Asked is what multiplies x_t:
√(ᾱ_t/ᾱ_s) · (1 − ᾱ_s)/(1 − ᾱ_t).
    walk(s**0.5 * (1 - t / s) / (1 - t))
this is the share of power, the square: asked is what multiplies the start.
    walk(factors**2)
the division by 1 − ᾱ_t is missing.
    walk((t / s) ** 0.5 * (1 - s))
these are the factors of the single steps: multiply each with all before it.
    np.append(1.0, factors)
these are the factors of the single steps: begin with 1, and multiply each with all before it.
    factors
it adds the factors. What is left of something that is left is a product: multiply.
    np.cumsum(np.append(1.0, factors))
it adds the factors. What is left of something that is left is a product: multiply, and begin with
1.
    np.cumsum(factors)
its first entry is missing: before the first step all of the start is there, 1.
    walk(factors)[1:]
its last entry is missing: n steps have n + 1 ends.
    walk(factors)[:-1]
this is what is left at the end. Asked is the list of what is left at every level.
    walk(factors)[-1]
its order is turned round: begin with 1, at the noise.
    walk(factors)[::-1]
it is 0 everywhere: a product begins with 1, not with 0.
    [0.0] * len(steps)
it counts places in the list instead of levels: read steps[i] first, then alpha_bar[steps[i]].
    right(alpha_bar, range(len(steps) - 1, -1, -1))
""",
)

brightness_ratio = Exercise(
    "brightness_ratio(alpha_bar, spread, pixels)",
    "alpha_bar**0.5 * spread / ((1 - alpha_bar) ** 0.5 / pixels**0.5)",
    trials=lambda: [
        (0.36, 0.25, 64),
        (0.012, 0.28, 3072),
        (0.5, 0.6, 300),
        (4e-5, 0.3, 12288),
        (0.9, 1.7, 1),
    ],
    given="a = alpha_bar",
    slips="""
the picture lacks its square root: what multiplies it is √ᾱ.
    a * spread / ((1 - a) ** 0.5 / pixels**0.5)
the static lacks its square root: what multiplies it is √(1 − ᾱ).
    a**0.5 * spread / ((1 - a) / pixels**0.5)
√ is missing from ᾱ and from 1 − ᾱ: both are shares of power.
    a * spread / ((1 - a) / pixels**0.5)
the average of n values of static spreads 1/√n, and not 1/n: the root is missing.
    a**0.5 * spread / ((1 - a) ** 0.5 / pixels)
no square root is left: they belong over ᾱ, over 1 − ᾱ and over the number of values.
    a * spread / ((1 - a) / pixels)
averaging many values makes static quieter, yours makes it louder: brackets around the whole
divisor, √(1 − ᾱ)/√n.
    a**0.5 * spread / ((1 - a) ** 0.5 * pixels**0.5)
    a**0.5 * spread / (1 - a) ** 0.5 / pixels**0.5
the number of values is missing: a single value of static spreads 1, the average of n of them only
1/√n.
    a**0.5 * spread / (1 - a) ** 0.5
the spread of the pictures' brightness is missing.
    a**0.5 / ((1 - a) ** 0.5 / pixels**0.5)
the spread is squared: spreads are compared here, not powers.
    a**0.5 * spread**2 / ((1 - a) ** 0.5 / pixels**0.5)
it is upside down: the picture's brightness over the static's, so that large means easy to read off.
    (1 - a) ** 0.5 / pixels**0.5 / (a**0.5 * spread)
this is the ratio of powers, the square: asked is the ratio of the spreads.
    a * spread**2 / ((1 - a) / pixels)
ᾱ and 1 − ᾱ are swapped: √ᾱ belongs to the picture.
    (1 - a) ** 0.5 * spread / (a**0.5 / pixels**0.5)
this is the picture's part alone: divide by the static's, √(1 − ᾱ)/√n.
    a**0.5 * spread
brackets are missing: write (1 - alpha_bar) ** 0.5.
    a**0.5 * spread / (1 - a**0.5 / pixels**0.5)
it halves where a square root belongs: ** 1/2 is read as (… ** 1) / 2, so write ** 0.5.
    a**1 / 2 * spread / ((1 - a) ** 1 / 2 / (pixels**1 / 2))
    a**1 / 2 * spread / ((1 - a) ** 0.5 / pixels**0.5)
    a**0.5 * spread / ((1 - a) ** 1 / 2 / pixels**0.5)
    a**0.5 * spread / ((1 - a) ** 0.5 / (pixels**1 / 2))
""",
)


# --- figures ---


# From broad to fine, dark to light: told apart by brightness as well as by dash.
_BANDS = ("#00204D", "#31446B", "#666970", "#958F78", "#CAB969", "#E8C200")


@styled
def bands(t: Any, missing: Mapping[str, Any], settled: Mapping[str, int], caption: str) -> Figure:
    """What a guess still lacks of the finished picture, by size of detail, over the level t.

    ``missing``: up to six names, from broad to fine → percent of that detail's power, for each t;
    ``settled``: the same names → the level from which on it stays below 10 %, marked by a dot.
    """
    canvas, axes = panels(7.6, 4)
    for i, (name, y) in enumerate(missing.items()):
        axes.plot(t, y, label=name, color=_BANDS[i], linestyle=DASHES[i], linewidth=2.4)
        axes.plot(settled[name], 10, "o", color=_BANDS[i], markersize=8, markeredgecolor="k")
    axes.axhline(10, color="black", linewidth=1, linestyle=":")
    axes.set(xlim=(0, 1000), ylim=(0, 125), ylabel="still missing, % of its power")
    axes.set_xlabel("level t, from the picture (0) to noise (1000)")
    axes.legend(title="waves across the picture", loc="upper left", ncols=2, fontsize=9)
    return finished(canvas, caption)


@styled
def decisions(
    t: Any,
    judged: Mapping[str, Any],
    branch_t: Any,
    branched: Mapping[str, Any],
    caption: str,
) -> Figure:
    """When is it settled what a picture shows: two panels over the level t, both in percent.

    Left, how probable the judge finds the final answer when it looks at the guesses (``judged``,
    name → one number for each of ``t``); right, how many branches end with the same answer
    (``branched``, name → one number for each of ``branch_t``). A name has one colour in both.
    """
    names = list(dict.fromkeys([*judged, *branched]))
    canvas, (left, right) = panels(8.8, 3.8, 2, sharey=True)
    for axes, x, curves in ((left, t, judged), (right, branch_t, branched)):
        for name, y in curves.items():
            i = names.index(name)
            axes.plot(
                x, y, label=name, color=NEUTRAL[i], linestyle=DASHES[i],
                marker="os^D"[i], markevery=max(1, len(x) // 8), markersize=6,
            )  # fmt: skip
        axes.set(xlim=(0, 1010), ylim=(0, 104))
    canvas.supxlabel("level t, from the picture (0) to noise (1000)", fontsize=10.5)
    left.set(title="what the judge sees in the guess", ylabel="as in the end, %")
    right.set(title="branches that end the same")
    left.legend(loc="lower left")
    return finished(canvas, caption)
