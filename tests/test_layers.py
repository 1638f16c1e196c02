"""A module may import lower layers only: never a sibling, never a higher one."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "diffusion_lessons"
# From the ground up; what stands in one set may not import each other.
LAYERS = [
    # The core and what it stands on: tensors only.
    {"cores", "guard", "files", "recipe"},
    {"schedules", "metrics", "muon"},
    {"forward", "denoisers", "unet"},
    {"sampling", "checkpoints"},
    {"runs"},
    {"train"},
    {"pace"},
    # critters/
    {"critters.world"},
    {"critters.drawing", "critters.words", "critters.judge"},
    {"critters.prompts", "critters.datasets"},
    {"critters.generate"},
    # course/
    {"course.figures", "course.grading", "course.copying", "course.machine"},
    {"course.interactive", "course.sheet"},
    {"course.live"},
    {f"course.lesson_{number}" for number in ("00b", *(f"0{k}" for k in range(1, 9)))},
    # The program.
    {"evaluation"},
    {"cli"},
    {"__main__"},
]
LAYER = {module: number for number, modules in enumerate(LAYERS) for module in modules}
# They may import nothing, so that `import diffusion_lessons` stays light.
LAYER |= {"__init__": -1, "critters.__init__": -1, "course.__init__": -1}


def imported(module: str, source: str) -> set[str]:
    """Return the modules of this package that a module's source imports, anywhere in it."""
    package = ["diffusion_lessons", *module.split(".")[:-1]]
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        found |= {name.removeprefix("diffusion_lessons.") for name in names}
    return found & set(LAYER)


def wrong_arrows(module: str, source: str) -> list[str]:
    """Return the imports that do not point downwards, in words."""
    own = LAYER[module]
    return [
        f"{module} (layer {own}) imports {name} (layer {LAYER[name]})"
        for name in sorted(imported(module, source))
        if LAYER[name] >= own
    ]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("**/*.py")), ids=name_of)
def test_arrows_point_downwards(path):
    module = name_of(path)
    assert module in LAYER, f"{module} has no layer: add it to the table in {Path(__file__).name}"
    assert wrong_arrows(module, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "module,source",
    [
        ("forward", "from .denoisers import IdealDenoiser"),
        ("forward", "from . import sampling"),
        ("schedules", "def late():\n    import diffusion_lessons.train"),
        ("checkpoints", "from diffusion_lessons import train"),
        ("train", "from diffusion_lessons.pace import pictures_in as count"),
        ("metrics", "from .critters import world"),
        ("critters.world", "from . import words"),
        ("critters.generate", "from ..course import figures"),
        ("course.grading", "from .lesson_02 import add_noise"),
        ("course.lesson_02", "from ..cli import main"),
        ("__init__", "from .schedules import Schedule"),
    ],
)
def test_a_planted_wrong_arrow_is_found(module, source):
    assert len(wrong_arrows(module, source)) == 1


def test_the_table_names_what_exists():
    assert set(LAYER) == {name_of(path) for path in PACKAGE.glob("**/*.py")}


def test_arrows_down_are_allowed():
    good = "import torch\nfrom ..schedules import Schedule\nfrom diffusion_lessons import forward"
    assert wrong_arrows("critters.generate", good) == []
