"""Lesson 00b, the toolbox: its exercises and its figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from .figures import (
    OTHERS,
    SIGNAL,
    Figure,
    as_image,
    axes_at,
    canvas_of,
    draw_histogram,
    draw_tile,
    finished,
    panels,
    styled,
    tile_size,
)
from .grading import Exercise, Trials, numbers, same


def _pairs_of_pictures() -> Trials:
    rng = np.random.default_rng(4)
    trials = [(np.array([0.0, 7.0]), np.array([1.0, 0.0]))]
    for shape, scale, shift in (((3, 5, 7), 0.5, 0.8), ((2, 3, 4, 5), 1.5, -0.3), ((6, 4), 0.1, 0)):
        a = rng.uniform(-1, 1, shape)
        trials.append((a, scale * rng.standard_normal(shape) + shift))
    trials.append((rng.uniform(-1, 1, (1, 2, 3)),) * 2)  # a copy: the difference is 0
    return trials


rms_difference = Exercise(
    "rms_difference(a, b)",
    "((a - b) ** 2).mean() ** 0.5",
    trials=_pairs_of_pictures,
    slips="""
the root is missing: the mean of the squares is there already.
    np.mean((a - b) ** 2)
this is the mean distance, |a − b|. Square, then mean, then root: with the root straight after the
square, nothing has happened.
    np.mean(abs(a - b))
minus and plus cancel, so that quite different pictures come out alike: square each difference
before you take the mean.
    np.mean(a - b)
    np.mean(b - a)
    abs(np.mean(a - b))
    np.mean(a - b) ** 2
    np.sqrt(np.mean(a - b))
    np.sqrt(np.mean(b - a))
divide by the number of pixels: a mean, not a sum, or large pictures are far apart.
    np.sqrt(np.sum((a - b) ** 2))
    np.sum((a - b) ** 2)
    np.sum(abs(a - b))
the root comes after the division: sum, divide, root.
    np.sqrt(np.sum((a - b) ** 2)) / a.size
the root of the mean distance: square the differences first.
    np.sqrt(np.mean(abs(a - b)))
** 1 / 2 halves, as powers come before division: write ** 0.5.
    np.mean((a - b) ** 2) ** 1 / 2
* 2 doubles: ** 2, with two stars, squares.
    np.sqrt(np.mean((a - b) * 2))
only b is squared: put a − b in brackets, (a - b) ** 2.
    np.sqrt(np.mean(a - b**2))
    np.mean(a - b**2)
it squares twice; at the end a root is wanted, ** 0.5.
    np.mean((a - b) ** 2) ** 2
each picture’s own mean is taken out first, so that a brighter copy would count as the same:
subtract nothing but b.
    np.std(a - b)
    np.var(a - b)
    abs(np.std(a) - np.std(b))
    np.std(a) - np.std(b)
it squares each picture and then subtracts. Then −1 and 1 would be the same: subtract first.
    np.sqrt(np.mean(a**2 - b**2))
    np.sqrt(abs(np.mean(a**2 - b**2)))
    np.mean(a**2 - b**2)
it adds the pictures: subtract them.
    np.sqrt(np.mean((a + b) ** 2))
    np.mean((a + b) ** 2)
this is the largest difference: one speck would decide. Take square, mean, root.
    np.max(abs(a - b))
this is the median: take the mean of the squares, and its root.
    np.median(abs(a - b))
it divides by one too few: no mean was taken out of the differences, so divide by their number.
    np.sqrt(np.sum((a - b) ** 2) / (a.size - 1))
len(a) counts the outermost axis only: a.size counts all numbers (or use mean).
    np.sqrt(np.sum((a - b) ** 2) / len(a))
this is one number for each pixel: take the mean over all of them, for one number.
    a - b
    b - a
    abs(a - b)
    (a - b) ** 2
this is the mean over the first axis only: take it over all, for one number.
    np.sqrt(np.mean((a - b) ** 2, axis=0))
this is the mean over the last axis only: take it over all, for one number.
    np.sqrt(np.mean((a - b) ** 2, axis=-1))
it rounds: give the number as it is.
    round(float(np.sqrt(np.mean((a - b) ** 2))), 2)
a distance is never negative.
    -right(a, b)
it divides by the power of a: the plain distance is wanted.
    np.sqrt(np.mean((a - b) ** 2) / np.mean(a**2))
""",
)


def _sets_of_numbers() -> Trials:
    rng = np.random.default_rng(5)
    return [
        (np.array([1.0, 7.0, 9.0, 15.0]),),
        (rng.exponential(size=(3, 5, 7)) - 3,),
        (0.2 * rng.standard_normal((2, 3, 4, 5)) + 1,),
        (np.full((4, 4), 0.7),),  # flat grey has no spread
    ]


spread = Exercise(
    "spread(x)",
    "((x - x.mean()) ** 2).mean() ** 0.5",
    trials=_sets_of_numbers,
    slips="""
this is the variance: the root is missing.
    np.var(x)
this is the mean distance from the mean. Square, then mean, then root: with the root straight after
the square, nothing has happened.
    np.mean(abs(x - x.mean()))
the mean is not taken out. So a flat bright picture would have a spread too: subtract x.mean()
first.
    np.sqrt(np.mean(x**2))
    np.mean(x**2)
divide by how many numbers there are: a mean, not a sum.
    np.sqrt(np.sum((x - x.mean()) ** 2))
    np.sum((x - x.mean()) ** 2)
it divides by n − 1, as PyTorch’s x.std() does. (That guesses the spread of a crowd from a few of
it.) Here divide by n.
    np.std(x, ddof=1)
it divides by n − 1, as PyTorch’s x.std() does. (That guesses the spread of a crowd from a few of
it.) Here divide by n. And the root is missing.
    np.var(x, ddof=1)
the root comes after the division: sum, divide, root.
    np.sqrt(np.sum((x - x.mean()) ** 2)) / x.size
len(x) counts the outermost axis only: x.size counts all numbers (or use mean).
    np.sqrt(np.sum((x - x.mean()) ** 2) / len(x))
** 1 / 2 halves, as powers come before division: write ** 0.5.
    np.var(x) ** 1 / 2
it squares twice; at the end a root is wanted, ** 0.5.
    np.var(x) ** 2
below and above the mean cancel to 0: square the distances before you take the mean.
    np.mean(x - x.mean())
this is the mean: how far from it are the numbers?
    np.mean(x)
only the mean is squared: put x − mean in brackets.
    np.sqrt(np.mean(x - x.mean() ** 2))
the mean itself has to be squared too, and the root is missing: √(mean x² − mean²).
    np.mean(x**2) - np.mean(x)
the mean itself has to be squared too: √(mean x² − mean²).
    np.sqrt(np.mean(x**2) - np.mean(x))
it takes the median for the mean: x.mean().
    np.sqrt(np.mean((x - np.median(x)) ** 2))
each row has a mean of its own here: take one mean of all numbers.
    np.sqrt(np.mean((x - x.mean(axis=-1, keepdims=True)) ** 2))
there are many means here, taken along the first axis: take one mean of all numbers.
    np.sqrt(np.mean((x - x.mean(axis=0)) ** 2))
this is many spreads, along the first axis: no axis.
    np.std(x, axis=0)
this is many spreads, along the last axis: no axis.
    np.std(x, axis=-1)
this is the range, from the smallest to the largest: two values decide.
    np.ptp(x)
this is half the range: two values decide.
    np.ptp(x) / 2
this is the largest distance from the mean.
    np.max(abs(x - x.mean()))
the root of the mean distance: square the distances first.
    np.sqrt(np.mean(abs(x - x.mean())))
this is one number for each value: take the mean of all, for one number.
    x - x.mean()
    (x - x.mean()) ** 2
    abs(x - x.mean())
it rounds: give the number as it is.
    round(float(np.std(x)), 2)
it adds the mean: subtract it.
    np.sqrt(np.mean((x + x.mean()) ** 2))
""",
)


class _Question(NamedTuple):
    """A question of the self-check: where it is taught, its answer, and a word to any other."""

    section: int
    answer: float | tuple[int, ...]
    general: str


_QUESTIONS = {
    "slice": _Question(1, 13, "x[1:3] is places 1 and 2, counted from 0."),
    "shape": _Question(1, (8, 3, 32, 48), "the order is picture, colour, row, column."),
    "spread": _Question(2, 5, "the mean is 8, and the squared distances are 49, 1, 1 and 49."),
    "scale": _Question(2, 0.5, "which number, squared, is 0.25?"),
    "loop": _Question(3, 8, "the list is 2 ** 0, 2 ** 1, 2 ** 2, 2 ** 3."),
    "axis": _Question(3, 4, "each factor of ten takes 2 cm."),
    "vote": _Question(4, 2, "it is (3 · 0 + 1 · 8) / (3 + 1)."),
    "apart": _Question(5, 5, "the differences are −1 and 7: square, mean, root."),
}
# What likely wrong answers mean.
_WRONG: dict[str, dict[Any, str]] = {
    "slice": {
        18: "you count from 1: the first place is 0, so x[1] is 6.",
        11: "you count from 1: the first place is 0, so x[1] is 6.",
        21: "the end is left out: x[1:3] is places 1 and 2.",
        7: "that is one number of the two: x[1:3] is places 1 and 2.",
        6: "that is one number of the two: x[1:3] is places 1 and 2.",
        15: "places 1 to 2 are next to each other: a colon means from … up to.",
        26: "that is all four: the colon takes a part.",
        2: "that is how many there are: add them up.",
    },
    "shape": {
        (8, 32, 48, 3): "colours come before rows and columns here: that is PyTorch’s order.",
        (8, 48, 32, 3): "colours come first here, and rows (the height) before columns.",
        (8, 3, 48, 32): "rows come before columns: first the height, then the width.",
        (3, 8, 32, 48): "which picture it is comes first, then the colour.",
        (3, 8, 48, 32): "which picture it is comes first, and rows before columns.",
        (32, 48, 3, 8): "the other way round: picture, colour, row, column.",
        (32, 48, 8, 3): "picture, colour, row, column is the order.",
        (3, 32, 48): "that is one picture: where are the eight?",
        (32, 48, 3): "that is one picture, with its colours last: where are the eight?",
        (8, 32, 48): "that is eight grey pictures: where are the three colours?",
        (8, 1, 32, 48): "that is eight grey pictures: a colour picture has three channels.",
        (8, 4, 32, 48): "red, green and blue are three.",
        (8, 3): "rows and columns are missing.",
        36864: "so many numbers it holds; its shape is (…, …, …, …).",
    },
    "spread": {
        25: "that is the variance: its square root is the spread.",
        4: "that is the mean distance from the mean: square the distances first, take the root "
        "of their mean last.",
        8: "that is the mean: how far are the numbers from it, typically?",
        0: "distances below and above cancel: square them first.",
        100: "that is the sum of the squares: divide it by four, and take the root.",
        10: "divide by four before you take the root.",
        14: "that is the range, from smallest to largest.",
        7: "that is the largest distance from the mean.",
        89: "subtract the mean, 8, before you square.",
        5.774: "that divides by three, n − 1, as PyTorch’s std does: here divide by four.",
    },
    "scale": {
        0.25: "the variance is a square: times 0.25 leaves 0.25² = 0.0625 of it.",
        0.75: "that takes a quarter away. A quarter is to be left.",
        0.0625: "that is 0.25 squared: the root is wanted.",
        0.125: "that is half of 0.25: the root is wanted, and 0.125² is far less than 0.25.",
        0.866: "that leaves three quarters of the variance.",
        2: "that makes it larger. Which number, squared, is 0.25?",
        4: "that makes it larger. Which number, squared, is 0.25?",
    },
    "loop": {
        16: "range(4) is 0, 1, 2, 3: the end is left out.",
        4: "range(4) has four numbers, up to 3.",
        6: "** is a power: 2 ** 3 is 2 · 2 · 2.",
        9: "2 ** 3 is 2 · 2 · 2, not 3 · 3.",
        3: "that is the last i; last is 2 ** i.",
        1: "that is the first of the list: *_ swallows all but the last.",
        2: "that is the second of the list: *_ swallows all but the last.",
        15: "nothing is added up: *_ swallows all but the last.",
        (1, 2, 4): "that goes into _; what is left for last?",
        (1, 2, 4, 8): "that is the whole list: *_ swallows all but the last.",
    },
    "axis": {
        2: "10 to 100 is as far as 1 to 10, and then it goes on to 1000.",
        6: "that is from 1 to 1000.",
        3: "2 cm for each factor of ten: how many are there from 10 to 1000?",
        220: "that would be an ordinary axis. Here equal lengths are equal factors.",
        198: "that would be an ordinary axis. Here equal lengths are equal factors.",
        200: "100 times as much is not 100 times as far: each factor of ten takes 2 cm.",
        20: "each factor of ten takes 2 cm: there are two of them.",
    },
    "vote": {
        4: "the votes count 3 and 1, not alike.",
        8: "divide by the sum of the weights, 3 + 1.",
        6: "the weights are swapped: 8 has one vote in four.",
        24: "the weights are swapped, and the sum is to be divided by 4.",
        2.667: "divide by all the weights, 3 + 1.",
        0: "the most votes win an election; here they make an average.",
    },
    "apart": {
        25: "take the root at the end.",
        4: "that is the mean distance: square first, then mean, then root.",
        3: "minus and plus cancel: square the differences before you take the mean.",
        -3: "minus and plus cancel: square the differences before you take the mean.",
        9: "the mean comes before the square: square first.",
        50: "divide by two, the number of pixels, and take the root.",
        7.071: "divide by two, the number of pixels, before you take the root.",
        10: "divide by two, the number of pixels, before you take the root.",
        8: "that is the sum of the distances: square, mean, root.",
        6: "plus and minus cancel: square the differences first.",
    },
}


def toolbox(answers: dict[str, Any]) -> None:
    """Print which answers of the self-check are right, and which sections are worth reading."""
    if not isinstance(answers, dict):
        print(f"The answers come as a {type(answers).__name__}: keep the dict, fill in its values.")
        return
    strange = [str(name) for name in answers if name not in _QUESTIONS]
    if strange:
        print(f"There is no question {strange[0]!r}: the names are {', '.join(_QUESTIONS)}.")
    if all(answers.get(name) is None for name in _QUESTIONS):
        print("Nothing filled in yet. Put answers in place of None and run both cells again,")
        print("or begin with section 1.")
        return
    to_read = set()
    for name, question in _QUESTIONS.items():
        hint = _answer_hint(answers.get(name), question, _WRONG[name])
        if hint is not None:
            to_read.add(question.section)
        print(f"{name}: {hint or 'right.'}")
    if not to_read:
        print(
            "All right: you may skip to lesson 01. (The exercise in section 5 is worth a minute.)"
        )
        return
    *most, last = map(str, sorted(to_read))
    sections = f"sections {', '.join(most)} and {last}" if most else f"section {last}"
    print(f"Read {sections}.")


def _answer_hint(answer: Any, question: _Question, wrong: dict[Any, str]) -> str | None:
    """What is wrong with an answer of the self-check, or None if it is right."""
    if answer is None:
        return "not answered."
    if isinstance(answer, str):
        return "this is text: leave the quotation marks out."
    given = numbers(answer)
    if given is None or not np.isfinite(given).all():
        return "a number, or a shape such as (2, 3), is expected."
    if same(given, question.answer, 1e-3):
        return None
    return next(
        (hint for other, hint in wrong.items() if same(given, other, 1e-3)),
        f"not yet: {question.general}",
    )


# --- figures ---


@styled
def numbered(tables: Mapping[str, Any], caption: str) -> Figure:
    """Small named arrays (H, W) in [−1, 1] as pictures, with every number and place written in.

    Rows are numbered on the left and columns above, from 0, as Python counts them.
    """
    arrays = {name: np.asarray(table, dtype=float) for name, table in tables.items()}
    side, left, top = 48, 44, 58
    width = max(array.shape[1] for array in arrays.values()) * side
    height = max(array.shape[0] for array in arrays.values()) * side
    size = (len(arrays) * (left + width) + 20, top + height + 8)
    canvas = canvas_of(*size)
    for i, (name, array) in enumerate(arrays.items()):
        rows, columns = array.shape
        x = left + i * (left + width)
        axes = axes_at(canvas, x, top, columns * side, rows * side)
        axes.imshow(array, cmap="gray", vmin=-1, vmax=1, aspect="auto")
        axes.set_title(name, fontsize=10, pad=8)
        axes.set_xticks(range(columns))
        axes.set_yticks(range(rows))
        axes.tick_params(length=0, labeltop=True, labelbottom=False)
        axes.grid(visible=False)
        axes.spines[:].set(visible=True, color="#888888")
        for (row, column), value in np.ndenumerate(array):
            words = f"{value:g}".replace("-", "−")
            color = "black" if value > -0.2 else "white"
            axes.text(column, row, words, ha="center", va="center", color=color)
    return finished(canvas, caption)


@styled
def with_spread(
    pictures_: Mapping[str, Any], caption: str, *, span: tuple[float, float] = (-3, 3)
) -> Figure:
    """Named pictures, and under each how often its values occur, with their mean and spread.

    The solid line stands at the mean; the bar reaches one standard deviation to either side.
    ``span`` is the range of values drawn; what a screen can show, −1 to 1, is marked with dots.
    """
    tiles = {name: as_image(picture) for name, picture in pictures_.items()}
    width, height = tile_size(next(iter(tiles.values())), 2.4)
    size = (66 + len(tiles) * (width + 24), height + 214)
    canvas = canvas_of(*size)
    below = []
    for i, (name, picture) in enumerate(pictures_.items()):
        x = 66 + i * (width + 24)
        draw_tile(canvas, x, 24, (width, height), tiles[name], name)
        axes = axes_at(canvas, x, height + 36, width, 130)
        values = np.asarray(picture, dtype=float).ravel()
        draw_histogram(axes, values, span, OTHERS[2], bins=60)
        below.append((axes, values.mean(), values.std()))
    tallest = max(axes.get_ylim()[1] for axes, _, _ in below)
    for i, (axes, mean, spread) in enumerate(below):
        axes.set(ylim=(0, 1.2 * tallest), ylabel="" if i else "% of all values")
        axes.tick_params(labelleft=i == 0)
        for end in (-1, 1):
            axes.axvline(end, color="black", linestyle=":", linewidth=1.2)
        axes.axvline(mean, color="black", linewidth=1.5)
        axes.plot(
            (mean - spread, mean + spread), (1.08 * tallest,) * 2,
            color="black", linewidth=4, solid_capstyle="butt",
        )  # fmt: skip
    return finished(canvas, caption)


@styled
def both_axes(x: Any, y: Any, caption: str, *, xlabel: str, ylabel: str) -> Figure:
    """One curve of positive numbers twice: on an ordinary axis, and on a logarithmic one."""
    x, y = np.asarray(x), np.asarray(y)
    canvas, (left, right) = panels(8.4, 3, 2)
    for axes, scale in ((left, "linear"), (right, "log")):
        axes.plot(x, y, color=SIGNAL, marker="o", markersize=4)
        axes.set(xlabel=xlabel, ylabel=ylabel, yscale=scale)
    left.set(title="ordinary axis", ylim=(0, None))
    right.set(title="logarithmic axis")
    right.yaxis.set_major_formatter("{x:g}")
    return finished(canvas, caption)
