"""The package by itself: its wheel, installed where no checkout is in sight, draws."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "diffusion_lessons"
LEFT_BEHIND = {"__pycache__", ".ipynb_checkpoints"}

pytestmark = pytest.mark.slow


def run(*command: str | Path, **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    # Built from a copy: setuptools packs what an earlier build left in build/.
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    shutil.copytree(PACKAGE, source / PACKAGE.name, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-CC-BY-4.0"):
        shutil.copy(ROOT / name, source)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", out]
    run(sys.executable, "-m", "pip", "wheel", "--quiet", *options, source)
    [built] = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def alone(wheel, tmp_path_factory) -> Path:
    """A fresh environment that holds the wheel, and sees the present one's other packages."""
    place = tmp_path_factory.mktemp("alone")
    venv.create(place, symlinks=os.name != "nt")
    paths = {"base": str(place), "platbase": str(place)}
    site = Path(sysconfig.get_path("purelib", "venv", paths))
    bin_ = Path(sysconfig.get_path("scripts", "venv", paths))
    python = bin_ / Path(sys.executable).name
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    run(*pip, "--no-deps", "--no-index", wheel)
    # Behind its own packages, and without the .pth files there, which would show the checkout.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return bin_


def test_the_wheel_holds_all_that_the_package_does(wheel):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = [path for path in PACKAGE.rglob("*") if path.is_file()]
    names = {path.relative_to(ROOT) for path in files if not LEFT_BEHIND & set(path.parts)}
    assert held == {name.as_posix() for name in names}
    assert any(name.startswith("diffusion_lessons/weights/") for name in held)


def test_it_has_the_version_of_pyproject(alone):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    code = "import diffusion_lessons as package; print(package.__version__, package.__file__)"
    found, file = run(alone / "python", "-I", "-c", code, cwd=alone).split(maxsplit=1)
    assert found == project["version"]
    assert Path(file.strip()).is_relative_to(alone.parent)


@pytest.mark.parametrize("command", [["python", "-m", "diffusion_lessons"], ["diffusion-lessons"]])
def test_it_draws(alone, command, tmp_path):
    program, *arguments = command
    arguments += ["draw", "a cat wearing sunglasses", "--count", "1", "--out", "x.png"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    run(alone / program, *arguments, cwd=tmp_path, env=clean)
    with Image.open(tmp_path / "x.png") as drawn:
        assert min(drawn.size) >= 32 and len(drawn.convert("RGB").getcolors(2**24)) > 100
