"""Lesson 08, is it new?: its exercises and its figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from .figures import NOISE, SIGNAL, Figure, finished, panels, styled
from .grading import Exercise, Trials


def _drawn_and_known() -> Trials:
    generator = torch.Generator().manual_seed(8)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=generator) * 2 - 1

    trials = [(drawn(3, 3, 4, 4), drawn(5, 3, 4, 4)), (drawn(4, 1, 2, 6), drawn(2, 1, 2, 6))]
    copies = trials[0][1][1:3].clone()  # at distance 0
    return [*trials, (copies, trials[0][1])]


nearest_distance = Exercise(
    "nearest_distance(x, data)",
    """
    far = [((picture - data) ** 2).mean((1, 2, 3)).sqrt().min() for picture in x]
    return torch.stack(far)
    """,
    trials=_drawn_and_known,
    given="""
    apart = (x[:, None] - data).flatten(2)
    table = apart.square().mean(2).sqrt()
    """,
    slips="""
the square root is missing: √(mean of the squares), so that .1 means a tenth.
    apart.square().mean(2).amin(1)
it adds the squares. Take their mean, so that small and large pictures can be compared.
    apart.square().sum(2).sqrt().amin(1)
it adds the squares, and no root is taken: √(mean of the squares).
    apart.square().sum(2).amin(1)
it averages the differences without their sign. Square them, take the mean, and then one root: large
differences count for more.
    apart.abs().mean(2).amin(1)
it averages before it squares, so that brighter and darker cancel: square first.
    apart.mean(2).abs().amin(1)
nothing is squared, so that brighter and darker cancel: square the differences first.
    apart.mean(2).amin(1)
this is *which* picture is nearest. Asked is how far it is: min instead of argmin.
    table.argmin(1)
this is the farthest of them: min instead of max.
    table.amax(1)
it averages over all of data. Only the nearest counts: take the smallest.
    table.mean(1)
this is how far it is to the average of data, which is a blur and none of them: compare with each
picture, and take the smallest.
    (x - data.mean(0)).flatten(1).square().mean(1).sqrt()
it takes the smallest for each pixel by itself, so a pixel comes from one picture and the next from
another: average over the picture first, then take the smallest.
    apart.square().amin(1).mean(1).sqrt()
it goes through the pictures of data, and finds the nearest of x. Asked is one number for each
picture of x.
    table.amin(0)
these are the distances to all of data: keep only the smallest for each picture of x.
    table
this is one number for all. Asked is one for each picture of x: the smallest in each row.
    table.min()
it takes the smallest difference of any pixel: average over the pixels of a picture first.
    apart.square().amin(2).sqrt().amin(1)
""",
)


def _two_sets() -> Trials:
    generator = torch.Generator().manual_seed(8)
    trials = []
    for (mean_a, spread_a), (mean_b, spread_b) in (
        ((0.0, 1.0), (3.0, 2.5)),
        ((2.0, 3.0), (-1.0, 0.5)),
        ((1.0, 0.3), (1.6, 4.0)),
    ):
        a, b = torch.randn(2, 4000, generator=generator, dtype=torch.float64)
        trials.append((mean_a + spread_a * a, mean_b + spread_b * b[:3000]))
    return trials


frechet_1d = Exercise(
    "frechet_1d(a, b)",
    "(a.mean() - b.mean()) ** 2 + (a.std() - b.std()) ** 2",
    trials=_two_sets,
    tolerance=2e-3,  # dividing by n or by n − 1 is all the same here
    given="means, spreads = a.mean() - b.mean(), a.std() - b.std()",
    slips="""
nothing is squared: square each of the two differences, then add.
    means.abs() + spreads.abs()
    means + spreads
it adds first and squares then: square each difference by itself.
    (means + spreads) ** 2
a root is taken at the end. By custom it is not: the squares are the answer.
    (means ** 2 + spreads ** 2).sqrt()
it compares the variances. The spread is their square root: std instead of var.
    means ** 2 + (a.var() - b.var()) ** 2
it adds the variances, so that a set is far from itself: (spread − spread)².
    means ** 2 + a.var() + b.var()
it takes one variance from the other, which can be below 0: (spread − spread)².
    means ** 2 + a.var() - b.var()
the spreads are missing: two sets may have one mean and be quite different.
    means ** 2
the means are missing: two sets may spread alike and lie far apart.
    spreads ** 2
the two parts are subtracted: add them.
    means ** 2 - spreads ** 2
the difference of the means is not squared.
    means + spreads ** 2
the difference of the spreads is not squared.
    means ** 2 + spreads
    means ** 2 + spreads.abs()
it compares the numbers pair by pair. Which comes first in a set is chance: compare mean with mean,
and spread with spread.
    (a[: len(b)] - b).square().mean()
* 2 doubles; ** 2 squares.
    2 * means + 2 * spreads
""",
)


def blind_test(chosen: Sequence[int], real: Sequence[int], shown: int) -> None:
    """Say how many of ``shown`` pictures were told apart, and what guessing would give.

    ``chosen``: the numbers, from 1, that somebody believes to be real; ``real``: those that are.
    """
    try:
        numbers = {int(number) for number in chosen}
    except (TypeError, ValueError):
        print(f"Give the numbers of the pictures in a list, such as [3, 7], and not {chosen!r}.")
        return
    if strange := sorted(number for number in numbers if not 1 <= number <= shown):
        print(f"There is no picture {strange[0]}: they are numbered from 1 to {shown}.")
        return
    if not numbers:
        print("No answer yet: write the numbers of those that you believe are real.")
        return
    right = shown - len(numbers ^ set(real))
    # By luck each is right or wrong like a coin: nineteen guessers in twenty end within this.
    luck = round(0.98 * math.sqrt(shown))
    low, high = shown // 2 - luck, shown // 2 + luck
    verdict = (
        "no better than a coin" if low <= right <= high
        else "so you can tell" if right > high
        else "so you can tell them apart, but took one kind for the other"
    )  # fmt: skip
    print(f"{right} of {shown} right. A coin gets {low} to {high} in 19 of 20 tries: {verdict}.")
    print(f"Real are {', '.join(map(str, sorted(real)))}.")


# --- figures ---


@styled
def memorising(
    counts: Sequence[int], copies: Sequence[float], own: Any, new: Any, caption: str
) -> Figure:
    """Two panels over the number of training pictures: the share of copies, and two errors.

    ``own`` and ``new``: the error on pictures that were shown in training, and on new ones.
    """
    canvas, (left, right) = panels(8.4, 3.2, 2)
    left.plot(counts, 100 * np.asarray(copies), color="black", marker="o", ms=6)
    left.set(title="pictures that are copies, %", ylim=(-5, 105))
    right.plot(counts, new, color=NOISE, marker="s", ms=6, label="new pictures")
    right.plot(counts, own, color=SIGNAL, ls="--", marker="o", ms=6, label="its own")
    right.set(title="error of the guess, t = 500", yscale="log")
    right.legend()
    for axes in (left, right):
        axes.set(xscale="log", xlabel="pictures it was trained on")
        axes.set_xticks(counts, [f"{n:,}" for n in counts])
        axes.minorticks_off()
    return finished(canvas, caption)
