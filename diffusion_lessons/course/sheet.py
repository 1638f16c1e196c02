"""Sheets and films of drawings, as the command writes them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .figures import PROGRESS, Figure, as_image

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
    pen.line((start, y, end, y), PROGRESS, 2)
    now = start + (end - start) * frame / (len(states) - 1)
    pen.ellipse((now - 6, y - 6, now + 6, y + 6), PROGRESS)
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
