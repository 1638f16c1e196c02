"""Sets up .venv for `make`, by uv and from the lock in requirements/; standard library only.

It must run on a Python that is too old for the course, so that it can say so.
Nothing that it does is lost when it is interrupted: run it again and it goes on.
"""

from __future__ import annotations

import argparse
import ast
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote

import sentences

ROOT = Path(__file__).resolve().parents[1]
LEVELS = ["learn", "test", "browser", "bench"]  # requirements/*.txt, each holds the one before
PYTHON = ".venv/bin/python"
MARKER = Path(".venv/diffusion-lessons.json")  # what a finished .venv was made from


def stop(problem: str, said: str = "") -> None:
    """End set-up with what a tool said, and one sentence."""
    sys.exit(f"{said}\nSet-up stopped. {problem}")


def capture(*command: str, **env: str) -> tuple[bool, str]:
    """Return whether a command succeeded, and what it said."""
    pipe, output = subprocess.PIPE, subprocess.STDOUT
    try:
        done = subprocess.run(command, stdout=pipe, stderr=output, env=dict(os.environ, **env))
    except OSError as error:
        return False, str(error)
    return done.returncode == 0, done.stdout.decode(errors="replace")


# --- what this computer offers ---


def version_of(python: str) -> tuple:
    """Return the version of this Python, empty if it does not start."""
    started, said = capture(python, "-c", "import sys; print(*sys.version_info[:3])")
    return tuple(map(int, said.split()[-3:])) if started else ()


def python_bounds() -> list[tuple]:
    """Return the lowest Python and the first that is too new, by pyproject.toml."""
    line = re.findall(r"requires-python = .*", Path("pyproject.toml").read_text("utf-8"))[0]
    return [tuple(map(int, bound.split("."))) for bound in re.findall(r"\d+\.\d+", line)]


def choose_python(given: str) -> tuple[str, tuple]:
    """Return the Python that is given, or the first that fits: this one, then the newest."""
    low, high = python_bounds()
    others = [f"python3.{minor}" for minor in range(high[1] - 1, low[1] - 1, -1)]
    problems = []
    for python in [given] if given else [sys.executable, *others]:
        version = version_of(python)
        problems.append(sentences.python_problem(python, version, low, high))
        if problems[-1] is None:
            return python, version
    return stop(problems[0])


def for_uv(listing: str) -> list[str]:
    """Return uv's arguments for what `pip config list` says: uv reads none of pip's settings.

    As in pip, the environment beats the files, and there `install.` beats `global.`.
    """
    settings: dict[str, list[str]] = {}
    for section in ("global", "install", ":env:"):
        for name, value in re.findall(rf"(?m)^{section}\.([\w-]+)=(['\"].*)$", listing):
            settings[name] = str(ast.literal_eval(value)).split()
    if "cert" in settings:
        os.environ.setdefault("SSL_CERT_FILE", settings["cert"][0])
    args = []
    if settings.get("no-index", ["0"])[0].lower() in ("1", "true", "yes", "on"):
        args = ["--no-index"]
    elif "index-url" in settings and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & set(os.environ):
        args = ["--default-index", settings["index-url"][0]]
    for link in map(os.path.expanduser, settings.get("find-links", [])):
        # A page, or a folder that is there now: a stick may be out.
        if re.match("https?:", link) or os.path.exists(unquote(re.sub("^file://", "", link))):
            args += ["--find-links", link]
    return args


def need_room(need: float) -> None:
    """Stop if the disk has less room than this many bytes."""
    free = shutil.disk_usage(".").free
    if free < need:
        stop(sentences.room_problem(free, need, os.getcwd()))


# --- doing it ---


def stored() -> dict[str, str]:
    """Return what .venv was made from, or nothing if it was never finished."""
    try:
        return json.loads(MARKER.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def stamp(level: str) -> dict[str, str]:
    """Return what .venv is to be made from."""
    locks = [f"requirements/{name}.txt" for name in LEVELS[: LEVELS.index(level) + 1]]
    files = ("pyproject.toml", "tools/setup.py", *locks)
    recipe = hashlib.sha256(b"".join(Path(file).read_bytes() for file in files)).hexdigest()
    python = ".".join(map(str, version_of(PYTHON)[:2]))
    return {"folder": os.getcwd(), "python": python, "level": level, "recipe": recipe}


def usable(given: str) -> bool:
    """Say whether .venv was once complete and not moved, and its Python starts and fits."""
    here = version_of(PYTHON)
    asked = version_of(given) if given else here
    if sentences.python_problem(PYTHON, here, *python_bounds()) or asked[:2] != here[:2]:
        return False
    return all(stored().get(key) == stamp("learn")[key] for key in ("folder", "python"))


def make_venv(given: str) -> None:
    """Make a .venv that holds uv, in the place of one that is of no use."""
    python, version = choose_python(given)
    if not capture(python, "-c", "import venv, ensurepip")[0]:
        stop(sentences.venv_problem(version, platform.system()))
    need_room(0.2e9)
    venv = Path(".venv").absolute()
    print(f"Setting up the course in {venv} with Python {'.'.join(map(str, version))}.")
    if os.path.lexists(venv):
        if venv.is_symlink() or not (venv / "pyvenv.cfg").is_file():
            stop(sentences.IN_THE_WAY.format(venv))
        # A package cut off in the middle looks installed. The downloads are kept elsewhere,
        # so starting afresh is quick, and certain.
        print("An unfinished or outdated .venv is there: building it again.")
        shutil.rmtree(venv)
    made, said = capture(python, "-m", "venv", ".venv")
    if not made:
        stop(f"{python} could not make {venv}: the lines above say why.", said)
    print("Installing uv (about 25 MB), which installs the rest quickly ...")
    made, said = capture(PYTHON, "-m", "pip", "install", "--quiet", "--retries=1", "uv>=0.8,<1")
    if not made:
        stop(sentences.tool_problem(said), said)


def find_torch(command: list[str]) -> tuple[list[str], str]:
    """Return the arguments for the smallest PyTorch that can be had, and uv's plan with them."""
    # PyTorch's own index has the small build for Linux. A folder of wheels may have it, too.
    ways = [["--torch-backend=cpu"], []] if platform.system() == "Linux" else [[]]
    plans = []
    for args in [*ways, *(["--offline", *way] for way in ways)]:
        # No second tries and short waits: where one way is closed, the next is to be tried soon.
        quick = {"UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": "15"}
        found, plan = capture(*command, *args, "--dry-run", **quick)
        if found:
            return args, plan
        if "UnknownIssuer" in plan and "UV_SYSTEM_CERTS" not in os.environ:
            # A filtering network whose certificate only the operating system knows.
            os.environ.update(UV_SYSTEM_CERTS="1", UV_NATIVE_TLS="1")
            return find_torch(command)
        plans.append(plan)
    online = plans[len(ways) - 1]
    return stop(sentences.tool_problem(online), online)


def install(level: str) -> None:
    """Install this level of the lock, with the smallest PyTorch that can be had, and the course."""
    print("Looking for the smallest PyTorch that can be had here ...")
    uv = [".venv/bin/uv", "pip", "install", "--python", PYTHON]
    lock = [*for_uv(capture(PYTHON, "-m", "pip", "config", "list")[1]), "--requirement"]
    command = [*uv, *lock, f"requirements/{level}.txt"]
    args, plan = find_torch(command)
    room, sentence = sentences.size(plan, "--torch-backend=cpu" in args)
    print(sentences.OFFLINE if "--offline" in args else sentence)
    need_room(room)
    if MARKER.exists():
        MARKER.unlink()  # unfinished from here on
    if subprocess.call([*command, *args]) != 0:
        # What it said went to the screen. Ask again what is wrong: the disk, then the network.
        need_room(0.3e9)
        _, said = capture(*command, *args, "--dry-run", "--refresh")
        stop(sentences.tool_problem(said))
    course = ["--offline", "--no-deps", "--no-build-isolation", "--editable", "."]
    installed, said = capture(*uv, *course)
    if not installed:
        stop(sentences.tool_problem(said), said)


def set_up(level: str, given: str) -> None:
    """Set everything up, or return at once where that is done."""
    # Who has more already keeps it: `make lab` takes nothing away from `make test`.
    level = max(level, stored().get("level", level), key=LEVELS.index)
    start, update = time.time(), usable(given)
    if update and stored() == stamp(level):
        return
    if update:
        # What is needed changed, say after `git pull`. The old .venv stays until that is here.
        print(f"Bringing {Path('.venv').absolute()} up to date.")
    else:
        make_venv(given)
    install(level)
    # Otherwise JupyterLab greets every learner with a question about news, and fetches it.
    news = "@jupyterlab/apputils-extension:announcements"
    capture(".venv/bin/jupyter-labextension", "disable", "--level=sys_prefix", news)
    check = "import torch, diffusion_lessons; print('PyTorch', torch.__version__, 'works.')"
    if subprocess.call([PYTHON, "-c", check]) != 0:
        stop("PyTorch was installed and does not start: the lines above say why.")
    MARKER.write_text(json.dumps(stamp(level)), "utf-8")
    print(f"Ready after {time.time() - start:.0f} s; the next time takes a moment only.")


def main() -> None:
    """Set up the project that this file lies in, one at a time."""
    parser = argparse.ArgumentParser(description="Set up .venv for the course.")
    parser.add_argument("level", nargs="?", default="learn", choices=LEVELS)
    parser.add_argument("--python", default="", help="the Python to use; default: one that fits")
    asked = parser.parse_args()
    os.chdir(ROOT)
    os.environ.update(PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_USER="0")
    # What is set for another environment must not leak into this one.
    for name in ("PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV"):
        os.environ.pop(name, None)
    with open("tools/setup.py", "rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another make is setting up this folder: waiting for it to finish ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:
            pass  # a network disk without locks: one make at a time, then
        set_up(asked.level, asked.python)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nStopped. Nothing is lost: the same command goes on from here.")
