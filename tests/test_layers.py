"""A module may import lower layers only: never a sibling, never a higher one."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "diffusion_lessons"
LAYERS = [
    {"schedules", "critters", "files"},
    {"forward", "prompts", "data"},
    {"models", "metrics"},
    {"training", "sampling", "copying"},
    {"plots", "course", "wishes"},
    {"widgets", "evaluation"},
    {"live"},
    {"__main__"},
]
LAYER = {module: number for number, modules in enumerate(LAYERS) for module in modules}
LAYER["__init__"] = -1  # so it may import nothing, and `import diffusion_lessons` stays light


def imported(source: str) -> set[str]:
    """Return the modules of this package that a source imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = "diffusion_lessons" if node.level else ""
            base = ".".join(part for part in (start, node.module) if part)
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        parts = [name.split(".") for name in names]
        found |= {p[1] for p in parts if p[0] == "diffusion_lessons" and len(p) > 1}
    return found


def wrong_arrows(module: str, source: str) -> list[str]:
    """Return the imports that do not point downwards, in words."""
    own = LAYER[module]
    modules = (name for name in sorted(imported(source)) if name in LAYER)
    return [
        f"{module} (layer {own}) imports {name} (layer {LAYER[name]})"
        for name in modules
        if LAYER[name] >= own
    ]


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("**/*.py")), ids=lambda path: path.stem)
def test_arrows_point_downwards(path):
    module = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert module in LAYER, f"{module} has no layer: add it to the table in {__file__}"
    assert wrong_arrows(module, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "module,source",
    [
        ("forward", "from .models import IdealDenoiser"),
        ("forward", "from . import data"),
        ("schedules", "def late():\n    import diffusion_lessons.training"),
        ("training", "from diffusion_lessons import sampling"),
        ("training", "from diffusion_lessons.sampling import sample as draw"),
        ("__init__", "from .schedules import Schedule"),
    ],
)
def test_a_planted_wrong_arrow_is_found(module, source):
    assert len(wrong_arrows(module, source)) == 1


def test_arrows_down_are_allowed():
    good = "import torch\nfrom .schedules import Schedule\nfrom diffusion_lessons import forward"
    assert wrong_arrows("sampling", good) == []
