"""One list of dependencies, locked for everyone, repeated for conda; a package light to import."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import lock
import pytest
import setup
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}


def wanted(*extras: str) -> list[Requirement]:
    """What pyproject.toml lists for the package itself and for these extras."""
    listed = PYPROJECT["project"]["dependencies"]
    for extra in extras:
        listed = listed + PYPROJECT["project"]["optional-dependencies"][extra]
    return [Requirement(line) for line in listed]


def split(requirement: str) -> tuple[str, str]:
    name, bounds = re.fullmatch(r"([A-Za-z0-9_-]+)(.*)", requirement.replace(" ", "")).groups()
    return name, bounds


def from_conda() -> dict[str, str]:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    return dict(split(item) for item in listed if isinstance(item, str) and item != "pip")


def test_conda_users_get_the_same_dependencies():
    ours = {CONDA_NAMES.get(one.name, one.name): set(one.specifier) for one in wanted("html")}
    ours["python"] = set(Requirement("python" + PYPROJECT["project"]["requires-python"]).specifier)
    theirs = {
        name: set(Requirement(name + bounds).specifier) for name, bounds in from_conda().items()
    }
    assert theirs == ours


@pytest.mark.parametrize("one", wanted("html", "test"), ids=str)
def test_every_dependency_has_a_tested_lower_and_an_upper_bound(one):
    assert sorted(bound.operator for bound in one.specifier) == ["<", ">="]


# --- the lock ---


def entries(level: str) -> dict[str, list[tuple[Requirement, list[str]]]]:
    """Every package of a level of the lock, by name: its lines, each with its hashes."""
    found: dict[str, list[tuple[Requirement, list[str]]]] = {}
    text = (ROOT / "requirements" / f"{level}.txt").read_text(encoding="utf-8")
    for below in re.findall(r"^-r (\w+)\.txt$", text, re.MULTILINE):
        found |= entries(below)
    for line in re.findall(r"^[a-z0-9].*(?:\n    .*)*", text, re.MULTILINE):
        requirement, *hashes = re.split(r"\s*\\?\n\s*", line)
        one = Requirement(requirement)
        found.setdefault(one.name, []).append((one, hashes))
    return found


@pytest.mark.parametrize("level", setup.LEVELS)
def test_the_lock_fixes_a_version_of_each_dependency_within_its_bounds(level):
    locked = entries(level)
    extras = lock.EXTRAS[: setup.LEVELS.index(level) + 1]
    build = [Requirement(line) for line in PYPROJECT["build-system"]["requires"]]
    for one in wanted(*extras) + build:
        [(pinned, _)] = locked[one.name]
        [version] = pinned.specifier
        assert version.operator == "==" and version.version in one.specifier, str(one)
        assert pinned.marker is None, f"{one.name} is not for every system"


@pytest.mark.parametrize("level", setup.LEVELS)
def test_all_that_has_one_build_has_hashes_and_the_rest_names_none(level):
    for name, lines in entries(level).items():
        for one, hashes in lines:
            assert len({str(other.specifier) for other, _ in lines}) == 1, name
            assert re.fullmatch(r"==[\w.]+", str(one.specifier)), name
            assert bool(hashes) is (name not in lock.BUILDS), name
            assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", each) for each in hashes), name
            assert not lock.OF_ONE_BUILD.match(name)


def test_the_lock_names_no_place():
    for level in setup.LEVELS:
        text = (ROOT / "requirements" / f"{level}.txt").read_text(encoding="utf-8")
        assert not re.search(
            r"://|--(extra-)?index|--find-links|--trusted| @ |\.(org|com|net)", text
        )


@pytest.mark.parametrize(
    "system,os_name,needs",
    [("linux", "posix", "pexpect"), ("darwin", "posix", "appnope"), ("win32", "nt", "pywinpty")],
)
def test_the_lock_holds_what_only_one_system_needs(system, os_name, needs):
    here = {"sys_platform": system, "os_name": os_name, "python_full_version": "3.12.1"}
    [(one, _)] = entries("learn")[needs]
    assert one.marker.evaluate(here)


def test_learners_get_nothing_that_only_tests_need():
    learn, test = entries("learn"), entries("test")
    assert not {"diffusers", "jupytext", "mypy", "nbval", "pytest", "ruff"} & set(learn)
    assert {"diffusers", "jupytext", "mypy", "nbval", "pytest", "ruff"} <= set(test)
    assert all(test[name] == lines for name, lines in learn.items())


def test_builds_for_graphics_cards_are_left_out():
    text = (
        "nvidia-x==1 \\\n    --hash=a\ntorch==2.13.0 \\\n    --hash=b\ntqdm==4 \\\n    --hash=c\n"
    )
    assert lock.entries(text) == ["torch==2.13.0", "tqdm==4 \\\n    --hash=c"]


# --- the package ---


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
