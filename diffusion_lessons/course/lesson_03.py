"""Lesson 03: its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure as Canvas

from .figures import (
    DASHES,
    OTHERS,
    PREDICTION,
    SIGNAL,
    STYLE,
    Figure,
    as_image,
    draw_tile,
    finished,
    placed,
    tile_size,
)

# Who answers and on what: the network is a prediction, the ideal guesser neither that nor a signal.
GUESSERS = {"network": PREDICTION, "ideal": OTHERS[0], "floor": OTHERS[3]}


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
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(size[0] / 100, size[1] / 100))
        draw_tile(placed(canvas, 12, 26, width, height), seen, "seen, $x_t$")
        for i, (picture, share) in enumerate(zip(small, shares, strict=True)):
            x, y = left + i % columns * (tiny + 8), 26 + i // columns * (tiny + 40)
            axes = placed(canvas, x, y, tiny, tiny)
            words = f"{share:.1%}" if share >= 0.01 else f"{share:.2%}"
            draw_tile(axes, picture, words if share >= 0.0001 else "< 0.01%")
            # The height of the bar is the share of the votes.
            bar = placed(canvas, x, y + tiny + 3, tiny, 7)
            bar.barh(0, share, color=GUESSERS["ideal"])
            bar.set(xlim=(0, 1), ylim=(-0.4, 0.4), xticks=[], yticks=[], facecolor="#EEEEEE")
            bar.grid(False)
            bar.spines[:].set_visible(False)
        right = placed(canvas, size[0] - width - 12, 26, width, height)
        draw_tile(right, as_image(guess), "guess, $\\hat{x}_0$")
        return finished(canvas, caption)


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
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(7.4, 4), layout="constrained")
        axes = canvas.subplots()
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


def scatter(points: Any, caption: str) -> Figure:
    """Pictures of two pixels as dots, (n, 2): the first pixel across, the second upwards."""
    points = np.asarray(points)
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(3.6, 3.4), layout="constrained")
        axes = canvas.subplots()
        axes.plot(points[:, 0], points[:, 1], ".", color=SIGNAL, markersize=3, alpha=0.5)
        axes.set(xlabel="first pixel", ylabel="second pixel", aspect="equal")
        axes.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6))
        return finished(canvas, caption)
