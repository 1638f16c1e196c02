"""Lesson 01: its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from .figures import (
    DASHES,
    NOISE,
    OTHERS,
    SIGNAL,
    STYLE,
    Figure,
    as_image,
    draw_tile,
    finished,
    placed,
    tile_size,
)


def zoomed(pixels: np.ndarray, top: int, left: int, side: int, caption: str) -> Figure:
    """A photo and, beside it, a small square of it with each pixel's three numbers written in.

    ``pixels`` uint8 (H, W, 3); the square starts at row ``top``, column ``left``.
    """
    patch = pixels[top : top + side, left : left + side]
    shown = as_image(pixels)
    width, height = tile_size(shown, 2.4)
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=((width + 402) / 100, 4.2))
        whole = placed(canvas, 6, 24 + (390 - height) // 2, width, height)
        near = placed(canvas, width + 12, 24, 384, 390)
        draw_tile(whole, shown, "the whole photo")
        draw_tile(near, as_image(patch), "inside the white square: red, green, blue")
        whole.add_patch(
            mpl.patches.Rectangle((left - 0.5, top - 0.5), side, side, fill=False, ec="w", lw=2)
        )
        for (row, column), brightness in np.ndenumerate(patch.mean(axis=2)):
            near.text(
                column,
                row,
                "\n".join(map(str, patch[row, column])),
                ha="center",
                va="center",
                fontsize=9,
                color="black" if brightness > 110 else "white",
            )
        return finished(canvas, caption, exact=True)


def with_histograms(
    pictures: Mapping[str, Any],
    values: Sequence[Any],
    caption: str,
    *,
    spans: Sequence[tuple[float, float]],
    marks: tuple[float, float],
) -> Figure:
    """Named pictures, and under each how often each of its values occurs.

    ``values``: the numbers behind each picture, any shape; ``spans``: the range of values drawn
    under each; ``marks``: the darkest and the brightest value that a screen shows, drawn as
    dotted lines. Equal spans share one height.
    """
    width, height = tile_size(as_image(next(iter(pictures.values()))), 2.4)
    gap = 12 if len(set(spans)) == 1 else 48
    size = (60 + len(pictures) * (width + gap), height + 210)
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(size[0] / 100, size[1] / 100))
        rows = {}
        for i, (name, picture) in enumerate(pictures.items()):
            x = 60 + i * (width + gap)
            draw_tile(placed(canvas, x, 24, width, height), as_image(picture), name)
            rows[placed(canvas, x, height + 34, width, 130)] = values[i]
        _draw_histograms(rows, spans, marks)
        return finished(canvas, caption)


def histograms(
    values: Mapping[str, Any],
    caption: str,
    *,
    spans: Sequence[tuple[float, float]],
    marks: tuple[float, float],
) -> Figure:
    """How often each value occurs in named sets of numbers; arguments as in `with_histograms`."""
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(3.7 * len(values), 2.5), layout="constrained")
        grid = canvas.subplots(1, len(values))
        for axes, name in zip(grid, values, strict=True):
            axes.set_title(name)
        _draw_histograms(dict(zip(grid, values.values(), strict=True)), spans, marks)
        return finished(canvas, caption)


def _draw_histograms(
    rows: Mapping[Axes, Any], spans: Sequence[tuple[float, float]], marks: tuple[float, float]
) -> None:
    tallest: dict[tuple[float, float], float] = {}
    for i, ((axes, values), span) in enumerate(zip(rows.items(), spans, strict=True)):
        numbers = np.asarray(values).ravel()
        heights, _, _ = axes.hist(
            numbers,
            bins=64,
            range=span,
            weights=np.full(numbers.size, 100 / numbers.size),
            color=NOISE if i == len(rows) - 1 else SIGNAL,
        )
        for mark in marks:
            axes.axvline(mark, color="black", linestyle=":", linewidth=1.2)
        axes.set(xlabel="value", xlim=span, ylabel="" if i else "% of all values")
        axes.locator_params(axis="x", nbins=4)
        axes.tick_params(labelleft=i == 0 or len(set(spans)) > 1)
        tallest[span] = max(tallest.get(span, 0), heights.max())
    for axes, span in zip(rows, spans, strict=True):
        axes.set_ylim(0, 1.08 * tallest[span])


def with_spectra(
    pictures: Mapping[str, Any], spectra: Mapping[str, tuple[Any, Any]], caption: str
) -> Figure:
    """Named pictures, and below them how strong their coarse and fine detail is.

    ``spectra``: name → (waves across the picture, power), see `metrics.power_spectrum`, on fixed
    scales, both logarithmic.
    """
    colors = (SIGNAL, NOISE, OTHERS[0])
    width, height = tile_size(as_image(next(iter(pictures.values()))), 2.4)
    size = (6 + len(pictures) * (width + 6), height + 290)
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(size[0] / 100, size[1] / 100))
        for i, (name, picture) in enumerate(pictures.items()):
            axes = placed(canvas, 6 + i * (width + 6), 24, width, height)
            draw_tile(axes, as_image(picture), name)
        axes = placed(canvas, 66, height + 40, size[0] - 80, 200)
        for i, (name, (waves, power)) in enumerate(spectra.items()):
            axes.plot(waves, power, label=name, color=colors[i], linestyle=DASHES[i])
        axes.set(xscale="log", yscale="log", ylim=(1e-5, 100), xlim=(1, 64))
        axes.set(xlabel="waves across the picture (coarse → fine)", ylabel="power")
        axes.set_xticks([1, 2, 4, 8, 16, 32, 64], ["1", "2", "4", "8", "16", "32", "64"])
        axes.minorticks_off()
        axes.legend(loc="lower left")
        return finished(canvas, caption)


def bells(samples: Mapping[str, Any], caption: str) -> Figure:
    """Named sets of numbers as histograms, each on its own bell curve of the same mean and spread.

    Numbers are drawn in units of their own spread, from −4 to 4.
    """
    z = np.linspace(-4, 4, 201)
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(8.4, 2.7), layout="constrained")
        for axes, (name, numbers) in zip(
            canvas.subplots(1, len(samples), sharey=True), samples.items(), strict=True
        ):
            numbers = np.asarray(numbers, dtype=np.float64)
            scaled = (numbers - numbers.mean()) / numbers.std()
            axes.hist(scaled, bins=40, range=(-4, 4), density=True, color=NOISE, alpha=0.55)
            axes.plot(z, np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), color="black", linewidth=1.5)
            axes.set(title=name, xticks=[-2, 0, 2], yticks=[])
        canvas.supxlabel("distance from the mean, in spreads", fontsize=10.5)
        return finished(canvas, caption)
