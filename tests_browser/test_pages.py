"""The exported pages, opened from files with the network cut."""

import re

import figures
import pytest
from conftest import live, settle, violations
from hosts import STORED

LESSONS = list(STORED)
SCREENS = {
    "light": {"viewport": {"width": 1000, "height": 800}},
    "dark": {"viewport": {"width": 1000, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "has_touch": True},
    # A browser at 200 % zoom has half the pixels.
    "zoomed": {"viewport": {"width": 500, "height": 400}, "device_scale_factor": 2},
}
HEAD = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Figures</title><meta '
HEAD += 'name="viewport" content="width=device-width"><style>:root{color-scheme:light dark}'
HEAD += "</style><main><h1>Figures</h1>"


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    """A page with one figure of each kind."""
    path = tmp_path_factory.mktemp("gallery") / "figures.html"
    shown = "".join(f'<section id="{k}">{f.html}</section>' for k, f in vars(examples()).items())
    path.write_text(HEAD + shown + "</main>", encoding="utf-8")
    return path.as_uri()


def examples():
    return figures.examples()


def unfold(page):
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")


@pytest.mark.parametrize("name", LESSONS)
def test_every_figure_of_a_page_shows_the_right_pixels(name, opened, exported):
    page = opened((exported / f"{name}.html").as_uri())
    assert page.locator("details[open]").count() == 0  # answers are hidden to begin with
    unfold(page)
    for figure in page.locator(".dl:not([data-prompt])").all():
        figures.check(page, figure)


@pytest.mark.parametrize("name", LESSONS)
def test_the_mathematics_and_the_pictures_of_a_page_are_drawn(name, opened, exported):
    page = opened((exported / f"{name}.html").as_uri())
    unfold(page)
    settle(page)
    # A browser that knows no MathML would put a formula's fraction or root on one line.
    heights = page.locator("math").evaluate_all("all => all.map(m => m.getBoundingClientRect())")
    assert all(box["width"] > 0 and box["height"] > 0 for box in heights)
    assert page.evaluate("document.fonts.check('16px \"Lesson Math\"')")
    broken = "all => all.filter(i => !i.hidden && !i.naturalWidth).length"
    assert page.locator("img").evaluate_all(broken) == 0


@pytest.mark.parametrize("screen", ["light", "dark", "phone"])
def test_axe_finds_nothing_serious_in_the_pages(screen, opened, exported):
    for name in ("index", *LESSONS):
        page = opened((exported / f"{name}.html").as_uri(), **SCREENS[screen])
        unfold(page)
        if name in LESSONS and page.locator(".dl").count():
            live(page.locator(".dl").first)
        assert violations(page, "html") == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
        page.context.close()


def test_the_index_leads_to_every_lesson(opened, exported):
    page = opened((exported / "index.html").as_uri())
    assert page.locator(".lessons a").count() == len(LESSONS)
    page.locator(".lessons a").first.click()
    assert page.url.endswith(f"{LESSONS[0]}.html")


# --- every kind of figure, of which lessons need not have one ---


@pytest.mark.parametrize("name", vars(examples()))
def test_every_kind_of_figure_shows_the_right_pixels(name, opened, gallery):
    page = opened(gallery)
    figures.check(page, page.locator(f"#{name} .dl"))


@pytest.mark.parametrize("screen", SCREENS)
def test_figures_fit_every_screen_and_axe_finds_nothing_serious(screen, opened, gallery):
    page = opened(gallery, **SCREENS[screen])
    for figure in page.locator(".dl").all():
        live(figure)
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    assert violations(page, "main") == []


def test_a_slider_answers_to_its_keys_and_tells_its_value_once(opened, gallery):
    page = opened(gallery)
    slider = live(page.locator("#noise .dl")).locator("input[type=range]").first
    slider.focus()
    for key, value in {"Home": 0, "ArrowRight": 1, "PageUp": 101, "End": 1000}.items():
        page.keyboard.press(key)
        settle(page)
        assert int(slider.input_value()) == value, key
        assert slider.get_attribute("aria-valuetext").startswith(f"{value}:")
    assert slider.get_attribute("data-lm-suppress-shortcuts") == "true"
    shown = slider.locator("xpath=following-sibling::*")
    assert shown.get_attribute("aria-hidden") == "true"


def test_every_step_of_a_key_is_painted_once(opened, gallery):
    page = opened(gallery)
    slider = live(page.locator("#noise .dl")).locator("input[type=range]").first
    page.evaluate(
        """() => {
            window.steps = [];
            const input = document.querySelector("#noise input[type=range]");
            const real = CanvasRenderingContext2D.prototype.putImageData;
            CanvasRenderingContext2D.prototype.putImageData = function (...given) {
                window.steps.push(Number(input.value));
                return real.apply(this, given);
            };
        }"""
    )
    slider.focus()
    page.keyboard.press("Home")
    settle(page)
    for _ in range(25):
        page.keyboard.press("ArrowRight")
        settle(page)  # how fast it is, is for the benchmarks: a busy machine skips frames
    assert page.evaluate("window.steps") == list(range(26))


def test_a_thousand_moves_leave_nothing_behind(opened, gallery):
    page = opened(gallery)
    live(page.locator("#noise .dl"))
    browser = page.context.new_cdp_session(page)

    def move_a_thousand_times() -> tuple[int, int]:
        page.evaluate(
            """async () => {
                const input = document.querySelector("#noise input[type=range]");
                for (let k = 0; k <= 1000; k += 1) {
                    input.value = k;
                    input.dispatchEvent(new Event("input"));
                    if (k % 4 === 0) await new Promise(requestAnimationFrame);
                }
            }"""
        )
        browser.send("HeapProfiler.collectGarbage")
        nodes = page.evaluate("document.querySelectorAll('*').length")
        return nodes, browser.send("Runtime.getHeapUsage")["usedSize"]

    nodes, bytes_ = move_a_thousand_times()
    nodes_after, bytes_after = move_a_thousand_times()
    assert nodes_after == nodes
    # A picture's noise alone would be 55 kB a move.
    assert bytes_after - bytes_ < 300_000


def test_touch_and_mouse_choose_a_pixel(opened, gallery):
    page = opened(gallery, **SCREENS["phone"])
    box = live(page.locator("#strength .dl")).locator(".dl-pick")
    box.scroll_into_view_if_needed()
    place = box.bounding_box()
    page.touchscreen.tap(place["x"] + 1, place["y"] + 1)
    settle(page)
    words = page.locator("#strength table").inner_text
    assert "row 0, column 0" in words()
    page.mouse.move(place["x"] + place["width"] - 1, place["y"] + place["height"] - 1)
    settle(page)
    assert "row 15, column 15" in words()


def test_nothing_moves_by_itself(opened, gallery):
    page = opened(gallery, reduced_motion="reduce")
    slider = live(page.locator("#films .dl")).locator("input[type=range]")
    before = slider.input_value()
    page.wait_for_timeout(900)
    assert slider.input_value() == before


def test_where_scripts_may_not_run_the_picture_is_there(opened, gallery):
    page = opened(gallery, java_script_enabled=False)
    pictures = page.locator(".dl-still")
    assert pictures.count() == len(vars(examples()))
    for picture in pictures.all():
        assert picture.is_visible() and picture.bounding_box()["width"] > 60
        assert re.search(r"\w{3}", picture.get_attribute("alt"))
