"""Exports the course to build/html: pages that open from a file, with no kernel and no network.

python tools/export_html.py              exports every lesson and the index
python tools/export_html.py --out DIR    puts them elsewhere
"""

from __future__ import annotations

import argparse
import ast
import base64
import html
import io
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import export_page
import nbformat
from jinja2 import pass_context
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from PIL import Image
from pygments.formatters import HtmlFormatter

from diffusion_lessons import checkpoints
from diffusion_lessons.course import interactive
from diffusion_lessons.critters import generate

ROOT = Path(__file__).resolve().parents[1]
PARTS = Path(__file__).resolve().parent / "html"
FONT = PARTS / "stix-two-math.woff"
LARGEST = 3_000_000  # bytes of a page
WIDGET = "application/vnd.jupyter.widget-view+json"
WIDGET_TEXT = "(an interactive figure: run this cell to use it)"
NO_KERNEL = "(This figure asks Python for its pictures: run its cell in JupyterLab to use it.)"
HERE = "In this page the network that comes with the course draws, in your browser."
HEADING = re.compile(r"^(#+) (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """A lesson: its notebook, and the title and first sentences that it opens with."""

    path: Path
    title: str
    opening: str

    @property
    def name(self) -> str:
        """The name of its file, without the ending."""
        return self.path.stem


class Renderer(IPythonRenderer):
    """Markdown with its formulas as MathML, which browsers draw by themselves."""

    def block_math(self, body: str) -> str:
        """A formula in a line of its own."""
        return mathml(body, "block")

    def inline_math(self, body: str) -> str:
        """A formula within a sentence."""
        return mathml(body, "inline")


class Exporter(HTMLExporter):
    """nbconvert's HTML with the template in tools/html, which fetches nothing."""

    def __init__(self, **options) -> None:
        super().__init__(template_name="lessons", extra_template_basedirs=[str(PARTS)], **options)

    @pass_context
    def markdown2html(self, context, source: str) -> str:
        """Markdown as HTML; replaces nbconvert's filter of that name."""
        return MarkdownWithMath(renderer=Renderer(escape=False)).render(source)


def mathml(formula: str, display: str) -> str:
    """A LaTeX formula as MathML, with the LaTeX beside it for whoever wants to copy it."""
    drawn = convert(formula.strip(), display=display)
    # Without this the bar of ᾱ is drawn as small as an exponent, hardly more than a dot.
    drawn = re.sub(
        r"<mover>(?=<m\w+>[^<]*</m\w+><mo[^>]*>&#x000AF;)", '<mover accent="true">', drawn
    )
    inner = re.fullmatch(r"(<math[^>]*>)(.*)</math>", drawn, re.DOTALL)
    start, body = inner.groups()
    source = html.escape(formula.strip())
    note = f'<annotation encoding="application/x-tex">{source}</annotation>'
    return f"{start}<semantics>{body}{note}</semantics></math>"


def prepare(notebook: nbformat.NotebookNode) -> int:
    """Make a stored notebook ready for a page, in place; returns how many sections stay open.

    Views of widgets go, and the picture stored beside one stays. A heading that JupyterLab opens
    folded becomes a section to unfold, which ends at the next heading of its level or above.
    """
    notebook.metadata.pop("widgets", None)
    levels: list[int] = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            found = HEADING.match(cell.source)
            level = len(found[1]) if found else 7
            closing = [other for other in levels if other >= level]
            levels = [other for other in levels if other < level]
            cell.metadata["closes"] = len(closing)
            if cell.metadata.get("jp-MarkdownHeadingCollapsed") and found:
                cell.metadata["opens"] = found[2]
                levels.append(level)
            continue
        for output in cell.get("outputs", []):
            shown = output.get("data", {})
            shown.pop(WIDGET, None)
            if shown.get("text/plain") == WIDGET_TEXT:
                shown["text/plain"] = NO_KERNEL
        if prompt := prompt_of(cell.source):
            box = nbformat.v4.new_output("display_data", {"text/html": live_box(prompt)})
            cell.outputs.append(box)
    return len(levels)


def prompt_of(source: str) -> dict[str, object] | None:
    """What the prompt box of a cell begins with, or None if the cell has no such box."""
    if "live.PromptBox(" not in source:
        return None
    call = ast.parse(source).body[-1].value
    options = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    usual = {"seed": 0, "guidance": generate.GUIDANCE}
    if not options.keys() <= usual.keys():
        raise ValueError("A page's prompt box can begin with a seed and a guidance, no more.")
    return {"text": ast.literal_eval(call.args[1])} | usual | options


def live_box(prompt: dict[str, object]) -> str:
    """A prompt box that needs no kernel: artist.js, beside the page, draws for it."""
    start = html.escape(json.dumps(prompt, ensure_ascii=False))
    return (
        f'<style>{interactive.style()}</style><p>{HERE}</p>'
        f'<div class="dl" role="group" aria-label="Prompt box" data-prompt="{start}"></div>'
        '<p class="checked" role="status"></p>'
    )  # fmt: skip


def artist() -> str:
    """The script that brings the prompt boxes of a page to life; pages from a file may load it."""
    given = export_page.as_script(export_page.given(checkpoints.SHIPPED, count=4))
    host = (export_page.PARTS / "host.js").read_text(encoding="utf-8")
    return f"""{host}
const given = {given};
for (const root of document.querySelectorAll("[data-prompt]")) {{
  const config = {{ ...given.config, start: JSON.parse(root.dataset.prompt) }};
  startBox(root, {{ ...given, config }}, root.nextElementSibling);
}}
"""


def pages(folder: Path) -> list[Page]:
    """The lessons of a folder, in order."""
    found = []
    for path in sorted(folder.glob("[0-9]*.ipynb")):
        first = nbformat.read(path, as_version=4).cells[0].source
        title = HEADING.match(first)
        opening = re.split(r"\n\s*\n", first[title.end() :].strip())[0] if title else ""
        found.append(Page(path, title[2] if title else path.stem, opening))
    return found


def style(with_math: bool) -> str:
    """The style sheet of a page: its own, the colours of code, and the font of formulas."""
    light = HtmlFormatter(style="vs").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    css = (PARTS / "page.css").read_text(encoding="utf-8")
    css += f"{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}\n"
    # The one colour of this style that is too faint on the grey behind code.
    css += (
        ".highlight { background: none } .highlight .nc { color: light-dark(#1f6179, #f0883e) }\n"
    )
    if with_math:
        font = base64.b64encode(FONT.read_bytes()).decode()
        source = f"url(data:font/woff;base64,{font})"
        css += f'@font-face {{ font-family: "Lesson Math"; src: {source} }}\n'
    return css


def lesson(page: Page, neighbours: Sequence[tuple[str, Page]], known: set[str]) -> str:
    """The HTML of one lesson; ``neighbours`` are what its head links to, as (word, page)."""
    notebook = nbformat.read(page.path, as_version=4)
    still_open = prepare(notebook)
    with_math = any("$" in cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    told = {
        "title": page.title, "css": style(with_math), "neighbours": neighbours,
        "still_open": still_open,
    }  # fmt: skip
    has_box = any(prompt_of(cell.source) for cell in code_cells(page))
    text, _ = Exporter().from_notebook_node(notebook, resources={"lesson": told})
    if has_box:
        text = text.replace("</body>", '<script src="artist.js"></script>\n</body>')
    # What may scroll must be within reach of the keyboard.
    text = re.sub(r'<(pre(?=[ >])|math display="block")', r'<\1 tabindex="0"', text)
    around = '<div class="wide" role="group" aria-label="Table" tabindex="0">'
    text = text.replace("<table>", f"{around}<table>")
    text = text.replace("</table>", "</table></div>")

    def linked(match: re.Match) -> str:
        name, part = match[1], match[2] or ""
        return f'href="{name}.html{part}"' if name in known else match[0]

    return re.sub(r'href="(?:\./)?([\w-]+)\.ipynb(#[^"]*)?"', linked, text)


def _opening_picture(content: bytes, alt: str) -> str:
    """A picture, or a film whose last frame stands still for those who asked for less motion."""
    image, last = Image.open(io.BytesIO(content)), io.BytesIO()
    image.seek(getattr(image, "n_frames", 1) - 1)
    image.convert("RGB").save(last, "WEBP", lossless=True)
    still, moving = (base64.b64encode(x).decode() for x in (last.getvalue(), content))
    kind = Image.MIME[image.format]
    return (
        f'<p><picture><source media="(prefers-reduced-motion: reduce)" '
        f'srcset="data:image/webp;base64,{still}"><img alt="{alt}" '
        f'src="data:{kind};base64,{moving}"></picture></p>\n'
    )


def index(found: Sequence[Page], readme: str, root: Path) -> str:
    """The HTML of the first page: the README's opening picture and words, and the lessons."""
    title = HEADING.search(readme)[2]
    picture = re.search(r"!\[([^\]]*)\]\(([^)]+)\)\s+(.*?)\n\n", readme, re.DOTALL)
    shown = ""
    if picture:
        shown = _opening_picture((root / picture[2]).read_bytes(), html.escape(picture[1]))
        shown += MarkdownWithMath(renderer=Renderer()).render(picture[3])
    items = "".join(
        f'<li><a href="{page.name}.html">{html.escape(page.title)}</a>'
        f"{MarkdownWithMath(renderer=Renderer(escape=False)).render(page.opening)}</li>\n"
        for page in found
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<style>{style(with_math=False)}</style>
</head>
<body>
<main>
<h1>{html.escape(title)}</h1>
{shown}
<p>These pages need no network and no Python. Their figures can be moved where the browser can work
them out by itself, and the prompt boxes draw; to run and change the code, open the notebooks in
JupyterLab.</p>
<h2>The lessons</h2>
<ul class="lessons">
{items}</ul>
</main>
</body>
</html>
"""


def export(root: Path, out: Path) -> dict[str, int]:
    """Write all pages; returns file name → bytes. Raises ValueError where a page grew too large."""
    found = pages(root / "notebooks")
    if not found:
        raise ValueError("There are no notebooks to export: run `make notebooks` first.")
    known = {page.name for page in found}
    out.mkdir(parents=True, exist_ok=True)
    sizes = {}
    for i, page in enumerate(found):
        neighbours = [("Before", found[i - 1])] if i else []
        neighbours += [("Next", found[i + 1])] if i + 1 < len(found) else []
        sizes[f"{page.name}.html"] = _write(
            lesson(page, neighbours, known), out / f"{page.name}.html"
        )
    readme = (root / "README.md").read_text(encoding="utf-8")
    sizes["index.html"] = _write(index(found, readme, root), out / "index.html")
    large = [f"{name} ({size:,} bytes)" for name, size in sizes.items() if size > LARGEST]
    if large:
        raise ValueError(f"A page may have {LARGEST:,} bytes; too large: {', '.join(large)}.")
    if any(prompt_of(cell.source) for page in found for cell in code_cells(page)):
        sizes["artist.js"] = _write(artist(), out / "artist.js")
    return sizes


def code_cells(page: Page) -> list[nbformat.NotebookNode]:
    """The code cells of a lesson."""
    cells = nbformat.read(page.path, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


def _write(text: str, path: Path) -> int:
    half = path.with_suffix(".tmp")
    half.write_text(text, encoding="utf-8")
    os.replace(half, path)
    return path.stat().st_size


def main(arguments: Sequence[str] | None = None) -> int:
    """Export as the command line says; return an exit code for the shell."""
    parser = argparse.ArgumentParser(description="Export the course as pages without a kernel.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "html")
    out = parser.parse_args(arguments).out
    try:
        sizes = export(ROOT, out)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for name, size in sorted(sizes.items()):
        print(f"{name:32} {size / 1e6:.1f} MB")
    print(f"Open {(out / 'index.html').resolve()} in a browser.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
