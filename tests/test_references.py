"""What docstrings refer to exists."""

import importlib
import importlib.util
import io
import re
import tokenize
from pathlib import Path

import pytest

import diffusion_lessons
from diffusion_lessons.critters import words

WINGS = ("critters", "course")
PACKAGE = Path(diffusion_lessons.__file__).parent


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
