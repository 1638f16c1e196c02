"""Checks of the exercises: what is right, or the likely mistake, in a sentence.

Each check takes the learner's function and returns the one that the lesson goes on with: theirs if
it is right, else the course's version. So Run All always finishes, and `mine` says at the end of a
lesson which functions are the learner's own.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import itertools
import math
import re
import shutil
import sys
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from . import checkpoints, files, schedules
from .critters import datasets
from .critters.judge import SHIPPED, load_judge
from .train import train
from .unet import UNet

_whose: dict[str, bool] = {}


class Mistake(NamedTuple):
    """A wrong answer that people really give, and the sentence that points at it.

    ``answer`` is what that mistake computes from the arguments of a trial.
    """

    answer: Callable[..., Any]
    hint: str


def settle(
    name: str,
    learner: Callable[..., Any],
    course: Callable[..., Any],
    trials: Sequence[tuple[Any, ...]],
    mistakes: Sequence[Mistake],
    *,
    tolerance: float = 1e-5,
    dtype: str | None = None,
) -> Callable[..., Any]:
    """Compare the learner's function with the course's on every trial; say what was found.

    Prints one or two lines, remembers whose function goes on, and returns it. The arguments of a
    trial are copied for each call, so that a function that changes its input is found out too.
    ``dtype`` ("uint8") is given where the type of the numbers is part of the exercise.
    """
    hint = _diagnosis(learner, course, trials, mistakes, tolerance, dtype)
    return _settled(name, learner, course, hint)


def settle_property(
    name: str,
    learner: Callable[..., Any],
    course: Callable[..., Any],
    trials: Sequence[tuple[Any, ...]],
    problem: Callable[..., str | None],
) -> Callable[..., Any]:
    """Like `settle`, for an exercise with many right answers.

    ``problem(answer, *trial)`` says what is wrong with an answer, or None if nothing is.
    """
    answers, hint = _answers(learner, trials)
    if hint is None:
        problems = (problem(answer, *trial) for answer, trial in zip(answers, trials, strict=True))
        hint = next((found for found in problems if found), None)
    return _settled(name, learner, course, hint)


def mine() -> None:
    """Print which functions of this lesson are the learner's own and which are the course's."""
    if not _whose:
        print("No exercise has been checked yet.")
    for name, is_mine in _whose.items():
        print(f"{name}: {'yours' if is_mine else 'the course’s version'}")


def _settled(name, learner, course, hint: str | None) -> Callable[..., Any]:
    _whose[name] = hint is None
    if hint is None:
        print(f"{name}: right. The lesson goes on with yours.")
        return learner
    print(f"{name}: {hint}")
    print("The lesson goes on with the course's version; change yours and run this cell again.")
    return course


def _answers(learner, trials) -> tuple[list[Any], str | None]:
    """What the learner's function returns on each trial, or why it has no answer to one."""
    answers: list[Any] = []
    for trial in trials:
        given = _copied(trial)
        try:
            answer = learner(*given)
        except Exception as error:
            # The stub raises it bare; PyTorch, with words, for what a type cannot do.
            if isinstance(error, NotImplementedError) and not error.args:
                return answers, "not written yet."
            if "xor" in str(error) or "for ^" in str(error):
                return answers, "in Python ^ is no power: write ** for it."
            return answers, f"it stopped with {type(error).__name__}: {error}"
        if answer is None:
            return answers, "it returns nothing: end it with return and the result."
        if not all(_same(a, b, 0.0) for a, b in zip(given, trial, strict=True)):
            return answers, "it changes its input in place: make a new array or tensor instead."
        answers.append(answer)
    return answers, None


def _diagnosis(learner, course, trials, mistakes, tolerance, dtype) -> str | None:
    answers, hint = _answers(learner, trials)
    if hint is not None:
        return hint
    expected = [course(*_copied(trial)) for trial in trials]
    if all(_same(a, e, tolerance) for a, e in zip(answers, expected, strict=True)):
        found = next((f for f in map(_dtype, answers) if f != dtype), dtype)
        if dtype is None or found == dtype:
            return None
        return f"its numbers are right, but they come as {found}, and {dtype} is expected."
    # Before the shape is looked at: a mistake may well have a shape of its own.
    for mistake in mistakes:
        wrong = [mistake.answer(*_copied(trial)) for trial in trials]
        if all(_same(a, w, tolerance) for a, w in zip(answers, wrong, strict=True)):
            return mistake.hint
    for a, e in zip(answers, expected, strict=True):
        problem = _kind(a, e)
        if problem:
            return problem
    again, hint = _answers(learner, trials)
    if hint is None and not all(_same(a, b, 0.0) for a, b in zip(answers, again, strict=True)):
        return (
            "its answer changes from call to call: use only what it is given, and no fresh noise."
        )
    apart = max(_apart(a, e) for a, e in zip(answers, expected, strict=True))
    return (
        f"not yet. Its answer is up to {apart:.3g} away from the right one; compare it with the "
        "formula above, term by term."
    )


def _copied(trial: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        a.clone() if isinstance(a, torch.Tensor) else a.copy() if isinstance(a, np.ndarray) else a
        for a in trial
    )


def _array(x: Any) -> np.ndarray | None:
    if isinstance(x, str | bytes | complex):  # NumPy would read "5" as the number 5.
        return None
    try:
        # NumPy knows no bfloat16.
        return np.asarray(x.detach().double() if isinstance(x, torch.Tensor) else x, np.float64)
    except (TypeError, ValueError, RuntimeError):
        return None


def _dtype(answer: Any) -> str:
    if isinstance(answer, list | tuple):
        return f"a {type(answer).__name__}"
    if isinstance(answer, torch.Tensor):
        return str(answer.dtype).removeprefix("torch.")
    return str(np.asarray(answer).dtype)


def _kind(answer: Any, expected: Any) -> str | None:
    a, e = _array(answer), _array(expected)
    if e is None:
        return None
    if isinstance(answer, complex):
        return "its answer is a complex number: look for the root of a negative number."
    if a is None:
        return f"it returns a {type(answer).__name__}, but numbers are expected."
    if a.shape != e.shape:
        return f"its answer has shape {a.shape}, but {e.shape} is expected."
    if not np.isfinite(a).all() and np.isfinite(e).all():
        return "its answer holds NaN or infinity: look for a division by zero or a negative root."
    return None


def _same(a: Any, b: Any, tolerance: float) -> bool:
    x, y = _array(a), _array(b)
    if x is None or y is None:
        try:
            return a is b or (type(a) is type(b) and bool(a == b))
        except (RuntimeError, ValueError):  # arrays inside, or a tensor that cannot be compared
            return False
    return x.shape == y.shape and np.allclose(x, y, rtol=tolerance, atol=tolerance, equal_nan=True)


def _generator_trouble(draws: Sequence[np.ndarray]) -> str | None:
    """Of draws so far: the second must equal the first (same state), the third (other seed) not."""
    if len(draws) == 2 and not np.array_equal(*draws):
        return (
            "the same generator state gives another draw: hand generator=generator on, or the "
            "lesson cannot be repeated."
        )
    if len(draws) == 3 and np.array_equal(draws[0], draws[2]):
        return (
            "another seed gives the same draw: take the generator that is given, and make none "
            "inside."
        )
    return None


def _apart(answer: Any, expected: Any) -> float:
    return float(np.max(np.abs(_array(answer) - _array(expected)), initial=0.0))


# --- lesson 00 ---

_PROJECT = Path(__file__).resolve().parent.parent
_IMPORTED_AS = {"pillow": "PIL", "scikit-image": "skimage", "scikit-learn": "sklearn"}
_SET_UP = "set the course up again (make lab, or conda env update -f environment.yml)"
# GB: a lesson's own kernel at its largest; the pictures and networks that lessons keep.
_MEMORY, _DISK = 1.0, 0.5
# What lesson 04 trains, and how long it may take before someone should be warned.
_PICTURES, _WIDTHS, _PATIENCE = 57_344, (32, 64, 128), 180


def machine() -> None:
    """Look whether this computer can do the course: a line each, and what to do where it can't."""
    troubles = 0
    for name, look in _LOOKS.items():
        try:
            trouble = look()
        except Exception as error:  # whatever it is, the other lines should still be printed
            trouble = f"this could not be looked at ({type(error).__name__}: {error}); {_SET_UP}."
        troubles += trouble is not None
        print(f"{name:15}{trouble or 'fine'}")
    if troubles:
        print("Do what the line says, then choose Kernel > Restart Kernel and run this again.")
    else:
        print("Your machine is fine. Go on.")


def _project() -> Mapping[str, Any]:
    return tomllib.loads((_PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _look_at_python() -> str | None:
    return _python_trouble(sys.version_info[:2], _project()["requires-python"])


def _look_at_packages() -> str | None:
    return _package_trouble(_project()["dependencies"], importlib.metadata.version)


def _look_at_training() -> str | None:
    return _training_trouble(_seconds_a_picture())


def _look_at_memory() -> str | None:
    import psutil  # comes with every notebook kernel

    return _room_trouble(
        "memory", psutil.virtual_memory().available, _MEMORY,
        "close other programs and notebooks (Kernel > Shut Down All Kernels)",
    )  # fmt: skip


def _look_at_disk() -> str | None:
    return _keeping_trouble(_PROJECT / "data")


def _look_at_sliders() -> str | None:
    from jupyter_core.paths import jupyter_path

    return _slider_trouble(jupyter_path("labextensions"))


def _look_at_files() -> str | None:
    return _file_trouble(checkpoints.SHIPPED, SHIPPED)


_LOOKS: dict[str, Callable[[], str | None]] = {
    "Python": _look_at_python,
    "packages": _look_at_packages,
    "training speed": _look_at_training,
    "memory": _look_at_memory,
    "disk": _look_at_disk,
    "sliders": _look_at_sliders,
    "shipped files": _look_at_files,
}


def _bounds(listed: str) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    """The name in a requirement such as "numpy>=2.1,<3", its lowest version and its upper end."""
    name, low, high = re.fullmatch(r"([\w-]*)>=([\d.]+),<([\d.]+)", listed).groups()
    return name, _numbers(low), _numbers(high)


def _numbers(version: str) -> tuple[int, ...]:
    """The version "2.13.0+cpu" as (2, 13, 0)."""
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+")[0]))


def _python_trouble(version: tuple[int, ...], listed: str) -> str | None:
    _, low, high = _bounds(listed)
    if low <= version < high:
        return None
    shown = ".".join(map(str, version))
    return (
        f"this is Python {shown}, and the course needs {listed.replace(',', ' and ')}: choose "
        f"another kernel (Kernel > Change Kernel), or {_SET_UP}."
    )


def _package_trouble(listed: Sequence[str], version_of: Callable[[str], str]) -> str | None:
    troubles = []
    for requirement in listed:
        name, low, high = _bounds(requirement)
        try:
            version = version_of(name)
            # JupyterLab itself runs beside the kernel, not in it.
            if name != "jupyterlab":
                importlib.import_module(_IMPORTED_AS.get(name, name))
        except importlib.metadata.PackageNotFoundError:
            troubles.append(f"{name} is missing")
        except Exception as error:  # a broken package may raise anything
            troubles.append(f"{name} does not start ({type(error).__name__}: {error})")
        else:
            if not low <= _numbers(version) < high:
                wanted = requirement.removeprefix(name).replace(",", " and ")
                troubles.append(f"{name} is {version}, but {wanted} is needed")
    return f"{'; '.join(troubles)}: {_SET_UP}." if troubles else None


def _seconds_a_picture() -> float:
    """How long this machine trains on one picture of lesson 04, by the fastest of four steps."""
    with torch.random.fork_rng(devices=()):
        model = UNet(widths=_WIDTHS)
    batch, seconds = 64, []
    steps = train(
        model, torch.zeros(batch, 3, 32, 32), schedules.cosine(), pictures=6 * batch, batch=batch
    )
    for _ in range(6):
        began = time.perf_counter()
        if not math.isfinite(next(steps).loss):
            return math.nan
        seconds.append(time.perf_counter() - began)
    return min(seconds[2:]) / batch


def _training_trouble(seconds_a_picture: float) -> str | None:
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


def _room_trouble(what: str, free: float, needed: float, cure: str) -> str | None:
    if free >= needed * 1e9:
        return None
    return f"{free / 1e9:.1f} GB of {what} are free, and {needed:g} GB are needed: {cure}."


def _keeping_trouble(folder: Path) -> str | None:
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
    return _room_trouble("disk", free, _DISK, "free some, or move the course to another disk")


def _slider_trouble(folders: Sequence[str]) -> str | None:
    part = Path("@jupyter-widgets", "jupyterlab-manager")
    if any((Path(folder) / part).is_dir() for folder in folders):
        return None
    return f"JupyterLab lacks the part of ipywidgets that draws sliders: {_SET_UP}."


def _file_trouble(network: Path, judge: Path) -> str | None:
    try:
        checkpoints.load(network)
        load_judge(judge)
        datasets.photo("chelsea")
    except (FileNotFoundError, files.FileError) as error:
        return f"{error} Take the folder data/checkpoints out of a fresh copy of the course."
    return None


# --- lesson 00b ---


class Question(NamedTuple):
    """A question of the self-check: where it is taught, its answer, and what wrong ones mean."""

    section: int
    answer: float | tuple[int, ...]
    hints: dict[float | tuple[int, ...], str]
    general: str


_QUESTIONS = {
    "slice": Question(
        1,
        13,
        {
            18: "you count from 1: the first place is 0, so x[1] is 6.",
            11: "you count from 1: the first place is 0, so x[1] is 6.",
            21: "the end is left out: x[1:3] is places 1 and 2.",
            7: "that is one number of the two: x[1:3] is places 1 and 2.",
            6: "that is one number of the two: x[1:3] is places 1 and 2.",
            15: "places 1 to 2 are next to each other: a colon means from … up to.",
            26: "that is all four: the colon takes a part.",
            2: "that is how many there are: add them up.",
        },
        "x[1:3] is places 1 and 2, counted from 0.",
    ),
    "shape": Question(
        1,
        (8, 3, 32, 48),
        {
            (8, 32, 48, 3): "colours come before rows and columns here: that is PyTorch’s order.",
            (8, 48, 32, 3): "colours come first here, and rows (the height) before columns.",
            (8, 3, 48, 32): "rows come before columns: first the height, then the width.",
            (3, 8, 32, 48): "which picture it is comes first, then the colour.",
            (3, 8, 48, 32): "which picture it is comes first, and rows before columns.",
            (32, 48, 3, 8): "the other way round: picture, colour, row, column.",
            (32, 48, 8, 3): "picture, colour, row, column is the order.",
            (3, 32, 48): "that is one picture: where are the eight?",
            (32, 48, 3): "that is one picture, with its colours last: where are the eight?",
            (8, 32, 48): "that is eight grey pictures: where are the three colours?",
            (8, 1, 32, 48): "that is eight grey pictures: a colour picture has three channels.",
            (8, 4, 32, 48): "red, green and blue are three.",
            (8, 3): "rows and columns are missing.",
            36864: "so many numbers it holds; its shape is (…, …, …, …).",
        },
        "the order is picture, colour, row, column.",
    ),
    "spread": Question(
        2,
        5,
        {
            25: "that is the variance: its square root is the spread.",
            4: "that is the mean distance from the mean: square the distances first, take the root "
            "of their mean last.",
            8: "that is the mean: how far are the numbers from it, typically?",
            0: "distances below and above cancel: square them first.",
            100: "that is the sum of the squares: divide it by four, and take the root.",
            10: "divide by four before you take the root.",
            14: "that is the range, from smallest to largest.",
            7: "that is the largest distance from the mean.",
            89: "subtract the mean, 8, before you square.",
            5.774: "that divides by three, n − 1, as PyTorch’s std does: here divide by four.",
        },
        "the mean is 8, and the squared distances are 49, 1, 1 and 49.",
    ),
    "scale": Question(
        2,
        0.5,
        {
            0.25: "the variance is a square: times 0.25 leaves 0.25² = 0.0625 of it.",
            0.75: "that takes a quarter away. A quarter is to be left.",
            0.0625: "that is 0.25 squared: the root is wanted.",
            0.125: "that is half of 0.25: the root is wanted, and 0.125² is far less than 0.25.",
            0.866: "that leaves three quarters of the variance.",
            2: "that makes it larger. Which number, squared, is 0.25?",
            4: "that makes it larger. Which number, squared, is 0.25?",
        },
        "which number, squared, is 0.25?",
    ),
    "loop": Question(
        3,
        8,
        {
            16: "range(4) is 0, 1, 2, 3: the end is left out.",
            4: "range(4) has four numbers, up to 3.",
            6: "** is a power: 2 ** 3 is 2 · 2 · 2.",
            9: "2 ** 3 is 2 · 2 · 2, not 3 · 3.",
            3: "that is the last i; last is 2 ** i.",
            1: "that is the first of the list: *_ swallows all but the last.",
            2: "that is the second of the list: *_ swallows all but the last.",
            15: "nothing is added up: *_ swallows all but the last.",
            (1, 2, 4): "that goes into _; what is left for last?",
            (1, 2, 4, 8): "that is the whole list: *_ swallows all but the last.",
        },
        "the list is 2 ** 0, 2 ** 1, 2 ** 2, 2 ** 3.",
    ),
    "axis": Question(
        3,
        4,
        {
            2: "10 to 100 is as far as 1 to 10, and then it goes on to 1000.",
            6: "that is from 1 to 1000.",
            3: "2 cm for each factor of ten: how many are there from 10 to 1000?",
            220: "that would be an ordinary axis. Here equal lengths are equal factors.",
            198: "that would be an ordinary axis. Here equal lengths are equal factors.",
            200: "100 times as much is not 100 times as far: each factor of ten takes 2 cm.",
            20: "each factor of ten takes 2 cm: there are two of them.",
        },
        "each factor of ten takes 2 cm.",
    ),
    "vote": Question(
        4,
        2,
        {
            4: "the votes count 3 and 1, not alike.",
            8: "divide by the sum of the weights, 3 + 1.",
            6: "the weights are swapped: 8 has one vote in four.",
            24: "the weights are swapped, and the sum is to be divided by 4.",
            2.667: "divide by all the weights, 3 + 1.",
            0: "the most votes win an election; here they make an average.",
        },
        "it is (3 · 0 + 1 · 8) / (3 + 1).",
    ),
    "apart": Question(
        5,
        5,
        {
            25: "take the root at the end.",
            4: "that is the mean distance: square first, then mean, then root.",
            3: "minus and plus cancel: square the differences before you take the mean.",
            -3: "minus and plus cancel: square the differences before you take the mean.",
            9: "the mean comes before the square: square first.",
            50: "divide by two, the number of pixels, and take the root.",
            7.071: "divide by two, the number of pixels, before you take the root.",
            10: "divide by two, the number of pixels, before you take the root.",
            8: "that is the sum of the distances: square, mean, root.",
            6: "plus and minus cancel: square the differences first.",
        },
        "the differences are −1 and 7: square, mean, root.",
    ),
}


def toolbox(answers: dict[str, Any]) -> None:
    """Print which answers of the self-check are right, and which sections are worth reading."""
    if not isinstance(answers, dict):
        print(f"The answers come as a {type(answers).__name__}: keep the dict, fill in its values.")
        return
    strange = [str(name) for name in answers if name not in _QUESTIONS]
    if strange:
        print(f"There is no question {strange[0]!r}: the names are {', '.join(_QUESTIONS)}.")
    if all(answers.get(name) is None for name in _QUESTIONS):
        print("Nothing filled in yet. Put answers in place of None and run both cells again,")
        print("or begin with section 1.")
        return
    to_read = set()
    for name, question in _QUESTIONS.items():
        hint = _answer_hint(answers.get(name), question)
        if hint is not None:
            to_read.add(question.section)
        print(f"{name}: {hint or 'right.'}")
    if not to_read:
        print(
            "All right: you may skip to lesson 01. (The exercise in section 5 is worth a minute.)"
        )
        return
    *most, last = map(str, sorted(to_read))
    sections = f"sections {', '.join(most)} and {last}" if most else f"section {last}"
    print(f"Read {sections}.")


def _answer_hint(answer: Any, question: Question) -> str | None:
    """What is wrong with an answer of the self-check, or None if it is right."""
    if answer is None:
        return "not answered."
    if isinstance(answer, str):
        return "this is text: leave the quotation marks out."
    given = _array(answer)
    if given is None or not np.isfinite(given).all():
        return "a number, or a shape such as (2, 3), is expected."
    if _same(given, question.answer, 1e-3):
        return None
    return next(
        (hint for wrong, hint in question.hints.items() if _same(given, wrong, 1e-3)),
        f"not yet: {question.general}",
    )


def _root(x: Any) -> Any:
    """The square root, and NaN below 0 without a word: a mistake that is tried must not warn."""
    with np.errstate(invalid="ignore"):
        return np.sqrt(x)


def rms_difference(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Exercise: how far apart two pictures are: √ mean (a − b)², one number."""

    def course(a, b):
        return np.sqrt(np.mean((a - b) ** 2))

    rng = np.random.default_rng(4)
    trials = [(np.array([0.0, 7.0]), np.array([1.0, 0.0]))]
    for shape, scale, shift in (((3, 5, 7), 0.5, 0.8), ((2, 3, 4, 5), 1.5, -0.3), ((6, 4), 0.1, 0)):
        a = rng.uniform(-1, 1, shape)
        trials.append((a, scale * rng.standard_normal(shape) + shift))
    trials.append((rng.uniform(-1, 1, (1, 2, 3)),) * 2)  # a copy: the difference is 0
    squares = "the root is missing: the mean of the squares is there already."
    absolute = (
        "this is the mean distance, |a − b|. Square, then mean, then root: with the root straight "
        "after the square, nothing has happened."
    )
    cancel = (
        "minus and plus cancel, so that quite different pictures come out alike: square each "
        "difference before you take the mean."
    )
    total = "divide by the number of pixels: a mean, not a sum, or large pictures are far apart."
    halves = "** 1 / 2 halves, as powers come before division: write ** 0.5."
    own_mean = (
        "each picture’s own mean is taken out first, so that a brighter copy would count as the "
        "same: subtract nothing but b."
    )
    each = "this is one number for each pixel: take the mean over all of them, for one number."
    squares_apart = (
        "it squares each picture and then subtracts. Then −1 and 1 would be the same: subtract "
        "first."
    )
    mistakes = (
        Mistake(lambda a, b: np.mean((a - b) ** 2), squares),
        Mistake(lambda a, b: np.mean(abs(a - b)), absolute),
        Mistake(lambda a, b: np.mean(a - b), cancel),
        Mistake(lambda a, b: np.mean(b - a), cancel),
        Mistake(lambda a, b: abs(np.mean(a - b)), cancel),
        Mistake(lambda a, b: np.mean(a - b) ** 2, cancel),
        Mistake(lambda a, b: _root(np.mean(a - b)), cancel),
        Mistake(lambda a, b: _root(np.mean(b - a)), cancel),
        Mistake(lambda a, b: np.sqrt(np.sum((a - b) ** 2)), total),
        Mistake(lambda a, b: np.sum((a - b) ** 2), total),
        Mistake(lambda a, b: np.sum(abs(a - b)), total),
        Mistake(
            lambda a, b: np.sqrt(np.sum((a - b) ** 2)) / a.size,
            "the root comes after the division: sum, divide, root.",
        ),
        Mistake(
            lambda a, b: np.sqrt(np.mean(abs(a - b))),
            "the root of the mean distance: square the differences first.",
        ),
        Mistake(lambda a, b: np.mean((a - b) ** 2) ** 1 / 2, halves),
        Mistake(
            lambda a, b: _root(np.mean((a - b) * 2)), "* 2 doubles: ** 2, with two stars, squares."
        ),
        Mistake(
            lambda a, b: _root(np.mean(a - b**2)),
            "only b is squared: put a − b in brackets, (a - b) ** 2.",
        ),
        Mistake(
            lambda a, b: np.mean(a - b**2),
            "only b is squared: put a − b in brackets, (a - b) ** 2.",
        ),
        Mistake(
            lambda a, b: np.mean((a - b) ** 2) ** 2,
            "it squares twice; at the end a root is wanted, ** 0.5.",
        ),
        Mistake(lambda a, b: np.std(a - b), own_mean),
        Mistake(lambda a, b: np.var(a - b), own_mean),
        Mistake(lambda a, b: abs(np.std(a) - np.std(b)), own_mean),
        Mistake(lambda a, b: np.std(a) - np.std(b), own_mean),
        Mistake(lambda a, b: _root(np.mean(a**2 - b**2)), squares_apart),
        Mistake(lambda a, b: np.sqrt(abs(np.mean(a**2 - b**2))), squares_apart),
        Mistake(lambda a, b: np.mean(a**2 - b**2), squares_apart),
        Mistake(
            lambda a, b: np.sqrt(np.mean((a + b) ** 2)), "it adds the pictures: subtract them."
        ),
        Mistake(lambda a, b: np.mean((a + b) ** 2), "it adds the pictures: subtract them."),
        Mistake(
            lambda a, b: np.max(abs(a - b)),
            "this is the largest difference: one speck would decide. Take square, mean, root.",
        ),
        Mistake(
            lambda a, b: np.median(abs(a - b)),
            "this is the median: take the mean of the squares, and its root.",
        ),
        Mistake(
            lambda a, b: np.sqrt(np.sum((a - b) ** 2) / (a.size - 1)),
            "it divides by one too few: no mean was taken out of the differences, so divide by "
            "their number.",
        ),
        Mistake(
            lambda a, b: np.sqrt(np.sum((a - b) ** 2) / len(a)),
            "len(a) counts the outermost axis only: a.size counts all numbers (or use mean).",
        ),
        Mistake(lambda a, b: a - b, each),
        Mistake(lambda a, b: b - a, each),
        Mistake(lambda a, b: abs(a - b), each),
        Mistake(lambda a, b: (a - b) ** 2, each),
        Mistake(
            lambda a, b: np.sqrt(np.mean((a - b) ** 2, axis=0)),
            "this is the mean over the first axis only: take it over all, for one number.",
        ),
        Mistake(
            lambda a, b: np.sqrt(np.mean((a - b) ** 2, axis=-1)),
            "this is the mean over the last axis only: take it over all, for one number.",
        ),
        Mistake(
            lambda a, b: round(float(np.sqrt(np.mean((a - b) ** 2))), 2),
            "it rounds: give the number as it is.",
        ),
        Mistake(lambda a, b: -course(a, b), "a distance is never negative."),
        Mistake(
            lambda a, b: np.sqrt(np.mean((a - b) ** 2) / np.mean(a**2)),
            "it divides by the power of a: the plain distance is wanted.",
        ),
    )
    return settle("rms_difference", learner, course, trials, mistakes)


def spread(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Exercise: the standard deviation of all values, divided by n: √ mean (x − mean)²."""

    def course(x):
        return np.sqrt(np.mean((x - np.mean(x)) ** 2))

    rng = np.random.default_rng(5)
    trials = [
        (np.array([1.0, 7.0, 9.0, 15.0]),),
        (rng.exponential(size=(3, 5, 7)) - 3,),
        (0.2 * rng.standard_normal((2, 3, 4, 5)) + 1,),
        (np.full((4, 4), 0.7),),  # flat grey has no spread
    ]
    variance = "this is the variance: the root is missing."
    absolute = (
        "this is the mean distance from the mean. Square, then mean, then root: with the root "
        "straight after the square, nothing has happened."
    )
    no_mean = (
        "the mean is not taken out. So a flat bright picture would have a spread too: subtract "
        "x.mean() first."
    )
    total = "divide by how many numbers there are: a mean, not a sum."
    fewer = (
        "it divides by n − 1, as PyTorch’s x.std() does. (That guesses the spread of a crowd from "
        "a few of it.) Here divide by n."
    )
    cancel = "below and above the mean cancel to 0: square the distances before you take the mean."
    each = "this is one number for each value: take the mean of all, for one number."
    mistakes = (
        Mistake(np.var, variance),
        Mistake(lambda x: np.mean(abs(x - x.mean())), absolute),
        Mistake(lambda x: np.sqrt(np.mean(x**2)), no_mean),
        Mistake(lambda x: np.mean(x**2), no_mean),
        Mistake(lambda x: np.sqrt(np.sum((x - x.mean()) ** 2)), total),
        Mistake(lambda x: np.sum((x - x.mean()) ** 2), total),
        Mistake(lambda x: np.std(x, ddof=1), fewer),
        Mistake(lambda x: np.var(x, ddof=1), f"{fewer} And the root is missing."),
        Mistake(
            lambda x: np.sqrt(np.sum((x - x.mean()) ** 2)) / x.size,
            "the root comes after the division: sum, divide, root.",
        ),
        Mistake(
            lambda x: np.sqrt(np.sum((x - x.mean()) ** 2) / len(x)),
            "len(x) counts the outermost axis only: x.size counts all numbers (or use mean).",
        ),
        Mistake(
            lambda x: np.var(x) ** 1 / 2,
            "** 1 / 2 halves, as powers come before division: write ** 0.5.",
        ),
        Mistake(lambda x: np.var(x) ** 2, "it squares twice; at the end a root is wanted, ** 0.5."),
        Mistake(lambda x: np.mean(x - x.mean()), cancel),
        Mistake(lambda x: np.mean(x), "this is the mean: how far from it are the numbers?"),
        Mistake(
            lambda x: _root(np.mean(x - x.mean() ** 2)),
            "only the mean is squared: put x − mean in brackets.",
        ),
        Mistake(
            lambda x: np.mean(x**2) - np.mean(x),
            "the mean itself has to be squared too, and the root is missing: √(mean x² − mean²).",
        ),
        Mistake(
            lambda x: _root(np.mean(x**2) - np.mean(x)),
            "the mean itself has to be squared too: √(mean x² − mean²).",
        ),
        Mistake(
            lambda x: np.sqrt(np.mean((x - np.median(x)) ** 2)),
            "it takes the median for the mean: x.mean().",
        ),
        Mistake(
            lambda x: np.sqrt(np.mean((x - x.mean(axis=-1, keepdims=True)) ** 2)),
            "each row has a mean of its own here: take one mean of all numbers.",
        ),
        Mistake(
            lambda x: np.sqrt(np.mean((x - x.mean(axis=0)) ** 2)),
            "there are many means here, taken along the first axis: take one mean of all numbers.",
        ),
        Mistake(
            lambda x: np.std(x, axis=0), "this is many spreads, along the first axis: no axis."
        ),
        Mistake(
            lambda x: np.std(x, axis=-1), "this is many spreads, along the last axis: no axis."
        ),
        Mistake(np.ptp, "this is the range, from the smallest to the largest: two values decide."),
        Mistake(lambda x: np.ptp(x) / 2, "this is half the range: two values decide."),
        Mistake(lambda x: np.max(abs(x - x.mean())), "this is the largest distance from the mean."),
        Mistake(
            lambda x: np.sqrt(np.mean(abs(x - x.mean()))),
            "the root of the mean distance: square the distances first.",
        ),
        Mistake(lambda x: x - x.mean(), each),
        Mistake(lambda x: (x - x.mean()) ** 2, each),
        Mistake(lambda x: abs(x - x.mean()), each),
        Mistake(lambda x: round(float(np.std(x)), 2), "it rounds: give the number as it is."),
        Mistake(lambda x: np.sqrt(np.mean((x + x.mean()) ** 2)), "it adds the mean: subtract it."),
    )
    return settle("spread", learner, course, trials, mistakes)


# --- lesson 01 ---


def add_and_clip(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Exercise: whole numbers added to a picture, kept in 0 … 255: clip(pixels + noise, 0, 255)."""

    def course(pixels, noise):
        return np.clip(pixels.astype(np.int64) + noise, 0, 255).astype(np.uint8)

    def total(pixels, noise):
        return pixels.astype(np.int64) + noise

    def rescaled(numbers):
        numbers = numbers - numbers.min()
        return 255 * (numbers / max(numbers.max(), 1))

    rng = np.random.default_rng(1)
    trials = [
        (np.array([0, 120, 255], dtype=np.uint8), np.array([15, -30, 5])),
        (
            np.array([[0, 3, 250], [255, 128, 251]], dtype=np.uint8),
            np.array([[-30, 2, 6], [1, 0, 5]]),
        ),
        (rng.integers(0, 256, (5, 7, 3), dtype=np.uint8), rng.integers(-90, 91, (5, 7, 3))),
        (rng.integers(0, 256, (4, 3, 3), dtype=np.uint8), rng.integers(-600, 601, (4, 3, 3))),
    ]
    wraps = (
        "values wrap around: what passes 255 starts again from 0. Clip while the numbers can "
        "still be below 0 or above 255, and turn them into uint8 after that."
    )
    noise_only = (
        "it clips the noise instead of the sum. Noise may be negative, and only the sum has to "
        "stay between 0 and 255."
    )
    scales = (
        "it stretches or squeezes all values. Then every pixel changes because one went too far; "
        "clipping moves only those outside 0 … 255."
    )
    unit = "it clips to a range for floats, such as 0 to 1. Pixels run from 0 to 255."
    one_side = "it clips at one end only. Look at what is below 0 and at what is above 255."
    byte = (
        "it makes the pixels int8 first, which ends at 127: bright pixels turn negative. Take a "
        "type with more room, such as int16."
    )
    mistakes = [
        Mistake(lambda p, n: total(p, n) % 256, wraps),
        Mistake(
            lambda p, n: np.clip(p + n.astype(np.int8), 0, 255).astype(np.uint8),
            "the noise is squeezed into int8, which holds −128 … 127 only: keep its type.",
        ),
        Mistake(
            lambda p, n: total(p, n) % 255,
            "it takes the remainder of a division by 255, which wraps around. Use np.clip.",
        ),
        Mistake(
            lambda p, n: np.clip(total(p, n), 0, 256) % 256,
            "what passes 255 becomes 0, but it should become 255. (If you clip to 256, that is one "
            "too many: 256 wraps to 0.)",
        ),
        Mistake(
            lambda p, n: np.clip(total(p, n), 0, 256),
            "it clips to 256, one too many: the largest pixel value is 255.",
        ),
        Mistake(lambda p, n: total(p, np.clip(n, 0, 255)) % 256, noise_only),
        Mistake(lambda p, n: total(p, np.clip(n, 0, 255)), noise_only),
        Mistake(lambda p, n: np.clip(total(p, np.clip(n, 0, 255)), 0, 255), noise_only),
        Mistake(lambda p, n: rescaled(total(p, n)), scales),
        Mistake(lambda p, n: rescaled(total(p, n)).astype(np.uint8), scales),
        Mistake(lambda p, n: np.rint(rescaled(total(p, n))), scales),
        Mistake(lambda p, n: 255 * (total(p, n) / max(total(p, n).max(), 1)), scales),
        Mistake(lambda p, n: total(p, n) / 2, scales),
        Mistake(lambda p, n: total(p, n) // 2, scales),
        Mistake(
            lambda p, n: np.clip(np.abs(total(p, n)), 0, 255),
            "negative sums lose their minus sign (abs): −30 should become 0, not 30.",
        ),
        Mistake(
            lambda p, n: np.abs(total(p, n)) % 256,
            "it uses abs and then wraps around. Below 0 becomes 0, above 255 becomes 255.",
        ),
        Mistake(
            lambda p, n: np.abs(total(p, n)),
            "negative sums lose their minus sign (abs): −30 should become 0, not 30.",
        ),
        Mistake(lambda p, n: np.minimum(total(p, n), 255) % 256, one_side),
        Mistake(lambda p, n: np.maximum(total(p, n), 0) % 256, one_side),
        Mistake(lambda p, n: np.minimum(total(p, n), 255), one_side),
        Mistake(lambda p, n: np.maximum(total(p, n), 0), one_side),
        Mistake(
            total,
            "it does not clip the sum (to clip before adding does nothing): 260 and −30 are still "
            "there, and no screen shows them.",
        ),
        Mistake(lambda p, n: np.clip(total(p, n), 0, 1), unit),
        Mistake(lambda p, n: np.clip(total(p, n), -1, 1), unit),
        Mistake(lambda p, n: np.clip(total(p, n), -1, 1) % 256, unit),
        Mistake(
            lambda p, n: np.clip(total(p, n), 0, 255) / 255,
            "it divides by 255 at the end: whole numbers from 0 to 255 are expected.",
        ),
        Mistake(lambda p, n: np.clip(total(p, -n), 0, 255), "it subtracts the noise: add it."),
        Mistake(lambda p, n: np.clip(total(p.astype(np.int8), n), 0, 255), byte),
        Mistake(
            lambda p, n: np.where((total(p, n) < 0) | (total(p, n) > 255), p, total(p, n)),
            "where the sum leaves 0 … 255 it keeps the old pixel: give the nearest end.",
        ),
        Mistake(lambda p, n: p, "it returns the pixels as they were: where is the noise added?"),
        Mistake(lambda p, n: np.clip(n, 0, 255), "it returns noise only: add the pixels to it."),
        Mistake(
            lambda p, n: 0 * total(p, n),
            "everything becomes 0. (With the ends swapped np.clip does that: the lower one comes "
            "first, np.clip(…, 0, 255).)",
        ),
        Mistake(
            lambda p, n: 0 * total(p, n) + 255,
            "everything becomes 255. (np.minimum belongs to the upper end, 255, and np.maximum to "
            "the lower, 0.)",
        ),
        Mistake(
            lambda p, n: np.select([total(p, n) < 0, total(p, n) > 255], [255, 0], total(p, n)),
            "the two ends are swapped: below 0 becomes 0, above 255 becomes 255.",
        ),
        Mistake(
            lambda p, n: np.where(total(p, n) < 0, 255, np.clip(total(p, n), 0, 255)),
            "what is below 0 becomes 255: it calculates in a type without a minus sign, such as "
            "uint16. Take int.",
        ),
        Mistake(
            lambda p, n: np.clip(total(p, n), 0, 255).astype(np.int8),
            "int8 ends at 127, so that bright pixels turn negative: bytes are uint8, with a u.",
        ),
        Mistake(
            lambda p, n: np.clip(total(p, n), -128, 127),
            "it clips to the range of int8. Pixels are uint8: they run from 0 to 255.",
        ),
        Mistake(
            lambda p, n: np.clip(total(p, n), 0, 254),
            "it clips to 254, one too few: the largest pixel is 255.",
        ),
        Mistake(
            lambda p, n: np.clip(total(p, n), -255, 255) % 256,
            "it clips at −255, and in a byte that wraps around: the lower end is 0.",
        ),
        Mistake(
            lambda p, n: np.clip(total(p, np.abs(n)), 0, 255),
            "the noise has lost its minus signs (abs): −30 should make a pixel darker.",
        ),
        Mistake(lambda p, n: np.clip(n - p, 0, 255), "it subtracts the pixels: add them."),
        Mistake(lambda p, n: np.clip(p * n, 0, 255), "it multiplies: add the noise."),
        Mistake(lambda p, n: np.clip(total(p, n) / 2, 0, 255).astype(np.uint8), scales),
        Mistake(lambda p, n: 255 * np.clip(total(p, n), 0, 1), unit),
        Mistake(
            lambda p, n: np.clip(total(p, n), p.min(), p.max()),
            "it clips to the smallest and largest value of this picture: the ends are always 0 and "
            "255.",
        ),
    ]
    return settle("add_and_clip", learner, course, trials, mistakes, dtype="uint8")


def to_floats(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Exercise: pixels 0 … 255 as floats in [−1, 1]: x = pixel / 127.5 − 1."""

    def course(pixels):
        return pixels / 127.5 - 1

    rng = np.random.default_rng(2)
    trials = [
        (np.array([0, 120, 255], dtype=np.uint8),),
        (np.array([[1, 127, 128], [129, 200, 254]], dtype=np.uint8),),
        (rng.integers(10, 240, (5, 4, 3), dtype=np.uint8),),
    ]
    wraps = (
        "the numbers are still uint8 while it calculates, so that they wrap around: divide first, "
        "or use .astype(float) before anything else."
    )
    near = "it divides by 128, not by 127.5: then 255 becomes 0.992, and white is not quite 1."
    zero_one = (
        "it runs from 0 to 1. Look at pixel 0: black has to become −1, so double the range and "
        "subtract 1."
    )
    own = (
        "it uses the smallest and largest value (or the mean and spread) of this picture. Then the "
        "same grey gets another number in each picture; use the fixed range 0 … 255."
    )
    mistakes = [
        Mistake(lambda p: p / 255, zero_one),
        Mistake(lambda p: p / 256, zero_one),
        Mistake(lambda p: p / 128 - 1, near),
        Mistake(lambda p: (p - 128.0) / 128, near),
        Mistake(
            lambda p: (p - 128.0) / 127,
            "it takes 128 for the middle: then 0 becomes −1.008. The middle is 127.5.",
        ),
        Mistake(lambda p: p / 127 - 1, "it divides by 127, not by 127.5: then 255 becomes 1.008."),
        Mistake(lambda p: p / 127.5, "it runs from 0 to 2: what is still to be subtracted?"),
        Mistake(
            lambda p: p / 255 - 1,
            "it runs from −1 to 0: the range 0 … 1 has to be doubled first.",
        ),
        Mistake(lambda p: p / 255 - 0.5, "it runs from −0.5 to 0.5: double it."),
        Mistake(
            lambda p: 1 - p / 127.5,
            "it is a negative: black became 1. Mind the order of the subtraction.",
        ),
        Mistake(lambda p: (p - 128) / 128, wraps),
        Mistake(lambda p: (p - 128) / 127, wraps),
        Mistake(lambda p: (p - 127) / 128, wraps),
        Mistake(lambda p: (p - 128) / 127.5, wraps),
        Mistake(lambda p: (p - 127) / 127.5, wraps),
        Mistake(lambda p: (p * 2) / 255 - 1, wraps),
        Mistake(lambda p: (p * 2 - 255) / 255, wraps),
        Mistake(lambda p: p // 127.5 - 1, "// throws the fraction away: use /."),
        Mistake(
            lambda p: np.rint(p / 127.5 - 1),
            "it rounds to whole numbers: keep the fractions.",
        ),
        Mistake(
            lambda p: (p / 127.5 - 1).astype(int),
            "it cuts to whole numbers: keep the fractions.",
        ),
        Mistake(
            lambda p: (p / 127.5 - 1).astype(np.float16),
            "float16 keeps only three digits, too few for neighbouring values: use float32 or "
            "float64.",
        ),
        Mistake(
            lambda p: p - 1,
            "it subtracts 1 but does not divide: which division sends 255 to 2?",
        ),
        Mistake(
            lambda p: (p - 1.0) / 127.5,
            "it subtracts 1 before it divides: first / 127.5, then − 1.",
        ),
        Mistake(lambda p: 2 * (p - float(p.min())) / float(np.ptp(p)) - 1, own),
        Mistake(lambda p: (p - float(p.min())) / float(np.ptp(p)), own),
        Mistake(lambda p: (p - p.mean()) / p.std(), own),
        Mistake(lambda p: p / float(p.max()) * 2 - 1, own),
        Mistake(
            lambda p: p.astype(float),
            "it changes the type only: the numbers still run from 0 to 255.",
        ),
        Mistake(
            lambda p: np.clip(p.astype(float), -1, 1),
            "it clips to [−1, 1], so that everything but black becomes 1: scale, don't clip.",
        ),
        Mistake(lambda p: (p - 127) / 127, wraps),
        Mistake(lambda p: (p * 2 - 1) / 255, wraps),
        Mistake(
            lambda p: p.astype(np.int8) / 127.5 - 1,
            "int8 ends at 127, so that bright pixels turn negative: use .astype(float), or divide "
            "at once.",
        ),
        Mistake(
            lambda p: p.astype(np.int8) / 128,
            "int8 ends at 127, so that bright pixels turn negative: use .astype(float), or divide "
            "at once.",
        ),
        Mistake(
            lambda p: p / (127.5 - 1),
            "Python works out the brackets first: divide by 127.5, and subtract 1 from that.",
        ),
        Mistake(lambda p: p / 127.5 + 1, "it runs from 1 to 3: subtract 1, don't add it."),
        Mistake(
            lambda p: p - 127.5,
            "the middle is at 0, but it still runs from −127.5 to 127.5: divide by 127.5.",
        ),
        Mistake(
            lambda p: (p - 128.0) / 127.5,
            "it takes 128 for the middle: then 255 becomes 0.996. The middle is 127.5.",
        ),
        Mistake(
            lambda p: (p - 127.0) / 127.5,
            "it takes 127 for the middle: then 255 becomes 1.004. The middle is 127.5.",
        ),
        Mistake(
            lambda p: (p - 127.0) / 128,
            "it takes 127 for the middle and divides by 128: both should be 127.5.",
        ),
        Mistake(
            lambda p: np.clip(p / 127.5 - 1, 0, 1),
            "it clips at 0, so that the darker half of the picture is lost: no clipping is needed.",
        ),
        Mistake(
            lambda p: (p / 127.5 - 1).astype(int) % 256,
            "it ends in uint8, which holds neither fractions nor a minus sign: leave them floats.",
        ),
        Mistake(lambda p: np.round(p / 127.5 - 1, 1), "it rounds: keep all the digits."),
        Mistake(lambda p: np.round(p / 127.5 - 1, 2), "it rounds: keep all the digits."),
        Mistake(lambda p: (p - p.mean()) / 127.5, own),
    ]
    return settle("to_floats", learner, course, trials, mistakes)


def combined_spread(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Exercise: the spread of two independent noises added: sqrt(a² + b²)."""

    def course(a, b):
        return math.sqrt(a**2 + b**2)

    trials = [(3.0, 4.0), (1.7, 0.3), (0.5, 0.5), (0.0, 2.5), (12.0, 0.0)]
    mistakes = [
        Mistake(
            lambda a, b: a + b,
            "it adds the spreads. Noises partly cancel, so 3 and 4 give less than 7: add the "
            "variances, which are the squares.",
        ),
        Mistake(
            lambda a, b: a**2 + b**2,
            "this is the variance of the sum. Its square root is the spread.",
        ),
        Mistake(
            lambda a, b: (a + b) / 2,
            "it averages. The sum spreads more widely than either noise alone.",
        ),
        Mistake(
            lambda a, b: (a**2 + b**2) / 2,
            "it halves instead of taking a root (** 1 / 2 means (… ** 1) / 2): write ** 0.5 or "
            "math.sqrt.",
        ),
        Mistake(
            lambda a, b: math.sqrt((a**2 + b**2) / 2),
            "it averages the variances: add them. The noises are added, not averaged.",
        ),
        Mistake(
            lambda a, b: math.sqrt(a**2 + b**2) / 2,
            "it halves the result. The noises are added, not averaged.",
        ),
        Mistake(
            max,
            "it takes the larger one. The smaller noise adds a little too: 3 and 4 give 5.",
        ),
        Mistake(
            lambda a, b: math.sqrt(a + b),
            "it takes the root of the sum: square each spread before adding.",
        ),
        Mistake(
            lambda a, b: math.sqrt(a) + math.sqrt(b),
            "it adds square roots. Squares first, then add, then one root.",
        ),
        Mistake(
            lambda a, b: (a + b) ** 2,
            "it squares the sum. Square each spread on its own, add, then take the root.",
        ),
        Mistake(lambda a, b: math.sqrt(a * b), "it multiplies. Variances (the squares) are added."),
        Mistake(lambda a, b: a * b, "it multiplies. Variances (the squares) are added."),
        Mistake(
            lambda a, b: abs(a - b),
            "it subtracts. Two noises don't undo each other: 3 and 4 give 5.",
        ),
        Mistake(
            lambda a, b: math.sqrt(abs(a**2 - b**2)),
            "it subtracts the variances. They add, even if the noises are subtracted.",
        ),
        Mistake(
            lambda a, b: a**2 + b**2**0.5,
            "the root has to cover the whole sum: put brackets around it.",
        ),
        Mistake(lambda a, b: 2 * a + 2 * b, "* 2 doubles; ** 2 squares."),
        Mistake(lambda a, b: math.sqrt(2 * a + 2 * b), "* 2 doubles; ** 2 squares."),
        Mistake(lambda a, b: a**3 + b**3, "it cubes: use ** 2, then the square root."),
        Mistake(lambda a, b: a, "it uses the first noise only: b² has to be added."),
        Mistake(lambda a, b: b, "it uses the second noise only: a² has to be added."),
        Mistake(
            min,
            "it takes the smaller one. The sum spreads more widely than either: 3 and 4 give 5.",
        ),
        Mistake(
            lambda a, b: a - b,
            "it subtracts. Two noises don't undo each other: 3 and 4 give 5.",
        ),
        Mistake(
            lambda a, b: (a + b) / math.sqrt(2),
            "it adds the spreads and divides by √2, which is right only where both are equal: add "
            "the squares, then take the root.",
        ),
        Mistake(
            lambda a, b: math.sqrt(2 * a * b),
            "it multiplies. Variances (the squares) are added.",
        ),
        Mistake(
            lambda a, b: (math.sqrt(a) + math.sqrt(b)) ** 2,
            "it takes the roots first. Squares first, then add, then one root.",
        ),
        Mistake(
            lambda a, b: math.sqrt(math.hypot(a, b)),
            "it takes the root twice: ** 0.5 once is enough.",
        ),
        Mistake(lambda a, b: (a**2 + b**2) ** 2, "it squares the sum of squares: take its root."),
        Mistake(
            lambda a, b: 1,
            "it is always 1. (** (1 // 2) is ** 0, as // throws the fraction away: write ** 0.5.)",
        ),
        Mistake(lambda a, b: round(math.hypot(a, b)), "it rounds: keep the fraction."),
        Mistake(lambda a, b: round(math.hypot(a, b), 1), "it rounds: keep all the digits."),
        Mistake(lambda a, b: round(math.hypot(a, b), 2), "it rounds: keep all the digits."),
        Mistake(lambda a, b: int(math.hypot(a, b)), "int cuts the fraction off: keep it."),
    ]
    return settle("combined_spread", learner, course, trials, mistakes)


# --- lesson 02 ---


def add_noise(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check the jump x_t = √ᾱ_t x₀ + √(1−ᾱ_t) ε, a function of (x0, alpha_bar_t, eps)."""
    draw = torch.Generator().manual_seed(2)
    trials = [
        # The first shape has odd sizes; the last two are the ends, a clean picture and pure noise.
        (torch.rand(shape, generator=draw) * 2 - 1, torch.tensor(share, dtype=torch.float64),
         torch.randn(shape, generator=draw))
        for shape, share in (
            ((2, 3, 5, 7), 0.81), ((1, 1, 4, 4), 0.2), ((6,), 0.9981), ((1, 3, 2, 2), 0.5),
            ((1, 3, 4, 4), 1.0), ((1, 3, 4, 4), 0.0),
        )
    ]  # fmt: skip
    clipped = (
        "something is clipped: noise and noisy values may lie outside [−1, 1]. Clipping is for "
        "showing a picture only."
    )
    halved = (
        "it halves in place of a square root. (** 1/2 means (… ** 1) / 2: write ** 0.5, or "
        "** (1/2).)"
    )
    mistakes = (
        Mistake(
            lambda x0, a, eps: a**0.5 * x0 + (1 - a) * eps,
            "the noise lacks its square root: 1 − ᾱ is its variance, and what multiplies ε is the "
            "spread, √(1 − ᾱ). (A well-known course has this slip; at ᾱ = 0.998 it leaves a "
            "twentieth of the noise.)",
        ),
        Mistake(
            lambda x0, a, eps: a * x0 + (1 - a) ** 0.5 * eps,
            "the picture lacks its square root: ᾱ is the share of its power, and power is a "
            "square, so what multiplies x0 is √ᾱ.",
        ),
        Mistake(
            lambda x0, a, eps: a * x0 + (1 - a) * eps,
            "both square roots are missing: ᾱ and 1 − ᾱ are shares of power, and power is a "
            "square. This way the spread shrinks where it should stay.",
        ),
        Mistake(
            lambda x0, a, eps: (1 - a) ** 0.5 * x0 + a**0.5 * eps,
            "the two rates are swapped: at ᾱ = 1 the picture should be clean, and yours is pure "
            "noise.",
        ),
        Mistake(
            lambda x0, a, eps: (1 - a) * x0 + a * eps,
            "the two rates are swapped (at ᾱ = 1 the picture should be clean), and both lack "
            "their square root.",
        ),
        Mistake(
            lambda x0, a, eps: x0 + (1 - a) ** 0.5 * eps,
            "the picture does not shrink: multiply x0 by √ᾱ, or the numbers grow as in section 1.",
        ),
        Mistake(
            lambda x0, a, eps: x0 + (1 - a) * eps,
            "the picture does not shrink (multiply x0 by √ᾱ), and the noise lacks its square root.",
        ),
        Mistake(
            lambda x0, a, eps: a**0.5 * x0 + eps,
            "the noise comes in at full strength whatever ᾱ is: multiply ε by √(1 − ᾱ).",
        ),
        Mistake(
            lambda x0, a, eps: x0 + eps,
            "this only adds: ᾱ should say how much of each, √ᾱ of the picture and √(1 − ᾱ) of the "
            "noise.",
        ),
        Mistake(
            lambda x0, a, eps: a**0.5 * x0 - (1 - a) ** 0.5 * eps,
            "the noise is subtracted. Such a picture is just as likely, as noise has no preferred "
            "sign; but then ε is not what was added, and a network that learns to predict ε would "
            "learn the wrong sign. Add it.",
        ),
        Mistake(
            lambda x0, a, eps: a**0.5 * x0 + (1 - a**0.5) * eps,
            "your two factors add to 1, but their squares should: the noise's is √(1 − ᾱ), not "
            "1 − √ᾱ.",
        ),
        Mistake(
            lambda x0, a, eps: a * x0 + (1 - a**2) ** 0.5 * eps,
            "it takes ᾱ for what multiplies the picture: ᾱ is the share of power, which is the "
            "square of that.",
        ),
        Mistake(
            lambda x0, a, eps: a**2 * x0 + (1 - a) ** 2 * eps,
            "it takes squares where square roots are needed: √ is ** 0.5.",
        ),
        Mistake(
            lambda x0, a, eps: a**0.5 * (x0 + eps),
            "picture and noise have the same factor: the noise's is √(1 − ᾱ), it grows as the "
            "picture's shrinks.",
        ),
        Mistake(
            lambda x0, a, eps: (1 - a) ** 0.5 * x0 + a**0.5 * x0,
            "both terms hold x0: the second should be noise, eps.",
        ),
        Mistake(
            lambda x0, a, eps: a**0.5 * x0,
            "this only shrinks the picture: add √(1 − ᾱ) ε.",
        ),
        Mistake(
            lambda x0, a, eps: (1 - a) ** 0.5 * eps,
            "this is the noise alone: add √ᾱ x0.",
        ),
        Mistake(
            lambda x0, a, eps: (a**0.5 * x0 + (1 - a) ** 0.5 * eps).clamp(-1, 1),
            "the formula is right, but the result is clipped: noisy values may lie outside "
            "[−1, 1]. Clipping is for showing a picture only.",
        ),
        Mistake(lambda x0, a, eps: (a**0.5 * x0 + (1 - a) ** 0.5 * eps).clamp(0, 1), clipped),
        Mistake(lambda x0, a, eps: a**0.5 * x0 + (1 - a) ** 0.5 * eps.clamp(-1, 1), clipped),
        Mistake(lambda x0, a, eps: a**0.5 * x0 + (1 - a) / 2 * eps, halved),
        Mistake(lambda x0, a, eps: a / 2 * x0 + (1 - a) ** 0.5 * eps, halved),
        Mistake(lambda x0, a, eps: a / 2 * x0 + (1 - a) / 2 * eps, halved),
        Mistake(
            lambda x0, a, eps: a**0.5 * x0 + (1 - a) ** 2 * eps,
            "the noise's factor is squared where a square root is needed: √ is ** 0.5.",
        ),
        Mistake(
            lambda x0, a, eps: a**2 * x0 + (1 - a) ** 0.5 * eps,
            "the picture's factor is squared where a square root is needed: √ is ** 0.5.",
        ),
        Mistake(
            lambda x0, a, eps: a**0.5 * x0 + 1 - a**0.5 * eps,
            "brackets are missing: Python takes the power first, so write (1 - alpha_bar_t) ** "
            "0.5.",
        ),
        Mistake(
            lambda x0, a, eps: a**0.5 * x0 + 1 - a * eps,
            "brackets and a root are missing: the noise is multiplied by (1 - alpha_bar_t) ** 0.5.",
        ),
        Mistake(
            lambda x0, a, eps: a**0.5 * (x0 + (1 - a) ** 0.5 * eps),
            "√ᾱ multiplies the noise, too: it belongs to x0 alone.",
        ),
        Mistake(
            lambda x0, a, eps: (1 - a) ** 0.5 * (x0 + eps),
            "picture and noise have the same factor: the picture's is √ᾱ, it shrinks as the "
            "noise's grows.",
        ),
        Mistake(
            lambda x0, a, eps: a**0.5 * x0 + (1 - a) ** 0.5 + 0 * eps,
            "eps is missing: multiply √(1 − ᾱ) by it.",
        ),
        Mistake(
            lambda x0, a, eps: a**0.5 * x0 * (1 - a) ** 0.5 * eps,
            "it multiplies picture and noise: add them.",
        ),
        Mistake(
            lambda x0, a, eps: (a**0.5 * x0 + (1 - a) ** 0.5 * eps) / 2,
            "the formula is right, but it is halved: this is a sum, no average.",
        ),
        Mistake(
            lambda x0, a, eps: np.stack([a**0.5 * x0, (1 - a) ** 0.5 * eps]),
            "it returns picture and noise apart: add them, with + and no comma.",
        ),
        Mistake(
            lambda x0, a, eps: x0 - (1 - a) ** 0.5 * eps,
            "the picture does not shrink (multiply x0 by √ᾱ), and the noise is subtracted: add it.",
        ),
        Mistake(
            lambda x0, a, eps: (1 - a) * x0 + a**0.5 * eps,
            "the two rates are swapped (at ᾱ = 1 the picture should be clean), and the picture's "
            "lacks its square root.",
        ),
        Mistake(
            lambda x0, a, eps: (1 - a) ** 0.5 * x0 + a * eps,
            "the two rates are swapped (at ᾱ = 1 the picture should be clean), and the noise's "
            "lacks its square root.",
        ),
        Mistake(lambda x0, a, eps: x0, "it returns the clean picture: where is the noise?"),
        Mistake(lambda x0, a, eps: eps, "it returns the noise as it was: where is the picture?"),
    )
    return settle("add_noise", learner, _add_noise, trials, mistakes)


def alpha_bar_from_beta(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check ᾱ_t = ∏_{s ≤ t} (1 − β_s) with ᾱ_0 = 1 in front, a function of (beta,)."""
    trials = [
        (np.array([0.5, 0.2, 0.1, 0.4]),),
        (np.linspace(1e-4, 0.02, 30),),
        (np.array([0.3]),),
        (np.array([0.01, 0.9, 0.05, 0.05, 0.6]),),
    ]
    missing_1 = "it has one entry too few: ᾱ_0 = 1, the clean picture, belongs in front."
    mistakes = (
        Mistake(lambda b: np.cumprod(1 - b), missing_1),
        Mistake(
            lambda b: np.append(np.cumprod(1 - b), 1.0),
            "the 1 is at the end: the clean picture is t = 0, so it belongs in front.",
        ),
        Mistake(
            lambda b: np.append(0.0, np.cumprod(1 - b)),
            "it starts at 0, but at t = 0 all of the picture is there: put a 1 in front.",
        ),
        Mistake(
            lambda b: np.append(1.0, 1 - np.cumsum(b)),
            "it subtracts every β from the whole: each step takes its share of what is *left*, so "
            "multiply (np.cumprod), don't add.",
        ),
        Mistake(
            lambda b: 1 - np.cumsum(b),
            "it adds where it should multiply (np.cumprod of 1 − β), and ᾱ_0 = 1 is missing.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.cumsum(1 - b)),
            "it adds up what each step keeps: the shares multiply (np.cumprod), so that ᾱ falls.",
        ),
        Mistake(
            lambda b: np.cumsum(1 - b),
            "it adds up what each step keeps: the shares multiply (np.cumprod), and ᾱ_0 = 1 is "
            "missing.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.cumprod(b)),
            "it multiplies the β, the shares of *noise*: a step keeps 1 − β of the picture.",
        ),
        Mistake(
            lambda b: np.cumprod(b),
            "it multiplies the β, the shares of *noise* (a step keeps 1 − β of the picture), and "
            "ᾱ_0 = 1 is missing.",
        ),
        Mistake(
            lambda b: np.append(1.0, 1 - b),
            "this is α, what each *single* step keeps: ᾱ_t is the product of all up to t.",
        ),
        Mistake(
            lambda b: 1 - b,
            "this is α, what each *single* step keeps: ᾱ_t is the product of all up to t, with a 1 "
            "in front.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.cumprod(np.sqrt(1 - b))),
            "this is √ᾱ, the amplitude: ᾱ is the product of 1 − β without roots.",
        ),
        Mistake(
            lambda b: np.append(1.0, 1 - np.cumprod(1 - b)),
            "this is 1 − ᾱ after the first entry, the share of noise: leave out the last '1 −'.",
        ),
        Mistake(
            lambda b: 1 - np.append(1.0, np.cumprod(1 - b)),
            "this is 1 − ᾱ, the share of noise: leave out the last '1 −'.",
        ),
        Mistake(
            lambda b: np.append([1.0, 1.0], np.cumprod(1 - b)[:-1]),
            "it is one step late: ᾱ_1 has the first β in it already.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.cumprod(1 - b)[:-1]),
            "the last β is left out: T steps and the start make T + 1 entries.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.cumprod(1 - b)[1:]),
            "the 1 should stand in front of all the products, not in place of the first.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.cumprod(1 - b[::-1])),
            "it multiplies from the last β backwards: start at the first.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.cumprod(1 - b**2)),
            "β is a variance already: don't square it.",
        ),
        Mistake(
            lambda b: np.append(1.0, (1 - b) ** np.arange(1, len(b) + 1)),
            "it takes all steps before t to be like step t: multiply the different β.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.exp(-np.cumsum(b))),
            "this is what infinitely many infinitely small steps would leave, close for small β "
            "only: multiply 1 − β.",
        ),
        Mistake(
            lambda b: np.prod(1 - b),
            "it returns the last product only: np.cumprod keeps all those on the way.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.prod(1 - b)),
            "it keeps the last product only: np.cumprod keeps all those on the way.",
        ),
        Mistake(
            lambda b: 1 + np.cumprod(1 - b),
            "the 1 is added to every number: with an array, + calculates. To put it in front, use "
            "np.append(1.0, …).",
        ),
        Mistake(
            lambda b: np.append(np.cumprod(1 - b), 0.0),
            "it has a 0 at the end, and no 1 in front: nothing says that the picture ends at 0.",
        ),
        Mistake(
            lambda b: np.append([1.0, 1.0], np.cumprod(1 - b)),
            "the 1 is there twice: ᾱ_0 = 1, and ᾱ_1 is the first product.",
        ),
        Mistake(
            lambda b: np.cumprod(np.sqrt(1 - b)),
            "this is √ᾱ, the amplitude (ᾱ is the product of 1 − β without roots), and ᾱ_0 = 1 is "
            "missing.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.cumprod((1 - b) ** 2)),
            "it squares: what a step keeps of the *power* is 1 − β itself.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.cumprod(1 - np.sqrt(b))),
            "β is a variance, a share of power: leave out the root.",
        ),
        Mistake(
            lambda b: 1 - np.cumprod(1 - b),
            "this is 1 − ᾱ, the share of noise, without t = 0: leave out the last '1 −' and put a "
            "1 in front.",
        ),
        Mistake(
            lambda b: np.append(1.0, 1 - np.cumprod(b)),
            "it multiplies the β and subtracts then: subtract first, and multiply the 1 − β.",
        ),
        Mistake(
            lambda b: 1 - np.cumprod(b),
            "it multiplies the β and subtracts then: subtract first, and multiply the 1 − β. "
            "(ᾱ_0 = 1 is missing, too.)",
        ),
        Mistake(
            lambda b: np.zeros(len(b) + 1),
            "it is 0 all along. (If you put the 1 in front of β, the first step takes everything: "
            "put it in front of the products.)",
        ),
        Mistake(
            lambda b: np.cumprod(1 - np.append(b, 0.0)),
            "ᾱ_0 = 1 is missing in front, and the last number stands there twice.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.cumprod(1 - b)[::-1]),
            "after the 1 the products run backwards: the first step comes first.",
        ),
        Mistake(lambda b: b, "this is β itself: ᾱ_t is the product of all 1 − β up to t."),
        Mistake(
            lambda b: np.append(1.0, b),
            "this is β with a 1 in front: ᾱ_t is the product of all 1 − β up to t.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.cumsum(b)),
            "it adds up the β: multiply the 1 − β (np.cumprod).",
        ),
        Mistake(
            lambda b: np.cumsum(b),
            "it adds up the β: multiply the 1 − β (np.cumprod), with a 1 in front.",
        ),
        Mistake(
            lambda b: np.append(1.0, (1 - b[0]) ** np.arange(1, len(b) + 1)),
            "it takes all steps to be like the first: multiply the different β.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.cumprod(1 - b)).round(3),
            "it rounds: keep all the digits.",
        ),
    )
    return settle("alpha_bar_from_beta", learner, _alpha_bar_from_beta, trials, mistakes)


def snr(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check the signal-to-noise ratio ᾱ / (1 − ᾱ), a function of (alpha_bar,)."""
    trials = [
        (np.array([0.9999, 0.9, 0.5, 0.2, 0.03]),),
        (np.array([0.7]),),
        (np.array([[0.99, 0.4], [0.6, 0.05]]),),
    ]
    mistakes = (
        Mistake(
            lambda a: (1 - a) / a,
            "this is noise to signal: the picture's power goes on top.",
        ),
        Mistake(
            lambda a: np.sqrt(a / (1 - a)),
            "this is the ratio of amplitudes: the signal-to-noise ratio compares powers, so leave "
            "out the root.",
        ),
        Mistake(
            lambda a: np.sqrt(a) / (1 - a),
            "an amplitude on top, a power below: use powers for both, without a root.",
        ),
        Mistake(
            lambda a: a / np.sqrt(1 - a),
            "a power on top, an amplitude below: use powers for both, without a root.",
        ),
        Mistake(lambda a: (a / (1 - a)) ** 2, "ᾱ is a power already: don't square."),
        Mistake(lambda a: a / (1 - a**2), "ᾱ is a power already: don't square."),
        Mistake(
            lambda a: 10 * np.log10(a / (1 - a)),
            "these are decibels, which come next: return the plain ratio.",
        ),
        Mistake(lambda a: a - (1 - a), "this is a difference: a ratio divides."),
        Mistake(lambda a: a, "this is ᾱ, the signal's share of the whole: divide by the noise's."),
        Mistake(lambda a: 1 - a, "this is the noise's share: ᾱ has to be divided by it."),
        Mistake(lambda a: 1 / (1 - a), "the signal is missing on top: it is ᾱ, not 1."),
        Mistake(
            lambda a: a * (1 - a),
            "this multiplies the two shares: a ratio divides, / in place of *.",
        ),
        Mistake(
            lambda a: a / 1 - a,
            "brackets are missing: Python divides first, so write a / (1 - a).",
        ),
        Mistake(
            lambda a: a / (a - 1),
            "it has the wrong sign: the noise's share is 1 − ᾱ, not ᾱ − 1.",
        ),
        Mistake(lambda a: a / (1 + a), "the noise's share is 1 − ᾱ: there is a + in place of −."),
        Mistake(lambda a: 1 / a, "this is one divided by ᾱ: divide ᾱ by the noise's share."),
        Mistake(
            lambda a: np.sqrt((1 - a) / a),
            "this is noise to signal, in amplitudes: the picture on top, and no root.",
        ),
        Mistake(lambda a: a**2 / (1 - a**2), "ᾱ is a power already: don't square."),
        Mistake(
            lambda a: np.sqrt(a) / (1 - np.sqrt(a)),
            "ᾱ is a power already: leave out the roots.",
        ),
        Mistake(lambda a: np.log10(a / (1 - a)), "no logarithm yet: return the plain ratio."),
        Mistake(lambda a: np.log(a / (1 - a)), "no logarithm yet: return the plain ratio."),
        Mistake(lambda a: 10 * np.log(a / (1 - a)), "no logarithm yet: return the plain ratio."),
        Mistake(lambda a: 20 * np.log10(a / (1 - a)), "no logarithm yet: return the plain ratio."),
        Mistake(lambda a: a // (1 - a), "// throws the fraction away: use /."),
        Mistake(lambda a: np.round(a / (1 - a)), "it rounds: keep the fraction."),
        Mistake(lambda a: np.round(a / (1 - a), 2), "it rounds: keep all the digits."),
        Mistake(
            lambda a: 100 * a / (1 - a),
            "this is in per cent: return the plain ratio, 1 where half is left.",
        ),
        Mistake(
            lambda a: a / (1 - a).mean(),
            "it divides by an average (or sum) over all steps: each step has its own ratio.",
        ),
        Mistake(
            lambda a: a / (1 - a).sum(),
            "it divides by an average (or sum) over all steps: each step has its own ratio.",
        ),
    )
    return settle("snr", learner, lambda alpha_bar: alpha_bar / (1 - alpha_bar), trials, mistakes)


def my_schedule(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check a schedule of one's own, a function of (T,) that returns ᾱ_0 … ᾱ_T."""
    return settle_property("my_schedule", learner, _my_schedule, [(50,), (200,), (1000,)], _unfit)


def _add_noise(x0, alpha_bar_t, eps):
    return alpha_bar_t**0.5 * x0 + (1 - alpha_bar_t) ** 0.5 * eps


def _alpha_bar_from_beta(beta):
    return np.append(1.0, np.cumprod(1 - beta))


def _my_schedule(T):
    return (1 - np.arange(T + 1) / T) ** 2


def _unfit(answer: Any, T: int) -> str | None:
    """Why an answer is no useful ᾱ_0 … ᾱ_T, the likely mistake first, or None."""
    if hasattr(answer, "alpha_bar"):
        return "it returns a whole Schedule: return its numbers, .alpha_bar."
    a = _array(answer)
    if a is None:
        return f"it returns a {type(answer).__name__}, but a list of numbers is expected."
    if a.ndim != 1 or len(a) < 2:
        return f"its answer has shape {a.shape}, but one flat list of T + 1 numbers is expected."
    if not np.isfinite(a).all():
        return "its answer holds NaN or infinity: look for a division by zero or a negative root."
    if len(a) == T and abs(a[0] - 1) < 1e-9:
        return f"T + 1 numbers are needed, for t = 0, 1, …, T, but T = {T} gives {len(a)}."
    if len(a) == T and a[0] > a[-1]:
        return (
            f"T = {T} gives {len(a)} numbers, and the first is {a[0]:.4g}: t = 0 is missing. Put a "
            "1 in front."
        )
    if len(a) not in (T, T + 1):
        return (
            f"T = {T} gives {len(a)} numbers, but there should be {T + 1}: use T, whatever it is, "
            "and not a fixed number."
        )
    if (a > 1).any() and (a[0] == 100 or a[0] == 255):
        return f"it starts at {a[0]:.0f}: ᾱ is a share, from 1 down to 0."
    if (np.diff(a) >= 0).all() and a[-1] > a[0]:
        if a[-1] > 0.9:
            return (
                "it rises from t = 0 to t = T: ᾱ is what is left of the *picture*, so it starts at "
                "1 and falls. (Did you return the share of noise, 1 − ᾱ, or count t backwards?)"
            )
        return (
            f"it starts at {a[0]:.4g} and rises: that looks like β, what each step adds. Return ᾱ, "
            "the product of all 1 − β so far, with a 1 in front."
        )
    if len(a) == T:
        return f"T + 1 numbers are needed, for t = 0, 1, …, T, but T = {T} gives {len(a)}."
    if a[0] != 1:
        return (
            f"it starts at {a[0]:.6g}, but t = 0 is the clean picture: the first number must be "
            "exactly 1. Put a 1 in front, or divide all by the first."
        )
    rises = np.flatnonzero(np.diff(a) > 0)
    if len(rises):
        t = rises[0] + 1
        return (
            f"for T = {T} it rises from {a[t - 1]:.4g} to {a[t]:.4g} at t = {t}, but noise is only "
            "ever added: it must never rise."
        )
    if a[-1] < 0:
        # What people get who let a step of 1/T, or a cosine, run down to 0.
        rounding = " (By rounding only: np.maximum(…, 0) mends it.)" if a[-1] > -1e-6 else ""
        return f"it goes below 0, to {a[-1]:.4g}: no less than nothing can be left.{rounding}"
    if (a[:-1] <= 0).any():
        t = int(np.flatnonzero(a <= 0)[0])
        return f"for T = {T} it is 0 at t = {t} already: only the very last may be 0."
    if a[-1] > 1e-3 * (1 + 1e-9):
        return (
            f"for T = {T} it ends at {a[-1]:.3g}, so {a[-1] ** 0.5:.0%} of the picture's amplitude "
            "is left in the last step: bring the end down to 0.001 or less. (Likely reasons: this "
            "is √ᾱ; or 1 − β, not multiplied up; or β that don't grow where T is small.)"
        )
    worst = int(np.argmax(-np.diff(a))) + 1
    if a[worst - 1] - a[worst] > 0.2:
        slashes = " (Is there a // in place of /?)" if np.isin(a, (0, 1)).all() else ""
        return (
            f"for T = {T} the step to t = {worst} takes {a[worst - 1] - a[worst]:.0%} of the "
            f"picture's power at once, but 20 % is the limit here: spread it over more steps."
            f"{slashes}"
        )
    return None


# --- lesson 03 ---


def votes(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check wᵢ ∝ exp(−‖x_t − √ᾱ_t xᵢ‖² / (2 (1−ᾱ_t))), a function of (x_t, data, alpha_bar_t).

    ``x_t`` (D,), ``data`` (N, D), ``alpha_bar_t`` a number; N votes that add up to 1.
    """
    draw = torch.Generator().manual_seed(3)
    trials = []
    # From one pixel, as in the lesson's table, to many: there exp(−gap) is 0 to a computer.
    for pictures, pixels, apart, left in (
        (3, 1, 1.0, 0.64), (4, 5, 0.8, 0.3), (6, 7, 0.3, 0.9), (5, 3000, 0.05, 0.2),
        (3, 4, 0.02, 0.9995), (1, 6, 1.0, 0.5),
    ):  # fmt: skip
        centre = torch.rand(pixels, generator=draw, dtype=torch.float64) - 0.5
        change = torch.randn(pictures, pixels, generator=draw, dtype=torch.float64)
        data = centre + apart * change
        eps = torch.randn(pixels, generator=draw, dtype=torch.float64)
        x_t = left**0.5 * data[0] + (1 - left) ** 0.5 * eps
        if pixels == 1:
            x_t, data = torch.tensor([0.5]).double(), torch.tensor([[-1.0], [0.0], [1.0]]).double()
        trials.append((x_t, data, torch.tensor(left, dtype=torch.float64)))

    def squared(x_t, data, a):
        return (x_t - a**0.5 * data).square().sum(1)

    def right(x_t, data, a):
        return -squared(x_t, data, a) / (2 * (1 - a))

    # What a mistake puts into the exponent, and its hint.
    exponents = (
        (
            lambda x, d, a: -(x - d).square().sum(1) / (2 * (1 - a)),
            "the pictures are compared at full strength, but in x_t only √ᾱ of each is left: "
            "multiply data by √ᾱ.",
        ),
        (
            lambda x, d, a: -(x - a * d).square().sum(1) / (2 * (1 - a)),
            "ᾱ is a share of power; what multiplies the pictures is its square root.",
        ),
        (
            lambda x, d, a: -(x - (1 - a) ** 0.5 * d).square().sum(1) / (2 * (1 - a)),
            "the pictures are multiplied by √(1 − ᾱ), which is the noise's factor: theirs is √ᾱ.",
        ),
        (
            lambda x, d, a: -(a**0.5 * x - d).square().sum(1) / (2 * (1 - a)),
            "√ᾱ belongs to the pictures and not to x_t, in which it is already.",
        ),
        (
            lambda x, d, a: -(x / a**0.5 - d).square().sum(1) / (2 * (1 - a)),
            "x_t divided by √ᾱ has more noise than before: then its variance is (1 − ᾱ)/ᾱ. It is "
            "simpler to multiply data by √ᾱ instead.",
        ),
        (
            lambda x, d, a: -(x - a**0.5 * d).abs().sum(1) / (2 * (1 - a)),
            "the differences are not squared.",
        ),
        (
            lambda x, d, a: -squared(x, d, a).sqrt() / (2 * (1 - a)),
            "one square root too many: the exponent has the sum of the squares itself, not the "
            "distance.",
        ),
        (
            lambda x, d, a: -(x - a**0.5 * d).sum(1).square() / (2 * (1 - a)),
            "it adds the differences first and squares the sum, so that plus and minus cancel: "
            "square each pixel's difference, then add.",
        ),
        (
            lambda x, d, a: -squared(x, d, a) / (1 - a),
            "the 2 is missing: divide by 2 (1 − ᾱ). Yours is surer than it should be.",
        ),
        (
            lambda x, d, a: -squared(x, d, a) / 2 * (1 - a),
            "brackets are missing: / 2 * (1 − ᾱ) divides by 2 and then multiplies. Write "
            "/ (2 * (1 − ᾱ)).",
        ),
        (
            lambda x, d, a: -squared(x, d, a) / (2 * (1 - a) ** 0.5),
            "it divides by the noise's spread, √(1 − ᾱ): the exponent has its variance, 1 − ᾱ.",
        ),
        (
            lambda x, d, a: -squared(x, d, a) / (2 * (1 - a) ** 2),
            "1 − ᾱ is the variance already: don't square it.",
        ),
        (
            lambda x, d, a: -squared(x, d, a) / (2 * a),
            "it divides by ᾱ: how far off a picture may be is up to the noise, whose variance is "
            "1 − ᾱ.",
        ),
        (
            lambda x, d, a: -squared(x, d, a) / 2,
            "the noise is nowhere: divide by 2 (1 − ᾱ), or it is as sure in thick noise as in "
            "thin.",
        ),
        (
            lambda x, d, a: -squared(x, d, a),
            "the noise is nowhere: divide by 2 (1 − ᾱ), or it is as sure in thick noise as in "
            "thin.",
        ),
        (
            lambda x, d, a: -(x - a**0.5 * d).square().mean(1) / (2 * (1 - a)),
            "it takes the mean over the pixels: each pixel is a clue of its own, so add them up "
            "(sum).",
        ),
        (
            lambda x, d, a: squared(x, d, a) / (2 * (1 - a)),
            "the minus is missing, so the picture that fits *worst* gets most votes.",
        ),
        (
            lambda x, d, a: a**0.5 * (d @ x) / (1 - a),
            "it compares by a product, which favours strong pictures: also take "
            "ᾱ ‖xᵢ‖² / (2 (1 − ᾱ)) away from each, or square differences.",
        ),
        (
            lambda x, d, a: -(x - a**1 / 2 * d).square().sum(1) / (2 * (1 - a)),
            "it halves: `a ** 1 / 2` is a/2. Write ** 0.5 for a square root.",
        ),
    )

    def with_softmax(exponent):
        return lambda x, d, a: torch.softmax(exponent(x, d, a), 0)

    def with_exp(exponent):
        return lambda x, d, a: _shares(torch.exp(exponent(x, d, a)))

    mistakes = [
        Mistake(way(exponent), hint)
        for exponent, hint in exponents
        for way in (with_softmax, with_exp)
    ]
    underflow = (
        "the formula is right, but in the trial with 3,000 pixels it fails: e to the −1500 is 0 "
        "to a computer. Hand the exponents to torch.softmax(…, 0), or take away their largest "
        "first."
    )
    # Guards of many sizes are in use; they all answer 0 where there is nothing left to divide.
    mistakes += [Mistake(with_exp(right), underflow)] + [
        Mistake(lambda x, d, a, g=g: _shares(torch.exp(right(x, d, a)), g), underflow)
        for g in (1e-300, 1e-12, 1e-10, 1e-9, 1e-8, 1e-6)
    ]
    mistakes += [
        Mistake(
            lambda x, d, a: torch.exp(right(x, d, a)),
            "the votes don't add up to 1: divide them by their sum (torch.softmax does).",
        ),
        Mistake(
            right,
            "these are the exponents: take e to their power and divide by the sum, which is what "
            "torch.softmax(…, 0) does.",
        ),
        Mistake(
            lambda x, d, a: _shares(-right(x, d, a)),
            "the exponents are shared out as they are, so the worst gets most: take e to the "
            "power of minus that first, as torch.softmax does.",
        ),
        Mistake(squared, "these are the gaps: the better a picture fits, the more votes it needs."),
        Mistake(
            lambda x, d, a: torch.sigmoid(right(x, d, a)),
            "sigmoid looks at each picture alone; the votes have to add up to 1: softmax.",
        ),
        *(
            Mistake(
                lambda x, d, a, power=power: _shares(squared(x, d, a) ** power),
                "it votes by one over the distance. How likely a gap is falls off much faster, "
                "like a bell curve: e to the power of −gap / (2 (1 − ᾱ)).",
            )
            for power in (-0.5, -1)
        ),
        Mistake(
            lambda x, d, a: (squared(x, d, a) == squared(x, d, a).min()).double(),
            "the nearest picture takes all the votes. The others count too, by how well they fit.",
        ),
        Mistake(
            lambda x, d, a: squared(x, d, a).argmin(),
            "it returns the number of the nearest picture; a vote for each picture is asked for.",
        ),
        Mistake(
            lambda x, d, a: torch.full((len(d),), 1 / len(d)),
            "all votes are equal, so x_t has no say.",
        ),
        Mistake(
            lambda x, d, a: torch.softmax(right(x, d, a), 0) @ d,
            "this is the guess, one step further on: return the votes themselves.",
        ),
        Mistake(
            lambda x, d, a: torch.softmax(right(x, d, a).sum(), 0),
            "it adds up everything, all pictures too: .sum(1) adds the pixels of each picture "
            "alone.",
        ),
        Mistake(
            lambda x, d, a: torch.softmax(-(x - a**0.5 * d).square().sum(0) / (2 * (1 - a)), 0),
            "it adds up the pictures and gives each *pixel* a vote: .sum(1) adds the pixels of "
            "each picture.",
        ),
        Mistake(
            lambda x, d, a: torch.softmax(-(x - a**0.5 * d).square() / (2 * (1 - a)), 0),
            "each pixel votes by itself: first add up the pixels of each picture, .sum(1), then "
            "vote.",
        ),
    ]
    # Answers in float32 are right too, and the exponents reach 1500.
    return settle("votes", learner, _votes, trials, mistakes, tolerance=1e-3)


def leftover_noise(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check ε̂ = (x_t − √ᾱ_t x̂₀) / √(1−ᾱ_t), a function of (x_t, x0_hat, alpha_bar_t)."""
    draw = torch.Generator().manual_seed(4)
    trials = []
    for shape, left in (((2, 3, 5, 7), 0.3), ((4,), 0.9981), ((1, 1, 3, 3), 0.64), ((5, 2), 0.02)):
        # Guesses are now and then outside [−1, 1].
        x0_hat = torch.rand(shape, generator=draw) * 2.8 - 1.4
        x_t = left**0.5 * x0_hat + (1 - left) ** 0.5 * torch.randn(shape, generator=draw)
        trials.append((x_t, x0_hat, torch.tensor(left, dtype=torch.float64)))
    mistakes = (
        Mistake(
            lambda x_t, x0, a: x_t - x0,
            "x_t − x̂₀ is no noise yet: only √ᾱ of the picture is in x_t, and what is left over "
            "is √(1 − ᾱ) times the noise.",
        ),
        Mistake(
            lambda x_t, x0, a: x_t - a**0.5 * x0,
            "what is left over is √(1 − ᾱ) times the noise: divide by it.",
        ),
        Mistake(
            lambda x_t, x0, a: (x_t - a**0.5 * x0) * (1 - a) ** 0.5,
            "it multiplies by √(1 − ᾱ) once more: divide.",
        ),
        Mistake(
            lambda x_t, x0, a: (x_t - a**0.5 * x0) / (1 - a),
            "it divides by the variance 1 − ᾱ; what multiplies the noise is its square root.",
        ),
        Mistake(
            lambda x_t, x0, a: (x_t - a * x0) / (1 - a) ** 0.5,
            "ᾱ is a share of power; what multiplies the picture is its square root.",
        ),
        Mistake(
            lambda x_t, x0, a: (x_t - a * x0) / (1 - a),
            "both square roots are missing: ᾱ and 1 − ᾱ are shares of power.",
        ),
        Mistake(
            lambda x_t, x0, a: (x_t - x0) / (1 - a) ** 0.5,
            "the picture is taken away at full strength, but only √ᾱ of it is in x_t.",
        ),
        Mistake(
            lambda x_t, x0, a: (x_t - (1 - a) ** 0.5 * x0) / a**0.5,
            "the two factors are swapped: the picture's is √ᾱ, the noise's √(1 − ᾱ).",
        ),
        Mistake(
            lambda x_t, x0, a: (a**0.5 * x0 - x_t) / (1 - a) ** 0.5,
            "the sign is turned: take the picture away from x_t.",
        ),
        Mistake(
            lambda x_t, x0, a: (x_t + a**0.5 * x0) / (1 - a) ** 0.5,
            "the picture is added: take it away.",
        ),
        Mistake(
            lambda x_t, x0, a: x_t - a**0.5 * x0 / (1 - a) ** 0.5,
            "brackets are missing: only the picture is divided by √(1 − ᾱ).",
        ),
        Mistake(
            lambda x_t, x0, a: (x_t - a**0.5 * x0) / 1 - a**0.5,
            "brackets are missing: `/ 1 - a` divides by 1 and then takes away.",
        ),
        Mistake(
            lambda x_t, x0, a: (x_t - a**0.5 * x0) / (1 - a**0.5),
            "1 − √ᾱ is not √(1 − ᾱ): subtract first, then take the root.",
        ),
        Mistake(
            lambda x_t, x0, a: (x_t - a**0.5 * x0) / a**0.5,
            "it divides by √ᾱ, the picture's factor; the noise's is √(1 − ᾱ).",
        ),
        Mistake(
            lambda x_t, x0, a: (x_t - a**1 / 2 * x0) / ((1 - a) ** 1 / 2),
            "it halves: `a ** 1 / 2` is a/2. Write ** 0.5 for a square root.",
        ),
        Mistake(
            lambda x_t, x0, a: x_t / (1 - a) ** 0.5,
            "x̂₀ is nowhere: take its share out of x_t first.",
        ),
        Mistake(lambda x_t, x0, a: x0, "it returns the guess of the picture, not of the noise."),
        Mistake(
            lambda x_t, x0, a: a**0.5 * x_t - (1 - a) ** 0.5 * x0,
            "this is how a velocity is turned (lesson 04); here the picture itself is known.",
        ),
        Mistake(
            lambda x_t, x0, a: ((x_t - a**0.5 * x0) / (1 - a) ** 0.5).clamp(-1, 1),
            "the result is clipped: noise is often outside [−1, 1].",
        ),
        Mistake(
            lambda x_t, x0, a: (x_t - a**0.5 * x0.clamp(-1, 1)) / (1 - a) ** 0.5,
            "x̂₀ is clipped. Sensible at times, but the formula doesn't.",
        ),
    )
    return settle("leftover_noise", learner, _leftover_noise, trials, mistakes)


def voters(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check e^H with H = −Σ wᵢ ln wᵢ, where 0 ln 0 counts 0, a function of (weights,)."""
    draw = torch.Generator().manual_seed(5)
    some = torch.softmax(2 * torch.randn(7, generator=draw, dtype=torch.float64), 0)
    trials = [
        (torch.tensor(weights, dtype=torch.float64),)
        for weights in (
            [0.25] * 4, [1.0], [0.5, 0.3, 0.2], some.tolist(), [0.0, 1.0, 0.0], [0.5, 0.0, 0.5],
        )
    ]  # fmt: skip

    def entropy(w):
        return -torch.special.xlogy(w, w).sum()

    mistakes = (
        Mistake(
            lambda w: torch.exp(-(w * w.log()).sum()),
            "right, but for votes of exactly 0: there 0 · ln 0 becomes NaN. It should count 0; "
            "leave those out, or use torch.xlogy(w, w).",
        ),
        Mistake(entropy, "this is H itself: take e to its power, so that four equal votes give 4."),
        Mistake(lambda w: -(w * w.log()).sum(), "take e to its power, and mind votes of 0: NaN."),
        Mistake(
            lambda w: torch.exp(-entropy(w)),
            "the minus is missing: four equal votes should give 4, and yours gives 1/4.",
        ),
        Mistake(
            lambda w: 2 ** entropy(w),
            "it mixes two bases: with the natural logarithm take e to the power, not 2.",
        ),
        Mistake(
            lambda w: torch.exp(entropy(w) / math.log(2)),
            "it mixes two bases: with the logarithm to base 2 take 2 to the power, not e.",
        ),
        Mistake(
            lambda w: torch.exp(entropy(w) / math.log(10)),
            "it mixes two bases: log10 needs 10 to the power, log needs e.",
        ),
        Mistake(
            lambda w: 1 / w.square().sum(),
            "1 / Σ w² is an honest count as well, but another one; the formula above is asked for.",
        ),
        Mistake(
            lambda w: 1 / w.max(),
            "one over the largest vote ignores how the others are shared out.",
        ),
        Mistake(
            lambda w: (w > 0).sum(),
            "it counts every vote above 0 as a whole one, however small it is.",
        ),
        Mistake(lambda w: torch.tensor(len(w)), "it counts all pictures, whatever their votes."),
        Mistake(
            lambda w: torch.exp(entropy(w) / len(w)),
            "it takes the mean: add the w ln w up (sum).",
        ),
        Mistake(
            lambda w: torch.exp(-w.clamp(min=1e-300).log().sum()),
            "each logarithm has to be multiplied by its own vote before they are added.",
        ),
        Mistake(
            lambda w: torch.exp(torch.special.entr(w)),
            "it returns a number for each picture: add them up before taking e to the power.",
        ),
    )
    return settle("voters", learner, _voters, trials, mistakes)


def _shares(parts: torch.Tensor, guard: float = 0.0) -> torch.Tensor:
    return parts / (parts.sum() + guard)


def _votes(x_t, data, alpha_bar_t):
    gap = (x_t - alpha_bar_t**0.5 * data).square().sum(1)
    return torch.softmax(-gap / (2 * (1 - alpha_bar_t)), 0)


def _leftover_noise(x_t, x0_hat, alpha_bar_t):
    return (x_t - alpha_bar_t**0.5 * x0_hat) / (1 - alpha_bar_t) ** 0.5


def _voters(weights):
    return torch.exp(-torch.special.xlogy(weights, weights).sum())


# --- lesson 04 ---

_HALVED = "it halves where a square root belongs: ** 1/2 is read as (… ** 1) / 2, so write ** 0.5."


def velocity(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check the training target v = √ᾱ_t ε − √(1−ᾱ_t) x₀, a function of (x0, alpha_bar_t, eps)."""
    draw = torch.Generator().manual_seed(4)

    def picture(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=draw) * 2 - 1

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=draw)

    # The first has a level for each picture, as in training; two are the ends of the schedule.
    trials = [
        (picture(2, 3, 5, 7), torch.tensor([0.81, 0.3]).reshape(2, 1, 1, 1), noise(2, 3, 5, 7))
    ] + [
        (picture(*shape), torch.tensor(share, dtype=torch.float64), noise(*shape))
        for share, shape in ((0.2, (1, 1, 4, 4)), (0.64, (6,)), (1.0, (1, 3, 4, 4)),
                             (0.0, (1, 3, 4, 4)))
    ]  # fmt: skip
    no_root = (
        "the square roots are missing: ᾱ and 1 − ᾱ are shares of power, and power is a square. "
        "What multiplies ε is √ᾱ, and what multiplies x0 is √(1 − ᾱ)."
    )
    negative = (
        "every sign is the wrong way round: the network would learn −v. The noise comes with a "
        "plus, the picture with a minus."
    )
    swapped = (
        "the two rates are swapped. In v the noise has the picture's rate √ᾱ, and the picture has "
        "the noise's, √(1 − ᾱ)."
    )
    straight = (
        "this is a plain difference without the rates. (Another method, flow matching, calls it "
        "velocity, but its x_t is mixed in another way.) Multiply ε by √ᾱ and x0 by √(1 − ᾱ)."
    )
    no_bracket = (
        "brackets are missing: Python takes the power first, so write (1 - alpha_bar_t) ** 0.5."
    )
    half = "one of the two terms is missing: v has noise, √ᾱ ε, and picture, −√(1 − ᾱ) x0."
    mistakes = (
        Mistake(lambda x0, a, eps: (1 - a) ** 0.5 * x0 - a**0.5 * eps, negative),
        Mistake(
            lambda x0, a, eps: a**0.5 * eps + (1 - a) ** 0.5 * x0,
            "it adds the picture: v has a minus there. Otherwise x0 could not be worked out from "
            "x_t and v.",
        ),
        Mistake(
            lambda x0, a, eps: a**0.5 * x0 + (1 - a) ** 0.5 * eps,
            "this is x_t, what the network is *given*. What it should answer is v: noise times √ᾱ "
            "minus picture times √(1 − ᾱ).",
        ),
        Mistake(
            lambda x0, a, eps: a**0.5 * x0 - (1 - a) ** 0.5 * eps,
            "x0 and ε have changed places: in v it is the noise that is multiplied by √ᾱ.",
        ),
        Mistake(lambda x0, a, eps: (1 - a) ** 0.5 * eps - a**0.5 * x0, swapped),
        Mistake(lambda x0, a, eps: a * eps - (1 - a) * x0, no_root),
        Mistake(lambda x0, a, eps: (1 - a) * x0 - a * eps, no_root),
        Mistake(lambda x0, a, eps: a * x0 - (1 - a) * eps, no_root),
        Mistake(lambda x0, a, eps: a * eps + (1 - a) * x0, no_root),
        Mistake(lambda x0, a, eps: (1 - a) * eps - a * x0, swapped + " And take square roots."),
        Mistake(
            lambda x0, a, eps: a**0.5 * eps - (1 - a) * x0,
            "one square root is missing: what multiplies x0 is √(1 − ᾱ), not 1 − ᾱ.",
        ),
        Mistake(
            lambda x0, a, eps: a * eps - (1 - a) ** 0.5 * x0,
            "one square root is missing: what multiplies ε is √ᾱ, not ᾱ.",
        ),
        Mistake(
            lambda x0, a, eps: a**0.5 * eps - (1 - a**0.5) * x0,
            "the bracket closes too late: √(1 − ᾱ) is (1 - alpha_bar_t) ** 0.5, and yours is "
            "1 − √ᾱ.",
        ),
        Mistake(lambda x0, a, eps: a**0.5 * eps - 1 - a**0.5 * x0, no_bracket),
        Mistake(lambda x0, a, eps: a**0.5 * eps - (1 - a**0.5 * x0), no_bracket),
        Mistake(lambda x0, a, eps: a / 2 * eps - (1 - a) / 2 * x0, _HALVED),
        Mistake(lambda x0, a, eps: a / 2 * eps - (1 - a) ** 0.5 * x0, _HALVED),
        Mistake(lambda x0, a, eps: a**0.5 * eps - (1 - a) / 2 * x0, _HALVED),
        Mistake(lambda x0, a, eps: a**0.5 * (eps - x0), "x0 has the wrong rate: it is √(1 − ᾱ)."),
        Mistake(lambda x0, a, eps: (1 - a) ** 0.5 * (eps - x0), "ε has the wrong rate: it is √ᾱ."),
        Mistake(lambda x0, a, eps: a**2 * eps - (1 - a) ** 2 * x0, "√ is ** 0.5, and not ** 2."),
        Mistake(lambda x0, a, eps: eps - x0, straight),
        Mistake(lambda x0, a, eps: x0 - eps, straight),
        Mistake(
            lambda x0, a, eps: a**0.5 * eps - (1 - a) ** 0.5 * (a**0.5 * x0 + (1 - a) ** 0.5 * eps),
            "it subtracts the noisy picture x_t: take the clean one, x0.",
        ),
        Mistake(
            lambda x0, a, eps: eps,
            "this is the noise itself, a target too; but read on: it fails at the last level. "
            "The velocity is noise *and* picture.",
        ),
        Mistake(
            lambda x0, a, eps: x0,
            "this is the picture itself, a target too, but the velocity is noise *and* picture.",
        ),
        Mistake(lambda x0, a, eps: a**0.5 * eps, half),
        Mistake(lambda x0, a, eps: -((1 - a) ** 0.5) * x0, half),
        Mistake(lambda x0, a, eps: (1 - a) ** 0.5 * x0, half),
        Mistake(
            lambda x0, a, eps: a**0.5 * eps - (1 - a) ** 0.5 * eps,
            "both terms hold ε: the second is the picture, x0.",
        ),
        Mistake(
            lambda x0, a, eps: a**0.5 * x0 - (1 - a) ** 0.5 * x0,
            "both terms hold x0: the first is the noise, eps.",
        ),
        Mistake(
            lambda x0, a, eps: (a**0.5 * eps - (1 - a) ** 0.5 * x0).clamp(-1, 1),
            "the formula is right, but the result is clipped: noise may lie outside [−1, 1].",
        ),
        Mistake(
            lambda x0, a, eps: (a**0.5 * eps - (1 - a) ** 0.5 * x0).mean(),
            "the formula is right, but it is averaged to one number: return all of them. The mean "
            "comes with the loss.",
        ),
    )
    return settle("velocity", learner, _velocity, trials, mistakes)


def ema_update(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check the running average keep · mean + (1 − keep) · weight, a function of those three."""
    draw = torch.Generator().manual_seed(5)
    trials = [
        (torch.randn(shape, generator=draw), torch.randn(shape, generator=draw), keep)
        for shape, keep in (((3, 5), 0.9), ((4,), 0.25), ((2, 1, 3, 3), 0.999), ((1,), 0.0),
                            ((2,), 1.0))
    ]  # fmt: skip
    swapped = (
        "keep is on the wrong side: keep is the share of the old *mean* that stays. With 0.999 "
        "yours forgets nearly all of it at each step."
    )
    grows = (
        "its two shares don't add to 1, so that the mean grows or shrinks at every step: they are "
        "keep and 1 − keep."
    )
    mistakes = (
        Mistake(lambda m, w, k: (1 - k) * m + k * w, swapped),
        Mistake(
            lambda m, w, k: (m + w) / 2,
            "it takes half of each, whatever keep says.",
        ),
        Mistake(lambda m, w, k: m + (1 - k) * w, grows),
        Mistake(lambda m, w, k: k * m + w, grows),
        Mistake(lambda m, w, k: m + k * w, grows),
        Mistake(lambda m, w, k: (1 - k) * m + w, grows),
        Mistake(lambda m, w, k: k * m + k * w, grows),
        Mistake(lambda m, w, k: (1 - k) * (m + w), grows),
        Mistake(lambda m, w, k: m + w, grows),
        Mistake(
            lambda m, w, k: k * m + 1 - k * w,
            "brackets are missing: Python multiplies first, so write (1 - keep) * weight.",
        ),
        Mistake(
            lambda m, w, k: 0.9 * m + 0.1 * w,
            "it takes 0.9 whatever keep says: that was an example only.",
        ),
        Mistake(
            lambda m, w, k: (k * m + (1 - k) * w) / 2,
            "it is half of what it should be: keep and 1 − keep add to 1 already.",
        ),
        Mistake(
            lambda m, w, k: k * m - (1 - k) * w,
            "it subtracts the new weights: a mean adds them.",
        ),
        Mistake(
            lambda m, w, k: m - (1 - k) * (w - m),
            "it moves *away* from the new weights: go a little way towards them.",
        ),
        Mistake(
            lambda m, w, k: (1 - k) * (w - m),
            "this is only how far the mean should move: add it to the mean.",
        ),
        Mistake(
            lambda m, w, k: m + k * (m - w),
            "it moves *away* from the new weights: go a little way towards them.",
        ),
        Mistake(lambda m, w, k: k * m, "the new weights are missing: add (1 − keep) · weight."),
        Mistake(lambda m, w, k: (1 - k) * w, "the old mean is missing: add keep · mean."),
        Mistake(lambda m, w, k: k * w, "the old mean is missing, and keep belongs to it."),
        Mistake(lambda m, w, k: w, "it returns the newest weights: nothing is averaged."),
        Mistake(lambda m, w, k: m, "it returns the old mean: nothing of the new weights enters."),
        Mistake(
            lambda m, w, k: k * m + (1 - k) * w * w,
            "it squares the weights: the mean is of the weights themselves.",
        ),
        Mistake(
            lambda m, w, k: k * m * (1 - k) * w,
            "it multiplies the two parts: add them.",
        ),
    )

    def course(mean, weight, keep):
        return keep * mean + (1 - keep) * weight

    return settle("ema_update", learner, course, trials, mistakes)


def draw_t(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check n levels from 1 to T, all equally likely, a function of (T, n, generator)."""
    # The first two start from the same seed, so they must be the same draw.
    seeds = ((10, 4000, 6), (10, 4000, 6), (10, 4000, 7), (1000, 60_000, 8), (2, 5, 9), (7, 1, 10))
    trials = [(T, n, torch.Generator().manual_seed(seed)) for T, n, seed in seeds]
    seen: dict[tuple[int, int], list[np.ndarray]] = {}

    def problem(answer: Any, T: int, n: int, generator: torch.Generator) -> str | None:
        wrong = _unfit_levels(answer, T, n)
        if wrong is not None:
            return wrong
        before = seen.setdefault((T, n), [])
        before.append(_array(answer))
        return _generator_trouble(before)

    return settle_property("draw_t", learner, _draw_t, trials, problem)


def _velocity(x0, alpha_bar_t, eps):
    return alpha_bar_t**0.5 * eps - (1 - alpha_bar_t) ** 0.5 * x0


def _draw_t(T, n, generator):
    return torch.randint(1, T + 1, (n,), generator=generator)


def _unfit_levels(answer: Any, T: int, n: int) -> str | None:
    """Why an answer is no fair draw of n levels 1 … T, the likely mistake first, or None."""
    t = _array(answer)
    if t is None:
        return f"it returns a {type(answer).__name__}, but n whole numbers are expected."
    if t.shape == () or (t.shape == (1,) and n != 1):
        return "it draws one level for all: each picture of the batch gets its own, so draw n."
    if t.shape != (n,):
        return f"its answer has shape {t.shape}, but {(n,)} is expected: n = {n} levels in a row."
    if not np.isfinite(t).all() or (t != np.round(t)).any():
        return "it draws fractions: a level is a whole number."
    kind = answer.dtype if isinstance(answer, torch.Tensor) else np.asarray(answer).dtype
    if "float" in str(kind):
        return f"its numbers are whole, but they come as {kind}: end with .long()."
    low, high = int(t.min()), int(t.max())
    if low < 0:
        return f"it draws {low}: levels run from 1 to T."
    if low == 0 and high == T - 1:
        return (
            f"it draws from 0 to T − 1: at t = 0 there is no noise to predict, and t = T = {T}, "
            "where drawing will start, is never trained. (randint leaves its upper end out.)"
        )
    if low == 0 and high < T - 1 and n > 100 * T:
        return (
            f"for T = {T} it draws from 0 to {high}: it should be from 1, and T itself must be "
            "drawn too. (A well-known course does just that, randint(0, T − 1).)"
        )
    if low == 0:
        return "it draws 0, where there is no noise to predict: start at 1."
    if high > T:
        return (
            f"for T = {T} it draws {high}, beyond the last level: randint leaves its upper end "
            "out, so that is T + 1, whatever T is."
        )
    if n > 100 and low == high and T > 1:
        return f"all its levels are {low}: draw each picture's own."
    if n > 30 * T and T > 1:
        counts = np.bincount(t.astype(np.int64), minlength=T + 1)[1:]
        if counts[-1] == 0 and (counts[:-1] > 0).all():
            return (
                f"T = {T} is never drawn, and that is where drawing will start: randint leaves its "
                "upper end out, so give it T + 1."
            )
        if counts[0] == 0 and (counts[1:] > 0).all():
            return "1 is never drawn: it should be from 1 to T, both included."
        # Six standard deviations of a fair draw.
        if np.abs(counts - n / T).max() > 6 * np.sqrt(n / T):
            return "some levels come more often than others: let all be equally likely."
        if (np.diff(t) >= 0).all() or np.array_equal(t[:T], t[T : 2 * T]):
            return "its levels come in order, not at random: draw them."
    return None


# --- lesson 05 ---


def step_back(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check x_s = √ᾱ_s x̂₀ + √(1−ᾱ_s) ε̂, a function of (x_t, x0_hat, eps_hat, alpha_bar_s)."""
    draw = torch.Generator().manual_seed(5)
    trials = []
    # The first shape has odd sizes; the last trial is the last step, where no noise is left.
    for shape, left_t, left_s in (
        ((2, 3, 5, 7), 0.3, 0.64), ((6,), 0.001, 0.05), ((1, 1, 4, 4), 0.97, 0.9981),
        ((1, 3, 2, 2), 0.2, 0.5), ((1, 3, 4, 4), 0.9, 1.0),
    ):  # fmt: skip
        # Wider than [−1, 1]: predictions are, now and then.
        x0_hat = torch.rand(shape, generator=draw) * 2.8 - 1.4
        eps_hat = torch.randn(shape, generator=draw)
        x_t = left_t**0.5 * x0_hat + (1 - left_t) ** 0.5 * eps_hat
        trials.append((x_t, x0_hat, eps_hat, torch.tensor(left_s, dtype=torch.float64)))
    mistakes = (
        Mistake(
            lambda x_t, x0, eps, a: a**0.5 * x0 + (1 - a) * eps,
            "the noise lacks its square root: 1 − ᾱ is its variance, and what multiplies ε̂ is "
            "√(1 − ᾱ).",
        ),
        Mistake(
            lambda x_t, x0, eps, a: a * x0 + (1 - a) ** 0.5 * eps,
            "the picture lacks its square root: ᾱ is a share of power, and what multiplies x̂₀ is "
            "√ᾱ.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: a * x0 + (1 - a) * eps,
            "both square roots are missing: ᾱ and 1 − ᾱ are shares of power, and power is a "
            "square.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: (1 - a) ** 0.5 * x0 + a**0.5 * eps,
            "the two factors are swapped: at ᾱ = 1 nothing but x̂₀ should be left, and yours is "
            "all noise.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: (1 - a) * x0 + a * eps,
            "the two factors are swapped (at ᾱ = 1 nothing but x̂₀ should be left), and both lack "
            "their square root.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: a**0.5 * x0 - (1 - a) ** 0.5 * eps,
            "the noise is subtracted. It has been taken out already, in x̂₀; here a little of it "
            "is put back, so add it.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: x_t,
            "it gives x_t back, so nothing moves: take ᾱ at s, where you want to go, and not at "
            "t, where you are.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: x0,
            "it returns x̂₀: that jumps the whole way at once, to a blur. Put noise back until "
            "the share ᾱ_s of picture is right.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: a**0.5 * x0,
            "no noise is put back: add √(1 − ᾱ_s) ε̂. The network has only ever seen pictures "
            "with the full noise of their level.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: (1 - a) ** 0.5 * eps,
            "this is the noise alone: add √ᾱ_s x̂₀.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: a**0.5 * x_t + (1 - a) ** 0.5 * eps,
            "it mixes x_t with noise. x_t has its noise in it already: mix x̂₀, the clean guess, "
            "with ε̂.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: a**0.5 * x0 + (1 - a) ** 0.5 * x_t,
            "it mixes x̂₀ with x_t, so that there is too much picture: mix it with ε̂.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: a**0.5 * x0 + (1 - a**0.5) * eps,
            "your two factors add to 1, but their squares should: the noise's is √(1 − ᾱ), not "
            "1 − √ᾱ.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: x0 + (1 - a) ** 0.5 * eps,
            "the picture is at full strength: multiply x̂₀ by √ᾱ_s, or it is too loud for its "
            "level.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: x0 + (1 - a) * eps,
            "the picture is at full strength (multiply x̂₀ by √ᾱ_s), and the noise lacks its root.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: a**0.5 * x0 + eps,
            "the noise comes back at full strength: multiply ε̂ by √(1 − ᾱ_s).",
        ),
        Mistake(
            lambda x_t, x0, eps, a: x0 + eps,
            "this only adds: ᾱ_s should say how much of each, √ᾱ_s of the picture and √(1 − ᾱ_s) "
            "of the noise.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: x_t - eps,
            "it takes away all the predicted noise, and without its factor: build x_s anew from "
            "x̂₀ and ε̂.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: x_t - (1 - a) ** 0.5 * eps,
            "it takes noise away from x_t. Then the picture in it stays as faint as it was: build "
            "x_s anew from x̂₀ and ε̂.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: (x_t - (1 - a) ** 0.5 * eps) / a**0.5,
            "this is the formula for x̂₀, with ᾱ of the wrong step: x̂₀ is given. Put noise back.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: a * x_t + (1 - a) * x0,
            "it blends x_t and x̂₀. That makes the noise in x_t smaller, but not the size that "
            "belongs to s: mix x̂₀ with ε̂.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: a * x0 + (1 - a) * x_t,
            "it blends x_t and x̂₀. That makes the noise in x_t smaller, but not the size that "
            "belongs to s: mix x̂₀ with ε̂.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: a * x0 + (1 - a**2) ** 0.5 * eps,
            "it takes ᾱ for what multiplies the picture: ᾱ is the share of power, which is the "
            "square of that.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: a**2 * x0 + (1 - a) ** 2 * eps,
            "it takes squares where square roots are needed: √ is ** 0.5.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: a**0.5 * x0 + 1 - a**0.5 * eps,
            "brackets are missing: Python takes the power first, so write (1 - alpha_bar_s) ** "
            "0.5.",
        ),
        Mistake(lambda x_t, x0, eps, a: a / 2 * x0 + (1 - a) / 2 * eps, _HALVED),
        Mistake(lambda x_t, x0, eps, a: a / 2 * x0 + (1 - a) ** 0.5 * eps, _HALVED),
        Mistake(lambda x_t, x0, eps, a: a**0.5 * x0 + (1 - a) / 2 * eps, _HALVED),
        Mistake(
            lambda x_t, x0, eps, a: a**0.5 * eps + (1 - a) ** 0.5 * x_t,
            "x̂₀ is nowhere in it: mix √ᾱ_s of x̂₀ with √(1 − ᾱ_s) of ε̂.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: a**0.5 * x0.clamp(-1, 1) + (1 - a) ** 0.5 * eps,
            "the formula is right, but x̂₀ is clipped first. People do that, and it changes the "
            "picture; here, leave it as it is.",
        ),
        Mistake(
            lambda x_t, x0, eps, a: (a**0.5 * x0 + (1 - a) ** 0.5 * eps).clamp(-1, 1),
            "the formula is right, but the result is clipped: noisy values may lie outside "
            "[−1, 1]. Clipping is for showing a picture only.",
        ),
    )
    return settle("step_back", learner, _step_back, trials, mistakes)


def posterior_mean(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check the mean of q(x_{t−1} given x_t, x_0), a function of (x_t, x0, beta, alpha_bar, t).

    √(1−β_t) (1−ᾱ_{t−1})/(1−ᾱ_t) x_t + √ᾱ_{t−1} β_t/(1−ᾱ_t) x_0; beta and alpha_bar have T + 1
    entries.
    """
    draw = torch.Generator().manual_seed(6)
    trials = []
    for shape, steps, t in (
        ((2, 3, 5, 7), (0, 0.02, 0.1, 0.3, 0.45, 0.6), 3),
        ((5,), (0, 0.1, 0.25, 0.2, 0.5), 2),
        ((1, 1, 3, 3), (0, 0.3, 0.15, 0.4, 0.7), 3),
        # The last step back, from t = 1 to the picture itself.
        ((1, 3, 2, 2), (0, 0.2, 0.35, 0.5), 1),
    ):
        beta = torch.tensor(steps, dtype=torch.float64)
        x_t = torch.randn(shape, generator=draw)
        # Wider than [−1, 1]: in the sampler a guess takes the place of x0.
        x0 = torch.rand(shape, generator=draw) * 2.8 - 1.4
        trials.append((x_t, x0, beta, (1 - beta).cumprod(0), t))

    def shifted(of_beta, of_now, of_before, hint):
        """The right formula with numbers of other steps: how far from t each of them is."""

        def answer(x_t, x0, beta, alpha_bar, t):
            b, now, before = beta[t + of_beta], alpha_bar[t + of_now], alpha_bar[t + of_before]
            keep = (1 - b) ** 0.5 * (1 - before) / (1 - now)
            return keep * x_t + before**0.5 * b / (1 - now) * x0

        return Mistake(answer, hint)

    def factors(of_x_t, of_x0, hint):
        """Other factors of x_t and x0, each out of β_t, ᾱ_t and ᾱ_{t−1}."""

        def answer(x_t, x0, beta, alpha_bar, t):
            numbers = beta[t], alpha_bar[t], alpha_bar[t - 1]
            return of_x_t(*numbers) * x_t + of_x0(*numbers) * x0

        return Mistake(answer, hint)

    def keep(b, now, before):
        return (1 - b) ** 0.5 * (1 - before) / (1 - now)

    def pull(b, now, before):
        return before**0.5 * b / (1 - now)

    def nothing(b, now, before):
        return 0

    wrong_step = (
        "β is of the wrong step: the step from t to t − 1 takes back what step t added, which is "
        "beta[t]. (A published course has this slip.)"
    )
    no_brackets = "brackets are missing: / 1 - x divides by 1 only, so write / (1 - alpha_bar[t])."
    root = (
        "a square root is missing: x_t is multiplied by √(1 − β_t) and x0 by √ᾱ_{t−1}, as they "
        "stand in the formula."
    )
    mistakes = (
        shifted(-1, 0, -1, wrong_step),
        shifted(1, 0, -1, wrong_step),
        shifted(0, 1, 0, "ᾱ is one step late: t − 1 and t are meant, not t and t + 1."),
        shifted(
            1, 1, 0,
            "everything is one step late. Both lists have t = 0 in front, so step t is number t.",
        ),
        shifted(
            -1, -1, -2,
            "everything is one step early. Both lists have t = 0 in front, so step t is number t.",
        ),
        shifted(0, -1, 0, "ᾱ_t and ᾱ_{t−1} are swapped."),
        shifted(
            0, 0, 0,
            "it takes ᾱ_t where ᾱ_{t−1} belongs: look at the small letters in the formula.",
        ),
        factors(
            keep, lambda b, now, before: now**0.5 * b / (1 - now),
            "x0 is multiplied by √ᾱ_t, but √ᾱ_{t−1} belongs there.",
        ),
        factors(
            pull, keep,
            "x_t and x0 (or their factors) are swapped: the last step, from t = 1, should end at "
            "x0 exactly.",
        ),
        factors(lambda b, now, before: (1 - b) * (1 - before) / (1 - now), pull, root),
        factors(keep, lambda b, now, before: before * b / (1 - now), root),
        factors(
            lambda b, now, before: (1 - b) * (1 - before) / (1 - now),
            lambda b, now, before: before * b / (1 - now),
            root,
        ),
        factors(
            lambda b, now, before: (1 - before) / (1 - now), pull,
            "√(1 − β_t) is missing in front of x_t.",
        ),
        factors(
            keep, lambda b, now, before: b / (1 - now),
            "√ᾱ_{t−1} is missing in front of x0.",
        ),
        factors(
            lambda b, now, before: (1 - b) ** 0.5 * (1 - before),
            lambda b, now, before: before**0.5 * b,
            "the division by 1 − ᾱ_t is missing, in both terms.",
        ),
        factors(
            keep, lambda b, now, before: before**0.5 * b,
            "the division by 1 − ᾱ_t is missing in the second term.",
        ),
        factors(
            lambda b, now, before: (1 - b) ** 0.5 * (1 - before), pull,
            "the division by 1 − ᾱ_t is missing in the first term.",
        ),
        factors(
            keep, lambda b, now, before: -pull(b, now, before),
            "the second term is subtracted: the mean is drawn towards x0, so add it.",
        ),
        factors(
            lambda b, now, before: b**0.5 * (1 - before) / (1 - now),
            lambda b, now, before: before**0.5 * (1 - b) / (1 - now),
            "β and 1 − β are swapped: a small β is a small step, so x_t has to keep most of it.",
        ),
        factors(
            keep, lambda b, now, before: before**0.5 * b**0.5 / (1 - now),
            "β_t in the second term has no root.",
        ),
        factors(
            lambda b, now, before: (1 - b) ** 0.5 * ((1 - before) / (1 - now)) ** 0.5, pull,
            "1 − ᾱ_{t−1} and 1 − ᾱ_t have no root in the first term.",
        ),
        factors(
            keep, nothing,
            "the part of x0 is missing: that is where the picture comes in.",
        ),
        factors(nothing, pull, "the part of x_t is missing: the step back starts from there."),
        factors(
            lambda b, now, before: (1 - (b / (1 - now)) ** 0.5) / (1 - b) ** 0.5,
            lambda b, now, before: (b * now / (1 - now) / (1 - b)) ** 0.5,
            "it takes away √β_t of the noise, as if all of it were the last step's: in terms of "
            "the noise, the factor is β_t/√(1 − ᾱ_t).",
        ),
        factors(
            lambda b, now, before: ((1 - before) / (1 - now)) ** 0.5,
            lambda b, now, before: before**0.5 - ((1 - before) / (1 - now) * now) ** 0.5,
            "this is the deterministic step of the core, which keeps all the old noise. Here part "
            "of it is going to be replaced by fresh noise: take the formula above.",
        ),
        factors(
            lambda b, now, before: (1 - b) / 2 * (1 - before) / (1 - now),
            lambda b, now, before: before / 2 * b / (1 - now),
            _HALVED,
        ),
        factors(
            lambda b, now, before: (1 - b) ** 0.5 * (1 - before) / 1 - now,
            lambda b, now, before: before**0.5 * b / 1 - now,
            no_brackets,
        ),
        Mistake(
            lambda x_t, x0, beta, alpha_bar, t: (
                (1 - beta[t]) ** 0.5 * (1 - alpha_bar[t - 1]) - alpha_bar[t] * x_t
                + alpha_bar[t - 1] ** 0.5 * beta[t] - alpha_bar[t] * x0
            ),
            no_brackets,
        ),
        factors(
            lambda b, now, before: now**0.5 * (1 - before) / (1 - now), pull,
            "x_t is multiplied by √ᾱ_t, but √(1 − β_t) belongs there: what this one step keeps.",
        ),
        Mistake(
            lambda x_t, x0, beta, alpha_bar, t: (
                keep(beta[t], alpha_bar[t], alpha_bar[t - 1]) * x_t
                + pull(beta[t - 1], alpha_bar[t], alpha_bar[t - 1]) * x0
            ),
            wrong_step,
        ),
        Mistake(
            lambda x_t, x0, beta, alpha_bar, t: _posterior_mean(
                x_t, x0.clamp(-1, 1), beta, alpha_bar, t
            ),
            "the formula is right, but x0 is clipped first. People do that, and it changes the "
            "picture; here, leave it as it is.",
        ),
        Mistake(
            lambda x_t, x0, beta, alpha_bar, t: _posterior_mean(
                x_t, x0, beta, alpha_bar, t
            ).clamp(-1, 1),
            "the formula is right, but the result is clipped: noisy values may lie outside "
            "[−1, 1].",
        ),
        Mistake(
            lambda x_t, x0, beta, alpha_bar, t: x0,
            "it returns x0: only the last step, from t = 1, goes all the way.",
        ),
        Mistake(
            lambda x_t, x0, beta, alpha_bar, t: (1 - alpha_bar[t - 1]) / (1 - alpha_bar[t])
            * beta[t],
            "this is the variance of the step back: its mean is asked for.",
        ),
    )  # fmt: skip
    return settle("posterior_mean", learner, _posterior_mean, trials, mistakes)


def timesteps(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check the n + 1 whole numbers from T down to 0, a function of (T, n)."""
    trials = [(1000, 16), (1000, 4), (10, 3), (500, 30), (7, 7), (5, 1), (1000, 700)]
    return settle_property("timesteps", learner, _timesteps, trials, _stumbles)


def _step_back(x_t, x0_hat, eps_hat, alpha_bar_s):
    return alpha_bar_s**0.5 * x0_hat + (1 - alpha_bar_s) ** 0.5 * eps_hat


def _posterior_mean(x_t, x0, beta, alpha_bar, t):
    before, now = alpha_bar[t - 1], alpha_bar[t]
    keep = (1 - beta[t]) ** 0.5 * (1 - before) / (1 - now)
    return keep * x_t + before**0.5 * beta[t] / (1 - now) * x0


def _timesteps(T, n):
    return np.linspace(T, 0, n + 1).round().astype(int)


def _stumbles(answer: Any, T: int, n: int) -> str | None:
    """Why an answer is no even walk of whole numbers from T down to 0 in n jumps, or None."""
    if isinstance(answer, range):
        answer = list(answer)
    a = _array(answer)
    asked = f"T = {T}, n = {n}"
    if a is None:
        return f"it returns a {type(answer).__name__}, but a list of whole numbers is expected."
    if a.ndim != 1 or len(a) == 0:
        return f"for {asked} its answer has shape {a.shape}, but a flat list is expected."
    if not np.isfinite(a).all():
        return "its answer holds NaN or infinity."
    jumps = -np.diff(a)
    if len(a) > 1 and (jumps < 0).all():
        return "it rises. Sampling runs from noise to the picture: start at T and fall to 0."
    if (a < 0).any():
        return (
            f"for {asked} it goes down to {a.min():g}. Python reads a place below 0 from the end "
            "of the list, which is noise again: stop at exactly 0."
        )
    stride = T // n
    if stride * n != T and len(jumps) and (jumps == stride).all():
        return (
            f"for {asked} all jumps are T // n = {stride}, so it runs from {a[0]:g} to {a[-1]:g}: "
            f"{n} times {stride} is {n * stride}, not {T}. Divide without cutting off, and round "
            "each place at the end."
        )
    if a[0] == T - 1:
        return f"for {asked} it starts at {a[0]:g}: the last level, pure noise, is T itself."
    if a[0] != T:
        return f"for {asked} it starts at {a[0]:g}, but pure noise is T = {T}."
    if len(a) == n and a[-1] != 0:
        return (
            f"for {asked} it ends at {a[-1]:g} after {len(a)} places: n jumps have n + 1 ends. The "
            "last is 0, the finished picture."
        )
    if a[-1] == 1:
        return f"for {asked} it ends at 1, with the last of the noise still in it: end at 0."
    if a[-1] != 0:
        return f"for {asked} it ends at {a[-1]:g}: the finished picture is t = 0."
    if len(a) != n + 1:
        return f"for {asked} it has {len(a)} places, but n jumps have n + 1 ends: {n + 1}."
    if (a != a.round()).any():
        where = a[a != a.round()][0]
        return (
            f"for {asked} there is a {where:.4g} in it: steps are places in a list, so round them."
        )
    if not (jumps > 0).all():
        return (
            f"for {asked} it stands still or goes back somewhere: each place comes once, falling. "
            "(Is something cut off that should be rounded?)"
        )
    if jumps.max() - jumps.min() > 1:
        return (
            f"for {asked} its jumps run from {jumps.min():g} to {jumps.max():g}: make them even, "
            "with at most 1 between the longest and the shortest."
        )
    if not all(isinstance(i, int) or _dtype(i).startswith(("int", "uint")) for i in answer):
        kind = "text" if any(isinstance(i, str) for i in answer) else "floats"
        return (
            f"its places are right, but they come as {kind}, which is no place in a list: turn "
            "them into whole numbers, int."
        )
    return None


# --- lesson 06 ---


def survives(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check how much of the start is left along a random walk, a function of (alpha_bar, steps).

    Each step from t to s keeps √(ᾱ_t/ᾱ_s) (1−ᾱ_s)/(1−ᾱ_t) of x_t; asked is the list of their
    products, which begins with 1 (Ho, Jain and Abbeel 2020, equation 7, for any two levels).
    """
    by_hand = torch.tensor([1.0, 0.97, 0.85, 0.64, 0.36, 0.2, 0.09], dtype=torch.float64)
    uneven = torch.tensor([1.0, 0.9, 0.75, 0.72, 0.5, 0.41, 0.4, 0.15], dtype=torch.float64)
    trials = [
        (by_hand, [6, 4, 3, 1]),
        (uneven, [7, 5, 4, 2, 1]),
        (by_hand, [4, 3]),
        (by_hand, [6, 5, 4, 3, 2, 1, 0]),
    ]

    def root(t, s):
        return (t / s) ** 0.5

    def fade(t, s):
        return (1 - s) / (1 - t)

    def right(t, s):
        return root(t, s) * fade(t, s)

    wrong_factors = (
        (
            lambda t, s: t / s * fade(t, s),
            "a square root is missing: ᾱ_t/ᾱ_s is a share of power, and what multiplies x_t is its "
            "root.",
        ),
        (
            fade,
            "√(ᾱ_t/ᾱ_s) is missing: it undoes how the forward process shrinks the picture from s "
            "to t.",
        ),
        (
            root,
            "(1 − ᾱ_s)/(1 − ᾱ_t) is missing: without it no noise is taken away, and at s = 0 "
            "something of the static would be left.",
        ),
        (
            lambda t, s: fade(t, s) ** 0.5,
            "this is what the deterministic step keeps, √(1 − ᾱ_s)/√(1 − ᾱ_t). The random step "
            "keeps less: √(ᾱ_t/ᾱ_s) · (1 − ᾱ_s)/(1 − ᾱ_t).",
        ),
        (
            lambda t, s: root(t, s) * fade(t, s) ** 0.5,
            "there is one root too many: (1 − ᾱ_s)/(1 − ᾱ_t) has none.",
        ),
        (
            lambda t, s: root(t, s) * (1 - s) / 1 - t,
            "brackets are missing: write (1 - alpha_bar[s]) / (1 - alpha_bar[t]).",
        ),
        (
            lambda t, s: root(s, t) * fade(t, s),
            "under the root t and s are swapped: ᾱ_t is the smaller one, and the root must be "
            "below 1.",
        ),
        (
            lambda t, s: root(t, s) * fade(s, t),
            "in (1 − ᾱ_s)/(1 − ᾱ_t) the levels are swapped: less noise is left at s than at t, so "
            "it must be below 1.",
        ),
        (
            lambda t, s: right(s, t),
            "t and s are swapped: a step goes from t, the noisier level, to s, which comes after "
            "it in the list.",
        ),
        (
            lambda t, s: t / s / 2 * fade(t, s),
            "it halves where a square root belongs: ** 1/2 is read as (… ** 1) / 2, so write "
            "** 0.5.",
        ),
        (
            lambda t, s: (1 - t / s) ** 0.5 * fade(t, s),
            "it takes √(1 − α), which belongs to the fresh noise: what is kept is √α, with "
            "α = ᾱ_t/ᾱ_s.",
        ),
        (
            lambda t, s: s**0.5 * (1 - t / s) / (1 - t),
            "this is what multiplies the guess x̂₀. Asked is what multiplies x_t: √(ᾱ_t/ᾱ_s) · "
            "(1 − ᾱ_s)/(1 − ᾱ_t).",
        ),
        (
            lambda t, s: right(t, s) ** 2,
            "this is the share of power, the square: asked is what multiplies the start.",
        ),
        (
            lambda t, s: root(t, s) * (1 - s),
            "the division by 1 − ᾱ_t is missing.",
        ),
    )
    mistakes = [
        Mistake(lambda a, steps, f=factor: _walk_of(f, a, steps), hint)
        for factor, hint in wrong_factors
    ]
    mistakes += [
        Mistake(
            lambda a, steps: [1.0, *(float(right(*pair)) for pair in _levels(a, steps))],
            "these are the factors of the single steps: multiply each with all before it.",
        ),
        Mistake(
            lambda a, steps: [float(right(*pair)) for pair in _levels(a, steps)],
            "these are the factors of the single steps: begin with 1, and multiply each with all "
            "before it.",
        ),
        Mistake(
            lambda a, steps: np.cumsum([1.0, *(float(right(*p)) for p in _levels(a, steps))]),
            "it adds the factors. What is left of something that is left is a product: multiply.",
        ),
        Mistake(
            lambda a, steps: np.cumsum([float(right(*pair)) for pair in _levels(a, steps)]),
            "it adds the factors. What is left of something that is left is a product: multiply, "
            "and begin with 1.",
        ),
        Mistake(
            lambda a, steps: _walk_of(right, a, steps)[1:],
            "its first entry is missing: before the first step all of the start is there, 1.",
        ),
        Mistake(
            lambda a, steps: _walk_of(right, a, steps)[:-1],
            "its last entry is missing: n steps have n + 1 ends.",
        ),
        Mistake(
            lambda a, steps: _walk_of(right, a, steps)[-1],
            "this is what is left at the end. Asked is the list of what is left at every level.",
        ),
        Mistake(
            lambda a, steps: _walk_of(right, a, steps)[::-1],
            "its order is turned round: begin with 1, at the noise.",
        ),
        Mistake(
            lambda a, steps: [0.0] * len(steps),
            "it is 0 everywhere: a product begins with 1, not with 0.",
        ),
        Mistake(
            lambda a, steps: _walk_of(right, a, range(len(steps) - 1, -1, -1)),
            "it counts places in the list instead of levels: read steps[i] first, then "
            "alpha_bar[steps[i]].",
        ),
    ]
    return settle("survives", learner, _survives, trials, mistakes, tolerance=1e-6)


def brightness_ratio(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check √ᾱ · spread / (√(1−ᾱ) / √pixels), a function of (alpha_bar, spread, pixels)."""
    trials = [
        (0.36, 0.25, 64), (0.012, 0.28, 3072), (0.5, 0.6, 300), (4e-5, 0.3, 12288), (0.9, 1.7, 1),
    ]  # fmt: skip
    halved = (
        "it halves where a square root belongs: ** 1/2 is read as (… ** 1) / 2, so write ** 0.5."
    )
    mistakes = (
        Mistake(
            lambda a, spread, n: a * spread / ((1 - a) ** 0.5 / n**0.5),
            "the picture lacks its square root: what multiplies it is √ᾱ.",
        ),
        Mistake(
            lambda a, spread, n: a**0.5 * spread / ((1 - a) / n**0.5),
            "the static lacks its square root: what multiplies it is √(1 − ᾱ).",
        ),
        Mistake(
            lambda a, spread, n: a * spread / ((1 - a) / n**0.5),
            "√ is missing from ᾱ and from 1 − ᾱ: both are shares of power.",
        ),
        Mistake(
            lambda a, spread, n: a**0.5 * spread / ((1 - a) ** 0.5 / n),
            "the average of n values of static spreads 1/√n, and not 1/n: the root is missing.",
        ),
        Mistake(
            lambda a, spread, n: a * spread / ((1 - a) / n),
            "no square root is left: they belong over ᾱ, over 1 − ᾱ and over the number of values.",
        ),
        Mistake(
            lambda a, spread, n: a**0.5 * spread / ((1 - a) ** 0.5 * n**0.5),
            "averaging many values makes static quieter, yours makes it louder: brackets around "
            "the whole divisor, √(1 − ᾱ)/√n.",
        ),
        Mistake(
            lambda a, spread, n: a**0.5 * spread / (1 - a) ** 0.5 / n**0.5,
            "averaging many values makes static quieter, yours makes it louder: brackets around "
            "the whole divisor, √(1 − ᾱ)/√n.",
        ),
        Mistake(
            lambda a, spread, n: a**0.5 * spread / (1 - a) ** 0.5,
            "the number of values is missing: a single value of static spreads 1, the average of "
            "n of them only 1/√n.",
        ),
        Mistake(
            lambda a, spread, n: a**0.5 / ((1 - a) ** 0.5 / n**0.5),
            "the spread of the pictures' brightness is missing.",
        ),
        Mistake(
            lambda a, spread, n: a**0.5 * spread**2 / ((1 - a) ** 0.5 / n**0.5),
            "the spread is squared: spreads are compared here, not powers.",
        ),
        Mistake(
            lambda a, spread, n: (1 - a) ** 0.5 / n**0.5 / (a**0.5 * spread),
            "it is upside down: the picture's brightness over the static's, so that large means "
            "easy to read off.",
        ),
        Mistake(
            lambda a, spread, n: a * spread**2 / ((1 - a) / n),
            "this is the ratio of powers, the square: asked is the ratio of the spreads.",
        ),
        Mistake(
            lambda a, spread, n: (1 - a) ** 0.5 * spread / (a**0.5 / n**0.5),
            "ᾱ and 1 − ᾱ are swapped: √ᾱ belongs to the picture.",
        ),
        Mistake(
            lambda a, spread, n: a**0.5 * spread,
            "this is the picture's part alone: divide by the static's, √(1 − ᾱ)/√n.",
        ),
        Mistake(
            lambda a, spread, n: a**0.5 * spread / (1 - a**0.5 / n**0.5),
            "brackets are missing: write (1 - alpha_bar) ** 0.5.",
        ),
        Mistake(lambda a, spread, n: a / 2 * spread / ((1 - a) / 2 / (n / 2)), halved),
        Mistake(lambda a, spread, n: a / 2 * spread / ((1 - a) ** 0.5 / n**0.5), halved),
        Mistake(lambda a, spread, n: a**0.5 * spread / ((1 - a) / 2 / n**0.5), halved),
        Mistake(lambda a, spread, n: a**0.5 * spread / ((1 - a) ** 0.5 / (n / 2)), halved),
    )
    return settle("brightness_ratio", learner, _brightness_ratio, trials, mistakes)


def _levels(alpha_bar: Any, steps: Sequence[int]) -> list[tuple[Any, Any]]:
    """The pairs ᾱ_t, ᾱ_s of a walk's jumps."""
    return [(alpha_bar[t], alpha_bar[s]) for t, s in itertools.pairwise(steps)]


def _walk_of(factor: Callable[..., Any], alpha_bar: Any, steps: Sequence[int]) -> list[float]:
    left = [1.0]
    for t, s in _levels(alpha_bar, steps):
        left.append(left[-1] * float(factor(t, s)))
    return left


def _survives(alpha_bar, steps):
    left = [1.0]
    for t, s in itertools.pairwise(steps):
        keep = (alpha_bar[t] / alpha_bar[s]) ** 0.5 * (1 - alpha_bar[s]) / (1 - alpha_bar[t])
        left.append(left[-1] * float(keep))
    return left


def _brightness_ratio(alpha_bar, spread, pixels):
    return alpha_bar**0.5 * spread / ((1 - alpha_bar) ** 0.5 / pixels**0.5)


# --- lesson 07 ---


def guide(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check out_null + w (out_cond − out_null), a function of (out_cond, out_null, w)."""
    draw = torch.Generator().manual_seed(7)
    trials = []
    # w = 1 and w = 0 are plain answers; at −0.5 the words push the other way.
    for shape, w in (
        ((2, 3, 5, 7), 2.0), ((6,), 3.5), ((1, 1, 4, 4), 7.5), ((1, 3, 2, 2), 1.0),
        ((3, 2), 0.0), ((5, 1, 3), -0.5), ((4,), 0.3),
    ):  # fmt: skip
        out_null = torch.randn(shape, generator=draw)
        trials.append((out_null + 0.8 * torch.randn(shape, generator=draw), out_null, w))
    swapped = "the two answers are swapped: at w = 1 yours is the answer without words."
    mistakes = (
        Mistake(
            lambda c, n, w: c + w * (c - n),
            "this is the other convention, where 0 means no guidance: what you call w is their "
            "w + 1 here. Start from the answer without words: out_null + w (out_cond − out_null).",
        ),
        Mistake(
            lambda c, n, w: n + (w - 1) * (c - n),
            "it goes w − 1 times the way, but at w = 1 it should arrive at out_cond.",
        ),
        Mistake(
            lambda c, n, w: n + (w + 1) * (c - n),
            "it goes w + 1 times the way, but at w = 1 it should arrive at out_cond.",
        ),
        Mistake(
            lambda c, n, w: w * (c - n),
            "this is only what the words change, w times: it has to be added to something, "
            "out_null.",
        ),
        Mistake(lambda c, n, w: c + w * (n - c), swapped),
        Mistake(
            lambda c, n, w: n - w * (c - n),
            "it goes away from the words: at w = 1 out_cond should come out, so add.",
        ),
        Mistake(
            lambda c, n, w: n + w * (n - c),
            "it goes away from the words: the difference is out_cond − out_null.",
        ),
        Mistake(
            lambda c, n, w: c - w * (c - n),
            "at w = 1 yours is the answer without words, and it should be the one with: start "
            "from out_null, and add.",
        ),
        Mistake(
            lambda c, n, w: n + w * c,
            "it adds w times the whole answer with words: only what the words *change* should be "
            "multiplied, out_cond − out_null.",
        ),
        Mistake(
            lambda c, n, w: w * c,
            "it is w · out_cond, so out_null has dropped out: are brackets missing? w belongs "
            "before (out_cond − out_null).",
        ),
        Mistake(
            lambda c, n, w: w * c - n,
            "out_null is taken away once, whatever w is: the shares w and 1 − w must add to 1.",
        ),
        Mistake(
            lambda c, n, w: c - w * n,
            "it takes w times the answer without words away: the shares w and 1 − w must add to 1.",
        ),
        Mistake(
            lambda c, n, w: w * c + (w - 1) * n,
            "the sign of the second share is wrong: it is 1 − w, which is negative for w above 1.",
        ),
        Mistake(
            lambda c, n, w: n + w * (c + n),
            "it adds the two answers: what the words change is their difference.",
        ),
        Mistake(
            lambda c, n, w: (n + w * c) / (1 + w) if w != -1 else c,
            "this is an average, which lies between the two answers: guidance goes beyond "
            "out_cond.",
        ),
        Mistake(
            lambda c, n, w: (c + n) / 2,
            "this is the average of the two, whatever w is.",
        ),
        Mistake(lambda c, n, w: c, "it returns out_cond, whatever w is: that is right at w = 1."),
        Mistake(lambda c, n, w: n, "it returns out_null, whatever w is: that is right at w = 0."),
        Mistake(
            lambda c, n, w: c - n,
            "this is what the words change. Multiply it by w, and add it to out_null.",
        ),
        Mistake(
            lambda c, n, w: n + (c - n) / w if w else n,
            "it divides by w: a larger w should go further.",
        ),
        Mistake(
            lambda c, n, w: n + w**2 * (c - n),
            "w is squared: at w = 2 the way should be twice as long, not four times.",
        ),
        Mistake(
            lambda c, n, w: n + w * (c - n).abs(),
            "the sign of the difference is lost: words make some values smaller.",
        ),
        Mistake(
            lambda c, n, w: n + min(max(w, 0), 1) * (c - n),
            "w is held between 0 and 1: the point of guidance is to go beyond 1.",
        ),
        Mistake(
            lambda c, n, w: n + max(w, 0) * (c - n),
            "a negative w is cut off: it means to move away from the words, and that is allowed.",
        ),
        Mistake(
            lambda c, n, w: n + int(w) * (c - n),
            "w is made a whole number: 3.5 should go three and a half times the way.",
        ),
        Mistake(
            lambda c, n, w: n + round(w) * (c - n),
            "w is made a whole number: 3.5 should go three and a half times the way.",
        ),
        Mistake(
            lambda c, n, w: (n + w * (c - n)).clamp(-1, 1),
            "the formula is right, but the result is clipped: an answer of a network is no "
            "picture, and may lie outside [−1, 1].",
        ),
        Mistake(
            lambda c, n, w: _as_loud_as(c, n + w * (c - n)),
            "the formula is right, but the result is scaled back to the spread of out_cond. That "
            "cure for too much guidance exists (Lin and others, 2024); here, leave it.",
        ),
    )
    return settle("guide", learner, _guide, trials, mistakes, tolerance=1e-4)


def drop_words(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check that a picture's words are all hidden with chance p, of (cond, p, generator).

    An answer is cond with some rows set to 0: int64 (n, 6).
    """
    table = torch.arange(1, 24_001).reshape(4000, 6) % 27 + 1
    table[::3, 1] = 0  # nobody has no colour, so a zero may stand in a row that is kept
    # The first two start from the same seed, so they must be the same draw.
    asked = ((0.1, 4000, 6), (0.1, 4000, 6), (0.1, 4000, 7), (0.7, 4000, 8), (0, 50, 9), (1, 7, 10))
    trials = [(table[:n].clone(), p, torch.Generator().manual_seed(seed)) for p, n, seed in asked]
    seen: list[np.ndarray] = []

    def problem(answer: Any, cond: torch.Tensor, p: float, generator: Any) -> str | None:
        wrong = _badly_dropped(answer, cond.numpy(), p)
        if wrong is not None:
            return wrong
        seen.append(_array(answer))
        return _generator_trouble(seen)

    return settle_property("drop_words", learner, _drop_words, trials, problem)


def _guide(out_cond, out_null, w):
    return out_null + w * (out_cond - out_null)


def _as_loud_as(wanted, answer):
    return answer * (wanted.std() / answer.std())


def _drop_words(cond, p, generator):
    hidden = torch.rand(len(cond), 1, generator=generator) < p
    return cond.masked_fill(hidden, 0)


def _badly_dropped(answer: Any, cond: np.ndarray, p: float) -> str | None:
    """Why an answer is not cond with each row hidden whole with chance p, or None."""
    a = _array(answer)
    if a is None:
        return f"it returns a {type(answer).__name__}, but the table of word numbers is expected."
    n = len(cond)
    if a.shape in ((n,), (n, 1)):
        return (
            f"its answer has shape {a.shape}: that says whose words are hidden. Return the word "
            "numbers, with those rows set to 0."
        )
    if a.ndim == 2 and a.shape[1:] == cond.shape[1:] and len(a) < n:
        return (
            "rows are missing: the picture stays in the batch, and only its words become 0, so "
            "the shape must not change."
        )
    if a.shape != cond.shape:
        return f"its answer has shape {a.shape}, but {cond.shape} is expected, as cond has."
    if not np.isfinite(a).all():
        return "its answer holds NaN or infinity: a hidden word is number 0."
    changed = a != cond
    if (changed & (a != 0)).any():
        found = a[changed & (a != 0)][0]
        return f"a hidden word became {found:g}: 0 stands for nothing said."
    hidden, kept = (a == 0).all(axis=1), ~changed.any(axis=1)
    share = float(hidden.mean())
    if not (hidden | kept).all():
        if (changed.any(axis=0) == changed.all(axis=0)).all() and n > 100:
            return "it hides the same columns of every picture: hide whole rows."
        return (
            f"it hides single words: with chance p = {p:g} *all* words of a picture go, or the "
            "network never learns what nothing said means. One die for each row, as in a mask of "
            "shape (n, 1)."
        )
    if n > 100 and share in (0.0, 1.0) and 0 < p < 1:
        if share == 0:
            return f"for p = {p:g} no row is hidden: is p compared the right way round?"
        return f"for p = {p:g} all rows are hidden, or one die is thrown for the whole batch."
    # Six standard deviations of a fair draw.
    slack = 6 * (p * (1 - p) / n) ** 0.5
    if abs(share - p) > slack:
        if abs(share - (1 - p)) <= slack + 1e-9 and p != 0.5:
            return (
                f"for p = {p:g} it hides {share:.0%} of the rows: it keeps those that it should "
                "hide. rand() < p is true with chance p."
            )
        return f"for p = {p:g} it hides {share:.0%} of the rows: {p:.0%} are expected."
    if n > 100 and not (np.diff(hidden.astype(int)) > 0).sum() > 5:
        return "it hides rows next to each other: each row has a die of its own."
    kind = answer.dtype if isinstance(answer, torch.Tensor) else np.asarray(answer).dtype
    if "int" not in str(kind):
        return f"its numbers are right, but they come as {kind}, and words have whole numbers."
    return None


# --- lesson 08 ---


def nearest_distance(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check how far each picture is from the nearest of ``data``, a function of (x, data).

    √(mean (x − neighbour)²) over all values of a picture, as in `metrics.nearest`; one number for
    each picture of x.
    """
    generator = torch.Generator().manual_seed(8)

    def drawn(n: int, *shape: int) -> torch.Tensor:
        return torch.rand(n, *shape, generator=generator) * 2 - 1

    trials = [(drawn(3, 3, 4, 4), drawn(5, 3, 4, 4)), (drawn(4, 1, 2, 6), drawn(2, 1, 2, 6))]
    trials.append((trials[0][1][1:3].clone(), trials[0][1]))  # copies are at distance 0

    def apart(x, data):
        return (x[:, None] - data[None]).flatten(2)

    def table(x, data):
        return apart(x, data).square().mean(2).sqrt()

    mistakes = (
        Mistake(
            lambda x, data: apart(x, data).square().mean(2).amin(1),
            "the square root is missing: √(mean of the squares), so that .1 means a tenth.",
        ),
        Mistake(
            lambda x, data: apart(x, data).square().sum(2).sqrt().amin(1),
            "it adds the squares. Take their mean, so that small and large pictures can be "
            "compared.",
        ),
        Mistake(
            lambda x, data: apart(x, data).square().sum(2).amin(1),
            "it adds the squares, and no root is taken: √(mean of the squares).",
        ),
        Mistake(
            lambda x, data: apart(x, data).abs().mean(2).amin(1),
            "it averages the differences without their sign. Square them, take the mean, and then "
            "one root: large differences count for more.",
        ),
        Mistake(
            lambda x, data: apart(x, data).mean(2).abs().amin(1),
            "it averages before it squares, so that brighter and darker cancel: square first.",
        ),
        Mistake(
            lambda x, data: apart(x, data).mean(2).amin(1),
            "nothing is squared, so that brighter and darker cancel: square the differences first.",
        ),
        Mistake(
            lambda x, data: table(x, data).argmin(1),
            "this is *which* picture is nearest. Asked is how far it is: min instead of argmin.",
        ),
        Mistake(
            lambda x, data: table(x, data).amax(1),
            "this is the farthest of them: min instead of max.",
        ),
        Mistake(
            lambda x, data: table(x, data).mean(1),
            "it averages over all of data. Only the nearest counts: take the smallest.",
        ),
        Mistake(
            lambda x, data: (x - data.mean(0)).flatten(1).square().mean(1).sqrt(),
            "this is how far it is to the average of data, which is a blur and none of them: "
            "compare with each picture, and take the smallest.",
        ),
        Mistake(
            lambda x, data: apart(x, data).square().amin(1).mean(1).sqrt(),
            "it takes the smallest for each pixel by itself, so a pixel comes from one picture and "
            "the next from another: average over the picture first, then take the smallest.",
        ),
        Mistake(
            lambda x, data: table(x, data).amin(0),
            "it goes through the pictures of data, and finds the nearest of x. Asked is one number "
            "for each picture of x.",
        ),
        Mistake(
            table,
            "these are the distances to all of data: keep only the smallest for each picture of x.",
        ),
        Mistake(
            lambda x, data: table(x, data).min(),
            "this is one number for all. Asked is one for each picture of x: the smallest in each "
            "row.",
        ),
        Mistake(
            lambda x, data: apart(x, data).square().amin(2).sqrt().amin(1),
            "it takes the smallest difference of any pixel: average over the pixels of a picture "
            "first.",
        ),
    )  # fmt: skip
    return settle("nearest_distance", learner, _nearest_distance, trials, mistakes)


def frechet_1d(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check the Fréchet distance of two sets of numbers, a function of (a, b).

    (mean_a − mean_b)² + (spread_a − spread_b)² (Dowson and Landau 1982, with one feature).
    """
    generator = torch.Generator().manual_seed(8)
    trials = []
    for (mean_a, spread_a), (mean_b, spread_b) in (
        ((0.0, 1.0), (3.0, 2.5)),
        ((2.0, 3.0), (-1.0, 0.5)),
        ((1.0, 0.3), (1.6, 4.0)),
    ):
        a, b = torch.randn(2, 4000, generator=generator, dtype=torch.float64)
        trials.append((mean_a + spread_a * a, mean_b + spread_b * b[:3000]))

    def means(a, b):
        return a.mean() - b.mean()

    def spreads(a, b):
        return a.std() - b.std()

    mistakes = (
        Mistake(
            lambda a, b: means(a, b).abs() + spreads(a, b).abs(),
            "nothing is squared: square each of the two differences, then add.",
        ),
        Mistake(
            lambda a, b: means(a, b) + spreads(a, b),
            "nothing is squared: square each of the two differences, then add.",
        ),
        Mistake(
            lambda a, b: (means(a, b) + spreads(a, b)) ** 2,
            "it adds first and squares then: square each difference by itself.",
        ),
        Mistake(
            lambda a, b: (means(a, b) ** 2 + spreads(a, b) ** 2).sqrt(),
            "a root is taken at the end. By custom it is not: the squares are the answer.",
        ),
        Mistake(
            lambda a, b: means(a, b) ** 2 + (a.var() - b.var()) ** 2,
            "it compares the variances. The spread is their square root: std instead of var.",
        ),
        Mistake(
            lambda a, b: means(a, b) ** 2 + a.var() + b.var(),
            "it adds the variances, so that a set is far from itself: (spread − spread)².",
        ),
        Mistake(
            lambda a, b: means(a, b) ** 2 + a.var() - b.var(),
            "it takes one variance from the other, which can be below 0: (spread − spread)².",
        ),
        Mistake(
            lambda a, b: means(a, b) ** 2,
            "the spreads are missing: two sets may have one mean and be quite different.",
        ),
        Mistake(
            lambda a, b: spreads(a, b) ** 2,
            "the means are missing: two sets may spread alike and lie far apart.",
        ),
        Mistake(
            lambda a, b: means(a, b) ** 2 - spreads(a, b) ** 2,
            "the two parts are subtracted: add them.",
        ),
        Mistake(
            lambda a, b: means(a, b) + spreads(a, b) ** 2,
            "the difference of the means is not squared.",
        ),
        Mistake(
            lambda a, b: means(a, b) ** 2 + spreads(a, b),
            "the difference of the spreads is not squared.",
        ),
        Mistake(
            lambda a, b: means(a, b) ** 2 + spreads(a, b).abs(),
            "the difference of the spreads is not squared.",
        ),
        Mistake(
            lambda a, b: (a[: len(b)] - b).square().mean(),
            "it compares the numbers pair by pair. Which comes first in a set is chance: compare "
            "mean with mean, and spread with spread.",
        ),
        Mistake(lambda a, b: 2 * means(a, b) + 2 * spreads(a, b), "* 2 doubles; ** 2 squares."),
    )
    # Dividing by n or by n − 1 is all the same here.
    return settle("frechet_1d", learner, _frechet_1d, trials, mistakes, tolerance=2e-3)


def blind_test(chosen: Sequence[int], real: Sequence[int], shown: int) -> None:
    """Say how many of ``shown`` pictures were told apart, and what guessing would give.

    ``chosen``: the numbers, from 1, that somebody believes to be real; ``real``: those that are.
    """
    try:
        numbers = {int(number) for number in chosen}
    except (TypeError, ValueError):
        print(f"Give the numbers of the pictures in a list, such as [3, 7], and not {chosen!r}.")
        return
    if strange := sorted(number for number in numbers if not 1 <= number <= shown):
        print(f"There is no picture {strange[0]}: they are numbered from 1 to {shown}.")
        return
    if not numbers:
        print("No answer yet: write the numbers of those that you believe are real.")
        return
    right = shown - len(numbers ^ set(real))
    # By luck each is right or wrong like a coin: nineteen guessers in twenty end within this.
    luck = round(0.98 * math.sqrt(shown))
    low, high = shown // 2 - luck, shown // 2 + luck
    verdict = (
        "no better than a coin" if low <= right <= high
        else "so you can tell" if right > high
        else "so you can tell them apart, but took one kind for the other"
    )  # fmt: skip
    print(f"{right} of {shown} right. A coin gets {low} to {high} in 19 of 20 tries: {verdict}.")
    print(f"Real are {', '.join(map(str, sorted(real)))}.")


def _nearest_distance(x, data):
    return torch.stack([(picture - data).flatten(1).square().mean(1).sqrt().min() for picture in x])


def _frechet_1d(a, b):
    return (a.mean() - b.mean()) ** 2 + (a.std() - b.std()) ** 2
