"""Lesson 05: its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure as Canvas

from .figures import DASHES, NOISE, OTHERS, PREDICTION, SIGNAL, STYLE, Figure, finished


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
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(7, 3.4), layout="constrained")
        axes = canvas.subplots()
        for (name, y), (color, dash, width) in zip(curves.items(), looks, strict=True):
            axes.plot(x, y, label=name, color=color, linestyle=dash, linewidth=width)
        axes.plot(x, bell, label="the formula", color="black", linestyle=":", linewidth=2)
        axes.set(xlabel="value of the pixel at step s", ylabel="how likely", xlim=(x[0], x[-1]))
        axes.set(ylim=(0, None))
        axes.legend()
        return finished(canvas, caption)


def by_steps(
    steps: Sequence[int], distance: Mapping[str, Any], fine: Mapping[str, Any], caption: str
) -> Figure:
    """Two panels over the number of steps: how far from the end result, and how much fine detail.

    ``distance`` and ``fine``: name of a sampler → one number for each entry of ``steps``; fine
    detail is relative to real pictures, whose value, 1, is a dotted line.
    """
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(8.4, 3.4), layout="constrained")
        left, right = canvas.subplots(1, 2)
        for axes, curves in ((left, distance), (right, fine)):
            for i, (name, y) in enumerate(curves.items()):
                color, marker = (*OTHERS[3:], *OTHERS)[i], "os^D"[i]
                axes.plot(
                    steps, y, label=name, color=color, linestyle=DASHES[i], marker=marker, ms=6
                )
            axes.set(xscale="log", xlabel="number of steps")
            axes.set_xticks(steps, [str(n) for n in steps])
            axes.minorticks_off()
            axes.legend()
        right.axhline(1, color="black", linestyle=":", linewidth=1.2)
        right.annotate("real pictures", (steps[0], 1), (0, 3), textcoords="offset points")
        ticks = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
        left.set(yscale="log", title="distance from the end result")
        left.set_yticks(ticks, [f"{y:g}" for y in ticks])
        left.minorticks_off()
        right.set(title="fine detail, beside real pictures", ylim=(0, 1.25))
        return finished(canvas, caption)
