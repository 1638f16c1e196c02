"""From a key to the picture it asks for: our figures beside `interact`, in one Chromium.

Needs what `make test-browser` sets up.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import nbformat
from playwright.sync_api import Locator, Page, sync_playwright

from diffusion_lessons import schedules
from diffusion_lessons.course import interactive
from diffusion_lessons.critters import datasets

from .report import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests_browser")]

import build_notebooks  # noqa: E402
import conftest  # noqa: E402
import hosts  # noqa: E402

KEYS, BURST, EVERY_MS = 40, 25, 33  # a key that is held down repeats about thirty times a second

# The same photo, noise and schedule in each; a figure as a lesson would draw it.
SETUP = """
import io
import ipywidgets, torch
import matplotlib.pyplot as plt
from PIL import Image
from diffusion_lessons import checkpoints, forward, schedules
from diffusion_lessons.course import interactive, live
from diffusion_lessons.critters import datasets
photo = datasets.photo(size=128)
schedule, eps = schedules.cosine(), torch.tensor(interactive.hashed_noise((3, 128, 128), 0))[None]
def noisy(t):
    return datasets.to_pixels(forward.add_noise(schedule, photo, t, eps))[0]
"""
INTERACT = """
def show(t):
    plt.figure(figsize=(4, 4))
    plt.imshow(noisy(t))
    plt.axis("off")
    plt.show()
_ = ipywidgets.interact(show, t=ipywidgets.IntSlider(500, 0, 1000))
"""
IMAGE = """
slider = ipywidgets.IntSlider(500, 0, 1000)
def png(t):
    buffer = io.BytesIO()
    Image.fromarray(noisy(t)).save(buffer, "PNG")
    return buffer.getvalue()
image = ipywidgets.Image(value=png(500), format="png")
slider.observe(lambda change: setattr(image, "value", png(change["new"])), "value")
ipywidgets.VBox([slider, image])
"""
OURS = 'interactive.noise_explorer(photo, {"cosine": schedule}, "A cat under noise.", start=500)'
ASKS = """
live.Explorer(lambda t: live.View([noisy(t)], f"t = {t}"), "A cat under noise.",
              controls={"level t": range(1001)}, start=[500], size=256)
"""
BOX = 'live.PromptBox(checkpoints.load(), "a cat", "Four cats.")'

# A canvas counts as painted when the frame in which it was drawn is over, a picture when it has
# been loaded and the next frame is over.
PROBE = """() => {
    if (window.probe) return;
    window.probe = { keys: [], frames: [] };
    const over = () => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => window.probe.frames.push(performance.now());
        channel.port2.postMessage(0);
    };
    let asked = false;
    const soon = () => {
        if (asked) return;
        asked = true;
        requestAnimationFrame(() => { asked = false; over(); });
    };
    let drawn = false;
    for (const name of ["putImageData", "drawImage"]) {
        const real = CanvasRenderingContext2D.prototype[name];
        CanvasRenderingContext2D.prototype[name] = function (...given) {
            if (!drawn) { drawn = true; queueMicrotask(() => { drawn = false; over(); }); }
            return real.apply(this, given);
        };
    }
    document.addEventListener("load", (e) => { if (e.target.tagName === "IMG") soon(); }, true);
    addEventListener("keydown", (e) => window.probe.keys.push(e.timeStamp), true);
}"""


def _clear(page: Page) -> None:
    page.evaluate("() => { window.probe.keys.length = 0; window.probe.frames.length = 0; }")


def _read(page: Page) -> tuple[list[float], list[float]]:
    found = page.evaluate("() => window.probe")
    return found["keys"], found["frames"]


def _latency(page: Page, press: Callable[[int], None], times: int) -> list[float]:
    """Milliseconds from a key to the end of the first frame that shows something new."""
    found = []
    for k in range(times):
        _clear(page)
        press(k)
        page.wait_for_function("() => window.probe.frames.length > 0", timeout=20_000)
        keys, frames = _read(page)
        found.append(frames[0] - keys[-1])
        page.wait_for_timeout(120)
    return found


def _row(name: str, page: Page, handle: Locator) -> dict[str, object]:
    page.evaluate(PROBE)
    handle.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(1500)

    def press(k: int) -> None:
        page.keyboard.press("ArrowRight" if k % 2 else "ArrowLeft")

    every = _latency(page, press, KEYS)
    page.wait_for_timeout(500)
    _clear(page)
    for _ in range(BURST):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(EVERY_MS)
    page.wait_for_timeout(3000)
    _, frames = _read(page)
    return _numbers(name, every, f"{min(len(frames), BURST)} of {BURST}")


def _numbers(name: str, every: list[float], burst: str) -> dict[str, object]:
    print(f"{name}: {statistics.median(every):.1f} ms", file=sys.stderr)
    worst = sorted(every)[int(0.95 * len(every))]
    return {
        "way": name, "median ms": round(statistics.median(every), 1),
        "95 % within ms": round(worst, 1), "pictures of a held key": burst,
    }  # fmt: skip


def measure(short: bool = False) -> list[Table]:
    """All rows in one run, in one browser. Two minutes, so the short form is no shorter."""
    cells = [nbformat.v4.new_code_cell(text) for text in (SETUP, INTERACT, IMAGE, ASKS, OURS, BOX)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata = nbformat.from_dict(build_notebooks.METADATA)
    rows = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = conftest.launch(playwright)
        for host in hosts.HOSTS:
            home = Path(folder) / host.replace(" ", "")
            home.mkdir()
            with hosts.server(home, {"sliders": notebook}) as address:
                page = browser.new_page(viewport={"width": 1200, "height": 1000})
                hosts.open_notebook(page, address, "trusted/sliders.ipynb", host)
                hosts.run(page, 0)
                rows += _host(page, host)
                page.close()
        photo, cosine = datasets.photo(size=128), schedules.cosine()
        ours = interactive.noise_explorer(
            photo, {"cosine": cosine}, "A cat under noise.", start=500
        )
        path = Path(folder) / "page.html"
        path.write_text(f"<!doctype html><meta charset='utf-8'>{ours.html}", encoding="utf-8")
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.goto(path.as_uri())
        handle = page.locator("input[type=range]").first
        handle.wait_for()
        rows.append(_row("our noise explorer, exported page, no kernel", page, handle))
        browser.close()
    table = Table(
        "From a key to the picture",
        rows,
        f"Median over {KEYS} keys, each from its event to the end of the frame that shows the new "
        f"picture; then a key held down, {BURST} repeats, {EVERY_MS} ms apart. A photo of 128 × "
        "128 under noise; for the prompt box, from Enter to its first new picture, static with the "
        "network's first guess.",
        packages=("jupyterlab", "notebook", "ipywidgets", "anywidget", "matplotlib", "playwright"),
        settings={"keys": KEYS, "burst": BURST, "every_ms": EVERY_MS},
    )
    return [table]


def _host(page: Page, host: str) -> list[dict[str, object]]:
    rows = []
    ours = [
        (3, "our slider that asks Python", ".dl input[type=range]"),
        (4, "our noise explorer", ".dl input[type=range]"),
    ]
    others = [
        (1, "interact + inline figure", ".noUi-handle"),
        (2, "ipywidgets.Image, PNG", ".noUi-handle"),
    ]
    for cell, name, selector in (others if host == "JupyterLab" else []) + ours:
        hosts.run(page, cell)
        handle = hosts.bring(page, cell).locator(selector).first
        handle.wait_for()
        page.wait_for_timeout(1500)
        rows.append(_row(f"{name}, {host}", page, handle))
    hosts.run(page, 5)
    box = hosts.bring(page, 5).locator(".dl")
    text = box.get_by_label("draw", exact=True)
    text.wait_for()

    def ask(k: int) -> None:
        text.fill(("a frog", "a cat at night")[k % 2])
        text.press("Enter")

    every = []
    for k in range(10):
        every += _latency(page, lambda _, k=k: ask(k), 1)
        page.wait_for_timeout(2500)
    rows.append(_numbers(f"our prompt box, first picture, {host}", every, "—"))
    return rows
