"""Compile the lock, requirements/*.txt, from pyproject.toml: ``make lock``.

One file a level of set-up, which begins with the one below it; one version of each package for all
systems and Pythons. What is locked stays if it can; ``make lock LOCK_ARGS=--upgrade`` renews all.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import setup

EXTRAS = ["html", "test", "browser", "peers"]  # what each level adds to the one below
# These have one build for the processor and others for graphics cards, at different places.
# Set-up chooses, so they have no hash here, and what only one of the builds needs is left out.
BUILDS = {"torch", "torchvision"}
OF_ONE_BUILD = re.compile("nvidia-|cuda-|triton")


def entries(lock: str) -> list[str]:
    """Return the packages of a compiled lock, but for what belongs to one build of PyTorch."""
    found = []
    for entry in re.split(r"\n(?=\S)", lock.strip()):
        name = entry.partition("==")[0]
        if not OF_ONE_BUILD.match(name):
            found.append(entry.partition(" \\\n")[0] if name in BUILDS else entry)
    return found


def compiled(extras: list[str], *args: str | Path) -> str:
    """Return the versions for pyproject.toml's dependencies and these extras."""
    command = [Path(sys.executable).with_name("uv"), "pip", "compile", "pyproject.toml"]
    command += ["--universal", "--generate-hashes", "--fork-strategy=fewest", "--quiet"]
    command += ["--no-annotate", "--no-header", *(f"--extra={extra}" for extra in extras), *args]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    """Compile all extras at once, then each level with the versions found."""
    files = [setup.ROOT / "requirements" / f"{level}.txt" for level in setup.LEVELS]
    whole = setup.ROOT / "build" / "lock.txt"
    whole.parent.mkdir(exist_ok=True)
    locked = "\n".join(file.read_text(encoding="utf-8") for file in files if file.exists())
    whole.write_text(re.sub("(?m)^-r .*", "", locked), encoding="utf-8")
    compiled(EXTRAS, "--output-file", whole, *sys.argv[1:])
    below: list[str] = []
    for level, file in enumerate(files):
        here = entries(compiled(EXTRAS[: level + 1], "--constraints", whole))
        head = ["# Written by `make lock`: every version, for any system. Change pyproject.toml."]
        head += [f"-r {files[level - 1].name}"] if level else []
        more = [entry for entry in here if entry not in below]
        file.write_text("\n".join([*head, *more]) + "\n", encoding="utf-8")
        below = here


if __name__ == "__main__":
    main()
