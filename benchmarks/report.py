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
    """A title, rows of equal keys, what is worth knowing of them, and which packages matter.

    The first table of a page names it; ``packages`` and ``settings`` of all are put together.
    """

    title: str
    rows: Sequence[Mapping[str, Any]]
    notes: str
    packages: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    picture: bytes | None = None  # a PNG that is shown under it


def processor() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(
            line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def machine() -> str:
    """The processor, how many cores this process may use, and the system, in words."""
    return (
        f"{processor()}, {len(cores())} cores, {platform.system()}, "
        f"Python {platform.python_version()}"
    )


def cores() -> list[int | None]:
    """The processor cores that this process may use, or one None each where one cannot choose."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return [None] * (os.cpu_count() or 1)


def stay_on(core: int | None) -> None:
    """Bind this process to one core, where the system can."""
    if core is not None:
        os.sched_setaffinity(0, {core})


def write(name: str, tables: Sequence[Table], short: bool = False) -> str:
    """Write tables as Markdown and as JSON into ``results``; returns the Markdown.

    What the short form measures goes into a folder of its own, which is not kept in the repository.
    """
    folder = RESULTS / "short" if short else RESULTS
    packages = dict.fromkeys(package for table in tables for package in table.packages)
    versions = ", ".join(f"{package} {metadata.version(package)}" for package in packages)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    lines = []
    for k, table in enumerate(tables):
        header = list(table.rows[0])
        lines += [
            f"{'#' if k == 0 else '##'} {table.title}", "", "| " + " | ".join(header) + " |",
            "|" + "---|" * len(header),
            *("| " + " | ".join(str(row[key]) for key in header) + " |" for row in table.rows),
            "", table.notes, "",
        ]  # fmt: skip
        if table.picture is not None:
            file = f"{name}-{k + 1}.png"
            files.write_atomic(folder / file, table.picture)
            lines += [f"![{table.title}]({file})", ""]
    lines += [f"{today}, {machine()}{'; ' if versions else ''}{versions}.", ""]
    told = {
        "tables": [
            {"title": t.title, "rows": list(t.rows), "settings": dict(t.settings)} for t in tables
        ],
        "machine": machine(), "versions": versions, "date": today,
    }  # fmt: skip
    files.write_atomic(folder / f"{name}.md", "\n".join(lines).encode())
    content = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    files.write_atomic(folder / f"{name}.json", content.encode())
    return "\n".join(lines)
