"""Interactive figures that need no Python once they are drawn.

Each is one small JavaScript module (folder ``js``; ``export default { render({ model, el }) }``, as
anywidget wants it) with its data beside it, once and at native size. Stored in a notebook it is
HTML, a picture and one line of text: it is alive in JupyterLab, in an exported page and without a
network, and where scripts may not run its picture and its caption are there. Nothing here trains
or samples.
"""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import torch
from matplotlib.ticker import MaxNLocator
from PIL import Image

from ..critters import datasets
from ..schedules import Schedule
from . import figures

NOISE_SCALE = 6500  # noise travels as whole numbers: 5 spreads fit into an int16
# What SVG calls the first of `figures.DASHES`.
_DASHES = ("", "7 4", "8 3 2 3", "2 3")
_LARGEST = 512  # pixels across; a frame must be computed in a sixtieth of a second
_BINS, _SPAN = 64, (-3.5, 3.5)


class Interactive(figures.Figure):
    """A figure that one can move: HTML that brings its own code and data, beside a still picture.

    Shown as any other figure, with its caption below; where scripts run, the HTML is alive.
    """

    def __init__(
        self,
        kind: str,
        title: str,
        still: figures.Figure,
        values: Mapping[str, Any],
        arrays: Mapping[str, bytes],
    ) -> None:
        super().__init__(still.png, still.caption)
        self.html = _page(kind, title, still, values, arrays)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle, metadata = super()._repr_mimebundle_()
        return bundle | {"text/html": self.html, "text/plain": repr(self)}, metadata

    def __repr__(self) -> str:
        return f"Interactive figure: {self.caption}"


def hashed_noise(shape: Sequence[int], seed: int) -> np.ndarray:
    """The Gaussian noise that the figures use, float32 of shape (C, H, W), the same in the browser.

    Number k of the order (H, W, C) is Box and Muller's cosine or sine of two hashes of (seed, k),
    rounded to 1/6500, so that it can be computed anywhere and in any order.
    """
    channels, height, width = shape
    n = channels * height * width
    pairs = np.arange(0, n + 1, 2, dtype=np.uint32)
    u = (_hashed(pairs, seed).astype(np.float64) + 1) / 2**32
    angle = 2 * np.pi * _hashed(pairs + np.uint32(1), seed).astype(np.float64) / 2**32
    radius = NOISE_SCALE * np.sqrt(-2 * np.log(u))
    both = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    whole = np.floor(both + 0.5).clip(-32767, 32767).reshape(-1)[:n]
    noise = (whole / NOISE_SCALE).astype(np.float32)
    return noise.reshape(height, width, channels).transpose(2, 0, 1)


def hashed_order(n: int, seed: int) -> np.ndarray:
    """The numbers 0 … n−1 shuffled (Fisher and Yates), int64, the same in the browser."""
    shuffled = np.arange(n)
    hashes = _hashed(np.arange(n, dtype=np.uint32), seed).astype(np.int64)
    for i in range(n - 1, 0, -1):
        j = hashes[i] % (i + 1)
        shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
    return shuffled


def noise_explorer(
    picture: Any,
    schedules: Mapping[str, Schedule] | None,
    caption: str,
    *,
    bend: float | None = None,
    strongest: float = 3,
    start: float | None = None,
    seed: int = 0,
    name: str = "the cat",
) -> Interactive:
    """A picture under as much noise as one likes: x_t = √ᾱ_t x₀ + √(1−ᾱ_t) ε, with its numbers.

    ``schedules``: name → schedule, all with one T; ``bend`` adds "mine", ᾱ_t = (1 − t/T)^bend, with
    a slider of its own (0.5 … 6). Without either, x = x₀ + s ε with a strength s from 0 to
    ``strongest``. It opens at ``start`` (t or s, default: half-way) with the noise
    `hashed_noise` of ``seed``; ``name`` is what one stops seeing. ``picture``: one picture as
    `figures.as_image` takes it. Raises ``ValueError`` for schedules of unequal length.
    """
    pixels = as_bytes(picture)
    schedules = dict(schedules or {})
    lengths = {schedule.T for schedule in schedules.values()}
    if len(lengths) > 1:
        raise ValueError(
            f"The schedules have T = {', '.join(map(str, sorted(lengths)))}, but they share one "
            "slider: give schedules of one length."
        )
    T = lengths.pop() if lengths else 1000
    if bend is not None:
        if "mine" in schedules or not 0.5 <= bend <= 6:
            raise ValueError(
                "bend adds the schedule 'mine': give a bend from 0.5 to 6, and no schedule of that "
                "name."
            )
        schedules["mine"] = Schedule((1 - np.arange(T + 1) / T) ** bend)
    lines: list[dict[str, Any]] = []
    arrays = {"x0": pixels.tobytes()}
    for i, (label, schedule) in enumerate(schedules.items()):
        color = figures.SCHEDULES.get(label, figures.NEUTRAL[i % 4])
        lines.append({"name": label, "bytes": f"alpha_bar_{i}"} | look(i, color))
        arrays[f"alpha_bar_{i}"] = schedule.alpha_bar.astype("<f4").tobytes()
    if bend is not None:
        lines[-1]["bend"] = bend
    height, width = pixels.shape[:2]
    last = T if schedules else strongest
    start = last / 2 if start is None else start
    values = {
        "width": width, "height": height, "name": name, "seed": seed, "schedules": lines,
        "start": round(start) if schedules else round(20 * start), "strongest": strongest,
        "tallest": _tallest(pixels),
    }  # fmt: skip

    x0, eps = datasets.to_floats(pixels)[0], torch.tensor(hashed_noise((3, height, width), seed))
    if schedules:
        shown = next(iter(schedules.values()))
        levels = [round(share * T) for share in (0.1, 0.35, 0.9)]
        rates = [(shown.signal_rate[t], shown.noise_rate[t]) for t in levels]
        titles = [f"t = {t}" for t in levels]
    else:
        rates = [(1, strongest * share) for share in (0.1, 1 / 3, 1)]
        titles = [f"noise {strength:g}" for _, strength in rates]
    rows = [float(signal) * x0 + float(noise) * eps for signal, noise in rates]
    still = figures.pictures(rows, caption, titles=titles, inches=1.28)
    return Interactive("noise", "Noise explorer", still, values, arrays)


def values_or_positions(picture: Any, caption: str, *, seed: int = 0) -> Interactive:
    """Pixels that change places beside values that get noise, each with its histogram.

    Left, the first pixels of `hashed_order` hand their places on, each to the next; right, x₀ + s ε
    with `hashed_noise`. ``picture`` as in `noise_explorer`.
    """
    pixels = as_bytes(picture)
    height, width = pixels.shape[:2]
    values = {"width": width, "height": height, "seed": seed, "tallest": _tallest(pixels)}
    x0, eps = datasets.to_floats(pixels)[0], torch.tensor(hashed_noise((3, height, width), seed))
    moved = datasets.to_floats(shuffled(pixels, 0.5, seed))[0]
    still = figures.pictures(
        [x0, moved, x0 + 0.5 * eps],
        caption,
        titles=["clear", "half moved", "noise 0.5"],
        inches=1.28,
    )
    return Interactive("shuffle", "Values or positions", still, values, {"x0": pixels.tobytes()})


def shuffled(pixels: np.ndarray, share: float, seed: int = 0) -> np.ndarray:
    """A picture (H, W, 3), a share of whose pixels, the first of `hashed_order`, changed places."""
    flat = pixels.reshape(-1, pixels.shape[2]).copy()
    chosen = hashed_order(len(flat), seed)[: int(share * len(flat))]
    flat[chosen] = flat[np.roll(chosen, 1)]
    return flat.reshape(pixels.shape)


def film(
    films: Mapping[str, Sequence[tuple[int, Any, Any]]],
    caption: str,
    *,
    choose: str = "",
    tracks: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
    start: int | None = None,
) -> Interactive:
    """Films of sampling to scrub and to play, what is held beside what is guessed, all in step.

    ``films``: name → its states (t, x_t, x0_hat), one picture each, from noise to data; all with
    the same t. With ``choose`` (what is chosen, as in "picture:") one is shown at a time.
    ``tracks``: title → name → one number a frame, drawn below. It opens at frame ``start``
    (default: a third of the way). Raises ``ValueError`` where the films do not fit together.
    """
    if not films:
        raise ValueError("There is no film to show: give at least one.")
    steps = [[int(t) for t, _, _ in states] for states in films.values()]
    if len(steps[0]) < 2 or any(other != steps[0] for other in steps):
        raise ValueError(
            "Films run in step, so each needs the same steps t, and at least two, but they have "
            f"{', '.join(map(str, map(len, steps)))} frames or differ in t."
        )
    rows = [
        [as_bytes(state[view]) for state in states] for states in films.values() for view in (1, 2)
    ]
    frames = len(steps[0])
    middle = frames // 3 if start is None else start
    values = {
        "names": list(films), "steps": steps[0], "choose": bool(choose), "what": choose,
        "tracks": [_panel(title, lines, frames) for title, lines in (tracks or {}).items()],
        "start": min(max(middle, 0), frames - 1),
    }  # fmt: skip
    first = next(iter(films.values()))
    shown = np.unique(np.linspace(0, frames - 1, 7).round().astype(int))
    still = figures.film_strip([first[k] for k in shown], caption)
    return Interactive("film", "Film", still, values | _size(rows), _sheet(rows))


def guidance(
    pictures: Mapping[str, Mapping[float, Any]],
    measured: Mapping[str, Mapping[str, Sequence[float]]],
    caption: str,
    *,
    choose: str = "prompt:",
    start: float = 2,
) -> Interactive:
    """The same noise under every strength of guidance, prompt by prompt, with what was measured.

    ``pictures``: prompt → scale w → one picture or several (B, C, H, W), the same scales and the
    same number everywhere; ``measured``: title → name → one number for each scale (such as
    accuracy). ``choose`` says what the rows are; it opens at the scale ``start``. Raises
    ``ValueError`` where these do not fit.
    """
    if not pictures or not all(pictures.values()):
        raise ValueError("There is nothing to show: give at least one prompt with its pictures.")
    scales = list(next(iter(pictures.values())))
    cells = {
        prompt: {w: _several(found) for w, found in row.items()} for prompt, row in pictures.items()
    }
    counts = {len(found) for row in cells.values() for found in row.values()}
    if any(list(row) != scales for row in cells.values()) or len(counts) > 1 or 0 in counts:
        raise ValueError(
            "Every prompt needs the same scales, in the same order, with the same number of "
            "pictures."
        )
    rows = [[pixels for w in scales for pixels in row[w]] for row in cells.values()]
    values = {
        "prompts": list(pictures), "what": choose, "scales": [round(float(w), 3) for w in scales],
        "each": counts.pop(), "start": int(np.argmin([abs(w - start) for w in scales])),
        "measured": [_panel(title, lines, len(scales)) for title, lines in measured.items()],
    }  # fmt: skip
    shown = np.unique(np.linspace(0, len(scales) - 1, 6).round().astype(int))
    still = figures.pictures(
        [row[scales[k]][0] for row in cells.values() for k in shown],
        caption,
        columns=len(shown),
        titles=[f"w = {scales[k]:g}" for k in shown],
        labels=list(pictures),
        inches=0.96,
    )
    return Interactive("guidance", "Guidance explorer", still, values | _size(rows), _sheet(rows))


# --- data on its way to the browser ---


def as_bytes(picture: Any) -> np.ndarray:
    """One picture as bytes (H, W, 3), rounded as `datasets.to_pixels` does."""
    if isinstance(picture, torch.Tensor):
        picture = picture.detach().cpu()
    shown = np.ascontiguousarray((255 * figures.as_image(picture)).round().astype(np.uint8))
    if max(shown.shape) > _LARGEST:
        raise ValueError(
            f"The picture has {shown.shape[0]} × {shown.shape[1]} pixels, but an interactive "
            f"figure takes at most {_LARGEST} across: make it smaller, as in "
            "datasets.photo(size=128)."
        )
    return shown


def _several(found: Any) -> list[np.ndarray]:
    many = isinstance(found, list | tuple) or getattr(found, "ndim", 0) == 4
    return [as_bytes(picture) for picture in (found if many else [found])]


def _hashed(k: np.ndarray, seed: int) -> np.ndarray:
    """A hash of (seed, k), uint32: two rounds of C. Wellons's 32-bit finaliser (lowbias32)."""
    key = _mixed(np.array([(seed + 0x9E3779B9) % 2**32], dtype=np.uint32))
    return _mixed(_mixed(k) + key)


def _mixed(x: np.ndarray) -> np.ndarray:
    # uint32 arrays wrap around silently, as JavaScript's Math.imul does.
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x21F0AAAD)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x735A2D97)
    return x ^ (x >> np.uint32(15))


def _tallest(pixels: np.ndarray) -> float:
    """How high the histogram's axis reaches, in per cent: a little above the clear picture's."""
    counts, _ = np.histogram(pixels / 127.5 - 1, bins=_BINS, range=_SPAN)
    # Not too far: a picture of a few colours has bars that would leave all others flat.
    return round(min(100 * counts.max() / pixels.size, 20) * 1.08, 2)


def look(i: int, color: str = "") -> dict[str, str]:
    """Colour and dash of a figure's curve number i, in the course's order, as SVG knows them."""
    color = color or figures.CYCLE[i % len(figures.CYCLE)]
    if color == "#000000":
        color = "currentColor"  # black would vanish on a dark page
    return {"color": color, "dash": _DASHES[i % len(_DASHES)]}


def _panel(title: str, lines: Mapping[str, Sequence[float]], length: int) -> dict[str, Any]:
    drawn: list[dict[str, Any]] = []
    for i, (name, curve) in enumerate(lines.items()):
        numbers = np.asarray(curve, dtype=float)
        if numbers.shape != (length,) or not np.isfinite(numbers).all():
            raise ValueError(
                f"The curve {name!r} has shape {numbers.shape}, but {length} finite numbers are "
                "expected: one for each place of the slider."
            )
        drawn.append({"name": name, "values": [float(f"{v:.5g}") for v in numbers]} | look(i))
    everything = [v for line in drawn for v in line["values"]]
    if not everything:
        raise ValueError(f"There is no curve under {title!r}: give at least one.")
    low, high = min(0, *everything), max(everything)
    ticks = MaxNLocator(4).tick_values(low, high if high > low else low + 1)
    written = [[float(f"{v:.6g}"), f"{v:.6g}".replace("-", "−")] for v in ticks]
    return {"title": title, "y": [written[0][0], written[-1][0]], "yticks": written, "lines": drawn}


def _size(rows: Sequence[Sequence[np.ndarray]]) -> dict[str, Any]:
    shapes = {pixels.shape for row in rows for pixels in row}
    if len(shapes) > 1:
        raise ValueError("All pictures of one figure need the same size.")
    height, width, _ = shapes.pop()
    return {"width": width, "height": height, "sheet_type": "image/webp"}


def _sheet(rows: Sequence[Sequence[np.ndarray]]) -> dict[str, bytes]:
    """All pictures as one, losslessly, at half the bytes of plain numbers; browsers unpack it."""
    whole = np.concatenate([np.concatenate(row, axis=1) for row in rows])
    buffer = io.BytesIO()
    Image.fromarray(whole).save(buffer, "WEBP", lossless=True, quality=100, method=4)
    return {"sheet": buffer.getvalue()}


# --- the HTML ---

_SHARED_IMPORT = re.compile(r'^import \{[^}]*\} from "\./common\.js";\n', re.MULTILINE)


@cache
def _text(name: str) -> str:
    text = resources.files(__package__).joinpath("js", name).read_text(encoding="utf-8")
    # Comments and indentation stay here: a notebook stores this text once for each figure.
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/**"))) + "\n"


def style() -> str:
    """The style sheet that all figures share; it touches nothing outside class ``dl``."""
    return _text("style.css")


@cache
def module(kind: str) -> str:
    """The JavaScript of a figure as one module that imports nothing, common.js put in front of it.

    It exports ``default.render({model, el})``, for anywidget, and ``mount``, for stored HTML.
    """
    shared = re.sub(r"^export (?=async|const|function)", "", _text("common.js"), flags=re.MULTILINE)
    shared = f'const SIGNAL = "{figures.SIGNAL}", NOISE = "{figures.NOISE}";\n{shared}'
    figure, found = _SHARED_IMPORT.subn("", _text(f"{kind}.js"))
    if found != 1:
        raise ValueError(f"{kind}.js must import from ./common.js exactly once.")
    return shared + figure + "export { mount };\n"


def _page(
    kind: str,
    title: str,
    still: figures.Figure,
    values: Mapping[str, Any],
    arrays: Mapping[str, bytes],
) -> str:
    packed = {name: base64.b64encode(found).decode() for name, found in arrays.items()}
    given = json.dumps({"values": values, "bytes": packed}, ensure_ascii=False, sort_keys=True)
    given = given.replace("<", "\\u003c")  # nothing in it may end the script
    # Packed, since a notebook stores this text once for each figure; the time of packing stays out.
    code = base64.b64encode(gzip.compress(module(kind).encode(), mtime=0)).decode()
    return f"""<div class="dl" role="group" aria-label="{title}">
<style>{style()}</style>
<img class="dl-still" alt="{html.escape(still.caption)}" src="{_small(still.png)}">
<script type="application/json">{given}</script>
<script>(async () => {{
const root = document.currentScript.closest(".dl");
const packed = Uint8Array.from(atob("{code}"), (c) => c.charCodeAt(0));
const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
const text = await new Response(unpacked).text();
const figure = await import("data:text/javascript," + encodeURIComponent(text));
figure.mount(root, figure.default);
}})();</script>
</div>"""


def _small(png: bytes) -> str:
    """The still picture once more, for the inside of the HTML, at a third of its bytes."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(buffer, "WEBP", quality=25, method=6)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
