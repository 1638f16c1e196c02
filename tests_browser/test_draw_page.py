"""The page that draws: the same words, random numbers and pictures as in Python, and its box."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from pathlib import Path

import export_page
import numpy as np
import pytest
import torch
from conftest import BOXES, painted, settle, violations
from PIL import Image
from playwright.sync_api import Page, expect
from torch.testing import assert_close

from diffusion_lessons import checkpoints
from diffusion_lessons.critters import generate, prompts
from diffusion_lessons.unet import UNet

PROMPTS = (
    "a cat wearing sunglasses", "blue fox", "a frog in a top hat on a skateboard at night",
    "a futuristic city", "", "no hat", "an empty beach", "a dog in a futuristic city",
)  # fmt: skip


@pytest.fixture(scope="session")
def file(tmp_path_factory) -> Path:
    """The page as `make page` writes it."""
    path = tmp_path_factory.mktemp("page") / "draw.html"
    assert export_page.main(["--out", str(path)]) == 0
    assert path.stat().st_size <= export_page.LARGEST
    return path


@pytest.fixture
def box(opened, file) -> Page:
    """The page, once it has drawn its first wish."""
    return ready(opened(file.as_uri()))


@pytest.fixture
def code(opened, tmp_path) -> Page:
    """A page in which the worker's functions are at hand, in ``window.tools``."""
    empty = tmp_path / "empty.html"
    empty.write_text("<!doctype html><title>empty</title>")
    page = opened(empty.as_uri())
    text = export_page.worker().replace("\nlisten(self);\n", "")
    names = "createArtist, createReader, createSampler, normalNumbers, timesteps"
    page.evaluate(f"window.tools = new Function({json.dumps(text + f'; return {{ {names} }};')})()")
    return page


def ready(page: Page) -> Page:
    """The page, once all that was asked for is drawn and painted."""
    expect(page.locator("#check")).not_to_be_empty(timeout=60_000)
    settled(page)
    return page


def settled(page: Page) -> None:
    step = page.locator(".dl-film input")
    page.wait_for_function("input => input.value === input.max", arg=step.element_handle())
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()


def said(page: Page) -> str:
    return page.locator(".dl [role=status]").first.inner_text()


# --- words ---


def sentences(n: int) -> list[str]:
    """Sentences of known and unknown words, slips of the pen, marks and other alphabets."""
    rng = random.Random(8)
    known = sorted(prompts._lexicon())
    everyday = [
        *prompts.ENGLISH["no_slips"],
        "xylophone",
        "ünïcode",
        "猫",
        "кот",
        "🐱",
        "İstanbul",
    ]
    marks = [",", ".", "!", " & ", "/", "?", "...", "-", "'", "’s", "\n", ";", "w/o"]
    made = []
    while len(made) < n:
        words = []
        for _ in range(rng.randint(0, 9)):
            word = rng.choice(known if rng.random() < 0.85 else everyday)
            if rng.random() < 0.15 and word:
                at = rng.randrange(len(word))
                word = (
                    word[:at]
                    + rng.choice(["", word[at] * 2, rng.choice("aeiouxyz")])
                    + (word[at + 1 :])
                )
            word = rng.choice([word] * 5 + [word.upper(), word.title(), word + "s", word + "'s"])
            words.append(word + (rng.choice(marks) if rng.random() < 0.2 else ""))
        text = " ".join(words)
        if len(text) <= prompts.LONGEST:
            made.append(text)
    return made


def test_two_thousand_sentences_are_read_as_in_python(code):
    texts = ["a cat that doesn't wear a hat", *PROMPTS, *sentences(2000)]
    read = code.evaluate(
        """([tables, texts]) => {
            const reader = tools.createReader(tables);
            return texts.map((text) => reader.parse(text));
        }""",
        [prompts.tables(), texts],
    )
    for text, found in zip(texts, read, strict=True):
        expected = prompts.parse(text)
        assert found == {
            "tokens": list(expected.tokens),
            "negative": list(expected.negative),
            "notes": list(expected.notes),
        }, text


def test_a_wish_that_is_too_long_or_impossible_is_refused_in_the_same_words(code):
    parts = export_page.parts(checkpoints.SHIPPED)

    def refusal(text: str) -> str:
        return code.evaluate(
            """([tables, world, text]) => {
                try {
                    const prompt = tools.createReader(tables).parse(text);
                    tools.createSampler(world).sampleConditions(prompt, 1, 0);
                } catch (error) { return error.message; }
            }""",
            [parts["tables"], parts["world"], text],
        )

    everybody = "not a cat, dog, rabbit, bear, fox, frog or car, and nobody"
    for text in ("a" * 301, "🐱" * 301, everybody, "no beach, mountains, city, night or plain"):
        try:
            generate.sample_conditions(prompts.parse(text), 1, 0)
        except ValueError as error:
            assert refusal(text) == str(error)
        else:
            assert refusal(text) is None
    assert refusal("🐱" * 300) is None, "a sign of two code units is one character"


# --- random numbers ---


def test_attributes_and_initial_noise_are_those_of_python(code):
    world = export_page.parts(checkpoints.SHIPPED)["world"]
    for text in (*PROMPTS, "not a cat", "no dog, no skateboard"):
        prompt = prompts.parse(text)
        for seed in (0, 7, 9999):
            rows = code.evaluate(
                """([world, prompt, seed]) =>
                    tools.createSampler(world).sampleConditions(prompt, 8, seed)""",
                [world, {"tokens": prompt.tokens, "negative": prompt.negative}, seed],
            )
            assert rows == generate.sample_conditions(prompt, 8, seed).tolist(), (text, seed)
    for seed in (0, 3, 9999):
        found = code.evaluate("seed => [...tools.normalNumbers(seed, 5, 3072)]", seed)
        expected = generate.initial_noise(6, seed)[5].flatten()
        assert_close(torch.tensor(found), expected, rtol=0, atol=2e-6)


def test_steps_are_those_of_python(code):
    schedule = export_page.schedules.cosine()
    for n in (1, 2, 7, 16, 24, 60, 999, 1000):
        assert code.evaluate("n => tools.timesteps(1000, n)", n) == schedule.timesteps(n).tolist()


# --- pictures ---


def drawn(page: Page, parts: dict, wishes: list[dict], simd: bool = True) -> list[np.ndarray]:
    """The finished pictures of some wishes, as the worker draws them."""
    found = page.evaluate(
        """async ([parts, wishes, simd]) => {
            const artist = await tools.createArtist(parts, simd);
            return wishes.map((wish) => {
                let last;
                for (last of artist.draw(wish));
                const bytes = new Uint8Array(last.numbers.buffer);
                let text = "";
                for (const byte of bytes) text += String.fromCharCode(byte);
                return btoa(text);
            });
        }""",
        [parts, wishes, simd],
    )
    return [np.frombuffer(base64.b64decode(one), np.float32) for one in found]


def by_python(model: Callable, wish: dict) -> np.ndarray:
    rows = generate.sample_conditions(prompts.parse(wish["text"]), wish["count"], wish["seed"])
    x_T = generate.initial_noise(wish["count"], wish["seed"])
    *_, last = generate.trajectory(model, rows, x_T, guidance=wish["guidance"], steps=wish["steps"])
    return last.x_t.numpy().ravel()


def test_sixty_four_pictures_are_those_of_python(code):
    usual = {"guidance": generate.GUIDANCE, "steps": generate.STEPS, "count": 1}
    wishes = [{"text": text, "seed": 10 * i + j, **usual} for j, text in enumerate(PROMPTS)
             for i in range(8)]  # fmt: skip
    model, parts = checkpoints.load(), export_page.parts(checkpoints.SHIPPED)
    for wish, found in zip(wishes, drawn(code, parts, wishes), strict=True):
        gap = np.abs(found - by_python(model, wish)).max()
        assert gap < 0.005, f"{wish} is {gap:.4f} off"


@pytest.mark.parametrize("simd", [True, False])
def test_other_settings_and_plain_javascript_draw_the_same(simd, code):
    wishes = [
        {"text": "a blue frog", "seed": 1, "guidance": 1, "steps": 3, "count": 1},
        {"text": "", "seed": 2, "guidance": 5, "steps": 2, "count": 3},
        {"text": "a fox", "seed": 3, "guidance": 0, "steps": 1, "count": 2},
        {"text": "a car", "seed": 4, "guidance": 2.5, "steps": 2, "count": 9},
    ]
    model, parts = checkpoints.load(), export_page.parts(checkpoints.SHIPPED)
    for wish, found in zip(wishes, drawn(code, parts, wishes, simd), strict=True):
        assert np.abs(found - by_python(model, wish)).max() < 0.005, wish


@pytest.mark.parametrize(
    "make_up",
    [
        {"widths": (24, 40)},
        {"widths": (16, 20, 36, 44)},
        {"widths": (32, 64, 128), "attention": False},
    ],
)
def test_a_network_of_another_shape_needs_no_new_code(make_up, code, tmp_path):
    torch.manual_seed(0)
    model = UNet(vocabulary=27, **make_up)
    with torch.no_grad():  # a fresh one answers 0 whatever it is asked
        for weight in model.parameters():
            weight += 0.05 * torch.randn(weight.shape)
        model.words.weight[0] = 0
    checkpoints.save(model, tmp_path / "other.safetensors", recipe={"drawn": 1})
    wishes = [{"text": "a blue frog", "seed": 1, "guidance": 2, "steps": 3, "count": 3}]
    parts = export_page.parts(tmp_path / "other.safetensors")
    expected = by_python(checkpoints.load(tmp_path / "other.safetensors"), wishes[0])
    [found] = drawn(code, parts, wishes)
    assert np.abs(expected).max() > 0.5
    assert np.abs(found - expected).max() < 0.005


def test_a_browser_that_computes_something_else_is_told_so(code):
    parts = export_page.parts(checkpoints.SHIPPED)
    check = "async (parts) => (await tools.createArtist(parts)).selfCheck(() => {})"
    assert code.evaluate(check, parts) < 0.001
    parts["world"]["guided_between"] = (100, 300)
    assert code.evaluate(check, parts) > 0.01


def test_the_built_kernels_belong_to_their_source(tmp_path, monkeypatch):
    shipped = (export_page.PARTS / "kernels.wasm").read_bytes()
    (tmp_path / "kernels.c").write_bytes((export_page.PARTS / "kernels.c").read_bytes())
    monkeypatch.setattr(export_page, "PARTS", tmp_path)
    export_page.build_kernels()
    assert (tmp_path / "kernels.wasm").read_bytes() == shipped


# --- the page in a hand ---


def test_a_wish_is_drawn_described_and_kept_as_a_picture(box, tmp_path):
    assert "three known pictures as the course does" in box.inner_text("#check")
    assert "“a cat wearing sunglasses” out of static number 0" in said(box)
    box.get_by_label("draw", exact=True).fill("three green frogs with a hat at night")
    box.keyboard.press("Enter")
    expect(box.locator(".dl [role=status]").first).to_contain_text("three green frogs")
    settled(box)
    notes = box.locator(".dl ul li").all_inner_texts()
    assert notes == list(prompts.parse("three green frogs with a hat at night").notes)
    label = box.locator(".dl-alone canvas").first.get_attribute("aria-label")
    assert label.startswith("picture 1 of “three green frogs with a hat at night”: green frog")
    with box.expect_download() as saving:
        box.get_by_role("button", name="Save").click()
    assert saving.value.suggested_filename == "three-green-frogs-with-a-hat-at-night-0.png"
    saving.value.save_as(tmp_path / "saved.png")
    saved = np.asarray(Image.open(tmp_path / "saved.png").convert("RGB"))
    assert saved.shape == (320, 320, 3)
    wish = {"text": "three green frogs with a hat at night", "seed": 0, "count": 1}
    expected = by_python(checkpoints.load(), wish | {"guidance": 2.5, "steps": 24})
    pixels = (expected.reshape(3, 32, 32).transpose(1, 2, 0) + 1) * 127.5
    assert np.abs(saved[5::10, 5::10] - pixels.clip(0, 255)).max() <= 1.5


def test_eight_pictures_other_steps_and_a_film_to_scrub(box):
    box.get_by_label("8", exact=True).check()
    box.get_by_label("steps", exact=True).fill("5")
    box.get_by_role("button", name="other static").click()
    expect(box.locator(".dl-tile")).to_have_count(8)
    settled(box)
    film = box.locator(".dl-film input")
    assert film.get_attribute("max") == "5"
    film.fill("0")
    expect(film).to_have_attribute("aria-valuetext", "0 of 5: t = 1000")
    assert "static number 1, 5 steps" in said(box)


@pytest.mark.parametrize("name", sorted({name.split("-")[0] for name in BOXES}))
def test_the_box_of_an_exported_lesson_draws_what_is_typed(name, opened, exported):
    page = opened((exported / f"{name}.html").as_uri())
    box = page.locator("[data-prompt]")
    expect(page.locator(".checked")).to_contain_text("as the course does", timeout=60_000)
    wish = json.loads(box.get_attribute("data-prompt"))
    box.get_by_label("draw", exact=True).fill("a white bear in the mountains")
    box.get_by_label("static number").fill("5")
    page.keyboard.press("Enter")
    expect(box.locator("[role=status]").first).to_contain_text("out of static number 5")
    page.wait_for_function("document.querySelector('.dl-film input').value === '24'")
    settle(page)
    wish |= {"text": "a white bear in the mountains", "seed": 5, "count": 4, "steps": 24}
    expected = by_python(checkpoints.load(), wish).reshape(4, 3, 32, 32)
    for canvas, x in zip(box.locator(".dl-tile").all(), expected, strict=True):
        shown = painted(canvas.locator("canvas").first)
        assert np.abs(shown - ((x.transpose(1, 2, 0) + 1) * 127.5).clip(0, 255)).max() <= 1.5


def test_a_newer_wish_takes_over_and_stop_stops(box):
    box.get_by_label("8", exact=True).check()
    box.get_by_label("steps", exact=True).fill("60")
    text = box.get_by_label("draw", exact=True)
    text.fill("a black cat")
    box.keyboard.press("Enter")
    text.fill("a white bear")
    box.keyboard.press("Enter")
    expect(box.locator(".dl [role=status]").first).to_contain_text("a white bear")
    box.get_by_role("button", name="Stop").click()
    assert said(box) == "Stopped."
    box.wait_for_timeout(500)
    assert said(box) == "Stopped."
    box.get_by_label("steps", exact=True).fill("2")
    text.focus()
    box.keyboard.press("Enter")
    settled(box)
    assert "“a white bear” out of static number 0, 2 steps" in said(box)


def test_a_wish_before_the_engine_is_ready_waits_for_it(opened, file):
    page = opened(file.as_uri())
    page.locator(".dl-text").wait_for()
    page.get_by_label("draw", exact=True).fill("a green frog")
    page.keyboard.press("Enter")
    ready(page)
    assert "“a green frog” out of static" in said(page)


def test_a_picture_is_saved_under_the_wish_that_it_shows(box):
    box.get_by_label("draw", exact=True).fill("not drawn yet")
    with box.expect_download() as saving:
        box.get_by_role("button", name="Save").click()
    assert saving.value.suggested_filename == "a-cat-wearing-sunglasses-0.png"


def test_a_browser_without_webassembly_draws_all_the_same(opened, file, tmp_path):
    text = file.read_text(encoding="utf-8").replace("'wasm-unsafe-eval' ", "")
    (tmp_path / "draw.html").write_text(text, encoding="utf-8")
    assert "as the course does" in ready(opened((tmp_path / "draw.html").as_uri())).inner_text(
        "#check"
    )


def test_a_browser_without_workers_is_told_so(browser, file, tmp_path):
    text = file.read_text(encoding="utf-8").replace("worker-src blob:", "worker-src 'none'")
    (tmp_path / "draw.html").write_text(text, encoding="utf-8")
    page = browser.new_page()  # not `opened`: here the browser has something to complain of
    page.goto((tmp_path / "draw.html").as_uri())
    error = page.locator("[role=status]").filter(has_text="cannot draw in this browser")
    expect(error.first).to_be_visible()
    page.close()


def test_trouble_is_told_in_words(box):
    box.get_by_label("draw", exact=True).fill("x" * 301)
    box.keyboard.press("Enter")
    expect(box.locator(".dl [role=status]").first).to_contain_text("up to 300 characters")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone_and_axe_finds_nothing_serious(scheme, opened, file):
    size = {"width": 360, "height": 740}
    page = ready(opened(file.as_uri(), viewport=size, color_scheme=scheme, has_touch=True))
    for summary in page.locator("summary").all():
        summary.tap()
    page.get_by_label("draw", exact=True).fill("three purple elephants")
    page.get_by_role("button", name="Draw").tap()
    expect(page.locator(".dl li").first).to_be_visible()
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert violations(page, "html") == []


def test_with_reduced_motion_only_the_end_is_shown(opened, file):
    page = opened(file.as_uri(), reduced_motion="reduce")
    expect(page.locator("#check")).not_to_be_empty(timeout=60_000)
    steps = page.evaluate(
        """async () => {
            const step = document.querySelector(".dl-film input"), seen = [];
            document.querySelector(".dl form").requestSubmit();
            for (let i = 0; i < 40; i++) {
                seen.push(step.value);
                await new Promise((go) => setTimeout(go, 20));
            }
            return seen;
        }"""
    )
    assert set(steps) <= {"0", "24"} and steps[-1] == "24"
