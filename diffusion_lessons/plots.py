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
from PIL import Image, ImageDraw, ImageFont

SIGNAL, NOISE, PREDICTION = "#0072B2", "#D55E00", "#009E73"
OTHERS = ("#CC79A7", "#E69F00", "#56B4E9", "#000000")
# How far along a film or a training is: neither signal, nor noise, nor prediction.
_ROAD = "#666666"
_CYCLE = (SIGNAL, NOISE, PREDICTION, *OTHERS)
_DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)))
_LARGE, _COLORS = 30_000, 88  # bytes from which a figure gets so many; a notebook has a million
CHANNELS = {"red": "#C8102E", "green": "#2E8B57", "blue": "#1F4FBF"}
STYLE = {
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
    width, height = _tile_size(shown[0], inches)
    gap, top = 6, 24 if titles else 6
    left = 12 + 8 * max(map(len, labels)) if labels else gap
    size = (left + columns * (width + gap), top + lines * (height + gap))
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(size[0] / 100, size[1] / 100))
        for i, picture in enumerate(shown):
            x, y = left + i % columns * (width + gap), top + i // columns * (height + gap)
            axes = _placed(canvas, x, y, width, height)
            _draw_tile(axes, picture, titles[i] if i < len(titles) else "")
            if i % columns == 0 and i // columns < len(labels):
                axes.text(
                    -6 / width, 0.5, labels[i // columns],
                    ha="right", va="center", transform=axes.transAxes,
                )  # fmt: skip
        return finished(canvas, caption)


def _tile_size(picture: np.ndarray, inches: float) -> tuple[int, int]:
    height, width = picture.shape[:2]
    scale = 100 * inches / width
    scale = max(1, round(scale)) if scale >= 1 else scale
    return round(scale * width), round(scale * height)


def _placed(canvas: Canvas, x: int, y: int, width: int, height: int) -> Axes:
    """Axes at an exact place, in pixels of the finished picture, from its upper left corner."""
    w, h = (round(100 * inches) for inches in canvas.get_size_inches())
    return canvas.add_axes((x / w, (h - y - height) / h, width / w, height / h))


def _draw_tile(axes: Axes, picture: np.ndarray, title: str) -> None:
    smaller = axes.get_window_extent().width < picture.shape[1] - 0.5
    interpolation = "antialiased" if smaller else "nearest"
    axes.imshow(picture, vmin=0, vmax=1, interpolation=interpolation, aspect="auto")
    axes.set_axis_off()
    axes.set_title(title, fontsize=10, pad=4)


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
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(7, 3.6), layout="constrained")
        axes = canvas.subplots()
        draw_lines(axes, x, curves, colors)
        axes.set(xlabel=xlabel, ylabel=ylabel, title=title, xscale=xscale, yscale=yscale)
        return finished(canvas, caption)


def draw_lines(
    axes: Axes, x: Any, curves: Mapping[str, Any], colors: Mapping[str, str] | None = None
) -> None:
    """Draw named curves into given axes, with their legend, in the course's colours and dashes."""
    for i, (name, y) in enumerate(curves.items()):
        color = (colors or {}).get(name, _CYCLE[i % len(_CYCLE)])
        axes.plot(x, np.asarray(y), label=name, color=color, linestyle=_DASHES[i % len(_DASHES)])
    if len(curves) > 1:
        axes.legend()


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
            found = third.quantize(_COLORS, method=Image.Quantize.MEDIANCUT).getpalette()
            # Thin lines are too few pixels to be found: the course's own colours are always there.
            own = [round(255 * v) for c in (*_CYCLE, "w") for v in mpl.colors.to_rgb(c)]
            palette = Image.new("P", (1, 1))
            palette.putpalette([*found[: 3 * _COLORS], *own])
            picture = picture.quantize(palette=palette, dither=Image.Dither.NONE)
        picture.save(buffer, format="png", optimize=True)
    return Figure(buffer.getvalue(), " ".join(caption.split()))


# --- lesson 00b ---


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
            axes = _placed(canvas, x, top, columns * side, rows * side)
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
    width, height = _tile_size(next(iter(tiles.values())), 2.4)
    size = (66 + len(tiles) * (width + 24), height + 214)
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(size[0] / 100, size[1] / 100))
        below = []
        for i, (name, picture) in enumerate(pictures_.items()):
            x = 66 + i * (width + 24)
            _draw_tile(_placed(canvas, x, 24, width, height), tiles[name], name)
            axes = _placed(canvas, x, height + 36, width, 130)
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


# --- lesson 01 ---


def zoomed(pixels: np.ndarray, top: int, left: int, side: int, caption: str) -> Figure:
    """A photo and, beside it, a small square of it with each pixel's three numbers written in.

    ``pixels`` uint8 (H, W, 3); the square starts at row ``top``, column ``left``.
    """
    patch = pixels[top : top + side, left : left + side]
    shown = as_image(pixels)
    width, height = _tile_size(shown, 2.4)
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=((width + 402) / 100, 4.2))
        whole = _placed(canvas, 6, 24 + (390 - height) // 2, width, height)
        near = _placed(canvas, width + 12, 24, 384, 390)
        _draw_tile(whole, shown, "the whole photo")
        _draw_tile(near, as_image(patch), "inside the white square: red, green, blue")
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
    width, height = _tile_size(as_image(next(iter(pictures.values()))), 2.4)
    gap = 12 if len(set(spans)) == 1 else 48
    size = (60 + len(pictures) * (width + gap), height + 210)
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(size[0] / 100, size[1] / 100))
        rows = {}
        for i, (name, picture) in enumerate(pictures.items()):
            x = 60 + i * (width + gap)
            _draw_tile(_placed(canvas, x, 24, width, height), as_image(picture), name)
            rows[_placed(canvas, x, height + 34, width, 130)] = values[i]
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

    ``spectra``: name → (waves across the picture, power), see `data.power_spectrum`, on fixed
    scales, both logarithmic.
    """
    colors = (SIGNAL, NOISE, OTHERS[0])
    width, height = _tile_size(as_image(next(iter(pictures.values()))), 2.4)
    size = (6 + len(pictures) * (width + 6), height + 290)
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(size[0] / 100, size[1] / 100))
        for i, (name, picture) in enumerate(pictures.items()):
            axes = _placed(canvas, 6 + i * (width + 6), 24, width, height)
            _draw_tile(axes, as_image(picture), name)
        axes = _placed(canvas, 66, height + 40, size[0] - 80, 200)
        for i, (name, (waves, power)) in enumerate(spectra.items()):
            axes.plot(waves, power, label=name, color=colors[i], linestyle=_DASHES[i])
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


# --- lesson 02 ---

# Schedules are neither signal, nor noise, nor prediction: they have colours of their own.
SCHEDULES = {"linear": OTHERS[3], "cosine": OTHERS[0], "mine": OTHERS[1]}


def outlines(
    samples: Mapping[str, Any],
    caption: str,
    *,
    xlabel: str,
    span: tuple[float, float],
    colors: Mapping[str, str] | None = None,
) -> Figure:
    """How often each value occurs in several named sets, as outlines over one another.

    ``span`` is the range of values drawn; at most four sets. Each outline differs in colour and in
    dash, so that one which lies exactly on another can still be seen.
    """
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(7, 3), layout="constrained")
        axes = canvas.subplots()
        for i, (name, values) in enumerate(samples.items()):
            numbers = np.asarray(values, dtype=np.float64).ravel()
            counts, edges = np.histogram(numbers, bins=60, range=span)
            axes.stairs(
                100 * counts / numbers.size,
                edges,
                label=name,
                color=(colors or {}).get(name, OTHERS[i - 1]),
                linestyle=_DASHES[i],
                linewidth=2,
            )
        axes.set(xlabel=xlabel, ylabel="% of all", xlim=span)
        axes.legend()
        return finished(canvas, caption)


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
        axes = _placed(canvas, 66, 242, 624, 182)
        for i, (name, picture) in enumerate(pictures.items()):
            left, T, color = curves[name][t], len(curves[name]) - 1, SCHEDULES[name]
            tile = as_image(picture)
            above = _placed(canvas, 66 + 216 * i, 24, *_tile_size(tile, 1.92))
            _draw_tile(above, tile, f"{name}: {left:.1%} left")
            axes.plot(range(T + 1), curves[name], label=name, color=color, linestyle=_DASHES[i])
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


# --- lesson 03 ---

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
    width, height = _tile_size(seen, 1.92)
    tiny = round(height / 2 - 24)
    columns = -(-len(small) // 2)
    left, size = 2 * 24 + width, (3 * 24 + 2 * width + columns * (tiny + 8), height + 36)
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(size[0] / 100, size[1] / 100))
        _draw_tile(_placed(canvas, 12, 26, width, height), seen, "seen, $x_t$")
        for i, (picture, share) in enumerate(zip(small, shares, strict=True)):
            x, y = left + i % columns * (tiny + 8), 26 + i // columns * (tiny + 40)
            axes = _placed(canvas, x, y, tiny, tiny)
            words = f"{share:.1%}" if share >= 0.01 else f"{share:.2%}"
            _draw_tile(axes, picture, words if share >= 0.0001 else "< 0.01%")
            # The height of the bar is the share of the votes.
            bar = _placed(canvas, x, y + tiny + 3, tiny, 7)
            bar.barh(0, share, color=GUESSERS["ideal"])
            bar.set(xlim=(0, 1), ylim=(-0.4, 0.4), xticks=[], yticks=[], facecolor="#EEEEEE")
            bar.grid(False)
            bar.spines[:].set_visible(False)
        right = _placed(canvas, size[0] - width - 12, 26, width, height)
        _draw_tile(right, as_image(guess), "guess, $\\hat{x}_0$")
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
                linestyle=_DASHES[i],
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


# --- lesson 04 ---


def captioned(
    pictures_: Sequence[Any], words: Sequence[str], caption: str, *, columns: int = 4
) -> Figure:
    """Pictures in rows, each with the words that belong to it underneath, on one fixed scale."""
    shown = [as_image(picture) for picture in pictures_]
    width, height = _tile_size(shown[0], 1.6)
    wrapped = ["\n".join(textwrap.wrap(line, 26)) for line in words]
    gap, below = 16, 12 + 13 * max(text.count("\n") + 1 for text in wrapped)
    rows = -(-len(shown) // columns)
    size = (gap + columns * (width + gap), 6 + rows * (height + below))
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(size[0] / 100, size[1] / 100))
        for i, picture in enumerate(shown):
            x, y = gap + i % columns * (width + gap), 6 + i // columns * (height + below)
            axes = _placed(canvas, x, y, width, height)
            _draw_tile(axes, picture, "")
            axes.text(
                0.5, -4 / height, wrapped[i],
                ha="center", va="top", fontsize=8.5, linespacing=1.05, transform=axes.transAxes,
            )  # fmt: skip
        return finished(canvas, caption)


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
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(size[0] / 100, size[1] / 100))
        axes = _placed(canvas, 64, 14, min(width, 760) - 84, top - 66)
        if curve:
            axes.plot(*zip(*curve, strict=True), color=OTHERS[3])
        for seen in previews:
            axes.axvline(seen, color=_ROAD, linewidth=0.8, linestyle=":")
        axes.set(xlim=(0, total), ylim=(0, 1), xlabel="pictures seen", ylabel="loss")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        for i, (seen, row) in enumerate(zip(previews, rows, strict=True)):
            y = top + 24 + i * (side + gap)
            for k, picture in enumerate(row):
                tile = _placed(canvas, left + k * (side + gap), y, side, side)
                _draw_tile(tile, picture, "" if i else titles[k])
                if k == 0:
                    tile.text(
                        -0.08, 0.5, f"after {seen:,}", transform=tile.transAxes, ha="right",
                        va="center",
                    )  # fmt: skip
        return finished(canvas, caption)


# --- lesson 05 ---


def film_strip(
    states: Sequence[tuple[int, Any, Any]], caption: str, inches: float = 0.96
) -> Figure:
    """A film of one picture: what the sampler holds, above what the network sees in it.

    ``states``: (t, x_t, x0_hat) in the order of sampling, from noise to data; an arrow names that
    direction, since time is drawn the other way round everywhere else.
    """
    tiles = [(t, as_image(x_t), as_image(x0_hat)) for t, x_t, x0_hat in states]
    width, height = _tile_size(tiles[0][1], inches)
    left, gap = 92, 6
    size = (left + len(tiles) * (width + gap), 2 * height + 76)
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(size[0] / 100, size[1] / 100))
        for i, (t, x_t, x0_hat) in enumerate(tiles):
            x = left + i * (width + gap)
            _draw_tile(_placed(canvas, x, 24, width, height), x_t, f"t = {t}")
            _draw_tile(_placed(canvas, x, 30 + height, width, height), x0_hat, "")
        road = _placed(canvas, 0, 36 + 2 * height, *size)
        road.set_axis_off()
        road.set(xlim=(0, size[0]), ylim=(size[1], 0))
        for y, words in (
            (-12 - 1.5 * height, "held, $x_t$"),
            (-6 - 0.5 * height, "guess, $\\hat{x}_0$"),
        ):
            road.text(left - 8, y, words, ha="right", va="center", clip_on=False)
        _draw_road(road, left, size[0] - gap)
        return finished(canvas, caption)


def _draw_road(axes: Axes, start: float, end: float) -> None:
    """The arrow under a film, from noise to the picture; axes count pixels downwards."""
    arrow = {"arrowstyle": "-|>", "color": _ROAD, "linewidth": 1.5}
    axes.annotate("", (end, 8), (start, 8), arrowprops=arrow)
    words = {"color": _ROAD, "va": "top", "fontsize": 9.5}
    axes.text(start, 17, "noise", ha="left", **words)
    axes.text(end, 17, "picture", ha="right", **words)
    axes.text((start + end) / 2, 17, "sampling: t falls", ha="center", **words)


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
                    steps, y, label=name, color=color, linestyle=_DASHES[i], marker=marker, ms=6
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


# --- lesson 06 ---

# From broad to fine, dark to light: told apart by brightness as well as by dash.
_BANDS = ("#00204D", "#31446B", "#666970", "#958F78", "#CAB969", "#E8C200")


def bands(t: Any, missing: Mapping[str, Any], settled: Mapping[str, int], caption: str) -> Figure:
    """What a guess still lacks of the finished picture, by size of detail, over the level t.

    ``missing``: up to six names, from broad to fine → percent of that detail's power, for each t;
    ``settled``: the same names → the level from which on it stays below 10 %, marked by a dot.
    """
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(7.6, 4), layout="constrained")
        axes = canvas.subplots()
        for i, (name, y) in enumerate(missing.items()):
            axes.plot(t, y, label=name, color=_BANDS[i], linestyle=_DASHES[i], linewidth=2.4)
            axes.plot(settled[name], 10, "o", color=_BANDS[i], markersize=8, markeredgecolor="k")
        axes.axhline(10, color="black", linewidth=1, linestyle=":")
        axes.set(xlim=(0, 1000), ylim=(0, 125), ylabel="still missing, % of its power")
        axes.set_xlabel("level t, from the picture (0) to noise (1000)")
        axes.legend(title="waves across the picture", loc="upper left", ncols=2, fontsize=9)
        return finished(canvas, caption)


def decisions(
    t: Any,
    judged: Mapping[str, Any],
    branch_t: Any,
    branched: Mapping[str, Any],
    caption: str,
) -> Figure:
    """When is it settled what a picture shows: two panels over the level t, both in percent.

    Left, how probable the judge finds the final answer when it looks at the guesses (``judged``,
    name → one number for each of ``t``); right, how many branches end with the same answer
    (``branched``, name → one number for each of ``branch_t``). A name has one colour in both.
    """
    names = list(dict.fromkeys([*judged, *branched]))
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(8.8, 3.8), layout="constrained")
        panels = canvas.subplots(1, 2, sharey=True)
        for axes, x, curves in zip(panels, (t, branch_t), (judged, branched), strict=True):
            for name, y in curves.items():
                i = names.index(name)
                axes.plot(
                    x, y, label=name, color=(*OTHERS[3:], *OTHERS)[i], linestyle=_DASHES[i],
                    marker="os^D"[i], markevery=max(1, len(x) // 8), markersize=6,
                )  # fmt: skip
            axes.set(xlim=(0, 1010), ylim=(0, 104))
        canvas.supxlabel("level t, from the picture (0) to noise (1000)", fontsize=10.5)
        panels[0].set(title="what the judge sees in the guess", ylabel="as in the end, %")
        panels[1].set(title="branches that end the same")
        panels[0].legend(loc="lower left")
        return finished(canvas, caption)


# --- lesson 07 ---


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
                    scales, y, label=name, color=color, linestyle=_DASHES[i], marker="os^"[i], ms=6
                )
            axes.set(title=title, xlabel="guidance w", ylim=(0, None), xticks=scales)
            axes.axvline(1, color="black", linestyle=":", linewidth=1.2)
            if len(curves) > 1:
                axes.legend()
        return finished(canvas, caption)


# --- lesson 08 ---


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
                histtype="step", color=_CYCLE[i], linestyle=_DASHES[i], linewidth=2,
            )  # fmt: skip
        axes.set(xlabel=xlabel, ylabel="% of all", xlim=span)
        axes.legend(loc="upper left")
        return finished(canvas, caption)


# --- command line ---

_SHEET = 4  # pictures beside each other, twice as many on large sheets


def sheet(pictures_: Sequence[Any], words: Sequence[str], title: str, caption: str) -> Figure:
    """Pictures enlarged five times under a title, each with its words underneath.

    Drawn without matplotlib, so that hundreds take a moment and every pixel keeps its colour.
    """
    tiles = [_enlarged(picture, 5) for picture in pictures_]
    width, height = tiles[0].size
    columns = _columns(len(tiles))
    small, gap = _font(12), 12
    texts = [_wrapped(line, small, width) for line in words]
    below = 10 + 15 * max(text.count("\n") + 1 for text in texts)
    page, top = _page(title, columns * (width + gap), -(-len(tiles) // columns) * (height + below))
    pen = ImageDraw.Draw(page)
    for i, (tile, text) in enumerate(zip(tiles, texts, strict=True)):
        x, y = gap + i % columns * (width + gap), top + i // columns * (height + below)
        page.paste(tile, (x, y))
        pen.multiline_text((x, y + height + 3), text, "black", small, spacing=2)
    buffer = io.BytesIO()
    page.save(buffer, format="png", optimize=True)
    return Figure(buffer.getvalue(), caption)


def film(states: Sequence[tuple[int, Any, Any]], title: str, ending: str) -> bytes:
    """A moving picture of how a network drew: what it holds, x_t, above its guess, x̂₀.

    ``states``: (t, x_t, x0_hat) in the order of sampling, x_t and x0_hat (n, C, H, W); each is a
    frame, and the last is held. ``ending`` is "gif" or "webp".
    """
    frames = [_film_page(states, frame, title) for frame in range(len(states))]
    milliseconds = [600, *[150] * (len(frames) - 2), 3000][-len(frames) :]
    options: dict[str, Any] = {"lossless": True, "method": 4}
    if ending == "gif":
        options = {"optimize": False}
        frames = [
            frame.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
            for frame in frames
        ]
    buffer = io.BytesIO()
    frames[0].save(
        buffer, format=ending, save_all=True, append_images=frames[1:], duration=milliseconds,
        loop=0, **options,
    )  # fmt: skip
    return buffer.getvalue()


def _film_page(states: Sequence[tuple[int, Any, Any]], frame: int, title: str) -> Image.Image:
    t, *both = states[frame]
    count = len(both[0])
    scale, columns = 6 if count <= _SHEET else 4, _columns(count)
    held, guess = ([_enlarged(picture, scale) for picture in row] for row in both)
    width, height = held[0].size
    left, gap, small = 64, 6, _font(13)
    bands, across = -(-count // columns), columns * (width + gap)
    band = 2 * (height + gap) + gap
    page, top = _page(title, left + across, bands * band + 34)
    pen = ImageDraw.Draw(page)
    for i in range(count):
        x, y = left + i % columns * (width + gap), top + i // columns * band
        page.paste(held[i], (x, y))
        page.paste(guess[i], (x, y + height + gap))
        if i % columns == 0:
            pen.text((left - 10, y + height // 2), "held", "black", small, anchor="rm")
            lower = y + height + gap + height // 2
            pen.text((left - 10, lower), "guess", "black", small, anchor="rm")
    start, end, y = left + 6, left + across - gap - 6, top + bands * band + 4
    pen.line((start, y, end, y), _ROAD, 2)
    x = start + (end - start) * frame / (len(states) - 1)
    pen.ellipse((x - 6, y - 6, x + 6, y + 6), _ROAD)
    pen.text((start - 6, y + 9), "noise", "black", small)
    pen.text(((start + end) / 2, y + 9), f"t = {t}", "black", small, anchor="ma")
    pen.text((end + 6, y + 9), "picture", "black", small, anchor="ra")
    return page


def _page(title: str, width: int, height: int) -> tuple[Image.Image, int]:
    """A white page with a title, and where the space of this height below it begins."""
    font, width = _font(17), max(width + 12, 240)
    text = _wrapped(title, font, width - 24)
    top = 42 + 21 * text.count("\n")
    page = Image.new("RGB", (width, top + height), "white")
    ImageDraw.Draw(page).multiline_text((12, 10), text, "black", font, spacing=3)
    return page, top


def _columns(count: int) -> int:
    return min(count, _SHEET if count <= 4 * _SHEET else 2 * _SHEET)


def _enlarged(picture: Any, times: int) -> Image.Image:
    small = Image.fromarray((as_image(picture) * 255).round().astype(np.uint8))
    return small.resize((small.width * times, small.height * times), Image.Resampling.NEAREST)


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(f"{mpl.get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """The text in lines that fit into so many pixels; a word that is too long is cut."""
    lines_ = [""]
    for word in text.split():
        longer = f"{lines_[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines_[-1] = longer
            continue
        lines_ += [""] if lines_[-1] else []
        for letter in word:
            if font.getlength(lines_[-1] + letter) > width:
                lines_.append("")
            lines_[-1] += letter
    return "\n".join(lines_)
