"""What talks to Python, in JupyterLab and Notebook 7: run, used, and looked at pixel by pixel."""

import ast
import re

import numpy as np
import pytest
import torch
from conftest import BOXES, CUT, EXPLORERS, MONITORS, painted, same, violations
from hosts import HOSTS, bring, open_notebook, run, start

from diffusion_lessons import checkpoints
from diffusion_lessons.course import interactive
from diffusion_lessons.critters import datasets, generate, prompts


def place(cut: str) -> tuple[str, int]:
    """The lesson and the number of the cell that a notebook of `CUT` was made from."""
    lesson, _, cell = cut.split("-")
    return lesson, int(cell)


def opened(page, lab, name: str, host: str = "JupyterLab"):
    """Open a notebook of `CUT`, run its two cells, and return the figure of the second."""
    open_notebook(page, lab, f"trusted/{name}.ipynb", host)
    run(page, 0, 1)
    figure = bring(page, 1).locator(".dl")
    figure.locator("canvas, svg").first.wait_for()
    return figure


def here(name: str):
    """Run the same two cells in this process; returns the figure that they end with."""
    before, cell = CUT[name]
    *statements, last = ast.parse(cell).body
    space: dict = {}
    for part in (ast.parse(before), ast.Module(statements, [])):
        exec(compile(part, name, "exec"), space)
    return eval(compile(ast.Expression(last.value), name, "eval"), space)


def expected(network, text: str, seed: int, guidance: float, step: int) -> list[np.ndarray]:
    """What a network draws: the four held pictures of a step, then the four guesses."""
    rows = generate.sample_conditions(prompts.parse(text), 4, seed)
    [film] = generate.sample_batches(
        network, rows, generate.initial_noise(4, seed), guidance=guidance
    )
    return [*datasets.to_pixels(film[step].x_t), *datasets.to_pixels(film[step].x0_hat)]


def tiles(box) -> list:
    """Its canvases: the four held pictures, then the four guesses."""
    every = box.locator("canvas").all()
    return every[::2] + every[1::2]


def drawn(box, text: str) -> None:
    """Wait until the wish is drawn and shown to its end."""
    box.get_by_text(f"“{text}” out of static").wait_for(timeout=60_000)
    last = box.locator(".dl-film input").get_attribute("max")
    box.page.wait_for_function(
        "([input, last]) => input.value === last",
        arg=[box.locator(".dl-film input").element_handle(), last],
    )


def look_back(box, network, text: str, seed: int, guidance: float) -> None:
    """Hold the first, a middle and the last frame of what was drawn against the network's own."""
    for step in (0, 10, generate.STEPS):
        slider(box, "step", step)
        box.page.wait_for_timeout(50)
        frame = expected(network, text, seed, guidance, step)
        for canvas, pixels in zip(tiles(box), frame, strict=True):
            same(canvas, pixels)


def slider(box, name: str, value: float) -> None:
    box.get_by_label(name, exact=True).fill(str(value))


@pytest.mark.parametrize("host", HOSTS)
def test_the_box_of_the_tour_draws_what_is_typed(host, page, lab):
    name = next(iter(BOXES))
    assert name.startswith("00_tour")
    box = opened(page, lab, name, host)
    assert "Error displaying widget" not in page.content()

    # The first wish, which the lesson names.
    shipped = checkpoints.load()
    for canvas, pixels in zip(
        tiles(box),
        expected(
            shipped, "a blue fox on a skateboard at night", 0, generate.GUIDANCE, generate.STEPS
        ),
        strict=True,
    ):
        same(canvas, pixels)

    # Another, by keyboard alone; then back through its film.
    box.get_by_label("draw", exact=True).fill("a cat wearing sunglasses")
    box.get_by_label("static number").fill("7")
    slider(box, "guidance", 4)
    box.get_by_label("draw", exact=True).press("Enter")
    drawn(box, "a cat wearing sunglasses")
    look_back(box, shipped, "a cat wearing sunglasses", seed=7, guidance=4)
    assert violations(page, ".dl") == []

    # What it did not understand, and what it cannot read at all.
    box.get_by_label("draw", exact=True).fill("three purple elephants")
    box.get_by_role("button", name="Draw").click()
    drawn(box, "three purple elephants")
    assert box.locator("ul li").count() == 3
    box.get_by_label("draw", exact=True).fill("x" * 301)
    box.get_by_role("button", name="Draw").click()
    box.get_by_text("300 characters").wait_for()

    # Many wishes at once: only the last one counts.
    for k in range(5):
        box.get_by_label("draw", exact=True).fill(f"a {('cat', 'dog', 'bear', 'fox', 'frog')[k]}")
        box.get_by_role("button", name="Draw").click()
    drawn(box, "a frog")

    # Stopping, and the notebook is free while it draws.
    box.get_by_role("button", name="other static").click()
    box.get_by_role("button", name="Stop").click()
    box.get_by_text("Stopped.").wait_for()


def test_a_stored_box_is_a_picture_until_it_is_run(page, lab):
    for name, cell in map(place, BOXES):
        open_notebook(page, lab, f"trusted/{name}.ipynb")
        shown = bring(page, cell)
        shown.locator("img").first.wait_for()
        assert shown.locator("img").first.evaluate("i => i.naturalWidth") > 300
        assert shown.locator("em").first.inner_text()
        assert "Error displaying widget" not in page.content()


@pytest.mark.parametrize("host", HOSTS)
def test_the_monitor_is_alive_while_it_trains_and_a_picture_after(host, page, lab):
    open_notebook(page, lab, "trusted/short.ipynb", host)
    run(page, 0)
    shown = bring(page, 0).locator(".dl")
    bar = shown.get_by_role("progressbar")
    bar.wait_for()
    assert "not yet started" in bar.get_attribute("aria-valuetext")
    start(page, 1)
    shown.locator("canvas").nth(1).wait_for(timeout=60_000)  # after 5 of 20 steps
    shown.locator(".dl-read").get_by_text("finished: 1,280 pictures").wait_for(timeout=60_000)
    assert bar.get_attribute("aria-valuenow") == "100"
    shown.locator("canvas").nth(3).wait_for()
    for canvas, level in zip(shown.locator("canvas").all(), (0.25, 0.25, 1, 1), strict=True):
        assert np.ptp(painted(canvas)) == 0
        assert abs(int(painted(canvas)[0, 0, 0]) - (level + 1) * 127.5) <= 1
    assert violations(page, ".dl") == []
    # Its stored output: the finished picture, not the empty one of the beginning.
    stored = page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.content.model.cells.get(0)
            .toJSON().outputs[0].data"""
    )
    assert "image/png" in stored and len(stored["image/png"]) > 10_000


@pytest.mark.parametrize("host", HOSTS)
def test_sliders_that_ask_paint_what_python_computes(host, page, lab):
    open_notebook(page, lab, "trusted/short.ipynb", host)
    run(page, 2)
    shown = bring(page, 2).locator(".dl")
    shown.locator("canvas").first.wait_for()
    level = shown.get_by_label("level", exact=True)
    for k, value in ((0, -1.0), (20, 1.0), (10, 0.0), (13, 0.3)):
        level.fill(str(k))
        shown.get_by_text(f"cat at {value:.1f}.").wait_for()
        assert level.get_attribute("aria-valuetext") == f"{value:g}".replace("-", "−")
        for canvas, sign in zip(shown.locator("canvas").all(), (1, -1), strict=True):
            assert np.abs(painted(canvas) - round((sign * value + 1) * 127.5)).max() <= 1
    shown.get_by_label("dog").check()
    shown.get_by_text("dog at 0.3.").wait_for()
    # By keys, which JupyterLab would take for itself; of a burst the last one counts.
    level.focus()
    page.keyboard.press("Home")
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    shown.get_by_text("dog at 0.2.").wait_for()
    assert violations(page, ".dl") == []


@pytest.mark.parametrize("name", EXPLORERS)
def test_every_explorer_paints_what_python_computes(name, page, lab, tmp_path, monkeypatch):
    figure = opened(page, lab, name)
    monkeypatch.chdir(tmp_path)
    explorer = here(name)
    controls, chart = explorer.config["controls"], explorer.config["chart"]
    ends = [(0, (len(one["places"]) - 1) // 2, len(one["places"]) - 1) for one in controls]
    for at in zip(*ends, strict=True):
        for control, k in zip(controls, at, strict=True):
            if control["words"]:
                figure.get_by_role("radio", name=control["places"][k], exact=True).check()
            else:
                figure.get_by_role("slider", name=control["name"], exact=True).fill(str(k))
        view = explorer._show(*explorer._at(at))
        figure.get_by_role("status").get_by_text(view.says, exact=True).wait_for()
        page.wait_for_timeout(100)
        for canvas, picture in zip(figure.locator("canvas").all(), view.pictures, strict=True):
            same(canvas, interactive.as_bytes(picture))
        for i, values in enumerate(view.curves.values()):
            line = figure.locator("svg[role=img] path[stroke-width='2.2']").nth(i)
            points = re.findall(r"[ML]([-\d.]+) ([-\d.]+)", line.get_attribute("d"))
            heights = np.clip([float(v) for v in values], *chart["y"])
            assert np.ptp(heights) > 0 and len(points) == len(values)
            gap = np.polyfit(heights, [float(y) for _, y in points], 1, full=True)[1]
            assert gap.sum() < 0.1  # on a straight line, to a tenth of a pixel
    assert violations(page, ".dl") == []


def test_the_box_of_the_last_lesson_asks_the_learners_own_network(page, lab):
    name = next(name for name in BOXES if name.startswith("07_prompts"))
    box = opened(page, lab, name)
    mine = here(name)._model
    assert not torch.equal(mine.words.weight, checkpoints.load().words.weight)
    first = expected(mine, "a green frog at night", 0, 2, generate.STEPS)
    for canvas, pixels in zip(tiles(box), first, strict=True):
        same(canvas, pixels)
    box.get_by_label("draw", exact=True).fill("a dog in the city")
    slider(box, "guidance", 8)
    box.get_by_role("button", name="Draw").click()
    drawn(box, "a dog in the city")
    look_back(box, mine, "a dog in the city", seed=0, guidance=8)


@pytest.mark.parametrize("name", MONITORS)
def test_the_monitors_of_the_lessons_follow_a_training_of_a_few_steps(name, page, lab):
    figure = opened(page, lab, name)
    figure.get_by_text("finished: 1,280 pictures").first.wait_for()
    curve = figure.locator("svg[role=img] path[fill=none]")
    assert any(path.get_attribute("d").count("L") == 19 for path in curve.all())


def test_an_explorer_says_what_went_wrong_and_goes_on(page, lab):
    open_notebook(page, lab, "trusted/short.ipynb")
    run(page, 3)
    figure = bring(page, 3).locator(".dl")
    level = figure.get_by_label("level", exact=True)
    level.fill("1")
    figure.get_by_text("At these places it failed: ZeroDivisionError").wait_for()
    level.fill("2")
    figure.get_by_text("1 over 2").wait_for()


def test_stored_explorers_are_pictures_until_they_are_run(page, lab):
    found = [place(name) for name in EXPLORERS]
    assert len(found) >= 6
    for name in dict(found):
        open_notebook(page, lab, f"trusted/{name}.ipynb")
        for cell in [i for other, i in found if other == name]:
            shown = bring(page, cell)
            shown.locator("img").first.wait_for()
            assert shown.locator("img").first.evaluate("i => i.naturalWidth") > 60
            assert shown.locator("em").first.inner_text()
        assert "Error displaying widget" not in page.content()
