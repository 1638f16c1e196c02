"""Builds notebooks/NN_name.ipynb from notebooks/src/NN_name.py by executing it.

python tools/build_notebooks.py          builds every lesson
python tools/build_notebooks.py 01 02    builds those lessons
"""

import argparse
import hashlib
import importlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import jupytext
import nbformat
from dateutil.parser import isoparse
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"

# Seconds of compute on two cores that a lesson may take; reported beside what it took.
BRACKETS = {
    "00": 20,
    "00b": 5,
    "01": 30,
    "02": 30,
    "03": 60,
    "04": 120,
    "05": 60,
    "06": 60,
    "07": 150,
    "08": 120,
}
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
WIDGET = "application/vnd.jupyter.widget-view+json"
WIDGET_TEXT = "(an interactive figure: run this cell to use it)"
IGNORE = "nbval-ignore-output"
ANSI = re.compile(r"\x1b\[[0-9;]*m")
SOLUTION = re.compile(r"\{solution: (\w+)\}")
PROGRESS = re.compile(r"\d+%\|.*?\| *\S+/\S+ \[|\d+it \[\d\d:\d\d")


class BuildError(Exception):
    """A notebook could not be built; the message is for the person who writes the lesson."""


def read_source(path: Path) -> nbformat.NotebookNode:
    """Return the unexecuted notebook of a py:percent source, with ids that its text decides.

    In its words, {solution: add_noise} becomes the worked solution of that exercise of the lesson.
    """
    # The header that editors like to see is dropped: METADATA is the same for every lesson.
    text = re.sub(r"\A# ---\n(?:#.*\n)*?# ---\n\s*", "", path.read_text(encoding="utf-8"))
    source = jupytext.reads(text, fmt="py:percent")
    notebook = nbformat.v4.new_notebook(metadata=METADATA, cells=source.cells)
    notebook.nbformat_minor = 5
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = SOLUTION.sub(lambda found: _solution(path, found[1]), cell.source)
        # From the text, not the position: inserting a cell leaves the ids of the others alone.
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    return notebook


def _solution(source: Path, name: str) -> str:
    lesson = f"diffusion_lessons.course.lesson_{source.stem.split('_')[0]}"
    try:
        return getattr(importlib.import_module(lesson), name).solution()
    except (ModuleNotFoundError, AttributeError):
        raise BuildError(
            f"{source.name} asks for the solution of {name}, but {lesson} holds no such exercise."
        ) from None


def execute(notebook: nbformat.NotebookNode, folder: Path) -> float:
    """Execute the notebook in place, in a fresh kernel, and return its seconds of compute."""
    with tempfile.TemporaryDirectory() as profile:
        # A profile of its own: what someone's IPython runs at its start must not get into a lesson.
        environment = {k: v for k, v in os.environ.items() if k != "MPLBACKEND"}
        environment["IPYTHONDIR"] = profile
        # This copy of the package, whichever is installed.
        environment["PYTHONPATH"] = str(ROOT)
        client = NotebookClient(
            notebook,
            timeout=600,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
            record_timing=True,
            coalesce_streams=True,
            extra_arguments=["--log-level=ERROR"],
        )
        try:
            client.execute(env=environment)
        except CellExecutionError:
            raise BuildError(_error_report(notebook)) from None
        except (DeadKernelError, TimeoutError) as error:
            raise BuildError(f"the kernel stopped: {error}") from None
    return sum(_seconds(cell) for cell in notebook.cells)


def _seconds(cell: nbformat.NotebookNode) -> float:
    times = cell.metadata.pop("execution", {})
    start, end = times.get("iopub.execute_input"), times.get("shell.execute_reply")
    return (isoparse(end) - isoparse(start)).total_seconds() if start and end else 0.0


def _error_report(notebook: nbformat.NotebookNode) -> str:
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            if output.output_type == "error" and "raises-exception" not in _tags(cell):
                trace = ANSI.sub("", "\n".join(output.traceback)).splitlines()
                return "\n".join(
                    [f"cell {number} raised {output.ename}: {output.evalue}", ""]
                    + [f"    {line}" for line in cell.source.splitlines()]
                    + ["", *trace[-15:]]
                )
    return "a cell failed without an error output"


def clean(notebook: nbformat.NotebookNode) -> None:
    """Keep of the outputs only what means the same on every machine.

    A widget's view points into a kernel that is gone (JupyterLab would show "Error displaying
    widget"): a picture or text stored beside it stays, else one sentence says what to do.
    Progress bars go. Any other message on stderr is a warning, and an error here.
    """
    notebook.metadata = nbformat.from_dict(METADATA)
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type != "code":
            continue
        kept = []
        changed = False
        for output in cell.outputs:
            output, same = _clean_output(output, number)
            changed = changed or not same
            kept += [output] if output else []
        if changed and IGNORE not in _tags(cell):
            raise BuildError(
                f"cell {number} shows a widget or a progress bar, which differs with every run: "
                f'tag it, as in `# %% tags=["{IGNORE}"]`.\n\n{cell.source}'
            )
        cell.outputs = kept


def _clean_output(
    output: nbformat.NotebookNode, number: int
) -> tuple[nbformat.NotebookNode | None, bool]:
    """Return the output as it is stored (None: not at all), and whether that shows the same."""
    if output.output_type == "stream" and output.name == "stderr":
        text = ANSI.sub("", output.text)
        strange = [line for line in re.split(r"[\r\n]+", text) if line.strip()]
        strange = [line for line in strange if not PROGRESS.search(line)]
        if strange:
            raise BuildError(f"cell {number} wrote to stderr:\n\n" + "\n".join(strange[-15:]))
        return None, False
    if output.output_type in ("display_data", "execute_result") and WIDGET in output.data:
        del output.data[WIDGET]
        text = output.data.get("text/plain", "")
        if PROGRESS.search(text):
            return None, False
        if set(output.data) <= {"text/plain"} and re.match(r"<?\w+\(", text):
            output.data["text/plain"] = WIDGET_TEXT
            return output, False
    return output, True


def _tags(cell: nbformat.NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def serialise(notebook: nbformat.NotebookNode) -> str:
    """Return the text of an .ipynb file; equal notebooks give equal bytes."""
    nbformat.validate(notebook)
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def write(text: str, path: Path) -> bool:
    """Write atomically, and say whether anything changed."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    half = path.with_suffix(".ipynb.tmp")
    half.write_text(text, encoding="utf-8")
    os.replace(half, path)
    return True


def build(source: Path, folder: Path) -> tuple[float, bool]:
    """Build one notebook into folder; return its seconds of compute and whether it changed.

    Raises BuildError where a cell fails; the notebook that was there is then left as it was.
    """
    notebook = read_source(source)
    seconds = execute(notebook, folder)
    clean(notebook)
    # nbformat keeps multi-line text as one string in memory and as lines in a file.
    split = nbformat.v4.rwbase.split_lines(notebook)
    return seconds, write(serialise(split), folder / f"{source.stem}.ipynb")


def chosen(folder: Path, only: Iterable[str]) -> list[Path]:
    """Return the sources of the lessons named ('01'), or of all of them.

    Raises BuildError for a name that no lesson has.
    """
    every = sorted((folder / "src").glob("[0-9]*.py"))
    wanted = list(only)
    unknown = set(wanted) - {path.stem.split("_")[0] for path in every}
    if unknown:
        names = ", ".join(path.stem for path in every) or "none yet"
        raise BuildError(f"no lesson is called {sorted(unknown)}; there are: {names}.")
    return [path for path in every if not wanted or path.stem.split("_")[0] in wanted]


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the lessons named on the command line; return an exit code for the shell."""
    parser = argparse.ArgumentParser(description="Build notebooks by executing their sources.")
    parser.add_argument("only", nargs="*", metavar="NN", help="lessons to build; default: all")
    only = parser.parse_args(arguments).only
    name = "notebooks"
    try:
        for source in chosen(NOTEBOOKS, only):
            name = source.stem
            print(f"{name} ...", end=" ", flush=True)
            seconds, changed = build(source, NOTEBOOKS)
            bracket = BRACKETS.get(name.split("_")[0])
            aim = f" (aim: {bracket} s on two cores)" if bracket else ""
            print(f"{seconds:.1f} s of compute{aim}, {'written' if changed else 'unchanged'}")
    except BuildError as error:
        print(f"\nNot built: {name}, {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
