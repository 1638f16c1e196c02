"""A Chromium, the exported pages, and what every test of them shares."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path

import build_notebooks
import export_html
import hosts
import nbformat
import numpy as np
import pytest
from needed import needed
from playwright.sync_api import Browser, Error, Locator, Page, Playwright, sync_playwright

# A training of a few seconds, so that the view of it can be seen without a lesson's minute; and
# two sliders that ask Python.
SHORT = (
    """
import torch
from diffusion_lessons import schedules
from diffusion_lessons.course import live
from diffusion_lessons.train import train
from diffusion_lessons.unet import UNet
monitor = live.Monitor(1280, "A short training.", titles=["one", "two"])
monitor""",
    """
pictures = torch.rand(64, 3, 32, 32) * 2 - 1
steps = train(UNet(widths=(8, 16)), pictures, schedules.cosine(), samples=1280)
for record in monitor.watch(steps):
    if record.step in (5, 20):
        monitor.preview(record.samples_seen, torch.full((2, 3, 32, 32), record.step / 20))""",
    """
def flat(level, who):
    shown = [torch.full((3, 8, 8), level), torch.full((3, 8, 8), -level)]
    return live.View(shown, f"{who} at {level:.1f}.")
levels = [round(-1 + 0.1 * k, 1) for k in range(21)]
live.Explorer(flat, "Two greys.", controls={"level": levels, "who:": ["cat", "dog"]},
              start=[0.0, "cat"])""",
    """
import torch
from diffusion_lessons.course import live
def share(level):
    return live.View([torch.full((3, 8, 8), 1 / (level - 1))], f"1 over {level}")
live.Explorer(share, "A grey.", controls={"level": [0, 1, 2]}, start=[2])""",
)
# What lessons need for one live cell, and that cell: a network from a file, its words a little
# quieter so that it is told from the shipped one, stands in for a minute's training, and a training
# is cut to a few steps.
INSTEAD = {
    name: "from diffusion_lessons import checkpoints\n"
    f"{name} = checkpoints.load()\n{name}.words.weight.mul_(0.9)"
    for name in ("ema", "mine")
}
FEW = ("57_344", "1_280"), ("45_056", "1_280")


def cut(kind: str, instead: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Every cell of the lessons with ``live.<kind>(``, by lesson and place, behind its needs."""
    found = {}
    for name, notebook in hosts.STORED.items():
        for i, cell in enumerate(notebook.cells):
            if cell.cell_type == "code" and f"live.{kind}(" in cell.source:
                texts = [needed(notebook, i, instead), cell.source]
                for before, after in () if instead else FEW:
                    texts = [text.replace(before, after) for text in texts]
                found[f"{name}-{kind}-{i}"] = tuple(texts)
    return found


EXPLORERS, BOXES, MONITORS = cut("Explorer", INSTEAD), cut("PromptBox", INSTEAD), cut("Monitor", {})
CUT = EXPLORERS | BOXES | MONITORS
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update")  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW = (
    "No Chromium was found. Get one with `sudo apt install chromium`, `brew install chromium` or "
    "`.venv/bin/playwright install chromium`, or name one in CHROMIUM=/path/to/chromium."
)


def launch(playwright: Playwright) -> Browser:
    """The system's Chromium, or Playwright's own."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    return playwright.chromium.launch(executable_path=path, args=QUIET)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium, or an error that says how to get one."""
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright)
        except Error as error:
            pytest.exit(f"{HOW}\n{error}", returncode=1)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What went wrong in the page; it must be empty in the end."""
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def opened(browser: Browser, complaints: list[str]) -> Iterator:
    """A function that opens a page with the network cut; any request for it is a complaint."""
    contexts = []

    def open_page(address: str, **options) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        watch(page, complaints)

        def decide(route) -> None:
            if route.request.url.startswith(("file:", "data:", "blob:")):
                route.continue_()
            else:
                complaints.append(f"asked for {route.request.url}")
                route.abort()

        page.route("**/*", decide)
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()


def watch(page: Page, complaints: list[str], ours: tuple[str, ...] = ("",)) -> None:
    """Every error of a page is a complaint, if where it was thrown has a part of ``ours``."""
    page.on(
        "pageerror",
        lambda error: (
            complaints.append(str(error))
            if any(part in (error.stack or "") for part in ours)
            else None
        ),
    )
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )


@pytest.fixture(scope="session")
def exported(tmp_path_factory) -> Path:
    """The folder of the exported course."""
    out = tmp_path_factory.mktemp("html")
    export_html.export(export_html.ROOT, out)
    return out


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Iterator[str]:
    """The address of a Jupyter server with the stored lessons, with `SHORT`, and with `CUT`."""
    cut = {name: notebook_of(*cells) for name, cells in CUT.items()}
    every = hosts.STORED | {"short": notebook_of(*SHORT)} | cut
    with hosts.server(tmp_path_factory.mktemp("lab"), every) as address:
        yield address


def notebook_of(*cells: str) -> nbformat.NotebookNode:
    """A notebook with these cells, which opens without a question."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    notebook.metadata = nbformat.from_dict(build_notebooks.METADATA)
    return notebook


@pytest.fixture
def page(browser: Browser, complaints: list[str]) -> Iterator[Page]:
    """An empty page for a Jupyter server; errors that are ours are complaints."""
    context = browser.new_context(viewport={"width": 1200, "height": 1000})
    page = context.new_page()
    found: list[str] = []
    # Notebook 7 throws errors of its own about settings; our code runs from these addresses.
    watch(page, found, ours=("blob:", "data:", "anywidget"))
    yield page
    context.close()
    complaints += [words for words in found if not any(part in words for part in hosts.NOT_OURS)]


# --- what a figure is, and what it shows ---


def live(figure: Locator) -> Locator:
    """The figure, once it is alive."""
    figure.scroll_into_view_if_needed()
    figure.locator("canvas").first.wait_for()
    return figure


def given(figure: Locator) -> dict:
    """What the figure was given: its values, and its arrays as bytes."""
    data = json.loads(figure.locator("script[type='application/json']").text_content())
    return data["values"] | {k: base64.b64decode(v) for k, v in data["bytes"].items()}


def settle(page: Page) -> None:
    """Wait until what was asked for is painted."""
    page.evaluate("() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")


def painted(canvas: Locator) -> np.ndarray:
    """The pixels of a canvas, (H, W, 3)."""
    width, height, pixels = canvas.evaluate(
        """canvas => {
            const context = canvas.getContext("2d");
            const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
            let text = "";
            for (const value of data) text += String.fromCharCode(value);
            return [canvas.width, canvas.height, btoa(text)];
        }"""
    )
    found = np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(height, width, 4)
    assert (found[:, :, 3] == 255).all(), "a picture must not be transparent"
    return found[:, :, :3]


def same(canvas: Locator, expected: np.ndarray) -> None:
    """The canvas shows these pixels, to one grey level."""
    gap = np.abs(painted(canvas).astype(int) - expected.astype(int)).max()
    assert gap <= 1, f"painted pixels are off by {gap} of 255"


def move(page: Page, slider: Locator, value: float) -> None:
    """Move a slider as a hand or a key would."""
    slider.fill(str(value))
    settle(page)
    assert float(slider.input_value()) == pytest.approx(value)


def violations(page: Page, within: str) -> list[str]:
    """The serious findings of axe-core in a part of the page."""
    source = resources.files("axe_playwright_python").joinpath("axe.min.js")
    page.evaluate(source.read_text(encoding="utf-8"))
    found = page.evaluate("within => axe.run(within, { resultTypes: ['violations'] })", within)[
        "violations"
    ]
    return [
        f"{one['id']}: {one['help']} ({one['nodes'][0]['html'][:120]})"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
