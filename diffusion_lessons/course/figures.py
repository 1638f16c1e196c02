"""Figures: arrays in, figure object out. Nothing here trains, samples or draws random numbers.

Every figure carries a caption, one or two sentences that say what to see. It stands under the
picture as text and inside it as alternative text, so that the figure also teaches someone who
cannot see it. The same quantity has the same colour everywhere; all colours are told apart by
colour-blind readers (Okabe and Ito's palette) and lines differ in their dashes too.
"""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from PIL import Image

SIGNAL, NOISE, PREDICTION = "#0072B2", "#D55E00", "#009E73"
OTHERS = ("#CC79A7", "#E69F00", "#56B4E9", "#000000")
# What is neither signal, nor noise, nor prediction: curves, schedules, and how far a film has come.
NEUTRAL = (OTHERS[3], *OTHERS[:3])
SCHEDULES = {"linear": OTHERS[3], "cosine": OTHERS[0], "mine": OTHERS[1]}
PROGRESS = "#666666"
CYCLE = (SIGNAL, NOISE, PREDICTION, *OTHERS)
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)))
_LARGE, _COLORS = 30_000, 88  # bytes from which a figure gets so many; a notebook has a million
_STYLE: dict[Any, Any] = {
    "figure.dpi": 100,
    "font.size": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "axes.titlesize": 11,
    "lines.linewidth": 2.2,
    "legend.frameon": False,
    "figure.facecolor": "white",
}
# Decorates a function that draws, so that every figure has the course's style.
styled = mpl.rc_context(_STYLE)


class Figure:
    """A finished figure: PNG bytes and the caption that says what to see.

    Shown as a picture with the caption as its alternative text and as visible text below it.
    """

    def __init__(self, png: bytes, caption: str) -> None:
        self.png, self.caption = png, caption

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        picture = base64.b64encode(self.png).decode()
        data = {"image/png": picture, "text/plain": f"Figure: {self.caption}"}
        return data, {"image/png": {"alt": self.caption}}

    def _ipython_display_(self) -> None:
        from IPython.display import display

        data, metadata = self._repr_mimebundle_()
        display(data, metadata=metadata, raw=True)
        display({"text/markdown": f"*{self.caption}*", "text/plain": self.caption}, raw=True)

    def __repr__(self) -> str:
        return f"Figure: {self.caption}"


def as_image(picture: Any) -> np.ndarray:
    """One picture as floats (H, W, 3) in [0, 1] for the screen, on the fixed scale of [−1, 1].

    Takes floats (C, H, W) or (1, C, H, W) in about [−1, 1] (values outside are clipped, never
    rescaled) or uint8 (H, W, 3) or (H, W); one channel becomes grey.
    """
    array = np.asarray(picture)
    whole = array.dtype == np.uint8
    if whole and (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)):
        shown = array.astype(np.float64) / 255
        return np.repeat(shown[:, :, None], 3, axis=2) if shown.ndim == 2 else shown
    if array.ndim == 4 and len(array) == 1:
        array = array[0]
    if whole or array.ndim != 3 or array.shape[0] not in (1, 3) or not array.size:
        raise ValueError(
            f"A picture of shape {array.shape} and dtype {array.dtype} cannot be shown: give "
            "(C, H, W) floats in [−1, 1] with one or three channels, or (H, W, 3) whole numbers "
            "from 0 to 255."
        )
    shown = np.clip((array.transpose(1, 2, 0) + 1) / 2, 0, 1)
    return np.repeat(shown, 3, axis=2) if shown.shape[2] == 1 else shown


# --- the parts of figures ---


def canvas_of(width: int, height: int) -> Canvas:
    """A canvas of so many pixels."""
    return Canvas(figsize=(width / 100, height / 100))


def panels(width: float, height: float, count: int = 1, **options: Any) -> tuple[Canvas, Any]:
    """A canvas of so many inches, laid out by itself, and the axes of its panels side by side."""
    canvas = Canvas(figsize=(width, height), layout="constrained")
    return canvas, canvas.subplots(1, count, **options)


def axes_at(canvas: Canvas, x: int, y: int, width: int, height: int) -> Axes:
    """Axes at an exact place, in pixels of the finished picture, from its upper left corner."""
    w, h = (round(100 * inches) for inches in canvas.get_size_inches())
    return canvas.add_axes((x / w, (h - y - height) / h, width / w, height / h))


def tile_size(picture: np.ndarray, inches: float) -> tuple[int, int]:
    """Width and height in pixels of a picture shown about so wide: small ones grow whole times."""
    height, width = picture.shape[:2]
    scale = 100 * inches / width
    scale = max(1, round(scale)) if scale >= 1 else scale
    return round(scale * width), round(scale * height)


def draw_tile(
    canvas: Canvas, x: int, y: int, size: tuple[int, int], picture: np.ndarray, title: str = ""
) -> Axes:
    """Show one picture (H, W, 3) at an exact place, with no frame and its title above."""
    axes = axes_at(canvas, x, y, *size)
    smaller = axes.get_window_extent().width < picture.shape[1] - 0.5
    interpolation = "antialiased" if smaller else "nearest"
    axes.imshow(picture, vmin=0, vmax=1, interpolation=interpolation, aspect="auto")
    axes.set_axis_off()
    axes.set_title(title, fontsize=10, pad=4)
    return axes


def draw_measured(axes: Axes, x: Any, curves: Mapping[str, Any]) -> None:
    """Draw up to four named curves through marked points, in neutral colours, with their legend."""
    for i, (name, y) in enumerate(curves.items()):
        axes.plot(
            x, y, label=name, color=NEUTRAL[i], linestyle=DASHES[i], marker="os^D"[i], markersize=6
        )
    if len(curves) > 1:
        axes.legend()


def draw_histogram(
    axes: Axes, values: Any, span: tuple[float, float], color: str, bins: int
) -> None:
    """Draw how often each value occurs, as bars in per cent of all values."""
    numbers = np.asarray(values).ravel()
    weights = np.full(numbers.size, 100 / numbers.size)
    axes.hist(numbers, bins=bins, range=span, weights=weights, color=color)
    axes.set(xlabel="value", xlim=span)


def finished(canvas: Canvas, caption: str, *, exact: bool = False) -> Figure:
    """Turn a matplotlib figure into a `Figure`; the same content gives the same bytes.

    A figure of more than 30 KB keeps its 88 main colours and the course's own, unless ``exact``.
    """
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="png", metadata={"Software": None})
    if len(buffer.getvalue()) > _LARGE:
        picture, buffer = Image.open(buffer).convert("RGB"), io.BytesIO()
        if not exact:
            # Static cannot be compressed: few colours make such a figure a third of its size.
            # They are chosen on one pixel in nine, which is five times as fast.
            third = picture.resize(
                (picture.width // 3, picture.height // 3), Image.Resampling.NEAREST
            )
            found = third.quantize(_COLORS, method=Image.Quantize.MEDIANCUT).getpalette() or []
            # Thin lines are too few pixels to be found: the course's own colours are always there.
            own = [round(255 * v) for c in (*CYCLE, "w") for v in mpl.colors.to_rgb(c)]
            palette = Image.new("P", (1, 1))
            palette.putpalette([*found[: 3 * _COLORS], *own])
            picture = picture.quantize(palette=palette, dither=Image.Dither.NONE)
        picture.save(buffer, format="png", optimize=True)
    return Figure(buffer.getvalue(), " ".join(caption.split()))


# --- figures of more than one lesson ---


@styled
def pictures(
    rows: Sequence[Any],
    caption: str,
    *,
    titles: Sequence[str] = (),
    columns: int | None = None,
    labels: Sequence[str] = (),
    inches: float = 1.5,
) -> Figure:
    """Pictures side by side, on one fixed scale.

    ``rows``: pictures (see `as_image`), filled row by row with ``columns`` in each (default: all
    in one row). ``titles`` stand above the first pictures, ``labels`` left of the rows;
    ``inches`` is about the width of one picture: small ones are enlarged a whole number of times,
    as any other enlargement would weave a pattern into noise.
    """
    shown = [as_image(picture) for picture in rows]
    columns = columns or len(shown)
    lines = -(-len(shown) // columns)
    width, height = tile_size(shown[0], inches)
    gap, top = 6, 24 if titles else 6
    left = 12 + 8 * max(map(len, labels)) if labels else gap
    size = (left + columns * (width + gap), top + lines * (height + gap))
    canvas = canvas_of(*size)
    for i, picture in enumerate(shown):
        x, y = left + i % columns * (width + gap), top + i // columns * (height + gap)
        title = titles[i] if i < len(titles) else ""
        axes = draw_tile(canvas, x, y, (width, height), picture, title)
        if i % columns == 0 and i // columns < len(labels):
            axes.text(
                -6 / width, 0.5, labels[i // columns],
                ha="right", va="center", transform=axes.transAxes,
            )  # fmt: skip
    return finished(canvas, caption)


@styled
def lines(
    x: Any,
    curves: Mapping[str, Any],
    caption: str,
    *,
    xlabel: str,
    ylabel: str,
    title: str = "",
    xscale: str = "linear",
    yscale: str = "linear",
    colors: Mapping[str, str] | None = None,
) -> Figure:
    """One or more named curves over the same x; each differs in colour and in dash.

    ``colors`` gives a curve the colour of its quantity (SIGNAL, NOISE, PREDICTION).
    """
    canvas, axes = panels(7, 3.6)
    for i, (name, y) in enumerate(curves.items()):
        color = (colors or {}).get(name, CYCLE[i % len(CYCLE)])
        axes.plot(x, np.asarray(y), label=name, color=color, linestyle=DASHES[i % len(DASHES)])
    if len(curves) > 1:
        axes.legend()
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title, xscale=xscale, yscale=yscale)
    return finished(canvas, caption)


@styled
def outlines(
    samples: Mapping[str, Any],
    caption: str,
    *,
    xlabel: str,
    span: tuple[float, float],
    colors: Mapping[str, str] | None = None,
    bins: int = 60,
) -> Figure:
    """How often each value occurs in several named sets, as outlines over one another.

    ``span`` is the range of values drawn, cut into ``bins``; at most four sets. Each outline
    differs in colour and in dash, so that one which lies exactly on another can still be seen.
    """
    canvas, axes = panels(7, 3)
    for i, (name, values) in enumerate(samples.items()):
        numbers = np.asarray(values, dtype=np.float64).ravel()
        counts, edges = np.histogram(numbers, bins=bins, range=span)
        axes.stairs(
            100 * counts / numbers.size, edges, label=name, linewidth=2, linestyle=DASHES[i],
            color=(colors or {}).get(name, NEUTRAL[i]),
        )  # fmt: skip
    axes.set(xlabel=xlabel, ylabel="% of all", xlim=span)
    axes.legend()
    return finished(canvas, caption)


@styled
def captioned(
    pictures_: Sequence[Any], words: Sequence[str], caption: str, *, columns: int = 4
) -> Figure:
    """Pictures in rows, each with the words that belong to it underneath, on one fixed scale."""
    shown = [as_image(picture) for picture in pictures_]
    width, height = tile_size(shown[0], 1.6)
    wrapped = ["\n".join(textwrap.wrap(line, 26)) for line in words]
    gap, below = 16, 12 + 13 * max(text.count("\n") + 1 for text in wrapped)
    rows = -(-len(shown) // columns)
    size = (gap + columns * (width + gap), 6 + rows * (height + below))
    canvas = canvas_of(*size)
    for i, picture in enumerate(shown):
        x, y = gap + i % columns * (width + gap), 6 + i // columns * (height + below)
        axes = draw_tile(canvas, x, y, (width, height), picture)
        axes.text(
            0.5, -4 / height, wrapped[i],
            ha="center", va="top", fontsize=8.5, linespacing=1.05, transform=axes.transAxes,
        )  # fmt: skip
    return finished(canvas, caption)


@styled
def training_so_far(
    curve: Sequence[tuple[float, float]],
    previews: Mapping[int, Any],
    titles: Sequence[str],
    total: int,
    caption: str,
) -> Figure:
    """The loss of a training, and below it what the network drew on the way, a row each time.

    ``curve``: (pictures seen, loss) in order; ``previews``: how many pictures it had seen → the n
    pictures that it drew then; ``titles``: a word for each of the n; ``total``: where it ends.
    """
    rows = [[as_image(picture) for picture in row] for row in previews.values()]
    side, gap, left, top = 84, 6, 116, 236
    width = max(620, left + len(titles) * (side + gap))
    size = (width, top + (24 + len(rows) * (side + gap) if rows else 0))
    canvas = canvas_of(*size)
    axes = axes_at(canvas, 64, 14, min(width, 760) - 84, top - 66)
    if curve:
        axes.plot(*zip(*curve, strict=True), color=OTHERS[3])
    for seen in previews:
        axes.axvline(seen, color=PROGRESS, linewidth=0.8, linestyle=":")
    axes.set(xlim=(0, total), ylim=(0, 1), xlabel="pictures seen", ylabel="loss")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    for i, (seen, row) in enumerate(zip(previews, rows, strict=True)):
        y = top + 24 + i * (side + gap)
        for k, picture in enumerate(row):
            x, title = left + k * (side + gap), "" if i else titles[k]
            tile = draw_tile(canvas, x, y, (side, side), picture, title)
            if k == 0:
                tile.text(
                    -0.08, 0.5, f"after {seen:,}", transform=tile.transAxes, ha="right",
                    va="center",
                )  # fmt: skip
    return finished(canvas, caption)


@styled
def film_strip(
    states: Sequence[tuple[int, Any, Any]], caption: str, inches: float = 0.96
) -> Figure:
    """A film of one picture: what the sampler holds, above what the network sees in it.

    ``states``: (t, x_t, x0_hat) in the order of sampling, from noise to data; an arrow names that
    direction, since time is drawn the other way round everywhere else.
    """
    tiles = [(t, as_image(x_t), as_image(x0_hat)) for t, x_t, x0_hat in states]
    width, height = tile_size(tiles[0][1], inches)
    left, gap = 92, 6
    size = (left + len(tiles) * (width + gap), 2 * height + 76)
    canvas = canvas_of(*size)
    for i, (t, x_t, x0_hat) in enumerate(tiles):
        x = left + i * (width + gap)
        draw_tile(canvas, x, 24, (width, height), x_t, f"t = {t}")
        draw_tile(canvas, x, 30 + height, (width, height), x0_hat)
    road = axes_at(canvas, 0, 36 + 2 * height, *size)
    road.set_axis_off()
    road.set(xlim=(0, size[0]), ylim=(size[1], 0))
    for y, words in (
        (-12 - 1.5 * height, "held, $x_t$"),
        (-6 - 0.5 * height, "guess, $\\hat{x}_0$"),
    ):
        road.text(left - 8, y, words, ha="right", va="center", clip_on=False)
    _draw_direction(road, left, size[0] - gap)
    return finished(canvas, caption)


def _draw_direction(axes: Axes, start: float, end: float) -> None:
    """The arrow under a film, from noise to the picture; axes count pixels downwards."""
    arrow = {"arrowstyle": "-|>", "color": PROGRESS, "linewidth": 1.5}
    axes.annotate("", (end, 8), (start, 8), arrowprops=arrow)
    for x, words, side in (
        (start, "noise", "left"),
        (end, "picture", "right"),
        ((start + end) / 2, "sampling: t falls", "center"),
    ):
        axes.text(x, 17, words, ha=side, va="top", color=PROGRESS, fontsize=9.5)
