"""Lesson 00b: its figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure as Canvas

from .figures import OTHERS, SIGNAL, STYLE, Figure, as_image, draw_tile, finished, placed, tile_size


def numbered(tables: Mapping[str, Any], caption: str) -> Figure:
    """Small named arrays (H, W) in [−1, 1] as pictures, with every number and place written in.

    Rows are numbered on the left and columns above, from 0, as Python counts them.
    """
    arrays = {name: np.asarray(table, dtype=float) for name, table in tables.items()}
    side, left, top = 48, 44, 58
    width = max(array.shape[1] for array in arrays.values()) * side
    height = max(array.shape[0] for array in arrays.values()) * side
    size = (len(arrays) * (left + width) + 20, top + height + 8)
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(size[0] / 100, size[1] / 100))
        for i, (name, array) in enumerate(arrays.items()):
            rows, columns = array.shape
            x = left + i * (left + width)
            axes = placed(canvas, x, top, columns * side, rows * side)
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
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(size[0] / 100, size[1] / 100))
        below = []
        for i, (name, picture) in enumerate(pictures_.items()):
            x = 66 + i * (width + 24)
            draw_tile(placed(canvas, x, 24, width, height), tiles[name], name)
            axes = placed(canvas, x, height + 36, width, 130)
            values = np.asarray(picture, dtype=float).ravel()
            weights = np.full(values.size, 100 / values.size)
            axes.hist(values, bins=60, range=span, weights=weights, color=OTHERS[2])
            below.append((axes, values.mean(), values.std()))
        tallest = max(axes.get_ylim()[1] for axes, _, _ in below)
        for i, (axes, mean, spread) in enumerate(below):
            axes.set(xlim=span, ylim=(0, 1.2 * tallest), xlabel="value")
            axes.set_ylabel("" if i else "% of all values")
            axes.tick_params(labelleft=i == 0)
            for end in (-1, 1):
                axes.axvline(end, color="black", linestyle=":", linewidth=1.2)
            axes.axvline(mean, color="black", linewidth=1.5)
            axes.plot(
                (mean - spread, mean + spread), (1.08 * tallest,) * 2,
                color="black", linewidth=4, solid_capstyle="butt",
            )  # fmt: skip
        return finished(canvas, caption)


def both_axes(x: Any, y: Any, caption: str, *, xlabel: str, ylabel: str) -> Figure:
    """One curve of positive numbers twice: on an ordinary axis, and on a logarithmic one."""
    x, y = np.asarray(x), np.asarray(y)
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(8.4, 3), layout="constrained")
        for axes, scale in zip(canvas.subplots(1, 2), ("linear", "log"), strict=True):
            axes.plot(x, y, color=SIGNAL, marker="o", markersize=4)
            axes.set(xlabel=xlabel, ylabel=ylabel, yscale=scale)
        canvas.axes[0].set(title="ordinary axis", ylim=(0, None))
        canvas.axes[1].set(title="logarithmic axis")
        canvas.axes[1].yaxis.set_major_formatter("{x:g}")
        return finished(canvas, caption)
