"""Lesson 07, prompts: its exercises and its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.figure import Figure as Canvas

from .figures import Figure, draw_measured, finished, panels, styled
from .grading import Exercise, Trials, numbers


def _two_answers() -> Trials:
    draw = torch.Generator().manual_seed(7)
    trials = []
    # w = 1 and w = 0 are plain answers; at −0.5 the words push the other way.
    for shape, w in (
        ((2, 3, 5, 7), 2.0), ((6,), 3.5), ((1, 1, 4, 4), 7.5), ((1, 3, 2, 2), 1.0),
        ((3, 2), 0.0), ((5, 1, 3), -0.5), ((4,), 0.3),
    ):  # fmt: skip
        out_null = torch.randn(shape, generator=draw)
        trials.append((out_null + 0.8 * torch.randn(shape, generator=draw), out_null, w))
    return trials


guide = Exercise(
    "guide(out_cond, out_null, w)",
    "out_null + w * (out_cond - out_null)",
    trials=_two_answers,
    tolerance=1e-4,
    given="c, n = out_cond, out_null",
    slips="""
this is the other convention, where 0 means no guidance: what you call w is their w + 1 here. Start
from the answer without words: out_null + w (out_cond − out_null).
    c + w * (c - n)
it goes w − 1 times the way, but at w = 1 it should arrive at out_cond.
    n + (w - 1) * (c - n)
this is only what the words change, w times: it has to be added to something, out_null.
    w * (c - n)
the two answers are swapped: at w = 1 yours is the answer without words.
    c + w * (n - c)
it goes away from the words: at w = 1 out_cond should come out, so add.
    n - w * (c - n)
it adds w times the whole answer with words: only what the words *change* should be multiplied,
out_cond − out_null.
    n + w * c
it is w · out_cond, so out_null has dropped out: are brackets missing? w belongs before
(out_cond − out_null).
    w * c
out_null is taken away once, whatever w is: the shares w and 1 − w must add to 1.
    w * c - n
it takes w times the answer without words away: the shares w and 1 − w must add to 1.
    c - w * n
the sign of the second share is wrong: it is 1 − w, which is negative for w above 1.
    w * c + (w - 1) * n
it adds the two answers: what the words change is their difference.
    n + w * (c + n)
this is an average, which lies between the two answers: guidance goes beyond out_cond.
    (n + w * c) / (1 + w) if w != -1 else c
this is the average of the two, whatever w is.
    (c + n) / 2
it returns out_cond, whatever w is: that is right at w = 1.
    c
it returns out_null, whatever w is: that is right at w = 0.
    n
this is what the words change. Multiply it by w, and add it to out_null.
    c - n
it divides by w: a larger w should go further.
    n + (c - n) / w if w else n
w is squared: at w = 2 the way should be twice as long, not four times.
    n + w**2 * (c - n)
the sign of the difference is lost: words make some values smaller.
    n + w * (c - n).abs()
w is held between 0 and 1: the point of guidance is to go beyond 1.
    n + min(max(w, 0), 1) * (c - n)
a negative w is cut off: it means to move away from the words, and that is allowed.
    n + max(w, 0) * (c - n)
w is made a whole number: 3.5 should go three and a half times the way.
    n + int(w) * (c - n)
    n + round(w) * (c - n)
the formula is right, but the result is clipped: an answer of a network is no picture, and may lie
outside [−1, 1].
    (n + w * (c - n)).clamp(-1, 1)
the formula is right, but the result is scaled back to the spread of out_cond. That cure for too
much guidance exists (Lin and others, 2024); here, leave it.
    right(c, n, w) * (c.std() / right(c, n, w).std())
""",
)


def _tables() -> Trials:
    table = torch.arange(1, 24_001).reshape(4000, 6) % 27 + 1
    table[::3, 1] = 0  # nobody has no colour, so a zero may stand in a row that is kept
    chances = (0.1, 4000), (0.1, 4000), (0.1, 4000), (0.7, 4000), (0, 50), (1, 7)
    return [
        (table[:n].clone(), p, torch.Generator().manual_seed(seed))
        for (p, n), seed in zip(chances, (6, 6, 7, 8, 9, 10), strict=True)
    ]


def _badly_dropped(answer: Any, cond: Any, p: float, _: torch.Generator) -> str | None:
    """Why an answer is not cond with each row hidden whole with chance p, or None."""
    a, cond = numbers(answer), cond.numpy()
    if a is None:
        return f"it returns a {type(answer).__name__}, but the table of word numbers is expected."
    n = len(cond)
    if a.shape in ((n,), (n, 1)):
        return (
            f"its answer has shape {a.shape}: that says whose words are hidden. Return the word "
            "numbers, with those rows set to 0."
        )
    if a.ndim == 2 and a.shape[1:] == cond.shape[1:] and len(a) < n:
        return (
            "rows are missing: the picture stays in the batch, and only its words become 0, so "
            "the shape must not change."
        )
    if a.shape != cond.shape:
        return f"its answer has shape {a.shape}, but {cond.shape} is expected, as cond has."
    if not np.isfinite(a).all():
        return "its answer holds NaN or infinity: a hidden word is number 0."
    changed = a != cond
    if (changed & (a != 0)).any():
        found = a[changed & (a != 0)][0]
        return f"a hidden word became {found:g}: 0 stands for nothing said."
    hidden, kept = (a == 0).all(axis=1), ~changed.any(axis=1)
    share = float(hidden.mean())
    if not (hidden | kept).all():
        if (changed.any(axis=0) == changed.all(axis=0)).all() and n > 100:
            return "it hides the same columns of every picture: hide whole rows."
        return (
            f"it hides single words: with chance p = {p:g} *all* words of a picture go, or the "
            "network never learns what nothing said means. One die for each row, as in a mask of "
            "shape (n, 1)."
        )
    if n > 100 and share in (0.0, 1.0) and 0 < p < 1:
        if share == 0:
            return f"for p = {p:g} no row is hidden: is p compared the right way round?"
        return f"for p = {p:g} all rows are hidden, or one die is thrown for the whole batch."
    # Six standard deviations of a fair draw.
    slack = 6 * (p * (1 - p) / n) ** 0.5
    if abs(share - p) > slack:
        if abs(share - (1 - p)) <= slack + 1e-9 and p != 0.5:
            return (
                f"for p = {p:g} it hides {share:.0%} of the rows: it keeps those that it should "
                "hide. rand() < p is true with chance p."
            )
        return f"for p = {p:g} it hides {share:.0%} of the rows: {p:.0%} are expected."
    if n > 100 and not (np.diff(hidden.astype(int)) > 0).sum() > 5:
        return "it hides rows next to each other: each row has a die of its own."
    kind = answer.dtype if isinstance(answer, torch.Tensor) else np.asarray(answer).dtype
    if "int" not in str(kind):
        return f"its numbers are right, but they come as {kind}, and words have whole numbers."
    return None


drop_words = Exercise(
    "drop_words(cond, p, generator)",
    """
    hidden = torch.rand(len(cond), 1, generator=generator) < p
    return cond.masked_fill(hidden, 0)
    """,
    trials=_tables,
    seeded=True,
    problem=_badly_dropped,
)


# --- figures ---


@styled
def vectors(rows: Mapping[str, Any], total: Any, caption: str) -> Figure:
    """Named vectors as strips of coloured boxes, one number a box, and their sum below them.

    ``rows``: name → numbers, all of one length; ``total``: the sum, as long. Orange is below 0,
    purple above, on one scale for all.
    """
    strips = np.stack([np.asarray(row, dtype=float) for row in (*rows.values(), total)])
    limit = np.abs(strips).max()
    canvas = Canvas(figsize=(8.4, 0.9 + 0.3 * len(strips)), layout="constrained")
    axes = canvas.subplots(
        2, 1, sharex=True, gridspec_kw={"height_ratios": (len(rows), 1), "hspace": 0.02}
    )
    names = (list(rows), ["the sum"])
    for part, values, labels in zip(axes, (strips[:-1], strips[-1:]), names, strict=True):
        shown = part.imshow(
            values, aspect="auto", cmap="PuOr", vmin=-limit, vmax=limit, interpolation="nearest"
        )
        part.set_yticks(range(len(labels)), labels)
        part.tick_params(length=0, labelbottom=False)
        part.grid(False)
        part.set_yticks(np.arange(1, len(labels)) - 0.5, minor=True)
        part.grid(which="minor", axis="y", color="white", linewidth=2, alpha=1)
        part.tick_params(which="minor", length=0)
        part.spines[:].set_visible(False)
    canvas.colorbar(shown, ax=axes, label="value", shrink=0.9)
    axes[-1].set_xlabel(f"the {strips.shape[1]} numbers of each vector")
    return finished(canvas, caption)


@styled
def likeness(matrix: Any, names: Sequence[str], groups: Sequence[int], caption: str) -> Figure:
    """How alike each pair of named things is, from −1 to 1, as a table of colours.

    ``matrix`` (n, n); ``groups``: how many neighbours belong together, in order, framed in white.
    """
    # A square in a wide figure: "constrained" leaves too little room for the longest name.
    canvas = Canvas(figsize=(7.4, 6.2), layout="compressed")
    axes = canvas.subplots()
    shown = axes.imshow(np.asarray(matrix), cmap="cividis", vmin=-1, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.tick_params(length=0)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    start = -0.5
    for size in groups:
        axes.add_patch(mpl.patches.Rectangle((start, start), size, size, fill=False, ec="w", lw=2))
        start += size
    canvas.colorbar(shown, label="likeness (cosine)", shrink=0.8)
    return finished(canvas, caption)


@styled
def along_guidance(
    scales: Sequence[float], measures: Mapping[str, Mapping[str, Any]], caption: str
) -> Figure:
    """Panels side by side over the guidance scale w: title → name of a curve → its numbers."""
    canvas, grid = panels(8.8, 3, len(measures))
    for axes, (title, curves) in zip(grid, measures.items(), strict=True):
        draw_measured(axes, scales, curves)
        axes.set(title=title, xlabel="guidance w", ylim=(0, None), xticks=scales)
        axes.axvline(1, color="black", linestyle=":", linewidth=1.2)
    return finished(canvas, caption)
