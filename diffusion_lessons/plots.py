"""Figures: arrays in, figure object out. Nothing here trains, samples or draws random numbers.

Every figure carries a caption, one or two sentences that say what to see. It stands under the
picture as text and inside it as alternative text, so that the figure also teaches someone who
cannot see it. The same quantity has the same colour everywhere; all colours are told apart by
colour-blind readers (Okabe and Ito's palette) and lines differ in their dashes too.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from PIL import Image

SIGNAL, NOISE, PREDICTION = "#0072B2", "#D55E00", "#009E73"
OTHERS = ("#CC79A7", "#E69F00", "#56B4E9", "#000000")
_CYCLE = (SIGNAL, NOISE, PREDICTION, *OTHERS)
_DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)))
_LARGE = 100_000  # bytes of one figure; a notebook may have a million
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
    if array.dtype == np.uint8:
        shown = array.astype(np.float64) / 255
        return np.repeat(shown[:, :, None], 3, axis=2) if shown.ndim == 2 else shown
    if array.ndim == 4 and len(array) == 1:
        array = array[0]
    if array.ndim != 3 or array.shape[0] not in (1, 3):
        raise ValueError(
            f"A picture of shape {array.shape} cannot be shown: give (C, H, W) floats in [−1, 1] "
            "with one or three channels, or (H, W, 3) whole numbers from 0 to 255."
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
    height, width = shown[0].shape[:2]
    wanted = 100 * inches
    scale = max(1, round(wanted / width)) if width <= wanted else wanted / width
    width, height, gap = round(scale * width), round(scale * height), 6
    left = 12 + 7.5 * max(map(len, labels)) if labels else gap
    top = 24 if titles else gap
    full_width, full_height = left + columns * (width + gap), top + lines * (height + gap)
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(full_width / 100, full_height / 100))
        for i, picture in enumerate(shown):
            x = left + i % columns * (width + gap)
            y = full_height - top - (i // columns + 1) * (height + gap) + gap
            axes = canvas.add_axes(
                (x / full_width, y / full_height, width / full_width, height / full_height)
            )
            interpolation = "nearest" if scale >= 1 else "antialiased"
            axes.imshow(picture, vmin=0, vmax=1, interpolation=interpolation, aspect="auto")
            axes.set_axis_off()
            if i < len(titles):
                axes.set_title(titles[i], fontsize=10, pad=4)
            if i % columns == 0 and i // columns < len(labels):
                axes.text(
                    -6 / width, 0.5, labels[i // columns],
                    ha="right", va="center", transform=axes.transAxes,
                )  # fmt: skip
        return finished(canvas, caption)


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


def finished(canvas: Canvas, caption: str) -> Figure:
    """Turn a matplotlib figure into a `Figure`; the same content gives the same bytes."""
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="png", metadata={"Software": None})
    if len(buffer.getvalue()) > _LARGE:
        # Static cannot be compressed: 256 colours make such a figure a third of its size.
        picture, buffer = Image.open(buffer).convert("RGB"), io.BytesIO()
        few = picture.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        few.save(buffer, format="png", optimize=True)
    return Figure(buffer.getvalue(), " ".join(caption.split()))


# --- lesson 01 ---


def zoomed(pixels: np.ndarray, top: int, left: int, side: int, caption: str) -> Figure:
    """A photo and, beside it, a small square of it with each pixel's three numbers written in.

    ``pixels`` uint8 (H, W, 3); the square starts at row ``top``, column ``left``.
    """
    patch = pixels[top : top + side, left : left + side]
    with mpl.rc_context({**STYLE, "axes.grid": False}):
        canvas = Canvas(figsize=(8, 4.1), layout="constrained")
        whole, near = canvas.subplots(1, 2)
        whole.imshow(pixels, interpolation="nearest")
        whole.add_patch(
            mpl.patches.Rectangle((left - 0.5, top - 0.5), side, side, fill=False, ec="w", lw=2)
        )
        near.imshow(patch, interpolation="nearest")
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
        whole.set_title("the whole photo")
        near.set_title("inside the white square: red, green, blue")
        for axes in (whole, near):
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        return finished(canvas, caption)


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
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(2.6 * len(pictures), 4.3), layout="constrained")
        grid = canvas.subplots(2, len(pictures), squeeze=False, height_ratios=(1.6, 1))
        tallest: dict[tuple[float, float], float] = {}
        for i, (name, picture) in enumerate(pictures.items()):
            _draw_picture(grid[0, i], picture, name)
            axes, numbers = grid[1, i], np.asarray(values[i]).ravel()
            heights, _, _ = axes.hist(
                numbers,
                bins=64,
                range=spans[i],
                weights=np.full(numbers.size, 100 / numbers.size),
                color=NOISE if i == len(pictures) - 1 else SIGNAL,
            )
            for mark in marks:
                axes.axvline(mark, color="black", linestyle=":", linewidth=1.2)
            axes.set(xlabel="value", xlim=spans[i])
            axes.locator_params(axis="x", nbins=4)
            tallest[spans[i]] = max(tallest.get(spans[i], 0), heights.max())
        for i, span in enumerate(spans):
            grid[1, i].set_ylim(0, 1.08 * tallest[span])
        grid[1, 0].set_ylabel("% of all values")
        return finished(canvas, caption)


def with_spectra(
    pictures: Mapping[str, Any], spectra: Mapping[str, tuple[Any, Any]], caption: str
) -> Figure:
    """Named pictures, and below them how strong their coarse and fine detail is.

    ``spectra``: name → (waves across the picture, power), see `data.power_spectrum`, on fixed
    scales, both logarithmic.
    """
    colors = (SIGNAL, NOISE, OTHERS[0], "#555555")
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(7.4, 5.4), layout="constrained")
        upper, lower = canvas.subfigures(2, 1, height_ratios=(1.05, 1))
        for axes, (name, picture) in zip(
            upper.subplots(1, len(pictures)), pictures.items(), strict=True
        ):
            _draw_picture(axes, picture, name)
        axes = lower.subplots()
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


def _draw_picture(axes: Axes, picture: Any, title: str) -> None:
    axes.imshow(as_image(picture), vmin=0, vmax=1, interpolation="nearest")
    axes.set(xticks=[], yticks=[], title=title)
    axes.grid(False)
    axes.spines[:].set_visible(False)


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

    ``span`` is the range of values drawn. Each outline differs in colour and in dash, so that one
    which lies exactly on another can still be seen.
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
                color=(colors or {}).get(name, _CYCLE[i % len(_CYCLE)]),
                linestyle=_DASHES[i % len(_DASHES)],
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
        canvas = Canvas(figsize=(7.2, 5.2))
        upper = canvas.subplots(1, len(pictures))
        canvas.subplots_adjust(left=0.09, right=0.98, top=0.95, bottom=0.5, wspace=0.06)
        axes = canvas.add_axes((0.09, 0.1, 0.89, 0.34))
        for i, (above, (name, picture)) in enumerate(zip(upper, pictures.items(), strict=True)):
            left, T = curves[name][t], len(curves[name]) - 1
            _draw_picture(above, picture, f"{name}: {left:.1%} left")
            color = SCHEDULES[name]
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
            axes.plot(x, y, "o", color=PREDICTION, markersize=7, clip_on=False)
            axes.annotate(f"t = {t}", (x, y), (1.05 * x + 0.01, 1.05 * y), va="center")
        axes.set(xlim=(0, 1.3), ylim=(0, 1.15), aspect="equal")
        axes.set_xlabel("what multiplies the picture, √ᾱ", color=SIGNAL)
        axes.set_ylabel("what multiplies the noise, √(1 − ᾱ)", color=NOISE)
        return finished(canvas, caption)


# --- lesson 04 ---

# --- lesson 05 ---
