"""Interactive figures: what their HTML carries is the data, exactly, and the same every time."""

import base64
import gzip
import html
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from diffusion_lessons import schedules
from diffusion_lessons.course import figures, interactive
from diffusion_lessons.critters import datasets

ROOT = Path(__file__).parents[1]
CAPTION = 'A <cat> & "its" noise.'
KINDS = ("noise", "shuffle", "film", "guidance")


def picture(size=8, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (size, size, 3), dtype=np.uint8)


def states(n=5, seed=0):
    draws = torch.randn(n, 2, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    return [(1000 - 250 * k, draws[k, 0], draws[k, 1]) for k in range(n)]


def make(kind):
    if kind == "noise":
        both = {"linear": schedules.linear(), "cosine": schedules.cosine()}
        return interactive.noise_explorer(picture(), both, CAPTION, bend=2, seed=3)
    if kind == "shuffle":
        return interactive.values_or_positions(picture(), CAPTION)
    if kind == "film":
        tracks = {"judge": {"cat": [0, 1, 2, 3, 4], "dog": [4.0, 3, 2, 1, 0]}}
        return interactive.film({"a": states(), "b": states(seed=1)}, CAPTION, tracks=tracks)
    row = {w: torch.full((2, 3, 8, 8), w / 10 - 0.5) for w in (0, 1, 2, 4)}
    return interactive.guidance({"cat": row, "dog": row}, {"right, %": {"cat": range(4)}}, CAPTION)


def given(figure):
    """What the browser is given: values as they are, arrays as bytes."""
    found = re.search(r'<script type="application/json">(.*?)</script>', figure.html, re.DOTALL)
    data = json.loads(found[1])
    return data["values"] | {k: base64.b64decode(v) for k, v in data["bytes"].items()}


def code(figure):
    found = re.search(r'atob\("([A-Za-z0-9+/=]+)"\)', figure.html)
    return gzip.decompress(base64.b64decode(found[1])).decode()


def sheet(figure):
    data = given(figure)
    whole = np.asarray(Image.open(io.BytesIO(data["sheet"])).convert("RGB"))
    height, width = data["height"], data["width"]
    rows, columns = whole.shape[0] // height, whole.shape[1] // width
    return whole.reshape(rows, height, columns, width, 3).swapaxes(1, 2)


# --- what every figure is ---


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_is_html_a_picture_and_a_line_of_text(kind):
    figure = make(kind)
    bundle, metadata = figure._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/png", "text/plain"}
    assert bundle["text/plain"] == f"Interactive figure: {CAPTION}"
    assert metadata["image/png"]["alt"] == CAPTION
    assert f'alt="{html.escape(CAPTION)}"' in bundle["text/html"]
    assert Image.open(io.BytesIO(figure.png)).width > 20


@pytest.mark.parametrize("kind", KINDS)
def test_the_caption_stands_below_as_text_in_every_viewer(kind, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *a, **k: shown.append(a[0]))
    make(kind)._ipython_display_()
    assert [set(bundle) for bundle in shown] == [
        {"text/html", "image/png", "text/plain"},
        {"text/markdown", "text/plain"},
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_fetched(kind):
    figure = make(kind)
    module = code(figure)
    bare = re.sub(r"base64,[A-Za-z0-9+/=]+", "", figure.html)
    assert "http" not in bare
    # The one address in the code is the name of SVG, from which nothing is fetched.
    assert re.findall(r"https?://[^\s\"'`]+", module) == ["http://www.w3.org/2000/svg"]
    assert not re.findall(r"^import\b", module, re.MULTILINE)
    assert set(re.findall(r'(?:src|href)="([a-z]+):', figure.html)) == {"data"}
    assert "fetch(" not in module and "XMLHttpRequest" not in module


@pytest.mark.parametrize("kind", KINDS)
def test_the_code_is_one_module_of_the_anywidget_form(kind):
    module = interactive.module(kind)
    assert module == code(make(kind))
    assert len(re.findall(r"^export default \{", module, re.MULTILINE)) == 1
    assert re.findall(r"^export (?!default)", module, re.MULTILINE) == ["export "]
    assert module.endswith("export { mount };\n")


@pytest.mark.skipif(shutil.which("node") is None, reason="no node to parse JavaScript with")
@pytest.mark.parametrize("kind", KINDS)
def test_the_code_parses(kind, tmp_path):
    path = tmp_path / "figure.mjs"
    path.write_text(interactive.module(kind), encoding="utf-8")
    subprocess.run(["node", "--check", path], check=True)


def test_nothing_in_the_data_can_end_the_script():
    films = {"</script><b>": states()}
    figure = interactive.film(films, CAPTION)
    assert figure.html.count("</script>") == 2 and "<b>" not in figure.html
    assert given(figure)["names"] == ["</script><b>"]


@pytest.mark.slow
def test_another_process_gives_the_same_bytes():
    program = "import test_widgets as t; print(*[hash(t.make(k).html.encode()) for k in t.KINDS])"
    program = program.replace("hash(", "__import__('zlib').crc32(")
    runs = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1] and len(runs[0].split()) == len(KINDS)


# --- noise explorer ---


def test_the_noise_explorer_carries_the_picture_and_the_schedules():
    data = given(make("noise"))
    sent = np.frombuffer(data["x0"], np.uint8).reshape(8, 8, 3)
    np.testing.assert_array_equal(sent, picture())
    expected = [schedules.linear().alpha_bar, schedules.cosine().alpha_bar]
    expected.append((1 - np.arange(1001) / 1000) ** 2)
    for line, alpha_bar in zip(data["schedules"], expected, strict=True):
        sent = np.frombuffer(data[line["bytes"]], "<f4")
        np.testing.assert_allclose(sent, alpha_bar, rtol=1e-6)
    assert [line["name"] for line in data["schedules"]] == ["linear", "cosine", "mine"]
    assert [line.get("bend") for line in data["schedules"]] == [None, None, 2]
    # Two schedules of one look could not be told apart.
    assert len({(line["color"], line["dash"]) for line in data["schedules"]}) == 3


def test_floats_travel_as_the_bytes_that_to_pixels_gives():
    x = datasets.photo("chelsea", size=16)
    data = given(interactive.noise_explorer(x, None, CAPTION))
    sent = np.frombuffer(data["x0"], np.uint8).reshape(16, 16, 3)
    np.testing.assert_array_equal(sent, datasets.to_pixels(x)[0])
    assert data["schedules"] == [] and data["strongest"] == 3 and data["start"] == 30


def test_static_is_gaussian_and_depends_on_the_seed_alone():
    one, two = interactive.hashed_noise((3, 64, 64), 0), interactive.hashed_noise((3, 64, 64), 1)
    assert one.dtype == np.float32 and one.shape == (3, 64, 64)
    np.testing.assert_array_equal(one, interactive.hashed_noise((3, 64, 64), 0))
    for noise in (one, two):
        assert abs(noise.mean()) < 0.03 and abs(noise.std() - 1) < 0.03
        assert abs((np.abs(noise) < 1).mean() - 0.6827) < 0.015
        assert abs((noise**4).mean() - 3) < 0.25
    assert abs(np.corrcoef(one.ravel(), two.ravel())[0, 1]) < 0.03
    # Neither neighbours nor colours know of each other.
    assert abs(np.corrcoef(one[:, :, 1:].ravel(), one[:, :, :-1].ravel())[0, 1]) < 0.03
    assert abs(np.corrcoef(one[0].ravel(), one[1].ravel())[0, 1]) < 0.05
    assert interactive.hashed_noise((1, 3, 3), 0).shape == (1, 3, 3)  # an odd number of values


def test_noise_travels_in_steps_that_an_int16_holds():
    whole = interactive.hashed_noise((3, 32, 32), 0).astype(np.float64) * interactive.NOISE_SCALE
    np.testing.assert_allclose(whole, whole.round(), atol=2e-3)
    assert np.abs(whole).max() <= 32767


@pytest.mark.parametrize(
    "arguments,complaint",
    [
        ({"schedules": {"a": schedules.linear(10), "b": schedules.linear(20)}}, "10, 20"),
        ({"schedules": {"mine": schedules.linear(10)}, "bend": 2}, "no schedule of that name"),
        ({"schedules": None, "bend": 9}, "from 0.5 to 6"),
        ({"schedules": None, "picture": np.zeros((600, 600, 3), np.uint8)}, "at most 512"),
        ({"schedules": None, "picture": torch.zeros(2, 3, 4, 4)}, "cannot be shown"),
    ],
)
def test_a_noise_explorer_says_what_is_wrong(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        interactive.noise_explorer(**{"picture": picture(), "caption": CAPTION} | arguments)


# --- values or positions ---


def test_an_order_is_a_permutation_that_the_seed_decides():
    one = interactive.hashed_order(1000, 0)
    np.testing.assert_array_equal(np.sort(one), np.arange(1000))
    assert not np.array_equal(one, interactive.hashed_order(1000, 1))
    assert (one == np.arange(1000)).mean() < 0.01
    np.testing.assert_array_equal(interactive.hashed_order(1, 0), [0])


@pytest.mark.parametrize("share", [0, 0.3, 1])
def test_swapping_moves_that_share_and_keeps_every_pixel(share):
    pixels = np.arange(10 * 10 * 3, dtype=np.uint8).reshape(10, 10, 3)
    moved = interactive.shuffled(pixels, share)
    assert (moved != pixels).any(axis=2).sum() == round(100 * share)
    rows = lambda x: sorted(map(tuple, x.reshape(-1, 3).tolist()))  # noqa: E731
    assert rows(moved) == rows(pixels)


# --- film ---


def test_a_film_carries_every_frame_at_native_size():
    figure = make("film")
    data, tiles = given(figure), sheet(figure)
    assert data["names"] == ["a", "b"] and data["steps"] == [1000, 750, 500, 250, 0]
    assert tiles.shape == (4, 5, 8, 8, 3)
    for film, name in enumerate(("a", "b")):
        for k, (_, x_t, x0_hat) in enumerate(states(seed=film)):
            np.testing.assert_array_equal(tiles[2 * film, k], datasets.to_pixels(x_t), err_msg=name)
            np.testing.assert_array_equal(tiles[2 * film + 1, k], datasets.to_pixels(x0_hat))
    [track] = data["tracks"]
    assert [line["values"] for line in track["lines"]] == [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0]]
    assert track["y"][0] <= 0 and track["y"][1] >= 4


def test_a_film_takes_the_states_of_sampling():
    batch = [(t, x_t[None], x0_hat[None]) for t, x_t, x0_hat in states()]
    assert given(interactive.film({"a": batch}, CAPTION)) == given(
        interactive.film({"a": states()}, CAPTION)
    )


@pytest.mark.parametrize(
    "films,more,complaint",
    [
        ({}, {}, "no film"),
        ({"a": states()[:1]}, {}, "at least two"),
        ({"a": states(), "b": states()[1:]}, {}, "in step"),
        ({"a": states()}, {"tracks": {"x": {"y": [1, 2]}}}, "5 finite numbers"),
        ({"a": states()}, {"tracks": {"x": {"y": [1, 2, 3, 4, np.nan]}}}, "5 finite numbers"),
        ({"a": states()}, {"tracks": {"x": {}}}, "no curve"),
    ],
)
def test_a_film_says_what_is_wrong(films, more, complaint):
    with pytest.raises(ValueError, match=complaint):
        interactive.film(films, CAPTION, **more)


# --- guidance ---


def test_the_guidance_explorer_carries_every_picture_and_every_measurement():
    figure = make("guidance")
    data, tiles = given(figure), sheet(figure)
    assert data["scales"] == [0, 1, 2, 4] and data["each"] == 2 and data["start"] == 2
    assert data["prompts"] == ["cat", "dog"] and tiles.shape == (2, 8, 8, 8, 3)
    for k, w in enumerate((0, 1, 2, 4)):
        expected = datasets.to_pixels(torch.full((3, 8, 8), w / 10 - 0.5))
        np.testing.assert_array_equal(tiles[:, 2 * k], [expected] * 2)
    assert data["measured"][0]["lines"][0]["values"] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "pictures,complaint",
    [
        ({}, "nothing to show"),
        ({"cat": {}}, "nothing to show"),
        ({"cat": {1: picture()}, "dog": {2: picture()}}, "same scales"),
        ({"cat": {1: picture(), 2: [picture()] * 2}}, "same number"),
        ({"cat": {1: picture(), 2: picture(9)}}, "same size"),
    ],
)
def test_a_guidance_explorer_says_what_is_wrong(pictures, complaint):
    with pytest.raises(ValueError, match=complaint):
        interactive.guidance(pictures, {}, CAPTION)


def test_colours_and_dashes_have_one_source():
    for path in (ROOT / "diffusion_lessons" / "course" / "js").glob("*.js"):
        assert not re.search("#[0-9A-Fa-f]{6}", path.read_text(encoding="utf-8")), path.name
    assert f'const SIGNAL = "{figures.SIGNAL}", NOISE = "{figures.NOISE}";' in code(make("shuffle"))
    looks = [interactive.look(i) for i in range(7)]
    assert [look["color"] for look in looks] == [*figures.CYCLE[:-1], "currentColor"]
    assert [look["dash"] for look in looks] == ["", "7 4", "8 3 2 3", "2 3", "", "7 4", "8 3 2 3"]


def test_black_lines_take_the_colour_of_the_page():
    # On a dark page they could not be seen.
    assert figures.SCHEDULES["linear"] == "#000000"
    assert given(make("noise"))["schedules"][0]["color"] == "currentColor"
