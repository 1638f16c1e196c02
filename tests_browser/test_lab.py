"""The stored notebooks in JupyterLab: alive without a run where trusted, a picture where not."""

import pytest
from conftest import live, violations
from figures import check
from hosts import STORED, bring, open_notebook


def figure_cells(name: str) -> list[int]:
    """Where the interactive figures of a notebook are that need no Python."""
    return [
        i
        for i, cell in enumerate(STORED[name].cells)
        if any("text/html" in output.get("data", {}) for output in cell.get("outputs", []))
    ]


LESSONS = [name for name in STORED if figure_cells(name)]
# All in JupyterLab; of Notebook 7, which runs the same code, the two with one of each kind.
PLACES = [("JupyterLab", name) for name in LESSONS]
PLACES += [("Notebook 7", name) for name in ("00_tour", "01_pixel_noise")]


@pytest.mark.parametrize("host, name", PLACES)
def test_stored_figures_are_alive_in_a_trusted_notebook(host, name, page, lab):
    open_notebook(page, lab, f"trusted/{name}.ipynb", host)
    for cell in figure_cells(name):
        figure = bring(page, cell).locator(".dl")
        check(page, figure)
        # JupyterLab would take the arrow keys for itself.
        slider = figure.locator("input[type=range]").first
        slider.focus()
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        assert float(slider.input_value()) == pytest.approx(2 * float(slider.get_attribute("step")))
        assert violations(page, ".dl") == []


def test_figures_come_back_to_life_when_the_notebook_is_reopened(page, lab):
    name = LESSONS[0]
    for _ in range(2):
        open_notebook(page, lab, f"trusted/{name}.ipynb")
        live(bring(page, figure_cells(name)[0]).locator(".dl"))


def test_an_untrusted_notebook_shows_the_picture_and_its_caption(page, lab):
    name = LESSONS[0]
    open_notebook(page, lab, f"untrusted/{name}.ipynb")
    cell = bring(page, figure_cells(name)[0])
    picture = cell.locator("img").first
    picture.wait_for()
    assert picture.evaluate("i => i.naturalWidth") > 60
    assert cell.locator("canvas").count() == 0
    assert cell.locator("em").first.inner_text() == picture.get_attribute("alt")
