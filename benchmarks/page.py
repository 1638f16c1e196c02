"""The drawing page on one core: its size, the first picture, the next ones, memory.

Needs what `make test-browser` sets up.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from diffusion_lessons import checkpoints

from .report import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests_browser")]

import conftest  # noqa: E402
import export_page  # noqa: E402

WISHES, PLAIN = 12, 3


def measure(short: bool = False) -> list[Table]:
    """Open the page from a file, draw some wishes, and the same without SIMD.

    It takes a minute, so the short form is no shorter.
    """
    everywhere = os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory() as folder:
        file, empty = Path(folder) / "draw.html", Path(folder) / "empty.html"
        file.write_text(export_page.page(checkpoints.SHIPPED), encoding="utf-8")
        empty.write_text("<!doctype html><title>empty</title>", encoding="utf-8")
        os.sched_setaffinity(0, {min(everywhere)})  # the browser inherits it
        try:
            with sync_playwright() as playwright:
                browser = conftest.launch(playwright)
                # Pages cannot say how they are doing, so animations are off: only drawing counts.
                calm = browser.new_context(reduced_motion="reduce")
                first, warm = with_simd(calm.new_page(), file)
                memory = peak_megabytes()
                plain = without_simd(calm.new_page(), empty)
                browser.close()
        finally:
            os.sched_setaffinity(0, everywhere)
        size = file.stat().st_size / 1e6
    rows = [
        {
            "way": "WebAssembly with SIMD", "file, MB": f"{size:.1f}", "first picture, s": first,
            "a picture, s": warm, "memory of the page's process, MB": memory,
        },
        {
            "way": "plain JavaScript", "file, MB": f"{size:.1f}", "first picture, s": "",
            "a picture, s": plain, "memory of the page's process, MB": "",
        },
    ]  # fmt: skip
    notes = (
        f"24 steps with guidance 2.5, everything on one core, page opened from a file. First "
        "picture: from opening the page until it is drawn, the reading of its weights included. A "
        f"picture: median of {WISHES} wishes ({PLAIN} without SIMD) after that. Memory: the most "
        "that the browser's process for this page held, all of the browser's own included."
    )
    return [Table("The page that draws", rows, notes, ("playwright", "torch"))]


def with_simd(page: Page, file: Path) -> tuple[str, str]:
    """Seconds to the first picture, and of those after it."""
    began = time.perf_counter()
    page.goto(file.as_uri())
    status = ".dl [role=status]"
    page.wait_for_function(
        f"() => document.querySelector('{status}').textContent.includes('steps in')", polling=10
    )
    first = time.perf_counter() - began
    page.wait_for_function("() => document.querySelector('#box').dataset.checked !== undefined")
    seconds = []
    for seed in range(1, WISHES + 1):
        page.get_by_label("static number").fill(str(seed))
        page.keyboard.press("Enter")
        page.wait_for_function(
            f"() => document.querySelector('{status}').textContent.includes('number {seed},')"
        )
        told = page.locator(status).first.inner_text()
        seconds.append(float(re.search(r"steps in ([\d.]+) s", told)[1]))
    return f"{first:.2f}", f"{statistics.median(seconds):.2f}"


def without_simd(page: Page, empty: Path) -> str:
    """Seconds of a picture in plain JavaScript."""
    page.goto(empty.as_uri())
    code = export_page.worker().replace("\nlisten(self);\n", "\nreturn createArtist;")
    seconds = page.evaluate(
        """async ([code, parts, count]) => {
            const artist = await new Function(code)()(parts, false);
            const draw = (seed) => {
                const began = performance.now();
                const wish = { text: "a cat", seed, guidance: 2.5, steps: 24, count: 1 };
                for (const _ of artist.draw(wish));
                return (performance.now() - began) / 1000;
            };
            return Array.from({ length: count }, (_, seed) => draw(seed));
        }""",
        [code, json.loads(json.dumps(export_page.parts(checkpoints.SHIPPED))), PLAIN],
    )
    return f"{statistics.median(seconds):.2f}"


def peak_megabytes() -> str:
    """The largest peak of any of the browser's page processes (Linux only)."""
    peaks = [0]
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            command = (status.parent / "cmdline").read_bytes()
            if b"--type=renderer" in command:
                found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8"))
                peaks.append(int(found[1]) if found else 0)
        except OSError:  # it ended meanwhile
            continue
    return f"{max(peaks) / 1024:.0f}"
