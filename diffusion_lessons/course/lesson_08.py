"""Lesson 08: its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure as Canvas

from .figures import CYCLE, DASHES, NOISE, SIGNAL, STYLE, Figure, finished


def memorising(
    counts: Sequence[int], copies: Sequence[float], own: Any, new: Any, caption: str
) -> Figure:
    """Two panels over the number of training pictures: the share of copies, and two errors.

    ``own`` and ``new``: the error on pictures that were shown in training, and on new ones.
    """
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(8.4, 3.2), layout="constrained")
        left, right = canvas.subplots(1, 2)
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


def overlaid(
    values: Mapping[str, Any], caption: str, *, xlabel: str, span: tuple[float, float]
) -> Figure:
    """Histograms of named sets of numbers in one panel, told apart by colour and by dash."""
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(7, 3.2), layout="constrained")
        axes = canvas.subplots()
        for i, (name, numbers) in enumerate(values.items()):
            weights = np.full(len(numbers), 100 / len(numbers))
            axes.hist(
                np.asarray(numbers), bins=40, range=span, weights=weights, label=name,
                histtype="step", color=CYCLE[i], linestyle=DASHES[i], linewidth=2,
            )  # fmt: skip
        axes.set(xlabel=xlabel, ylabel="% of all", xlim=span)
        axes.legend(loc="upper left")
        return finished(canvas, caption)
