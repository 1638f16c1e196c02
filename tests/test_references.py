"""What docstrings, imports and lessons refer to exists."""

import ast
import importlib
import importlib.util
import io
import re
import tokenize
from pathlib import Path
from textwrap import dedent

import pytest

import diffusion_lessons
from diffusion_lessons.critters import words

WINGS = ("critters", "course")
PACKAGE = Path(diffusion_lessons.__file__).parent
ROOT = Path(__file__).parents[1]
USERS = [
    path
    for folder in ("notebooks/src", "benchmarks", "tools", "tests_browser")
    for path in sorted((ROOT / folder).glob("*.py"))
]
FORMER = ("checks", "data", "models", "plots", "training", "widgets", "wishes")  # of version 0.1


def referenced(source):
    """What stands in single backticks in the docstrings and comments of a source."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT or token.string.startswith(('"""', "#")):
            yield from re.findall(r"(?<!`)`([A-Za-z_][\w.]*)`(?!`)", token.string)


def exists(name, module):
    """Does a name, read in a module, mean something of it, of its classes, or of a module near?"""
    first, *rest = name.split(".")
    near = (module.__package__, "diffusion_lessons", *(f"diffusion_lessons.{w}" for w in WINGS))
    beside = [f"{package}.{first}" for package in near]
    classes = [item for item in vars(module).values() if isinstance(item, type)]
    starts = [getattr(place, first, None) for place in (module, *classes)]
    starts += [importlib.import_module(path) for path in beside if importlib.util.find_spec(path)]
    return any(start is not None and has(start, rest) for start in starts)


def has(found, names):
    for name in names:
        if not hasattr(found, name):
            return False
        found = getattr(found, name)
    return True


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("**/*.py")), ids=lambda path: path.stem)
def test_references_in_docstrings_name_what_exists(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    module = importlib.import_module(".".join(parts).removesuffix(".__init__"))
    names = set(referenced(path.read_text(encoding="utf-8")))
    assert {name for name in names if not exists(name, module)} == set()


def test_a_reference_to_nothing_is_found():
    source = '"""`spell_out`, ``rng``, `Dataset.attributes`."""  # as `world.WORDS`'
    assert list(referenced(source)) == ["spell_out", "Dataset.attributes", "world.WORDS"]
    found = {name: exists(name, words) for name in referenced(source)}
    assert found == {"spell_out": True, "Dataset.attributes": False, "world.WORDS": True}
    assert exists("datasets.Critters.attributes", words) and exists("files.load", words)


def stale_imports(source):
    """What a source takes from the package and is not there; programs in strings count, too."""
    tree, modules = ast.parse(source), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("diffusion_lessons"):
            start = importlib.import_module(node.module)
            for alias in node.names:
                path = f"{node.module}.{alias.name}"
                if hasattr(start, "__path__") and importlib.util.find_spec(path):
                    modules[alias.asname or alias.name] = importlib.import_module(path)
                elif not hasattr(start, alias.name):
                    yield path
        elif isinstance(node, ast.Constant) and "from diffusion_lessons" in str(node.value):
            yield from stale_imports(dedent(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = modules.get(node.value.id)
            if module is not None and not hasattr(module, node.attr):
                yield f"{node.value.id}.{node.attr}"


@pytest.mark.parametrize("path", USERS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_is_taken_from_the_package_is_there(path):
    assert list(stale_imports(path.read_text(encoding="utf-8"))) == []


def test_a_stale_import_is_found():
    source = "from diffusion_lessons import forward, plots\nforward.add_nois\n"
    assert list(stale_imports(source)) == ["diffusion_lessons.plots", "forward.add_nois"]
    assert list(stale_imports(f"PROGRAM = {source!r}")) == list(stale_imports(source))


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notebooks/src").glob("*.py")), ids=lambda p: p.stem
)
def test_lessons_say_where_things_are_now(path):
    said = re.findall(r"`(?:diffusion_lessons[./])?(\w+)\.(\w+)[^`]*`", path.read_text("utf-8"))
    modules = {file.stem: file for file in PACKAGE.glob("**/*.py")}
    for module, name in said:
        assert module not in FORMER, f"{module}.{name}"
        if module in modules and name != "py":
            parts = modules[module].relative_to(PACKAGE.parent).with_suffix("").parts
            assert hasattr(importlib.import_module(".".join(parts)), name), f"{module}.{name}"
