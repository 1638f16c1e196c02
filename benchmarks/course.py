"""The course itself: seconds of compute and peak memory of every lesson, from a fresh kernel."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat

from .report import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tools")]

import build_notebooks  # noqa: E402

# The last cell of each run: ru_maxrss is in kilobytes on Linux, in bytes on macOS.
PEAK = """
import resource, sys
resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
"""
ALL_SECONDS, MOST_MEGABYTES = 720, 2000


def measure(short: bool = False) -> list[Table]:
    """Execute every lesson as `make notebooks` does, and keep nothing of it; or the first three."""
    rows, total = [], 0.0
    lessons = sorted((ROOT / "notebooks" / "src").glob("[0-9]*.py"))
    for source in lessons[:3] if short else lessons:
        notebook = build_notebooks.read_source(source)
        notebook.cells.append(nbformat.v4.new_code_cell(PEAK))
        seconds = build_notebooks.execute(notebook, ROOT / "notebooks")
        peak = int(notebook.cells[-1].outputs[-1].data["text/plain"]) / 1e6
        total += seconds
        bracket = build_notebooks.BRACKETS.get(source.stem.split("_")[0], "")
        rows.append(
            {"lesson": source.stem, "seconds": f"{seconds:.0f}", "bracket": bracket,
             "peak memory, MB": f"{peak:.0f}"}
        )  # fmt: skip
        print(rows[-1], flush=True)
    rows.append({"lesson": "all", "seconds": f"{total:.0f}", "bracket": ALL_SECONDS,
                 "peak memory, MB": ""})  # fmt: skip
    notes = (
        "Seconds of compute, cell by cell, without the kernel's start. The bracket is what the "
        f"lesson is meant to stay below on two cores; no lesson should need {MOST_MEGABYTES:,} MB. "
        "Lessons that train depend on the processor: where bfloat16 is fast they take less."
    )
    return [Table("The lessons", rows, notes, ("torch", "jupyterlab"))]
