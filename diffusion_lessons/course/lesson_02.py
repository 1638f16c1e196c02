"""Lesson 02: its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure as Canvas

from .figures import (
    DASHES,
    NOISE,
    SCHEDULES,
    SIGNAL,
    STYLE,
    Figure,
    as_image,
    draw_tile,
    finished,
    placed,
    tile_size,
)


def schedules_at(
    pictures: Mapping[str, Any], curves: Mapping[str, Any], t: int, caption: str
) -> Figure:
    """One picture at step t of several schedules, above the curves of what is left, ᾱ.

    ``pictures``: name (one of `SCHEDULES`) → noisy picture; ``curves``: the same names →
    ᾱ_0 … ᾱ_T, all of one length; a vertical line marks t.
    """
    with mpl.rc_context(STYLE):
        # Fixed places: a constrained layout would take longer than everything else here.
        canvas = Canvas(figsize=(7.2, 4.8))
        axes = placed(canvas, 66, 242, 624, 182)
        for i, (name, picture) in enumerate(pictures.items()):
            left, T, color = curves[name][t], len(curves[name]) - 1, SCHEDULES[name]
            tile = as_image(picture)
            above = placed(canvas, 66 + 216 * i, 24, *tile_size(tile, 1.92))
            draw_tile(above, tile, f"{name}: {left:.1%} left")
            axes.plot(range(T + 1), curves[name], label=name, color=color, linestyle=DASHES[i])
            axes.plot(t, left, "o", color=color, markersize=8, clip_on=False, zorder=3)
        axes.axvline(t, color="black", linewidth=1, linestyle=":")
        axes.set(xlim=(0, T), ylim=(0, 1.02), ylabel="share of power left, ᾱ")
        axes.set_xlabel(f"step t, from the picture (0) to noise ({T}); here t = {t}")
        axes.legend()
        return finished(canvas, caption)


def quarter_circle(signal_rate: Any, noise_rate: Any, steps: Sequence[int], caption: str) -> Figure:
    """What multiplies the noise against what multiplies the picture, with some steps named.

    ``signal_rate`` and ``noise_rate`` are √ᾱ_t and √(1−ᾱ_t) for t = 0 … T.
    """
    signal_rate, noise_rate = np.asarray(signal_rate), np.asarray(noise_rate)
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(4.3, 4.1), layout="constrained")
        axes = canvas.subplots()
        axes.plot(signal_rate, noise_rate, color="#555555", linewidth=1.5)
        for t in steps:
            x, y = signal_rate[t], noise_rate[t]
            axes.plot((0, x), (0, y), color="#BBBBBB", linewidth=1, zorder=0)
            axes.plot(x, y, "o", color="#555555", markersize=7, clip_on=False)
            axes.annotate(f"t = {t}", (x, y), (1.05 * x + 0.01, max(1.05 * y, 0.05)), va="center")
        axes.set(xlim=(0, 1.3), ylim=(0, 1.15), aspect="equal")
        axes.set_xlabel("what multiplies the picture, √ᾱ", color=SIGNAL)
        axes.set_ylabel("what multiplies the noise, √(1 − ᾱ)", color=NOISE)
        return finished(canvas, caption)
