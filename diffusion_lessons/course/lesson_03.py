"""Lesson 03, predicting noise: its exercises and its figures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from .figures import (
    DASHES,
    OTHERS,
    PREDICTION,
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
from .grading import Exercise, Trials


def _noisy_and_known() -> Trials:
    draw = torch.Generator().manual_seed(3)
    trials = []
    # From one pixel, as in the lesson's table, to many: there exp(−gap) is 0 to a computer.
    for pictures, pixels, apart, left in (
        (3, 1, 1.0, 0.64), (4, 5, 0.8, 0.3), (6, 7, 0.3, 0.9), (5, 3000, 0.05, 0.2),
        (3, 4, 0.02, 0.9995), (1, 6, 1.0, 0.5),
    ):  # fmt: skip
        centre = torch.rand(pixels, generator=draw, dtype=torch.float64) - 0.5
        change = torch.randn(pictures, pixels, generator=draw, dtype=torch.float64)
        data = centre + apart * change
        eps = torch.randn(pixels, generator=draw, dtype=torch.float64)
        x_t = left**0.5 * data[0] + (1 - left) ** 0.5 * eps
        if pixels == 1:
            x_t, data = torch.tensor([0.5]).double(), torch.tensor([[-1.0], [0.0], [1.0]]).double()
        trials.append((x_t, data, torch.tensor(left, dtype=torch.float64)))
    return trials


def _softmax(exponents: torch.Tensor) -> torch.Tensor:
    return torch.softmax(exponents, 0)


def _by_hand(exponents: torch.Tensor, guard: float = 0.0) -> torch.Tensor:
    parts = torch.exp(exponents)
    return parts / (parts.sum() + guard)


votes = Exercise(
    "votes(x_t, data, alpha_bar_t)",
    """
    gap = (x_t - alpha_bar_t**0.5 * data).square().sum(1)
    return torch.softmax(-gap / (2 * (1 - alpha_bar_t)), 0)
    """,
    trials=_noisy_and_known,
    # Answers in float32 are right too, and the exponents reach 1500.
    tolerance=1e-3,
    names={"softmax": _softmax, "by_hand": _by_hand},
    given="""
    a = alpha_bar_t
    gap = (x_t - a**0.5 * data).square().sum(1)
    exponents = -gap / (2 * (1 - a))
    """,
    # First what a slip puts into the exponent; the exponents become votes in two ways.
    slips=re.sub(
        r"    (.+)",
        r"    softmax(\1)\n    by_hand(\1)",
        """
the pictures are compared at full strength, but in x_t only √ᾱ of each is left: multiply data by √ᾱ.
    -(x_t - data).square().sum(1) / (2 * (1 - a))
ᾱ is a share of power; what multiplies the pictures is its square root.
    -(x_t - a * data).square().sum(1) / (2 * (1 - a))
the pictures are multiplied by √(1 − ᾱ), which is the noise's factor: theirs is √ᾱ.
    -(x_t - (1 - a) ** 0.5 * data).square().sum(1) / (2 * (1 - a))
√ᾱ belongs to the pictures and not to x_t, in which it is already.
    -(a**0.5 * x_t - data).square().sum(1) / (2 * (1 - a))
x_t divided by √ᾱ has more noise than before: then its variance is (1 − ᾱ)/ᾱ. It is simpler to
multiply data by √ᾱ instead.
    -(x_t / a**0.5 - data).square().sum(1) / (2 * (1 - a))
the differences are not squared.
    -(x_t - a**0.5 * data).abs().sum(1) / (2 * (1 - a))
one square root too many: the exponent has the sum of the squares itself, not the distance.
    -gap.sqrt() / (2 * (1 - a))
it adds the differences first and squares the sum, so that plus and minus cancel: square each
pixel's difference, then add.
    -(x_t - a**0.5 * data).sum(1).square() / (2 * (1 - a))
the 2 is missing: divide by 2 (1 − ᾱ). Yours is surer than it should be.
    -gap / (1 - a)
brackets are missing: / 2 * (1 − ᾱ) divides by 2 and then multiplies. Write / (2 * (1 − ᾱ)).
    -gap / 2 * (1 - a)
it divides by the noise's spread, √(1 − ᾱ): the exponent has its variance, 1 − ᾱ.
    -gap / (2 * (1 - a) ** 0.5)
1 − ᾱ is the variance already: don't square it.
    -gap / (2 * (1 - a) ** 2)
it divides by ᾱ: how far off a picture may be is up to the noise, whose variance is 1 − ᾱ.
    -gap / (2 * a)
the noise is nowhere: divide by 2 (1 − ᾱ), or it is as sure in thick noise as in thin.
    -gap / 2
    -gap
it takes the mean over the pixels: each pixel is a clue of its own, so add them up (sum).
    -(x_t - a**0.5 * data).square().mean(1) / (2 * (1 - a))
the minus is missing, so the picture that fits *worst* gets most votes.
    gap / (2 * (1 - a))
it compares by a product, which favours strong pictures: also take ᾱ ‖xᵢ‖² / (2 (1 − ᾱ)) away from
each, or square differences.
    a**0.5 * (data @ x_t) / (1 - a)
it halves: `a ** 1 / 2` is a/2. Write ** 0.5 for a square root.
    -(x_t - a**1 / 2 * data).square().sum(1) / (2 * (1 - a))
""",
    )
    + """
the formula is right, but in the trial with 3,000 pixels it fails: e to the −1500 is 0 to a
computer. Hand the exponents to torch.softmax(…, 0), or take away their largest first.
    by_hand(exponents)
    by_hand(exponents, guard=1e-300)
    by_hand(exponents, guard=1e-12)
    by_hand(exponents, guard=1e-10)
    by_hand(exponents, guard=1e-9)
    by_hand(exponents, guard=1e-8)
    by_hand(exponents, guard=1e-6)
the votes don't add up to 1: divide them by their sum (torch.softmax does).
    torch.exp(exponents)
these are the exponents: take e to their power and divide by the sum, which is what
torch.softmax(…, 0) does.
    exponents
the exponents are shared out as they are, so the worst gets most: take e to the power of minus that
first, as torch.softmax does.
    exponents / exponents.sum()
these are the gaps: the better a picture fits, the more votes it needs.
    gap
sigmoid looks at each picture alone; the votes have to add up to 1: softmax.
    torch.sigmoid(exponents)
it votes by one over the distance. How likely a gap is falls off much faster, like a bell curve: e
to the power of −gap / (2 (1 − ᾱ)).
    gap**-0.5 / (gap**-0.5).sum()
    (1 / gap) / (1 / gap).sum()
the nearest picture takes all the votes. The others count too, by how well they fit.
    (gap == gap.min()).double()
it returns the number of the nearest picture; a vote for each picture is asked for.
    gap.argmin()
all votes are equal, so x_t has no say.
    torch.full((len(data),), 1 / len(data))
this is the guess, one step further on: return the votes themselves.
    softmax(exponents) @ data
it adds up everything, all pictures too: .sum(1) adds the pixels of each picture alone.
    softmax(exponents.sum())
it adds up the pictures and gives each *pixel* a vote: .sum(1) adds the pixels of each picture.
    softmax(-(x_t - a**0.5 * data).square().sum(0) / (2 * (1 - a)))
each pixel votes by itself: first add up the pixels of each picture, .sum(1), then vote.
    softmax(-(x_t - a**0.5 * data).square() / (2 * (1 - a)))
""",
)


def _noisy_and_guessed() -> Trials:
    draw = torch.Generator().manual_seed(4)
    trials = []
    for shape, left in (((2, 3, 5, 7), 0.3), ((4,), 0.9981), ((1, 1, 3, 3), 0.64), ((5, 2), 0.02)):
        # Guesses are now and then outside [−1, 1].
        x0_hat = torch.rand(shape, generator=draw) * 2.8 - 1.4
        x_t = left**0.5 * x0_hat + (1 - left) ** 0.5 * torch.randn(shape, generator=draw)
        trials.append((x_t, x0_hat, torch.tensor(left, dtype=torch.float64)))
    return trials


leftover_noise = Exercise(
    "leftover_noise(x_t, x0_hat, alpha_bar_t)",
    "(x_t - alpha_bar_t**0.5 * x0_hat) / (1 - alpha_bar_t) ** 0.5",
    trials=_noisy_and_guessed,
    given="a = alpha_bar_t",
    slips="""
x_t − x̂₀ is no noise yet: only √ᾱ of the picture is in x_t, and what is left over is √(1 − ᾱ) times
the noise.
    x_t - x0_hat
what is left over is √(1 − ᾱ) times the noise: divide by it.
    x_t - a**0.5 * x0_hat
it multiplies by √(1 − ᾱ) once more: divide.
    (x_t - a**0.5 * x0_hat) * (1 - a) ** 0.5
it divides by the variance 1 − ᾱ; what multiplies the noise is its square root.
    (x_t - a**0.5 * x0_hat) / (1 - a)
ᾱ is a share of power; what multiplies the picture is its square root.
    (x_t - a * x0_hat) / (1 - a) ** 0.5
both square roots are missing: ᾱ and 1 − ᾱ are shares of power.
    (x_t - a * x0_hat) / (1 - a)
the picture is taken away at full strength, but only √ᾱ of it is in x_t.
    (x_t - x0_hat) / (1 - a) ** 0.5
the two factors are swapped: the picture's is √ᾱ, the noise's √(1 − ᾱ).
    (x_t - (1 - a) ** 0.5 * x0_hat) / a**0.5
the sign is turned: take the picture away from x_t.
    (a**0.5 * x0_hat - x_t) / (1 - a) ** 0.5
the picture is added: take it away.
    (x_t + a**0.5 * x0_hat) / (1 - a) ** 0.5
brackets are missing: only the picture is divided by √(1 − ᾱ).
    x_t - a**0.5 * x0_hat / (1 - a) ** 0.5
brackets are missing: `/ 1 - a` divides by 1 and then takes away.
    (x_t - a**0.5 * x0_hat) / 1 - a**0.5
1 − √ᾱ is not √(1 − ᾱ): subtract first, then take the root.
    (x_t - a**0.5 * x0_hat) / (1 - a**0.5)
it divides by √ᾱ, the picture's factor; the noise's is √(1 − ᾱ).
    (x_t - a**0.5 * x0_hat) / a**0.5
it halves: `a ** 1 / 2` is a/2. Write ** 0.5 for a square root.
    (x_t - a**1 / 2 * x0_hat) / ((1 - a) ** 1 / 2)
x̂₀ is nowhere: take its share out of x_t first.
    x_t / (1 - a) ** 0.5
it returns the guess of the picture, not of the noise.
    x0_hat
this is how a velocity is turned (lesson 04); here the picture itself is known.
    a**0.5 * x_t - (1 - a) ** 0.5 * x0_hat
the result is clipped: noise is often outside [−1, 1].
    ((x_t - a**0.5 * x0_hat) / (1 - a) ** 0.5).clamp(-1, 1)
x̂₀ is clipped. Sensible at times, but the formula doesn't.
    (x_t - a**0.5 * x0_hat.clamp(-1, 1)) / (1 - a) ** 0.5
""",
)


def _ballots() -> Trials:
    draw = torch.Generator().manual_seed(5)
    some = torch.softmax(2 * torch.randn(7, generator=draw, dtype=torch.float64), 0).tolist()
    even = [0.25] * 4
    ballots = even, [1.0], [0.5, 0.3, 0.2], some, [0.0, 1.0, 0.0], [0.5, 0.0, 0.5]
    return [(torch.tensor(weights, dtype=torch.float64),) for weights in ballots]


voters = Exercise(
    "voters(weights)",
    "torch.exp(-torch.xlogy(weights, weights).sum())",
    trials=_ballots,
    given="""
    w = weights
    H = -torch.xlogy(w, w).sum()
    """,
    slips="""
right, but for votes of exactly 0: there 0 · ln 0 becomes NaN. It should count 0; leave those out,
or use torch.xlogy(w, w).
    torch.exp(-(w * w.log()).sum())
this is H itself: take e to its power, so that four equal votes give 4.
    H
take e to its power, and mind votes of 0: NaN.
    -(w * w.log()).sum()
the minus is missing: four equal votes should give 4, and yours gives 1/4.
    torch.exp(-H)
it mixes two bases: with the natural logarithm take e to the power, not 2.
    2**H
it mixes two bases: with the logarithm to base 2 take 2 to the power, not e.
    torch.exp(H / math.log(2))
it mixes two bases: log10 needs 10 to the power, log needs e.
    torch.exp(H / math.log(10))
1 / Σ w² is an honest count as well, but another one; the formula above is asked for.
    1 / w.square().sum()
one over the largest vote ignores how the others are shared out.
    1 / w.max()
it counts every vote above 0 as a whole one, however small it is.
    (w > 0).sum()
it counts all pictures, whatever their votes.
    len(w)
it takes the mean: add the w ln w up (sum).
    torch.exp(H / len(w))
each logarithm has to be multiplied by its own vote before they are added.
    torch.exp(-w.clamp(min=1e-300).log().sum())
it returns a number for each picture: add them up before taking e to the power.
    torch.exp(torch.special.entr(w))
""",
)


# --- figures ---


# Who answers and on what: the network is a prediction, the ideal guesser neither that nor a signal.
GUESSERS = {"network": PREDICTION, "ideal": OTHERS[0], "floor": OTHERS[3]}


@styled
def ballot(
    x_t: Any, leaders: Sequence[Any], shares: Sequence[float], guess: Any, caption: str
) -> Figure:
    """What is seen, the pictures with most votes and their shares, and the average that they give.

    ``leaders``: the pictures that lead, the first in front, at most ten; ``shares``: the share of
    each, 0 … 1.
    """
    seen, small = as_image(x_t), [as_image(picture) for picture in leaders]
    width, height = tile_size(seen, 1.92)
    tiny = round(height / 2 - 24)
    columns = -(-len(small) // 2)
    left, size = 2 * 24 + width, (3 * 24 + 2 * width + columns * (tiny + 8), height + 36)
    canvas = canvas_of(*size)
    draw_tile(canvas, 12, 26, (width, height), seen, "seen, $x_t$")
    for i, (picture, share) in enumerate(zip(small, shares, strict=True)):
        x, y = left + i % columns * (tiny + 8), 26 + i // columns * (tiny + 40)
        words = f"{share:.1%}" if share >= 0.01 else f"{share:.2%}"
        title = words if share >= 0.0001 else "< 0.01%"
        draw_tile(canvas, x, y, (tiny, tiny), picture, title)
        # The length of the bar is the share of the votes.
        bar = axes_at(canvas, x, y + tiny + 3, tiny, 7)
        bar.barh(0, share, color=GUESSERS["ideal"])
        bar.set(xlim=(0, 1), ylim=(-0.4, 0.4), xticks=[], yticks=[], facecolor="#EEEEEE")
        bar.grid(False)
        bar.spines[:].set_visible(False)
    right = size[0] - width - 12
    draw_tile(canvas, right, 26, (width, height), as_image(guess), "guess, $\\hat{x}_0$")
    return finished(canvas, caption)


@styled
def errors_by_level(
    t: Any,
    errors: Mapping[str, Any],
    caption: str,
    *,
    mark: float | None = None,
    lowest: float = 1e-5,
) -> Figure:
    """Mean squared error of the predicted noise at each level, on a logarithmic axis.

    ``errors``: names that begin with one of `GUESSERS`, such as "network, new pictures" → one
    error for each entry of ``t``. What is below ``lowest`` is drawn at its height. ``mark`` is a
    value that is drawn as a line to compare with.
    """
    lows = [np.asarray(y)[np.asarray(y) > lowest].min() for y in errors.values()]
    canvas, axes = panels(7.4, 4)
    for i, (name, y) in enumerate(errors.items()):
        axes.plot(
            t,
            np.maximum(y, lowest),
            label=name,
            color=GUESSERS[name.split(",")[0]],
            linestyle=DASHES[i],
            marker="osD^"[i],
            markersize=6,
            markerfacecolor="white" if "new" in name else None,
        )
    axes.set(yscale="log", xlabel="step t, from the picture (0) to noise (1000)")
    axes.set(ylabel="mean squared error of the noise", xlim=(0, 1000))
    axes.yaxis.set_major_formatter(lambda y, _: f"{y:.6f}".rstrip("0").rstrip("."))
    if min(lows) < 10 * lowest:
        axes.set_ylim(lowest / 2, None)
        words = f"{lowest:.5f} or less"
        axes.annotate(words, (8, lowest), (0, -11), textcoords="offset points")
    if mark is not None:
        axes.axhline(mark, color="black", linestyle=(0, (1, 2)), linewidth=1.2)
        axes.annotate(f"{mark:g}", (8, mark), (0, 4), textcoords="offset points")
    axes.legend()
    return finished(canvas, caption)


@styled
def scatter(points: Any, caption: str) -> Figure:
    """Pictures of two pixels as dots, (n, 2): the first pixel across, the second upwards."""
    points = np.asarray(points)
    canvas, axes = panels(3.6, 3.4)
    axes.plot(points[:, 0], points[:, 1], ".", color=SIGNAL, markersize=3, alpha=0.5)
    axes.set(xlabel="first pixel", ylabel="second pixel", aspect="equal")
    axes.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6))
    return finished(canvas, caption)
