"""Sets up .venv for `make`: standard library only, and readable by Python 3.6.

It must run on a Python that is too old for the course, so that it can say so.
Nothing that it does is lost when it is interrupted: run it again and it goes on.
"""

import argparse
import ast
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple
from urllib.parse import unquote, urlparse

try:
    import fcntl
except ImportError:  # Windows, where environment.yml is the way
    fcntl = None

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
UV = "uv>=0.8,<1"
GB = 1e9
Version = Tuple[int, ...]


class Problem(Exception):
    """Set-up cannot go on, for a reason that its one sentence gives."""


class Source(NamedTuple):
    """One way to get PyTorch: arguments for uv, what to tell the learner, room needed in bytes."""

    args: List[str]
    sentence: str
    room: float


# --- what can be wrong, each in one sentence ---


def bounds(requirement: str) -> Tuple[Version, Version]:
    """Return the lower (included) and upper (excluded) version of '>=a,<b'."""
    low = re.search(r">=\s*([\d.]+)", requirement)
    high = re.search(r"<\s*([\d.]+)", requirement)
    if low is None or high is None:
        raise Problem(f"pyproject.toml says {requirement!r}; expected the form '>=3.11,<3.15'.")
    return numbers(low.group(1)), numbers(high.group(1))


def numbers(version: str) -> Version:
    """Return '2.13.0+cpu' as (2, 13, 0)."""
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+")[0]))


def dotted(version: Version) -> str:
    """Return (3, 11) as '3.11'."""
    return ".".join(str(part) for part in version)


def python_problem(version: Version, low: Version, high: Version) -> Optional[str]:
    """Say what is wrong with this version of Python, or return None."""
    newest = dotted((*high[:-1], high[-1] - 1))
    if version < low:
        return (
            f"Python {dotted(version)} is too old for this course, which needs {dotted(low)} to "
            f"{newest}: install one of those and run the command again, or point to it with "
            f"PYTHON=/path/to/python{newest}."
        )
    if version >= high:
        return (
            f"Python {dotted(version)} is too new for PyTorch, which has builds for {dotted(low)} "
            f"to {newest}: install one of those beside it and run the command again, or point to "
            f"it with PYTHON=/path/to/python{newest}."
        )
    return None


def venv_problem(has_venv: bool, version: Version, system: str) -> Optional[str]:
    """Say how to get Python's venv and ensurepip where they are missing, or return None."""
    if has_venv:
        return None
    name = f"python{dotted(version[:2])}"
    if system == "Linux":
        cure = f"install it (on Debian and Ubuntu: sudo apt install {name}-venv)"
    else:
        cure = "install Python afresh from python.org"
    return f"{name} came without its parts `venv` and `ensurepip`: {cure} and run again."


def room_problem(free: float, need: float, folder: str) -> Optional[str]:
    """Say how much room is missing on the disk that holds folder, or return None."""
    if free >= need:
        return None
    return (
        f"The disk has too little room: {free / GB:.1f} GB are free where {folder} lies, and "
        f"about {need / GB:.1f} GB are needed; free some, or move the course to another disk, "
        f"and run again."
    )


def tool_problem(output: str) -> str:
    """Turn what pip or uv said when it failed into one sentence."""
    text = output.lower()
    if re.search(r"no space left|os error 28\b|errno 28\b|quota exceeded", text):
        return "The disk is full: free a few GB and run again; what was downloaded is kept."
    if re.search(r"certificate_verify_failed|unknownissuer|invalid peer certificate", text):
        return (
            "The network answers with a certificate that is not trusted here (a school or company "
            "filter does that): set SSL_CERT_FILE to its certificate file and run again."
        )
    network = (
        r"error sending request|failed to fetch|dns error|connection (refused|reset|broken)|"
        r"could not connect|failed to resolve|name resolution|timed out|unreachable|"
        r"proxyerror|newconnectionerror|network connectivity is disabled|"
        r"no matching distribution found for uv|client error \(connect\)"
    )
    if re.search(network, text):
        return (
            "The network is gone: the package index cannot be reached, and what is needed is not "
            "all on this computer yet; connect to the internet and run again, it goes on from here."
        )
    if "wheels" in text and "torch" in text:
        return (
            f"PyTorch has no build for this computer ({platform.system()} {platform.machine()}): "
            "use a 64-bit Linux, Windows or Apple-silicon machine, or try conda (see README.md)."
        )
    return "The packages could not be installed, for the reason in the lines above."


# --- what this computer offers ---


def pip_settings(listing: str) -> Dict[str, List[str]]:
    """Return the values of each option in the output of `pip config list`.

    As in pip itself, the environment beats the configuration files, and there a section for
    one command (`install.`) beats `global.`.
    """
    rank = {"global": 0, "install": 1, ":env:": 2}
    found = {}  # type: Dict[str, Tuple[int, List[str]]]
    for line in listing.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.strip().rpartition(".")
        level = rank.get(section, -1)
        if level < 0 or level < found.get(name, (0, []))[0]:
            continue
        try:
            found[name] = (level, str(ast.literal_eval(value.strip())).split())
        except (SyntaxError, ValueError):
            continue
    return {name: values for name, (_, values) in found.items()}


def wheel_folders(links: Sequence[str]) -> List[str]:
    """Keep those of pip's find-links that can be read: pages, and folders that exist."""
    kept = []
    for link in links:
        url = urlparse(link)
        path = unquote(url.path) if url.scheme == "file" else os.path.expanduser(link)
        if url.scheme in ("http", "https"):
            kept.append(link)
        elif os.path.exists(path):
            kept.append(os.path.abspath(path))
    return kept


def cpu_build(
    names: Sequence[str], low: Version, high: Version, python: Version, system: str, machine: str
) -> Optional[str]:
    """Return the newest version of torch among wheels that is a CPU build and fits, or None."""
    system_tag = {"Linux": "linux", "Darwin": "macosx"}.get(system, "win")
    fits = []
    for name in names:
        match = re.match(r"torch-([\d.]+\+cpu)-(cp\d+)-\w+-(.+)\.whl$", unquote(name))
        if match is None:
            continue
        version, tag, where = match.groups()
        right_python = tag == "cp{}{}".format(*python[:2])
        if right_python and system_tag in where and machine in where:
            fits.append(version)
    fits = [version for version in fits if low <= numbers(version) < high]
    return max(fits, key=numbers) if fits else None


def sources(system: str, local_version: Optional[str]) -> List[Source]:
    """Return the ways to get PyTorch, best first: small CPU builds before the registry's own.

    On Linux the registry's own build brings CUDA, ten times the size and of no use here.
    """
    pinned = Source(
        [f"torch=={local_version}"],
        "Up to 200 MB to download (PyTorch's CPU build comes from this computer's wheel folder), "
        "2 GB on disk.",
        2.5 * GB,
    )
    ways = [pinned] if local_version else []
    if system == "Linux":
        small = "Up to 400 MB to download (with PyTorch's CPU build), 2 GB on disk."
        plain = (
            "Up to 3.5 GB to download, 8 GB on disk: PyTorch's small CPU build cannot be had "
            "here, so this is the large one with CUDA."
        )
        # PyTorch's own index comes first; it needs no pin, --torch-backend finds the newest.
        return [
            Source(["--torch-backend=cpu"], small, 2.5 * GB),
            *ways,
            Source([], plain, 10 * GB),
        ]
    return [*ways, Source([], "Up to 300 MB to download, 2 GB on disk.", 2.5 * GB)]


# --- doing it ---


def say(text: str) -> None:
    """Tell the learner what is going on, at once."""
    print(text, flush=True)


class Setup:
    """The steps of set-up for one project folder."""

    def __init__(self, root: str, given_python: Optional[str] = None) -> None:
        self.root = root
        self.given_python = given_python
        self.venv = os.path.join(root, ".venv")
        self.python = os.path.join(self.venv, "bin", "python")
        self.marker = os.path.join(self.venv, "diffusion-lessons.json")
        with open(os.path.join(root, "pyproject.toml"), encoding="utf-8") as file:
            self.project = file.read()
        self.env = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_USER="0")
        # What is set for another environment must not leak into this one.
        for name in ("PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV"):
            self.env.pop(name, None)

    def python_bounds(self) -> Tuple[Version, Version]:
        """Return the range of Python that pyproject.toml allows."""
        return bounds(self._field(r'requires-python\s*=\s*"([^"]+)"'))

    def torch_bounds(self) -> Tuple[Version, Version]:
        """Return the range of torch that pyproject.toml allows."""
        return bounds(self._field(r'"torch([^"]+)"'))

    def _field(self, pattern: str) -> str:
        match = re.search(pattern, self.project)
        if match is None:
            raise Problem(f"pyproject.toml lacks a line like {pattern}: take it from a fresh copy.")
        return match.group(1)

    def stamp(self) -> Dict[str, str]:
        """Return what a finished .venv was made from: if any of it changes, it is made again."""
        with open(os.path.abspath(__file__), "rb") as file:
            recipe = hashlib.sha256(self.project.encode("utf-8") + file.read()).hexdigest()
        return {"folder": self.root, "recipe": recipe, "python": self._venv_version()}

    def _venv_version(self) -> str:
        try:
            with open(os.path.join(self.venv, "pyvenv.cfg"), encoding="utf-8") as file:
                match = re.search(r"^version\s*=\s*([\d.]+)", file.read(), re.MULTILINE)
        except OSError:
            return ""
        return match.group(1) if match else ""

    def finished(self) -> bool:
        """Say whether .venv is complete, up to date, and made with the Python asked for."""
        return self.usable() and self._stored() == self.stamp()

    def _stored(self) -> Dict[str, str]:
        try:
            with open(self.marker, encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            return {}

    def usable(self) -> bool:
        """Say whether .venv was once complete, and its Python starts, fits and was not moved."""
        stored, now = self._stored(), self.stamp()
        if not stored or any(stored.get(key) != now[key] for key in ("folder", "python")):
            return False
        version = self._version(self.python)
        fits = version is not None and python_problem(version, *self.python_bounds()) is None
        if fits and self.given_python:
            asked = self._version(self.given_python)
            fits = asked is not None and asked[:2] == version[:2]
        return fits

    def run(self) -> None:
        """Set everything up, or return at once where that is done."""
        if self.finished():
            return
        with open(os.path.abspath(__file__), "rb") as lock:
            self._wait_for_others(lock)
            if not self.finished():
                self._build()

    def _wait_for_others(self, lock) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another make is setting up this folder: waiting for it to finish ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:
            pass  # a network disk without locks: one make at a time, then

    def _build(self) -> None:
        start = time.time()
        if self.usable():
            # What is needed changed, say after `git pull`. The old .venv stays until that is here.
            version = numbers(self._venv_version())
            say(f"Bringing {self.venv} up to date.")
        else:
            python, version = self._choose_python()
            has_venv = subprocess.call(
                [python, "-c", "import venv, ensurepip"], stderr=subprocess.DEVNULL, env=self.env
            )
            self._check(venv_problem(has_venv == 0, version, platform.system()))
            self._check(room_problem(self._free(), 0.2 * GB, self.root))
            say(f"Setting up the course in {self.venv} with Python {dotted(version)}.")
            self._make_venv(python)
            self._install_uv()
        self._install_packages(version)
        self._quieten_jupyterlab()
        check = "import torch, diffusion_lessons; print('PyTorch', torch.__version__, 'works.')"
        if subprocess.call([self.python, "-c", check], env=self.env, cwd=self.root) != 0:
            raise Problem("PyTorch was installed and does not start: the lines above say why.")
        self._write_marker(self.stamp())
        say(f"Ready after {time.time() - start:.0f} s; the next time takes a moment only.")

    def _choose_python(self) -> Tuple[str, Version]:
        low, high = self.python_bounds()
        if self.given_python:
            version = self._version(self.given_python)
            if version is None:
                raise Problem(f"PYTHON={self.given_python} does not start: give a path to Python.")
            self._check(python_problem(version, low, high))
            return self.given_python, version
        here = tuple(sys.version_info[:3])
        if python_problem(here, low, high) is None:
            return sys.executable, here
        for minor in range(high[1] - 1, low[1] - 1, -1):
            other = shutil.which(f"python{low[0]}.{minor}")
            version = self._version(other) if other else None
            if version is not None and python_problem(version, low, high) is None:
                return other, version
        raise Problem(python_problem(here, low, high))

    def _version(self, python: str) -> Optional[Version]:
        code = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
        try:
            found = subprocess.check_output(
                [python, "-c", code], stderr=subprocess.DEVNULL, env=self.env
            )
        except (OSError, subprocess.CalledProcessError):
            return None
        return numbers(found.decode())

    @staticmethod
    def _check(problem: Optional[str]) -> None:
        if problem:
            raise Problem(problem)

    def _free(self) -> float:
        return float(shutil.disk_usage(self.root).free)

    def _make_venv(self, python: str) -> None:
        if os.path.lexists(self.venv):
            ours = os.path.exists(self.marker)
            known = os.path.exists(os.path.join(self.venv, "pyvenv.cfg"))
            if not os.path.isdir(self.venv) or os.path.islink(self.venv):
                raise Problem(f"{self.venv} is not a folder of its own: move it away, run again.")
            if os.listdir(self.venv) and not ours and not known:
                raise Problem(
                    f"{self.venv} holds something else than a virtual environment: move it away "
                    "and run again."
                )
            # A package cut off in the middle looks installed. The downloads are kept elsewhere,
            # so starting afresh is quick, and certain.
            say("An unfinished or outdated .venv is there: building it again.")
            shutil.rmtree(self.venv)
        os.mkdir(self.venv)
        self._write_marker({})
        done = self._capture([python, "-m", "venv", self.venv])
        if done.returncode != 0:
            sys.stderr.write(done.stdout)
            raise Problem(f"{python} could not make {self.venv}: the lines above say why.")

    def _write_marker(self, stamp: Dict[str, str]) -> None:
        with open(self.marker + ".tmp", "w", encoding="utf-8") as file:
            json.dump(stamp, file)
        os.replace(self.marker + ".tmp", self.marker)

    def _install_uv(self) -> None:
        say("Installing uv (about 25 MB), which installs the rest quickly ...")
        command = [self.python, "-m", "pip", "install", "--quiet", "--retries=1", UV]
        done = self._capture(command)
        if done.returncode != 0:
            sys.stderr.write(done.stdout)
            raise Problem(tool_problem(done.stdout))

    def _capture(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
            env=self.env,
            cwd=self.root,
        )

    def _install_packages(self, version: Version) -> None:
        common = self._pip_to_uv()
        folders = [arg for arg in common if os.path.isdir(arg)]
        names = [name for folder in folders for name in os.listdir(folder)]
        local = cpu_build(
            names, *self.torch_bounds(), version, platform.system(), platform.machine()
        )
        say("Looking for the smallest PyTorch that can be had here ...")
        ways = sources(platform.system(), local)
        source, offline = self._first_that_resolves(common, ways)
        say("Nothing to download: no network, everything is here." if offline else source.sentence)
        room = source.room if self._stored() == {} else 0.5 * GB
        self._check(room_problem(self._free(), room, self.root))
        self._write_marker({})  # unfinished from here on
        command = self._uv(*common, *offline, *source.args)
        if subprocess.call(command, env=self.env, cwd=self.root) != 0:
            raise Problem(tool_problem(self._why(command)))

    def _uv(self, *args: str) -> List[str]:
        uv = os.path.join(self.venv, "bin", "uv")
        return [uv, "pip", "install", "--python", self.python, "--editable", ".[test]", *args]

    def _first_that_resolves(
        self, common: Sequence[str], ways: Sequence[Source]
    ) -> Tuple[Source, List[str]]:
        output = ""
        for offline in ([], ["--offline"]):
            for source in ways:
                done = self._dry_run(self._uv(*common, *offline, *source.args))
                if done.returncode == 0:
                    return source, offline
                if "UnknownIssuer" in done.stdout and "UV_SYSTEM_CERTS" not in self.env:
                    # A filtering network whose certificate only the operating system knows.
                    self.env.update(UV_SYSTEM_CERTS="1", UV_NATIVE_TLS="1")
                    return self._first_that_resolves(common, ways)
                output = output if offline else done.stdout
        sys.stderr.write(output)
        raise Problem(tool_problem(output))

    def _dry_run(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        # No second tries and short waits: where one way is closed, the next is to be tried soon.
        patient = self.env
        self.env = dict(patient, UV_HTTP_RETRIES="0", UV_HTTP_TIMEOUT="15")
        try:
            return self._capture([*command, "--dry-run"])
        finally:
            self.env = patient

    def _why(self, command: Sequence[str]) -> str:
        # The live output went to the screen. Ask again what is wrong: the disk, then the network.
        if self._free() < 0.3 * GB:
            return "no space left"
        return self._dry_run([*command, "--refresh"]).stdout

    def _pip_to_uv(self) -> List[str]:
        """Pass on to uv what pip is told about this machine: uv reads none of pip's settings."""
        listing = self._capture([self.python, "-m", "pip", "config", "list"]).stdout
        settings = pip_settings(listing)
        args = []  # type: List[str]
        if settings.get("cert"):
            self.env.setdefault("SSL_CERT_FILE", settings["cert"][0])
        if settings.get("no-index", ["0"])[0].lower() in ("1", "true", "yes", "on"):
            args.append("--no-index")
        elif settings.get("index-url") and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & set(self.env):
            args += ["--default-index", settings["index-url"][0]]
        for link in wheel_folders(settings.get("find-links", [])):
            args += ["--find-links", link]
        return args

    def _quieten_jupyterlab(self) -> None:
        # Without this JupyterLab greets every learner with a question about news, and fetches it.
        folder = os.path.join(self.venv, "etc", "jupyter", "labconfig")
        os.makedirs(folder, exist_ok=True)
        news = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
        with open(os.path.join(folder, "page_config.json"), "w", encoding="utf-8") as file:
            json.dump(news, file, indent=1)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Set up the project that this file lies in; return an exit code for the shell."""
    parser = argparse.ArgumentParser(description="Set up .venv for the course.")
    parser.add_argument("--python", default="", help="the Python to use; default: one that fits")
    given = parser.parse_args(arguments).python
    try:
        Setup(ROOT, given or None).run()
    except Problem as problem:
        print(f"\nSet-up stopped. {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Nothing is lost: the same command goes on from here.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
