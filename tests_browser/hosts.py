"""A JupyterLab and a Notebook 7 of their own, on copies of the lessons."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from export_html import ROOT
from playwright.sync_api import Locator, Page

HOSTS = {"JupyterLab": "lab/tree", "Notebook 7": "notebooks"}
STORED = {
    path.stem: nbformat.read(path, as_version=4)
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
}
# The hosts ask for what a bare server does not have; none of it is ours.
NOT_OURS = ("Failed to load resource", "favicon", "[YDrive]", "translation")


@contextmanager
def server(home: Path, notebooks: dict[str, nbformat.NotebookNode]) -> Iterator[str]:
    """Serve these notebooks (name → notebook), trusted and not; yields the address.

    They lie in the folders trusted/ and untrusted/ of ``home`` / work, with no section folded: a
    host folds one when it gets round to drawing its heading, which on a busy machine is any time.
    """
    env = os.environ | {
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "PYTHONPATH": str(ROOT),
    }
    work = home / "work"
    for kind in ("trusted", "untrusted"):
        (work / kind).mkdir(parents=True)
        for name, notebook in notebooks.items():
            # Trust goes by content: were they alike, the one would be trusted with the other.
            notebook.metadata["copy"] = kind
            for cell in notebook.cells:
                cell.metadata.pop("jp-MarkdownHeadingCollapsed", None)
            nbformat.write(notebook, work / kind / f"{name}.ipynb")
    # As in the course's folder: a lesson saves beside itself, in ../data.
    (work / "data").mkdir()
    exposed = {"expose_app_in_browser": True}
    config = home / "config" / "jupyter_server_config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"LabApp": exposed, "JupyterNotebookApp": exposed}))
    trusted = sorted(map(str, (work / "trusted").glob("*.ipynb")))
    subprocess.run([sys.executable, "-m", "jupyter", "trust", *trusted], env=env, check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = [
        "--no-browser", f"--port={port}", "--ServerApp.port_retries=0", "--allow-root",
        "--IdentityProvider.token=", f"--ServerApp.root_dir={work}",
    ]  # fmt: skip
    with (home / "log").open("w") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], env=env, stdout=log, stderr=log
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/api/status", timeout=1).close()
                break
            except OSError:
                assert running.poll() is None, (home / "log").read_text(encoding="utf-8")
                time.sleep(0.5)
        yield address
    finally:
        running.terminate()
        running.wait(timeout=20)


def open_notebook(page: Page, address: str, path: str, host: str = "JupyterLab") -> None:
    """Open a notebook in JupyterLab or in Notebook 7."""
    page.goto(f"{address}/{HOSTS[host]}/{path}?reset")
    page.wait_for_function(
        """name => window.jupyterapp?.shell.currentWidget?.context?.isReady
            && window.jupyterapp.shell.currentWidget.context.path === name""",
        arg=path,
        timeout=120_000,
    )


def bring(page: Page, cell: int) -> Locator:
    """Bring a cell into the page and return its element."""
    page.wait_for_function(
        """async cell => {
            const content = window.jupyterapp.shell.currentWidget.content;
            content.activeCellIndex = cell;
            await content.scrollToItem(cell, "start");
            const { node } = content.widgets[cell];
            return node.isConnected && node.checkVisibility();
        }""",
        arg=cell,
        timeout=60_000,
    )
    return page.locator(f".jp-Notebook .jp-Cell[data-windowed-list-index='{cell}']")


def run(page: Page, *cells: int) -> None:
    """Run cells, one after the other, and wait for each to be through."""
    for cell in cells:
        start(page, cell)
        page.wait_for_function(
            """cell => {
                const { content, sessionContext } = window.jupyterapp.shell.currentWidget;
                const count = content.model.cells.get(cell).executionCount;
                return count && sessionContext.session?.kernel?.status === "idle";
            }""",
            arg=cell,
            timeout=120_000,
        )


def start(page: Page, cell: int) -> None:
    """Run a cell without waiting for it."""
    bring(page, cell)
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel", timeout=60_000
    )
    # The promise, which waits for the cell, is not returned.
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-cell'); }")
