"""The machine check of lesson 00: can this computer do the course, and what to do if it cannot."""

from __future__ import annotations

import importlib
import importlib.metadata
import math
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from .. import checkpoints, files, schedules
from ..critters import datasets
from ..critters.judge import SHIPPED, load_judge
from ..train import train
from ..unet import UNet

_PACKAGE = "diffusion-lessons"
_IMPORTED_AS = {"pillow": "PIL", "scikit-image": "skimage", "scikit-learn": "sklearn"}
_SET_UP = "set the course up again (make lab, or conda env update -f environment.yml)"
# GB: a lesson's own kernel at its largest; the pictures and networks that lessons keep.
_MEMORY, _DISK = 1.0, 0.5
# What lesson 04 trains, and how long it may take before someone should be warned.
_PICTURES, _WIDTHS, _PATIENCE = 57_344, (32, 64, 128), 180


def check() -> None:
    """Look whether this computer can do the course: a line each, and what to do where it can't."""
    problems = 0
    for name, look in _LOOKS.items():
        try:
            problem = look()
        except Exception as error:  # whatever it is, the other lines should still be printed
            problem = f"this could not be looked at ({type(error).__name__}: {error}); {_SET_UP}."
        problems += problem is not None
        print(f"{name:15}{problem or 'fine'}")
    if problems:
        print("Do what the line says, then choose Kernel > Restart Kernel and run this again.")
    else:
        print("Your machine is fine. Go on.")


def _needed() -> list[str]:
    """What lessons import: the package's requirements, without those of its extras."""
    listed = importlib.metadata.requires(_PACKAGE) or []
    return [line for line in listed if "extra ==" not in line]


def _memory_problem() -> str | None:
    import psutil  # comes with every notebook kernel

    free = psutil.virtual_memory().available
    cure = "close other programs and notebooks (Kernel > Shut Down All Kernels)"
    return _room_problem("memory", free, _MEMORY, cure)


def _extension_folders() -> list[str]:
    from jupyter_core.paths import jupyter_path

    return jupyter_path("labextensions")


_LOOKS: dict[str, Callable[[], str | None]] = {
    "Python": lambda: _python_problem(
        sys.version_info[:2], importlib.metadata.metadata(_PACKAGE)["Requires-Python"]
    ),
    "packages": lambda: _package_problem(_needed(), importlib.metadata.version),
    "training speed": lambda: _training_problem(_seconds_a_picture()),
    "memory": _memory_problem,
    "disk": lambda: _keeping_problem(datasets.CACHE_FOLDER),
    "sliders": lambda: _slider_problem(_extension_folders()),
    "shipped files": lambda: _file_problem(checkpoints.SHIPPED, SHIPPED),
}


def _python_problem(version: tuple[int, int], listed: str) -> str | None:
    shown = ".".join(map(str, version))
    if shown in SpecifierSet(listed):
        return None
    needed = " and ".join(sorted(listed.split(","), reverse=True))
    return (
        f"this is Python {shown}, and the course needs {needed}: choose "
        f"another kernel (Kernel > Change Kernel), or {_SET_UP}."
    )


def _package_problem(listed: Sequence[str], version_of: Callable[[str], str]) -> str | None:
    problems = []
    for line in listed:
        requirement = Requirement(line)
        name = requirement.name
        try:
            version = version_of(name)
            # JupyterLab itself runs beside the kernel, not in it.
            if name != "jupyterlab":
                importlib.import_module(_IMPORTED_AS.get(name, name))
        except importlib.metadata.PackageNotFoundError:
            problems.append(f"{name} is missing")
        except Exception as error:  # a broken package may raise anything
            problems.append(f"{name} does not start ({type(error).__name__}: {error})")
        else:
            if not requirement.specifier.contains(version, prereleases=True):
                wanted = " and ".join(sorted(map(str, requirement.specifier), reverse=True))
                problems.append(f"{name} is {version}, but {wanted} is needed")
    return f"{'; '.join(problems)}: {_SET_UP}." if problems else None


def _seconds_a_picture() -> float:
    """How long this machine trains on one picture of lesson 04, by the fastest of four steps."""
    with torch.random.fork_rng(devices=()):
        model = UNet(widths=_WIDTHS)
    batch, seconds = 64, []
    steps = train(
        model, torch.zeros(batch, 3, 32, 32), schedules.cosine(), samples=6 * batch, batch=batch
    )
    for _ in range(6):
        began = time.perf_counter()
        if not math.isfinite(next(steps).loss):
            return math.nan
        seconds.append(time.perf_counter() - began)
    return min(seconds[2:]) / batch


def _training_problem(seconds_a_picture: float) -> str | None:
    if math.isnan(seconds_a_picture):
        return f"a network that was trained for a moment holds no numbers any more: {_SET_UP}."
    seconds = _PICTURES * seconds_a_picture
    if seconds <= _PATIENCE:
        return None
    return (
        f"slow just now: the training in lesson 04, a minute elsewhere, would take about "
        f"{math.ceil(seconds / 60)} minutes; close what else is running and look again, or start "
        "it and read on meanwhile."
    )


def _room_problem(what: str, free: float, needed: float, cure: str) -> str | None:
    if free >= needed * 1e9:
        return None
    return f"{free / 1e9:.1f} GB of {what} are free, and {needed:g} GB are needed: {cure}."


def _keeping_problem(folder: Path) -> str | None:
    trial = folder / ".trial"
    try:
        files.write_atomic(trial, b"")
        trial.unlink()
    except (files.FileError, OSError):
        return (
            f"nothing can be kept in the folder {folder.name}: move the course to a folder of your "
            "own."
        )
    free = shutil.disk_usage(folder).free
    return _room_problem("disk", free, _DISK, "free some, or move the course to another disk")


def _slider_problem(folders: Sequence[str]) -> str | None:
    part = Path("@jupyter-widgets", "jupyterlab-manager")
    if any((Path(folder) / part).is_dir() for folder in folders):
        return None
    return f"JupyterLab lacks the part of ipywidgets that draws sliders: {_SET_UP}."


def _file_problem(network: Path, judge: Path) -> str | None:
    try:
        checkpoints.load(network)
        load_judge(judge)
        datasets.photo("chelsea")
    except (FileNotFoundError, files.FileError) as error:
        return (
            f"{error} Take the folder diffusion_lessons/weights out of a fresh copy of the course."
        )
    return None
