"""The exported pages: whole, folded where the notebook is, and nothing fetched from outside."""

import base64
import io
import json
import re
from pathlib import Path

import build_notebooks
import export_html
import nbformat
import pytest
from fontTools.ttLib import TTFont
from PIL import Image

from diffusion_lessons.critters import generate

ROOT = Path(__file__).parents[1]
SOURCE = r"""# %% [markdown]
# # 01 · What is noise?
#
# It is $\bar\alpha_t$ of the [next](02_more.ipynb), see [elsewhere](other.ipynb).
#
# $$x_t = \sqrt{\bar\alpha_t}\,x_0 < 1$$

# %%
print("in the core")

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# x = 1
# ```
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Prove it

# %% [markdown]
# ### A detail
# Inside.

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Go further

# %% [markdown]
# Deep.

# %% [markdown]
# ## What you now know
# All.
"""


@pytest.fixture
def course(tmp_path):
    """A small course: two notebooks, one with outputs, and a README."""
    (tmp_path / "notebooks" / "src").mkdir(parents=True)
    source = tmp_path / "notebooks" / "src" / "01_demo.py"
    source.write_text(SOURCE, encoding="utf-8")
    book = build_notebooks.read_source(source)
    figure = nbformat.v4.new_output(
        "display_data",
        {build_notebooks.WIDGET: {}, "image/png": "aGVsbG8="},
        metadata={"image/png": {"alt": "What to see."}},
    )
    alone = nbformat.v4.new_output("display_data", {"text/plain": build_notebooks.WIDGET_TEXT})
    book.cells[1].outputs = [figure, alone]
    book.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    nbformat.write(book, tmp_path / "notebooks" / "01_demo.ipynb")
    more = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# 02 · More")])
    nbformat.write(more, tmp_path / "notebooks" / "02_more.ipynb")
    (tmp_path / "README.md").write_text("# Course\n\nWords.\n\n## Two\n", encoding="utf-8")
    return tmp_path


def page(course, name="01_demo"):
    export_html.export(course, course / "out")
    return (course / "out" / f"{name}.html").read_text(encoding="utf-8")


def test_every_lesson_and_an_index_are_written(course):
    sizes = export_html.export(course, course / "out")
    assert sorted(sizes) == ["01_demo.html", "02_more.html", "index.html"]
    index = page(course, "index")
    assert 'href="01_demo.html"' in index and "01 · What is noise?" in index


def test_the_film_of_the_index_stands_still_for_those_who_asked_for_less_motion(course):
    colors = [Image.new("RGB", (8, 8), color) for color in ("red", "green", "blue")]
    colors[0].save(
        course / "film.webp", save_all=True, append_images=colors[1:], duration=100, lossless=True
    )
    (course / "README.md").write_text("# Course\n\n![Film: A & B.](film.webp)\n\nWords.\n\n## 2\n")
    found = re.search(
        r'<source media="\(prefers-reduced-motion: reduce\)" '
        r'srcset="data:image/webp;base64,([^"]+)">'
        r'<img alt="Film: A &amp; B." src="data:image/webp;base64,([^"]+)">',
        page(course, "index"),
    )
    still, film = (Image.open(io.BytesIO(base64.b64decode(data))) for data in found.groups())
    assert getattr(still, "n_frames", 1) == 1 and film.n_frames == 3
    assert still.convert("RGB").getpixel((0, 0)) == (0, 0, 255)


def test_formulas_are_mathml_and_keep_their_latex(course):
    text = page(course)
    assert text.count("<math") == 2 and 'display="block"' in text
    assert r"\bar\alpha_t</annotation>" in text and "$" not in re.sub(
        r"<style.*?</style>", "", text, flags=re.S
    )
    # A bar as small as an exponent looks like a dot.
    assert text.count('<mover accent="true">') == 2


def test_links_lead_to_pages_where_there_is_one(course):
    text = page(course)
    assert 'href="02_more.html"' in text and 'href="other.ipynb"' in text


def test_folded_sections_stay_folded_and_end_where_the_notebook_unfolds(course):
    text = page(course)
    assert text.count("<details") == text.count("</details>") == 3
    assert "<details open" not in text
    first, second = text.split("Prove it", 1)[1].split("Go further", 1)
    assert first.count("</details>") == 1 and "Inside." in first
    inside, after = second.split("</details>", 1)
    assert "Deep." in inside and "What you now know" in after


def test_views_of_widgets_go_and_their_picture_stays(course):
    text = page(course)
    assert "widget-view" not in text and "widget-state" not in text
    assert 'alt="What to see."' in text and export_html.NO_KERNEL in text


def test_a_cell_with_a_prompt_box_says_what_it_begins_with():
    usual = {"seed": 0, "guidance": generate.GUIDANCE}
    source = (
        'from diffusion_lessons.course import live\n\nlive.PromptBox(net, "a <b> fox", "Four.")'
    )
    assert export_html.prompt_of(source) == {"text": "a <b> fox"} | usual
    source = 'live.PromptBox(mine, "a cat", "Four.", guidance=2, seed=3)'
    assert export_html.prompt_of(source) == {"text": "a cat", "guidance": 2, "seed": 3}
    assert export_html.prompt_of("live.Monitor(3)") is None
    box = export_html.live_box({"text": 'a "<b>" fox'})
    assert "a \\&quot;&lt;b&gt;\\&quot; fox" in box
    with pytest.raises(ValueError, match="a seed and a guidance"):
        export_html.prompt_of('live.PromptBox(mine, "a cat", "Four.", count=8)')


def test_a_solution_stays_folded(course):
    assert re.search(r"<details><summary>A solution</summary>.*?</details>", page(course), re.S)


def test_a_page_that_grew_too_large_is_an_error(course, monkeypatch):
    monkeypatch.setattr(export_html, "LARGEST", 10)
    with pytest.raises(ValueError, match=r"01_demo\.html"):
        export_html.export(course, course / "out")


def test_a_course_without_notebooks_is_an_error(tmp_path):
    (tmp_path / "notebooks").mkdir()
    with pytest.raises(ValueError, match="no notebooks"):
        export_html.export(tmp_path, tmp_path / "out")


def test_the_two_tools_agree_on_how_a_widget_is_stored():
    assert export_html.WIDGET == build_notebooks.WIDGET
    assert export_html.WIDGET_TEXT == build_notebooks.WIDGET_TEXT


# --- the course itself ---

ADDRESS = re.compile(
    r"""(?:src|href|action|data)=["']?(?!data:|#)([^"'\s>]+)|url\((?!data:)([^)]+)\)"""
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    out = tmp_path_factory.mktemp("html")
    export_html.export(ROOT, out)
    return {path.name: path.read_text(encoding="utf-8") for path in out.glob("*.html")}


@pytest.mark.slow
def test_pages_refer_to_each_other_and_to_nothing_else(exported):
    for name, text in exported.items():
        bare = re.sub(r"<(script|annotation|pre)\b.*?</\1>", "", text, flags=re.S)
        found = {first or second for first, second in ADDRESS.findall(bare)}
        assert found <= set(exported), f"{name} refers to {found - set(exported)}"


@pytest.mark.slow
def test_every_picture_has_words(exported):
    for name, text in exported.items():
        for tag in re.findall(r"<img[^>]*>", text):
            assert re.search(r'alt="[^"]{10,}', tag), f"{name}: {tag[:80]}"


@pytest.mark.slow
def test_the_font_has_every_sign_that_the_formulas_use(exported):
    known = set(TTFont(export_html.FONT).getBestCmap())
    for name, text in exported.items():
        for body in re.findall(r"<math.*?</math>", text, re.S):
            shown = re.sub(r"<annotation.*?</annotation>|<[^>]+>", "", body, flags=re.S)
            signs = set(map(ord, export_html.html.unescape(shown))) - {10}
            assert signs <= known, f"{name}: {[chr(k) for k in signs - known]}"


@pytest.mark.slow
def test_interactive_figures_are_in_their_pages(exported):
    stored = {}
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        stored[path.stem] = sum("text/html" in output.get("data", {}) for output in outputs)
    assert sum(stored.values()) >= 4
    for name, count in stored.items():
        text = exported[f"{name}.html"]
        assert text.count('class="dl"') - text.count("data-prompt=") == count
