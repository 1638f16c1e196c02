"""The notebooks as they are stored: what a reader opens, held against its source.

`make test` executes them as well (nbval). Here every rule is cheap, and a notebook planted with
a violation of each proves that the rule can fail.
"""

import ast
import base64
import copy
import io
import json
import re
from collections import Counter
from pathlib import Path

import build_notebooks
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MACHINE_PATH = re.compile(r"(?<![\w.])(/work/|/home/|/tmp/|/root/|/Users/|/opt/|[A-Z]:\\\\?\w)")
MEGABYTE = 1_000_000
LONGEST_CELL = 25


def load(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def text(lines: str | list[str]) -> str:
    return lines if isinstance(lines, str) else "".join(lines)


def code_cells(notebook: dict) -> list[dict]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def outputs(notebook: dict) -> list[dict]:
    return [output for cell in code_cells(notebook) for output in cell["outputs"]]


def shown(output: dict) -> str:
    """Return the words that an output shows: what it prints, not its pictures."""
    data = output.get("data", {})
    parts = [output.get("text", "")]
    parts += [data.get(kind, "") for kind in ("text/plain", "text/markdown", "text/html")]
    return "\n".join(text(part) for part in parts)


# --- the rules: each returns what is wrong, in words ---


def sources_differ(notebook: dict, source: Path) -> list[str]:
    fresh = json.loads(build_notebooks.serialise(build_notebooks.read_source(source)))
    kinds = ("cell_type", "id", "metadata")

    def cells(book: dict) -> list[tuple]:
        return [
            (*(json.dumps(cell[kind]) for kind in kinds), text(cell["source"]))
            for cell in book["cells"]
        ]

    if cells(fresh) == cells(notebook) and fresh["metadata"] == notebook["metadata"]:
        return []
    return [f"its cells are not those of {source.name}: run `make notebooks`"]


def counts_are_off(notebook: dict) -> list[str]:
    counts = [cell["execution_count"] for cell in code_cells(notebook)]
    return [] if counts == list(range(1, len(counts) + 1)) else [f"execution counts are {counts}"]


def errors_or_warnings(notebook: dict) -> list[str]:
    found = []
    for output in outputs(notebook):
        if output["output_type"] == "error":
            found.append(f"an error is stored: {output['ename']}")
        if output.get("name") == "stderr":
            found.append(f"stderr is stored: {text(output['text'])[:80]!r}")
        if re.search(r"\w+Warning: ", shown(output)):
            found.append(f"a warning is stored: {shown(output)[:80]!r}")
        if build_notebooks.WIDGET in output.get("data", {}):
            found.append("a widget is stored that no kernel knows any more")
    return found


def machine_paths(notebook: dict) -> list[str]:
    written = [text(cell["source"]) for cell in notebook["cells"]]
    written += [shown(output) for output in outputs(notebook)]
    return [match.group() for part in written for match in MACHINE_PATH.finditer(part)]


def figures_without_words(notebook: dict) -> list[str]:
    """Each picture needs an alternative text, and the same sentence in sight beside it."""
    found = []
    for number, cell in enumerate(code_cells(notebook), 1):
        for output in cell["outputs"]:
            if "image/png" not in output.get("data", {}):
                continue
            alt = output["metadata"].get("image/png", {}).get("alt", "").strip()
            beside = [other for other in cell["outputs"] if other is not output]
            if not alt:
                found.append(f"code cell {number}: a picture without alternative text")
            elif not any(alt in " ".join(shown(other).split()) for other in beside):
                found.append(f"code cell {number}: a picture without its caption in sight")
    return found


def figures_cut_off(notebook: dict) -> list[str]:
    """Ink on the outermost pixels means that words or a line went on beyond them."""
    found = []
    for number, cell in enumerate(code_cells(notebook), 1):
        for output in cell["outputs"]:
            if "image/png" not in output.get("data", {}):
                continue
            png = base64.b64decode(text(output["data"]["image/png"]))
            pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
            ink = np.abs(pixels - pixels[0, 0]).sum(-1) > 60
            edges = {"top": ink[0], "bottom": ink[-1], "left": ink[:, 0], "right": ink[:, -1]}
            found += [
                f"code cell {number}: a picture is cut off at the {name}"
                for name, edge in edges.items()
                if edge.any()
            ]
    return found


def long_cells(notebook: dict) -> list[str]:
    lengths = [len(text(cell["source"]).splitlines()) for cell in code_cells(notebook)]
    return [
        f"code cell {number} has {length} lines"
        for number, length in enumerate(lengths, 1)
        if length > LONGEST_CELL
    ]


def definitions(notebook: dict) -> set[str]:
    """Return the functions and classes defined at the top level of its cells."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    names = set()
    for cell in code_cells(notebook):
        plain = re.sub(r"^\s*[%!].*$", "", text(cell["source"]), flags=re.MULTILINE)
        names |= {node.name for node in ast.parse(plain).body if isinstance(node, kinds)}
    return names


def defined_twice(notebooks: list[dict]) -> list[str]:
    counts = Counter(name for notebook in notebooks for name in definitions(notebook))
    return sorted(name for name, count in counts.items() if count > 1)


def lessons_on_the_map(readme: str) -> list[str]:
    return sorted(re.findall(r"^\|.*\(notebooks/([^)]+\.ipynb)\)", readme, re.MULTILINE))


RULES = [
    counts_are_off,
    errors_or_warnings,
    machine_paths,
    figures_without_words,
    figures_cut_off,
    long_cells,
]


# --- the notebooks that exist ---


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_stored_notebook_keeps_the_rules(path, rule):
    assert rule(load(path)) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_built_from_its_source(path):
    source = FOLDER / "src" / f"{path.stem}.py"
    assert source.exists(), f"{path.name} has no source"
    assert sources_differ(load(path), source) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_small(path):
    assert path.stat().st_size <= MEGABYTE


def test_every_source_is_built():
    sources = {path.stem for path in (FOLDER / "src").glob("*.py")}
    assert sources == {path.stem for path in NOTEBOOKS}, "run `make notebooks`"


def test_nothing_is_defined_in_two_notebooks():
    assert defined_twice([load(path) for path in NOTEBOOKS]) == []


@pytest.mark.skipif(not NOTEBOOKS, reason="no lessons yet")
def test_the_map_in_the_readme_lists_the_lessons_that_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert lessons_on_the_map(readme) == [path.name for path in NOTEBOOKS]


@pytest.mark.skipif(not NOTEBOOKS, reason="no lessons yet")
def test_what_the_readme_links_to_exists():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", readme) if "://" not in link]
    assert links and [link for link in links if not (ROOT / link).exists()] == []


def test_the_map_of_the_tour_leads_to_every_other_lesson():
    tour = (FOLDER / "src" / "00_tour.py").read_text(encoding="utf-8")
    linked = re.findall(r"^# \|.*\]\(([^)]+)\.ipynb\)", tour, re.MULTILINE)
    assert linked == [path.stem for path in NOTEBOOKS if path.stem != "00_tour"]


# --- a notebook with one thing wrong in it ---

SOURCE = """# %% [markdown]
# # What is noise?

# %%
def noise(size):
    return [4] * size


noise(2)

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Prove it

# %% tags=["nbval-ignore-output"]
print("done")
"""
CAPTION = "Left the cat, right the cat with noise."


@pytest.fixture
def source(tmp_path):
    (tmp_path / "src").mkdir()
    path = tmp_path / "src" / "01_demo.py"
    path.write_text(SOURCE, encoding="utf-8")
    return path


def drawing(edge: int) -> str:
    """A white picture with a black line up to ``edge`` pixels from its left side, as stored."""
    pixels, buffer = np.full((20, 20, 3), 255, np.uint8), io.BytesIO()
    pixels[10, edge:10] = 0
    Image.fromarray(pixels).save(buffer, format="png")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.fixture
def notebook(source):
    """A small good notebook, as it is stored, with a figure and its caption."""
    book = json.loads(build_notebooks.serialise(build_notebooks.read_source(source)))
    for number, cell in enumerate(code_cells(book), 1):
        cell["execution_count"] = number
    figure = {
        "output_type": "display_data",
        "data": {"image/png": drawing(edge=2), "text/plain": f"Figure: {CAPTION}"},
        "metadata": {"image/png": {"alt": CAPTION}},
    }
    caption = {
        "output_type": "display_data",
        "data": {"text/markdown": f"*{CAPTION}*"},
        "metadata": {},
    }
    code_cells(book)[0]["outputs"] = [figure, caption]
    code_cells(book)[1]["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": ["done\n"]}
    ]
    return book


def test_the_small_notebook_keeps_every_rule(notebook, source):
    assert [rule(notebook) for rule in RULES] == [[]] * len(RULES)
    assert sources_differ(notebook, source) == []
    assert defined_twice([notebook]) == []


def say(name: str, words: str) -> dict:
    return {"output_type": "stream", "name": name, "text": [words]}


def plant(notebook: dict, output: dict) -> None:
    code_cells(notebook)[1]["outputs"].append(output)


VIOLATIONS = {
    "a cell never run": (
        counts_are_off,
        lambda book: code_cells(book)[1].update(execution_count=None),
    ),
    "run out of order": (
        counts_are_off,
        lambda book: code_cells(book)[0].update(execution_count=7),
    ),
    "an error": (
        errors_or_warnings,
        lambda book: plant(
            book, {"output_type": "error", "ename": "E", "evalue": "", "traceback": []}
        ),
    ),
    "stderr": (errors_or_warnings, lambda book: plant(book, say("stderr", "careful"))),
    "a warning": (
        errors_or_warnings,
        lambda book: plant(book, say("stdout", "a.py:3: UserWarning: careful")),
    ),
    "a dead widget": (
        errors_or_warnings,
        lambda book: plant(
            book, {"output_type": "display_data", "data": {build_notebooks.WIDGET: {}}}
        ),
    ),
    "a path in an output": (
        machine_paths,
        lambda book: plant(book, say("stdout", "saved to /home/ada/run.safetensors")),
    ),
    "a Windows path in a cell": (
        machine_paths,
        lambda book: code_cells(book)[1].update(source="open(r'C:\\Users\\ada')"),
    ),
    "no alternative text": (
        figures_without_words,
        lambda book: code_cells(book)[0]["outputs"][0].update(metadata={}),
    ),
    "no caption in sight": (
        figures_without_words,
        lambda book: code_cells(book)[0]["outputs"].pop(1),
    ),
    "a name that begins outside its picture": (
        figures_cut_off,
        lambda book: code_cells(book)[0]["outputs"][0]["data"].update(
            {"image/png": drawing(edge=0)}
        ),
    ),
    "a long cell": (
        long_cells,
        lambda book: code_cells(book)[0].update(source=["x = 1\n"] * 26),
    ),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_planted_violation_is_found(notebook, name):
    rule, violate = VIOLATIONS[name]
    violate(notebook)
    assert rule(notebook) != []


@pytest.mark.parametrize("part", ["source", "metadata", "one cell less"])
def test_a_notebook_that_left_its_source_is_found(notebook, source, part):
    if part == "source":
        notebook["cells"][1]["source"] = ["noise(3)"]
    elif part == "metadata":
        notebook["cells"][2]["metadata"] = {}
    else:
        notebook["cells"].pop()
    assert sources_differ(notebook, source) != []


def test_a_function_defined_twice_is_found(notebook):
    assert defined_twice([notebook, copy.deepcopy(notebook)]) == ["noise"]


def test_the_map_is_read():
    table = "| [01 Noise](notebooks/01_noise.ipynb) | What? | 25 |\nSee (notebooks/02_x.ipynb).\n"
    assert lessons_on_the_map(table) == ["01_noise.ipynb"]


# --- building ---


@pytest.mark.slow
def test_building_twice_gives_the_same_bytes(source, tmp_path):
    assert build_notebooks.build(source, tmp_path)[1] is True
    first = (tmp_path / "01_demo.ipynb").read_bytes()
    assert build_notebooks.build(source, tmp_path)[1] is False
    assert (tmp_path / "01_demo.ipynb").read_bytes() == first

    book = load(tmp_path / "01_demo.ipynb")
    assert sources_differ(book, source) == [] and counts_are_off(book) == []
    assert text(code_cells(book)[0]["outputs"][0]["data"]["text/plain"]) == "[4, 4]"
    assert book["cells"][2]["metadata"] == {"jp-MarkdownHeadingCollapsed": True}
    assert code_cells(book)[1]["metadata"] == {"tags": ["nbval-ignore-output"]}


@pytest.mark.slow
@pytest.mark.parametrize(
    "code,complaint",
    [
        ("1 / 0", "division by zero"),
        ("import warnings\n\nwarnings.warn('careful')", "wrote to stderr"),
        ("import ipywidgets\n\nipywidgets.IntSlider()", "nbval-ignore-output"),
    ],
)
def test_a_bad_cell_stops_the_build_and_keeps_the_old_notebook(source, tmp_path, code, complaint):
    old = tmp_path / "01_demo.ipynb"
    old.write_text("the old one", encoding="utf-8")
    source.write_text(f"{SOURCE}\n# %%\n{code}\n", encoding="utf-8")
    with pytest.raises(build_notebooks.BuildError, match=complaint) as error:
        build_notebooks.build(source, tmp_path)
    assert "cell 5" in str(error.value)
    assert old.read_text(encoding="utf-8") == "the old one"


@pytest.mark.slow
def test_widgets_and_progress_bars_leave_nothing_stale(source, tmp_path):
    tag = '# %% tags=["nbval-ignore-output"]\n'
    slider = f"{tag}import ipywidgets\n\nipywidgets.IntSlider()\n"
    bar = f"{tag}from tqdm.auto import tqdm\n\nfor _ in tqdm(range(3)):\n    pass\n"
    text_bar = f"{tag}import tqdm as bars\n\nfor _ in bars.tqdm(range(3)):\n    pass\nprint('ok')\n"
    source.write_text(f"{slider}\n{bar}\n{text_bar}", encoding="utf-8")
    build_notebooks.build(source, tmp_path)
    book = load(tmp_path / "01_demo.ipynb")
    stored = [[shown(output).strip() for output in cell["outputs"]] for cell in code_cells(book)]
    assert stored == [[build_notebooks.WIDGET_TEXT], [], ["ok"]]
    assert "widgets" not in book["metadata"] and errors_or_warnings(book) == []


def test_the_header_that_editors_write_adds_no_cell(source):
    plain = build_notebooks.read_source(source)
    header = "# ---\n# jupyter:\n#   kernelspec:\n#     name: python3\n# ---\n\n"
    source.write_text(header + SOURCE, encoding="utf-8")
    assert build_notebooks.read_source(source) == plain


def test_a_source_asks_for_the_solution_of_an_exercise_of_its_lesson(source):
    lesson = source.with_name("02_demo.py")
    lesson.write_text("# %% [markdown]\n# {solution: snr}\n", encoding="utf-8")
    (cell,) = build_notebooks.read_source(lesson).cells
    assert cell.source == "def snr(alpha_bar):\n    return alpha_bar / (1 - alpha_bar)"
    for name in ("snr", "nothing"):
        source.write_text(f"# %% [markdown]\n# {{solution: {name}}}\n", encoding="utf-8")
        with pytest.raises(build_notebooks.BuildError, match=f"the solution of {name}, but"):
            build_notebooks.read_source(source)


def test_an_unknown_lesson_is_named(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "01_demo.py").touch()
    (tmp_path / "src" / "02_more.py").touch()
    assert [path.name for path in build_notebooks.chosen(tmp_path, ["02"])] == ["02_more.py"]
    with pytest.raises(build_notebooks.BuildError, match="01_demo, 02_more"):
        build_notebooks.chosen(tmp_path, ["07"])
