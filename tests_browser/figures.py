"""For each kind of figure: move it to both ends and through the middle, and look at every pixel."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import torch
from conftest import given, live, move, painted, same, settle
from PIL import Image
from playwright.sync_api import Locator, Page

from diffusion_lessons import forward, schedules
from diffusion_lessons.course import interactive
from diffusion_lessons.critters import datasets


def check(page: Page, figure: Locator) -> None:
    """Hold everything that a figure paints against the package's own arrays."""
    live(figure)
    assert figure.locator(".dl-still").is_hidden()
    KINDS[figure.get_attribute("aria-label")](page, figure)


def wrapped(x: torch.Tensor) -> np.ndarray:
    whole = ((x.double() + 1) * 127.5).round().long() % 256
    return whole.to(torch.uint8).movedim(0, -1).numpy()


def noise(page: Page, figure: Locator) -> None:
    data = given(figure)
    height, width = data["height"], data["width"]
    x0 = datasets.to_floats(np.frombuffer(data["x0"], np.uint8).reshape(height, width, 3))
    canvas = figure.locator("canvas").first
    slider = figure.locator("input[type=range]").first
    last = int(slider.get_attribute("max"))
    levels = (0, last // 3, last // 2, last)

    def noisy(alpha_bar, level: int, number: int = 0) -> torch.Tensor:
        eps = torch.tensor(interactive.hashed_noise((3, height, width), data["seed"] + number))[
            None
        ]
        if alpha_bar is None:
            return (x0 + level / 20 * eps)[0]
        return forward.add_noise(schedules.Schedule(alpha_bar), x0, level, eps)[0]

    known = [np.frombuffer(data[one["bytes"]], "<f4").astype(float) for one in data["schedules"]]
    for i, alpha_bar in enumerate(known or [None]):
        if len(known) > 1:
            figure.locator("fieldset").first.locator("input").nth(i).check()
        for level in levels:
            move(page, slider, level)
            same(canvas, datasets.to_pixels(noisy(alpha_bar, level)))
    middle = last // 2
    if "bend" in (data["schedules"] or [{}])[-1]:
        bend = figure.locator("input[type=range]").nth(1)
        for value in (0.5, 6, 2):
            move(page, bend, value)
            move(page, slider, middle)
            bent = (1 - np.arange(last + 1) / last) ** value
            same(canvas, datasets.to_pixels(noisy(bent, middle)))
            alpha_bar = bent
    move(page, slider, middle)
    figure.get_by_role("button", name="other noise").click()
    settle(page)
    same(canvas, datasets.to_pixels(noisy(alpha_bar, middle, number=1)))
    figure.get_by_label("wrapped round").check()
    settle(page)
    expected = wrapped(noisy(alpha_bar, middle, number=1)).astype(int)
    far = np.abs(expected - painted(canvas))
    assert np.minimum(far, 256 - far).max() <= 1  # 255 and 0 are neighbours on this clock
    figure.get_by_label("clipped").check()
    figure.get_by_role("button", name="first noise").click()

    # One pixel, by its keys: row 0, column 1.
    box = figure.locator(".dl-pick")
    box.focus()
    for key in ("Home", *["PageUp"] * (height // 10 + 1), "ArrowRight"):
        page.keyboard.press(key)
    settle(page)
    table = figure.locator("table")
    assert "row 0, column 1" in table.inner_text()
    x = noisy(alpha_bar, middle)[:, 0, 1]
    cells = table.locator("tbody tr")
    shown = [cells.nth(r).locator("td").nth(c).inner_text() for r in (2, 3, 4) for c in range(3)]
    floats = [float(words.replace("−", "-")) for words in shown[:3]]
    np.testing.assert_allclose(floats, x.numpy(), atol=0.006)
    bytes_ = ((x.double() + 1) * 127.5).round()
    off = np.abs(np.array(shown[3:6], int) - bytes_.clamp(0, 255).numpy())
    assert off.max() <= 1

    figure.get_by_role("button", name="no longer see").click()
    assert "lost at" in figure.locator("[role=status]").last.inner_text()


def shuffle(page: Page, figure: Locator) -> None:
    data = given(figure)
    shape = (data["height"], data["width"], 3)
    pixels = np.frombuffer(data["x0"], np.uint8).reshape(shape)
    x0, eps = (
        datasets.to_floats(pixels)[0],
        torch.tensor(interactive.hashed_noise((3, *shape[:2]), data["seed"])),
    )
    share, strength = figure.locator("input[type=range]").all()
    places, values = figure.locator("canvas").all()
    before = figure.locator("svg path[fill='#0072B2']").get_attribute("d")
    for percent in (0, 1, 50, 100):
        move(page, share, percent)
        same(places, interactive.shuffled(pixels, percent / 100, data["seed"]))
        # The histogram must not change by a single value.
        assert figure.locator("svg path[fill='#0072B2']").get_attribute("d") == before
    for s in (0, 0.5, 1.55, 3):
        move(page, strength, s)
        same(values, datasets.to_pixels(x0 + s * eps))


def _tiles(data: dict) -> np.ndarray:
    sheet = np.asarray(Image.open(io.BytesIO(data["sheet"])).convert("RGB"))
    height, width = data["height"], data["width"]
    rows, columns = sheet.shape[0] // height, sheet.shape[1] // width
    return sheet.reshape(rows, height, columns, width, 3).swapaxes(1, 2)


def film(page: Page, figure: Locator) -> None:
    data = given(figure)
    tiles, canvases = _tiles(data), figure.locator("canvas").all()
    slider = figure.locator("input[type=range]")
    last = len(data["steps"]) - 1
    for k in (0, last // 2, last):
        move(page, slider, k)
        assert f"t = {data['steps'][k]}" in slider.get_attribute("aria-valuetext")
        for film_ in range(len(data["names"])):
            if data["choose"]:
                figure.locator("fieldset input").nth(film_).check()
                settle(page)
            same(canvases[2 * film_], tiles[2 * film_, k])
            same(canvases[2 * film_ + 1], tiles[2 * film_ + 1, k])
    move(page, slider, last - 1)
    play = figure.get_by_role("button", name="Play")
    play.click()
    page.wait_for_function(
        "([input, last]) => Number(input.value) === last", arg=[slider.element_handle(), last]
    )
    figure.get_by_role("button", name="Play").wait_for()  # it stopped by itself


def guidance(page: Page, figure: Locator) -> None:
    data = given(figure)
    tiles = _tiles(data)
    slider, each = figure.locator("input[type=range]"), data["each"]
    large = figure.locator(".dl-many canvas").all()
    for row in range(len(data["prompts"])):
        if len(data["prompts"]) > 1:
            figure.locator("fieldset input").nth(row).check()
        for k in (0, len(data["scales"]) // 2, len(data["scales"]) - 1):
            move(page, slider, k)
            for i in range(each):
                same(large[i], tiles[row, k * each + i])


KINDS = {
    "Noise explorer": noise,
    "Values or positions": shuffle,
    "Film": film,
    "Guidance explorer": guidance,
}


def examples() -> SimpleNamespace:
    """One small figure of each kind and each option, for what no lesson has yet."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    draws = torch.randn(6, 4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    films = {
        name: [(1000 - 200 * k, draws[k, i], draws[k, i + 2]) for k in range(6)]
        for i, name in enumerate(("one", "two"))
    }
    row = {w: draws[i, :2] / 2 for i, w in enumerate((0, 1, 2, 4))}
    tracks = {"the judge, %": {"cat": [0, 10, 40, 80, 95, 99], "dog": [9, 8, 5, 3, 1, 0]}}
    both = {"linear": schedules.linear(), "cosine": schedules.cosine()}
    words = "A figure of the tests."
    return SimpleNamespace(
        noise=interactive.noise_explorer(pixels, both, words, bend=2),
        strength=interactive.noise_explorer(pixels, None, words, seed=5),
        shuffle=interactive.values_or_positions(pixels, words),
        films=interactive.film(films, words, tracks=tracks),
        choice=interactive.film(films, words, choose="film:"),
        single=interactive.film({"one": films["one"]}, words),
        guidance=interactive.guidance(
            {"cat": row, "dog": row}, {"right, %": {"right": [5, 60, 90, 70]}}, words
        ),
    )
