"""One list of dependencies, repeated for conda; a package that is light to import."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}


def split(requirement: str) -> tuple[str, str]:
    name, bounds = re.fullmatch(r"([A-Za-z0-9_-]+)(.*)", requirement.replace(" ", "")).groups()
    return name, bounds


def from_pyproject() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = project["dependencies"] + project["optional-dependencies"]["test"]
    found = dict(split(requirement) for requirement in listed)
    return {"python": project["requires-python"]} | found


def from_conda() -> dict[str, str]:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    return dict(split(item) for item in listed if isinstance(item, str) and item != "pip")


def test_conda_users_get_the_same_dependencies():
    ours = {CONDA_NAMES.get(name, name): bounds for name, bounds in from_pyproject().items()}
    assert from_conda() == ours


@pytest.mark.parametrize("name,bounds", from_pyproject().items())
def test_every_dependency_has_a_tested_lower_and_an_upper_bound(name, bounds):
    assert re.fullmatch(r">=[\d.]+,<[\d.]+", bounds), f"{name}{bounds}"


@pytest.mark.parametrize("heavy", ["torch", "matplotlib", "skimage", "sklearn"])
def test_importing_the_package_is_light(heavy):
    code = f"import sys, diffusion_lessons; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.call([sys.executable, "-c", code], cwd=ROOT) == 0


def test_the_real_pictures_ship_inside_scikit_image():
    # Without pooch, skimage.data cannot download; these must be there all the same.
    code = (
        "import sys; sys.modules['pooch'] = None\n"
        "import skimage.data as data\n"
        "for name in ('chelsea', 'astronaut', 'coffee', 'camera'): getattr(data, name)()"
    )
    assert subprocess.call([sys.executable, "-c", code]) == 0
