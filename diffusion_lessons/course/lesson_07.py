"""Lesson 07: its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure as Canvas

from .figures import DASHES, OTHERS, STYLE, Figure, finished


def vectors(rows: Mapping[str, Any], total: Any, caption: str) -> Figure:
    """Named vectors as strips of coloured boxes, one number a box, and their sum below them.

    ``rows``: name → numbers, all of one length; ``total``: the sum, as long. Orange is below 0,
    purple above, on one scale for all.
    """
    strips = np.stack([np.asarray(row, dtype=float) for row in (*rows.values(), total)])
    limit = np.abs(strips).max()
    with mpl.rc_context(STYLE | {"axes.grid": False}):
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
            part.set_yticks(np.arange(1, len(labels)) - 0.5, minor=True)
            part.grid(which="minor", axis="y", color="white", linewidth=2, alpha=1)
            part.tick_params(which="minor", length=0)
            part.spines[:].set_visible(False)
        canvas.colorbar(shown, ax=axes, label="value", shrink=0.9)
        axes[-1].set_xlabel(f"the {strips.shape[1]} numbers of each vector")
        return finished(canvas, caption)


def likeness(matrix: Any, names: Sequence[str], groups: Sequence[int], caption: str) -> Figure:
    """How alike each pair of named things is, from −1 to 1, as a table of colours.

    ``matrix`` (n, n); ``groups``: how many neighbours belong together, in order, framed in white.
    """
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        # A square in a wide figure: "constrained" leaves too little room for the longest name.
        canvas = Canvas(figsize=(7.4, 6.2), layout="compressed")
        axes = canvas.subplots()
        shown = axes.imshow(np.asarray(matrix), cmap="cividis", vmin=-1, vmax=1)
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
        axes.set_yticks(range(len(names)), names, fontsize=8)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        start = -0.5
        for size in groups:
            axes.add_patch(
                mpl.patches.Rectangle((start, start), size, size, fill=False, ec="w", lw=2)
            )
            start += size
        canvas.colorbar(shown, label="likeness (cosine)", shrink=0.8)
        return finished(canvas, caption)


def along_guidance(
    scales: Sequence[float], panels: Mapping[str, Mapping[str, Any]], caption: str
) -> Figure:
    """Panels side by side over the guidance scale w: title → name of a curve → its numbers."""
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(8.8, 3), layout="constrained")
        for axes, (title, curves) in zip(
            canvas.subplots(1, len(panels)), panels.items(), strict=True
        ):
            for i, (name, y) in enumerate(curves.items()):
                color = (*OTHERS[3:], *OTHERS)[i]
                axes.plot(
                    scales, y, label=name, color=color, linestyle=DASHES[i], marker="os^"[i], ms=6
                )
            axes.set(title=title, xlabel="guidance w", ylim=(0, None), xticks=scales)
            axes.axvline(1, color="black", linestyle=":", linewidth=1.2)
            if len(curves) > 1:
                axes.legend()
        return finished(canvas, caption)
