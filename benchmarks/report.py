"""Where a measurement was made, and its table as text and as numbers."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from diffusion_lessons import files

RESULTS = Path(__file__).parent / "results"


@dataclass
class Table:
    """A title, rows of equal keys, what is worth knowing of them, and which packages matter."""

    title: str
    rows: Sequence[Mapping[str, Any]]
    notes: str
    packages: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


def machine() -> str:
    """The processor, how many cores this process may use, and the system, in words."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(
            line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")
        )
    except (OSError, StopIteration):
        pass
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} cores, {platform.system()}, Python {platform.python_version()}"


def write(name: str, table: Table) -> str:
    """Write a table as Markdown and as JSON into ``results``; returns the Markdown."""
    versions = ", ".join(f"{package} {metadata.version(package)}" for package in table.packages)
    header = list(table.rows[0])
    lines = [
        f"# {table.title}", "", "| " + " | ".join(header) + " |",
        "|" + "---|" * len(header),
        *("| " + " | ".join(str(row[key]) for key in header) + " |" for row in table.rows),
        "", table.notes, "", f"{datetime.now(UTC):%Y-%m-%d}, {machine()}; {versions}.", "",
    ]  # fmt: skip
    told = {
        "title": table.title, "rows": list(table.rows), "settings": dict(table.settings),
        "machine": machine(), "versions": versions, "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }  # fmt: skip
    RESULTS.mkdir(exist_ok=True)
    files.write_atomic(RESULTS / f"{name}.md", "\n".join(lines).encode())
    content = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    files.write_atomic(RESULTS / f"{name}.json", content.encode())
    return "\n".join(lines)
