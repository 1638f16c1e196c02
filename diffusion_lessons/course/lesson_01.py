"""Lesson 01, pixel noise: its exercises and its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from .figures import (
    DASHES,
    NOISE,
    OTHERS,
    SIGNAL,
    Figure,
    as_image,
    axes_at,
    canvas_of,
    draw_histogram,
    draw_tile,
    finished,
    panels,
    styled,
    tile_size,
)
from .grading import Exercise, Trials


def _pixels_and_noise() -> Trials:
    rng = np.random.default_rng(1)
    return [
        (np.array([0, 120, 255], dtype=np.uint8), np.array([15, -30, 5])),
        (
            np.array([[0, 3, 250], [255, 128, 251]], dtype=np.uint8),
            np.array([[-30, 2, 6], [1, 0, 5]]),
        ),
        (rng.integers(0, 256, (5, 7, 3), dtype=np.uint8), rng.integers(-90, 91, (5, 7, 3))),
        (rng.integers(0, 256, (4, 3, 3), dtype=np.uint8), rng.integers(-600, 601, (4, 3, 3))),
    ]


add_and_clip = Exercise(
    "add_and_clip(pixels, noise)",
    """
    total = pixels.astype(int) + noise
    return np.clip(total, 0, 255).astype(np.uint8)
    """,
    trials=_pixels_and_noise,
    dtype="uint8",
    given="""
    total = pixels.astype(int) + noise
    stretched = 255 * ((total - total.min()) / max(np.ptp(total), 1))
    """,
    slips="""
values wrap around: what passes 255 starts again from 0. Clip while the numbers can still be below 0
or above 255, and turn them into uint8 after that.
    total.astype(np.uint8)
the noise is squeezed into int8, which holds −128 … 127 only: keep its type.
    np.clip(pixels + noise.astype(np.int8), 0, 255).astype(np.uint8)
it takes the remainder of a division by 255, which wraps around. Use np.clip.
    total % 255
what passes 255 becomes 0, but it should become 255. (If you clip to 256, that is one too many: 256
wraps to 0.)
    np.clip(total, 0, 256).astype(np.uint8)
it clips to 256, one too many: the largest pixel value is 255.
    np.clip(total, 0, 256)
it clips the noise instead of the sum. Noise may be negative, and only the sum has to stay between 0
and 255.
    (pixels + np.clip(noise, 0, 255)).astype(np.uint8)
    pixels + np.clip(noise, 0, 255)
    np.clip(pixels + np.clip(noise, 0, 255), 0, 255)
it stretches or squeezes all values. Then every pixel changes because one went too far; clipping
moves only those outside 0 … 255.
    stretched
    stretched.astype(np.uint8)
    np.rint(stretched)
    255 * (total / max(total.max(), 1))
    total / 2
    total // 2
    np.clip(total / 2, 0, 255).astype(np.uint8)
negative sums lose their minus sign (abs): −30 should become 0, not 30.
    np.clip(np.abs(total), 0, 255)
    np.abs(total)
it uses abs and then wraps around. Below 0 becomes 0, above 255 becomes 255.
    np.abs(total).astype(np.uint8)
it clips at one end only. Look at what is below 0 and at what is above 255.
    np.minimum(total, 255).astype(np.uint8)
    np.maximum(total, 0).astype(np.uint8)
    np.minimum(total, 255)
    np.maximum(total, 0)
it does not clip the sum (to clip before adding does nothing): 260 and −30 are still there, and no
screen shows them.
    total
it clips to a range for floats, such as 0 to 1. Pixels run from 0 to 255.
    np.clip(total, 0, 1)
    np.clip(total, -1, 1)
    np.clip(total, -1, 1).astype(np.uint8)
    255 * np.clip(total, 0, 1)
it divides by 255 at the end: whole numbers from 0 to 255 are expected.
    np.clip(total, 0, 255) / 255
it subtracts the noise: add it.
    np.clip(pixels - noise, 0, 255)
it makes the pixels int8 first, which ends at 127: bright pixels turn negative. Take a type with
more room, such as int16.
    np.clip(pixels.astype(np.int8) + noise, 0, 255)
where the sum leaves 0 … 255 it keeps the old pixel: give the nearest end.
    np.where((total < 0) | (total > 255), pixels, total)
it returns the pixels as they were: where is the noise added?
    pixels
it returns noise only: add the pixels to it.
    np.clip(noise, 0, 255)
everything becomes 0. (With the ends swapped np.clip does that: the lower one comes first,
np.clip(…, 0, 255).)
    np.clip(total, 255, 0)
everything becomes 255. (np.minimum belongs to the upper end, 255, and np.maximum to the lower, 0.)
    np.maximum(255, np.minimum(0, total))
the two ends are swapped: below 0 becomes 0, above 255 becomes 255.
    np.select([total < 0, total > 255], [255, 0], total)
what is below 0 becomes 255: it calculates in a type without a minus sign, such as uint16. Take int.
    np.clip(pixels.astype(np.uint16) + noise.astype(np.uint16), 0, 255)
int8 ends at 127, so that bright pixels turn negative: bytes are uint8, with a u.
    np.clip(total, 0, 255).astype(np.int8)
it clips to the range of int8. Pixels are uint8: they run from 0 to 255.
    np.clip(total, -128, 127)
it clips to 254, one too few: the largest pixel is 255.
    np.clip(total, 0, 254)
it clips at −255, and in a byte that wraps around: the lower end is 0.
    np.clip(total, -255, 255).astype(np.uint8)
the noise has lost its minus signs (abs): −30 should make a pixel darker.
    np.clip(pixels + np.abs(noise), 0, 255)
it subtracts the pixels: add them.
    np.clip(noise - pixels, 0, 255)
it multiplies: add the noise.
    np.clip(pixels * noise, 0, 255)
it clips to the smallest and largest value of this picture: the ends are always 0 and 255.
    np.clip(total, pixels.min(), pixels.max())
""",
)

to_floats = Exercise(
    "to_floats(pixels)",
    "pixels / 127.5 - 1",
    trials=lambda: [
        (np.array([0, 120, 255], dtype=np.uint8),),
        (np.array([[1, 127, 128], [129, 200, 254]], dtype=np.uint8),),
        (np.random.default_rng(2).integers(10, 240, (5, 4, 3), dtype=np.uint8),),
    ],
    slips="""
it runs from 0 to 1. Look at pixel 0: black has to become −1, so double the range and subtract 1.
    pixels / 255
    pixels / 256
it divides by 128, not by 127.5: then 255 becomes 0.992, and white is not quite 1.
    pixels / 128 - 1
    (pixels - 128.0) / 128
it takes 128 for the middle: then 0 becomes −1.008. The middle is 127.5.
    (pixels - 128.0) / 127
it divides by 127, not by 127.5: then 255 becomes 1.008.
    pixels / 127 - 1
it runs from 0 to 2: what is still to be subtracted?
    pixels / 127.5
it runs from −1 to 0: the range 0 … 1 has to be doubled first.
    pixels / 255 - 1
it runs from −0.5 to 0.5: double it.
    pixels / 255 - 0.5
it is a negative: black became 1. Mind the order of the subtraction.
    1 - pixels / 127.5
the numbers are still uint8 while it calculates, so that they wrap around: divide first, or use
.astype(float) before anything else.
    (pixels - 128) / 128
    (pixels - 128) / 127
    (pixels - 127) / 128
    (pixels - 128) / 127.5
    (pixels - 127) / 127.5
    (pixels * 2) / 255 - 1
    (pixels * 2 - 255) / 255
    (pixels - 127) / 127
    (pixels * 2 - 1) / 255
// throws the fraction away: use /.
    pixels // 127.5 - 1
it rounds to whole numbers: keep the fractions.
    np.rint(pixels / 127.5 - 1)
it cuts to whole numbers: keep the fractions.
    (pixels / 127.5 - 1).astype(int)
float16 keeps only three digits, too few for neighbouring values: use float32 or float64.
    (pixels / 127.5 - 1).astype(np.float16)
it subtracts 1 but does not divide: which division sends 255 to 2?
    pixels - 1
it subtracts 1 before it divides: first / 127.5, then − 1.
    (pixels - 1.0) / 127.5
it uses the smallest and largest value (or the mean and spread) of this picture. Then the same grey
gets another number in each picture; use the fixed range 0 … 255.
    2 * (pixels - float(pixels.min())) / float(np.ptp(pixels)) - 1
    (pixels - float(pixels.min())) / float(np.ptp(pixels))
    (pixels - pixels.mean()) / pixels.std()
    pixels / float(pixels.max()) * 2 - 1
    (pixels - pixels.mean()) / 127.5
it changes the type only: the numbers still run from 0 to 255.
    pixels.astype(float)
it clips to [−1, 1], so that everything but black becomes 1: scale, don't clip.
    np.clip(pixels.astype(float), -1, 1)
int8 ends at 127, so that bright pixels turn negative: use .astype(float), or divide at once.
    pixels.astype(np.int8) / 127.5 - 1
    pixels.astype(np.int8) / 128
Python works out the brackets first: divide by 127.5, and subtract 1 from that.
    pixels / (127.5 - 1)
it runs from 1 to 3: subtract 1, don't add it.
    pixels / 127.5 + 1
the middle is at 0, but it still runs from −127.5 to 127.5: divide by 127.5.
    pixels - 127.5
it takes 128 for the middle: then 255 becomes 0.996. The middle is 127.5.
    (pixels - 128.0) / 127.5
it takes 127 for the middle: then 255 becomes 1.004. The middle is 127.5.
    (pixels - 127.0) / 127.5
it takes 127 for the middle and divides by 128: both should be 127.5.
    (pixels - 127.0) / 128
it clips at 0, so that the darker half of the picture is lost: no clipping is needed.
    np.clip(pixels / 127.5 - 1, 0, 1)
it ends in uint8, which holds neither fractions nor a minus sign: leave them floats.
    (pixels / 127.5 - 1).astype(int).astype(np.uint8)
it rounds: keep all the digits.
    np.round(pixels / 127.5 - 1, 1)
    np.round(pixels / 127.5 - 1, 2)
""",
)

combined_spread = Exercise(
    "combined_spread(a, b)",
    "(a**2 + b**2) ** 0.5",
    trials=lambda: [(3.0, 4.0), (1.7, 0.3), (0.5, 0.5), (0.0, 2.5), (12.0, 0.0)],
    slips="""
it adds the spreads. Noises partly cancel, so 3 and 4 give less than 7: add the variances, which are
the squares.
    a + b
this is the variance of the sum. Its square root is the spread.
    a**2 + b**2
it averages. The sum spreads more widely than either noise alone.
    (a + b) / 2
it halves instead of taking a root (** 1 / 2 means (… ** 1) / 2): write ** 0.5 or math.sqrt.
    (a**2 + b**2) / 2
it averages the variances: add them. The noises are added, not averaged.
    math.sqrt((a**2 + b**2) / 2)
it halves the result. The noises are added, not averaged.
    math.sqrt(a**2 + b**2) / 2
it takes the larger one. The smaller noise adds a little too: 3 and 4 give 5.
    max(a, b)
it takes the root of the sum: square each spread before adding.
    math.sqrt(a + b)
it adds square roots. Squares first, then add, then one root.
    math.sqrt(a) + math.sqrt(b)
it squares the sum. Square each spread on its own, add, then take the root.
    (a + b) ** 2
it multiplies. Variances (the squares) are added.
    math.sqrt(a * b)
    a * b
    math.sqrt(2 * a * b)
it subtracts. Two noises don't undo each other: 3 and 4 give 5.
    abs(a - b)
    a - b
it subtracts the variances. They add, even if the noises are subtracted.
    math.sqrt(abs(a**2 - b**2))
the root has to cover the whole sum: put brackets around it.
    a**2 + b**2**0.5
* 2 doubles; ** 2 squares.
    2 * a + 2 * b
    math.sqrt(2 * a + 2 * b)
it cubes: use ** 2, then the square root.
    a**3 + b**3
it uses the first noise only: b² has to be added.
    a
it uses the second noise only: a² has to be added.
    b
it takes the smaller one. The sum spreads more widely than either: 3 and 4 give 5.
    min(a, b)
it adds the spreads and divides by √2, which is right only where both are equal: add the squares,
then take the root.
    (a + b) / math.sqrt(2)
it takes the roots first. Squares first, then add, then one root.
    (math.sqrt(a) + math.sqrt(b)) ** 2
it takes the root twice: ** 0.5 once is enough.
    math.sqrt(right(a, b))
it squares the sum of squares: take its root.
    (a**2 + b**2) ** 2
it is always 1. (** (1 // 2) is ** 0, as // throws the fraction away: write ** 0.5.)
    (a**2 + b**2) ** (1 // 2)
it rounds: keep the fraction.
    round(right(a, b))
it rounds: keep all the digits.
    round(right(a, b), 1)
    round(right(a, b), 2)
int cuts the fraction off: keep it.
    int(right(a, b))
""",
)


# --- figures ---


@styled
def zoomed(pixels: np.ndarray, top: int, left: int, side: int, caption: str) -> Figure:
    """A photo and, beside it, a small square of it with each pixel's three numbers written in.

    ``pixels`` uint8 (H, W, 3); the square starts at row ``top``, column ``left``.
    """
    patch = pixels[top : top + side, left : left + side]
    shown = as_image(pixels)
    width, height = tile_size(shown, 2.4)
    canvas = canvas_of(width + 402, 420)
    middle = 24 + (390 - height) // 2
    whole = draw_tile(canvas, 6, middle, (width, height), shown, "the whole photo")
    title = "inside the white square: red, green, blue"
    near = draw_tile(canvas, width + 12, 24, (384, 390), as_image(patch), title)
    whole.add_patch(
        mpl.patches.Rectangle((left - 0.5, top - 0.5), side, side, fill=False, ec="w", lw=2)
    )
    for (row, column), brightness in np.ndenumerate(patch.mean(axis=2)):
        near.text(
            column, row, "\n".join(map(str, patch[row, column])), ha="center", va="center",
            fontsize=9, color="black" if brightness > 110 else "white",
        )  # fmt: skip
    return finished(canvas, caption, exact=True)


@styled
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
    canvas = canvas_of(*size)
    rows = {}
    for i, (name, picture) in enumerate(pictures.items()):
        x = 60 + i * (width + gap)
        draw_tile(canvas, x, 24, (width, height), as_image(picture), name)
        rows[axes_at(canvas, x, height + 34, width, 130)] = values[i]
    _draw_histograms(rows, spans, marks)
    return finished(canvas, caption)


@styled
def histograms(
    values: Mapping[str, Any],
    caption: str,
    *,
    spans: Sequence[tuple[float, float]],
    marks: tuple[float, float],
) -> Figure:
    """How often each value occurs in named sets of numbers; arguments as in `with_histograms`."""
    canvas, grid = panels(3.7 * len(values), 2.5, len(values))
    for axes, name in zip(grid, values, strict=True):
        axes.set_title(name)
    _draw_histograms(dict(zip(grid, values.values(), strict=True)), spans, marks)
    return finished(canvas, caption)


def _draw_histograms(
    rows: Mapping[Axes, Any], spans: Sequence[tuple[float, float]], marks: tuple[float, float]
) -> None:
    tallest: dict[tuple[float, float], float] = {}
    for i, ((axes, values), span) in enumerate(zip(rows.items(), spans, strict=True)):
        draw_histogram(axes, values, span, NOISE if i == len(rows) - 1 else SIGNAL, bins=64)
        for mark in marks:
            axes.axvline(mark, color="black", linestyle=":", linewidth=1.2)
        axes.set_ylabel("" if i else "% of all values")
        axes.locator_params(axis="x", nbins=4)
        axes.tick_params(labelleft=i == 0 or len(set(spans)) > 1)
        tallest[span] = max(tallest.get(span, 0), axes.dataLim.y1)
    for axes, span in zip(rows, spans, strict=True):
        axes.set_ylim(0, 1.08 * tallest[span])


@styled
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
    canvas = canvas_of(*size)
    for i, (name, picture) in enumerate(pictures.items()):
        draw_tile(canvas, 6 + i * (width + 6), 24, (width, height), as_image(picture), name)
    axes = axes_at(canvas, 66, height + 40, size[0] - 80, 200)
    for i, (name, (waves, power)) in enumerate(spectra.items()):
        axes.plot(waves, power, label=name, color=colors[i], linestyle=DASHES[i])
    axes.set(xscale="log", yscale="log", ylim=(1e-5, 100), xlim=(1, 64))
    axes.set(xlabel="waves across the picture (coarse → fine)", ylabel="power")
    axes.set_xticks([1, 2, 4, 8, 16, 32, 64], ["1", "2", "4", "8", "16", "32", "64"])
    axes.minorticks_off()
    axes.legend(loc="lower left")
    return finished(canvas, caption)


@styled
def bells(samples: Mapping[str, Any], caption: str) -> Figure:
    """Named sets of numbers as histograms, each on its own bell curve of the same mean and spread.

    Numbers are drawn in units of their own spread, from −4 to 4.
    """
    z = np.linspace(-4, 4, 201)
    canvas, grid = panels(8.4, 2.7, len(samples), sharey=True)
    for axes, (name, numbers) in zip(grid, samples.items(), strict=True):
        numbers = np.asarray(numbers, dtype=np.float64)
        scaled = (numbers - numbers.mean()) / numbers.std()
        axes.hist(scaled, bins=40, range=(-4, 4), density=True, color=NOISE, alpha=0.55)
        axes.plot(z, np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), color="black", linewidth=1.5)
        axes.set(title=name, xticks=[-2, 0, 2], yticks=[])
    canvas.supxlabel("distance from the mean, in spreads", fontsize=10.5)
    return finished(canvas, caption)
