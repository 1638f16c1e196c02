"""Figures: what is drawn, where, in which colour; captions that reach everybody; stable bytes."""

import importlib
import inspect
import io
import pkgutil

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.figure import Figure as Canvas
from PIL import Image

from diffusion_lessons import course
from diffusion_lessons.course import (
    figures,
    lesson_00b,
    lesson_01,
    lesson_02,
    lesson_03,
    lesson_05,
    lesson_06,
    lesson_07,
    lesson_08,
)
from diffusion_lessons.course.figures import NOISE, OTHERS, PREDICTION, SCHEDULES, SIGNAL

CAPTION = "What to  see."
PINK, ORANGE, SKY, BLACK = OTHERS
ROLES = [SIGNAL, NOISE, PREDICTION]
PLAIN = [BLACK, PINK, ORANGE, SKY]  # what is neither signal, nor noise, nor prediction
VALUES = np.random.default_rng(0).normal(0, 0.8, (3, 8, 8))
COVERED = set()


def covers(figure):
    """Hands a test its figure as ``draw``, which returns the axes that it was drawn into."""
    COVERED.add(figure)
    return pytest.mark.parametrize("draw", [figure], indirect=True, ids=[figure.__name__])


@pytest.fixture
def draw(request, monkeypatch):
    canvases = []
    monkeypatch.setattr(Canvas, "savefig", lambda canvas, *_, **__: canvases.append(canvas))

    def axes(*args, **kwargs):
        figure = request.param(*args, **kwargs)
        assert isinstance(figure, figures.Figure) and figure.caption == "What to see."
        canvases[-1].draw_without_rendering()  # places and ticks are final from here on
        found = [one for one in canvases[-1].axes if one.get_label() != "<colorbar>"]
        return found[0] if len(found) == 1 else found

    yield axes
    assert canvases, "the figure was not drawn"


def test_every_figure_is_covered():
    names = [m.name for m in pkgutil.iter_modules(course.__path__) if m.name.startswith("lesson_")]
    modules = [figures, *(importlib.import_module(f"{course.__name__}.{name}") for name in names)]
    public = {
        function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
        and "finished" in inspect.unwrap(function).__code__.co_names
    }  # fmt: skip
    assert {one.__qualname__ for one in public - COVERED} == set()


# --- what can be seen on axes ---


def flat(*levels):
    return [torch.full((3, 8, 8), float(level)) for level in levels]


def tiles(axes):
    """The pictures row by row, each as (title, its one value, words left of it or below it)."""
    rows = {}
    for one in sorted((one for one in axes if one.images), key=lambda one: one.bbox.x0):
        picture = one.images[0].get_array()
        level = round(float(2 * picture.flat[0] - 1), 3)
        assert np.ptp(picture) == 0 and one.bbox.width > 20 and not one.axison
        words = [f"{_side(text, one)}: {text.get_text()}" for text in one.texts]
        rows.setdefault(round(-one.bbox.y1), []).append((one.get_title(), level, *words))
    return [rows[y] for y in sorted(rows)]


def _side(text, axes):
    box = text.get_window_extent()
    return "left" if box.x1 <= axes.bbox.x0 else "below" if box.y1 <= axes.bbox.y0 else "inside"


def heading(axes):
    return axes.get_title(), axes.get_xlabel(), axes.get_ylabel()


def scales(axes):
    return axes.get_xscale(), axes.get_yscale()


def ticks(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def look(line):
    return to_hex(line.get_color()).upper(), line._unscaled_dash_pattern


def points(line):
    return [tuple(point) for point in line.get_xydata().tolist()]


def labelled(axes):
    return {one.get_label(): one for one in axes.lines if not one.get_label().startswith("_")}


def assert_curves(axes, x, curves, colors, legend=True):
    """Each curve has its own data, colour and dash, and the legend's names stand at their looks."""
    drawn = labelled(axes)
    assert list(drawn) == list(curves)
    for (name, y), color in zip(curves.items(), colors, strict=False):
        np.testing.assert_allclose(drawn[name].get_xydata(), np.stack([x, y], 1), err_msg=name)
        assert look(drawn[name])[0] == color.upper(), name
    assert len({look(line)[1] for line in drawn.values()}) == len(curves)
    assert (axes.get_legend() is not None) == legend
    if legend:
        keys = zip(axes.get_legend().get_texts(), axes.get_legend().legend_handles, strict=True)
        assert {text.get_text(): look(key) for text, key in keys} == {
            name: look(line) for name, line in drawn.items()
        }


def assert_histogram(axes, values, span, color):
    """Bars of this colour that say how many per cent of the values lie in each."""
    heights = [bar.get_height() for bar in axes.patches]
    counts, edges = np.histogram(values, len(heights), span)
    np.testing.assert_allclose(heights, 100 * counts / np.size(values))
    np.testing.assert_allclose([bar.get_x() for bar in axes.patches], edges[:-1])
    assert {to_hex(bar.get_facecolor()).upper() for bar in axes.patches} == {color}
    assert axes.get_xlim() == span and axes.get_xlabel() == "value"


def marks(axes):
    """Where lines without a name stand upright."""
    upright = [line.get_xdata() for line in axes.lines if line.get_label().startswith("_")]
    return [x[0] for x in upright if len(x) == 2 and x[0] == x[1]]


def levels(axes):
    """Where lines without a name run across, from edge to edge."""
    return [one.get_ydata()[0] for one in axes.lines if list(one.get_xdata()) == [0, 1]]


# --- the figures of all lessons ---


@covers(figures.pictures)
def test_pictures_fill_rows_with_titles_above_and_labels_beside(draw):
    axes = draw(
        flat(-1, 0, 0.5, 1), CAPTION, columns=2, titles=["one", "two"], labels=["top", "low"]
    )
    assert tiles(axes) == [
        [("one", -1, "left: top"), ("two", 0)],
        [("", 0.5, "left: low"), ("", 1)],
    ]
    assert tiles(draw(flat(0, 1), CAPTION)) == [[("", 0), ("", 1)]]
    picture = draw([VALUES / 4], CAPTION)
    np.testing.assert_allclose(picture.images[0].get_array(), figures.as_image(VALUES / 4))
    assert picture.bbox.width % 8 == 0 and picture.yaxis_inverted()


@covers(figures.lines)
def test_lines_have_the_names_and_colours_of_their_quantities(draw):
    curves = {"data": [1, 2], "static": [2, 1], "guess": [0, 3]}
    axes = draw(
        [1, 10], curves, CAPTION, xlabel="across", ylabel="up", title="above", xscale="log",
        colors={"data": PINK},
    )  # fmt: skip
    assert_curves(axes, [1, 10], curves, [PINK, NOISE, PREDICTION])
    assert heading(axes) == ("above", "across", "up") and scales(axes) == ("log", "linear")
    axes = draw([0, 1], {"one": [1, 2]}, CAPTION, xlabel="x", ylabel="y", yscale="log")
    assert_curves(axes, [0, 1], {"one": [1, 2]}, [SIGNAL], legend=False)
    assert heading(axes) == ("", "x", "y") and scales(axes) == ("linear", "log")
    curves = {str(i): [i, i] for i in range(7)}
    axes = draw([0, 1], curves, CAPTION, xlabel="x", ylabel="y")
    assert_curves(axes, [0, 1], curves, [*ROLES, *OTHERS])


@covers(figures.outlines)
def test_outlines_say_how_many_per_cent_of_each_set_lie_where(draw):
    sets = {"a": VALUES[0], "fresh noise": VALUES[1:], "c": VALUES}
    axes = draw(sets, CAPTION, xlabel="x", span=(-2, 2), colors={"fresh noise": NOISE})
    for (name, values), outline in zip(sets.items(), axes.patches, strict=True):
        counts, edges = np.histogram(values, 60, (-2, 2))
        drawn, places, _ = outline.get_data()
        np.testing.assert_allclose(drawn, 100 * counts / values.size)
        np.testing.assert_allclose(places, edges)
        assert outline.get_label() == name
    assert [to_hex(one.get_edgecolor()).upper() for one in axes.patches] == [BLACK, NOISE, ORANGE]
    assert len({one.get_linestyle() for one in axes.patches}) == 3
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(sets)
    assert heading(axes) == ("", "x", "% of all") and axes.get_xlim() == (-2, 2)


@covers(figures.captioned)
def test_words_stand_under_their_own_pictures_in_every_row(draw):
    axes = draw(flat(-1, 0, 1), ["first", "words " * 9, ""], CAPTION, columns=2)
    [[first, second], [third]] = tiles(axes)
    assert first == ("", -1, "below: first") and third == ("", 1, "below: ")
    assert second[:2] == ("", 0) and second[2].split() == ["below:", *["words"] * 9]
    assert axes[1].texts[0].get_window_extent().y0 > axes[2].bbox.y1, "words on the next row"


@covers(figures.training_so_far)
def test_a_training_shows_its_loss_and_below_it_each_preview_beside_its_age(draw):
    curve, previews = [(64, 0.9), (640, 0.3)], {128: flat(-1, 0), 1280: flat(0.5, 1)}
    loss, *rest = draw(curve, previews, ["cat", "dog"], 2000, CAPTION)
    assert points(loss.lines[0]) == curve and look(loss.lines[0])[0] == BLACK
    assert heading(loss) == ("", "pictures seen", "loss") and marks(loss) == [128, 1280]
    assert (loss.get_xlim(), loss.get_ylim()) == ((0, 2000), (0, 1))
    assert tiles(rest) == [
        [("cat", -1, "left: after 128"), ("dog", 0)],
        [("", 0.5, "left: after 1,280"), ("", 1)],
    ]
    assert loss.bbox.y0 > rest[0].bbox.y1 and ticks(loss.xaxis)[-1] == "2,000"
    assert not draw([], {}, [], 10, CAPTION).lines


@covers(figures.film_strip)
def test_a_film_goes_from_noise_to_picture_what_is_held_above_the_guess(draw):
    *axes, road = draw([(10, *flat(-1, 0)), (5, *flat(-0.5, 0.5)), (0, *flat(1, 1))], CAPTION)
    assert tiles(axes) == [
        [("t = 10", -1), ("t = 5", -0.5), ("t = 0", 1)],
        [("", 0), ("", 0.5), ("", 1)],
    ]
    places = {text.get_text(): text.get_window_extent() for text in road.texts}
    held, guess = places["held, $x_t$"], places["guess, $\\hat{x}_0$"]
    assert axes[0].bbox.y0 < held.y0 < axes[0].bbox.y1 and held.x1 < axes[0].bbox.x0
    assert axes[1].bbox.y0 < guess.y0 < axes[1].bbox.y1 and guess.x1 < axes[1].bbox.x0
    assert places["noise"].x0 < places["sampling: t falls"].x0 < places["picture"].x0
    [arrow] = [text for text in road.texts if getattr(text, "arrow_patch", None)]
    assert arrow.xy[0] > arrow.xyann[0], "the arrow points to the picture"


# --- lesson 00b ---


@covers(lesson_00b.numbered)
def test_numbers_stand_in_their_places_and_in_colours_that_can_be_read(draw):
    small, wide = draw({"a": [[1, -1], [0.5, 0]], "b": [[-0.25, 0, 1]]}, CAPTION)
    assert (small.get_title(), wide.get_title()) == ("a", "b")
    found = {text.get_position(): (text.get_text(), text.get_color()) for text in small.texts}
    assert found == {
        (0, 0): ("1", "black"), (1, 0): ("−1", "white"),
        (0, 1): ("0.5", "black"), (1, 1): ("0", "black"),
    }  # fmt: skip
    np.testing.assert_array_equal(small.images[0].get_array(), [[1, -1], [0.5, 0]])
    assert small.images[0].get_clim() == (-1, 1) and small.images[0].get_cmap().name == "gray"
    assert ticks(small.yaxis) == ["0", "1"] and len(wide.get_xticks()) == 3
    assert small.bbox.width / 2 == pytest.approx(wide.bbox.width / 3)


@covers(lesson_00b.with_spread)
def test_a_spread_is_a_bar_about_the_mean_under_its_own_picture(draw):
    both = {"plain": np.full((3, 8, 8), 0.5), "noisy": VALUES}
    one, below, two, other = draw(both, CAPTION)
    assert (one.get_title(), two.get_title()) == ("plain", "noisy")
    np.testing.assert_allclose(two.images[0].get_array(), figures.as_image(VALUES))
    for picture, axes, values in ((one, below, both["plain"]), (two, other, VALUES)):
        assert_histogram(axes, values, (-3, 3), SKY)
        assert axes.bbox.x0 == picture.bbox.x0 and axes.bbox.y1 < picture.bbox.y0
        assert marks(axes)[:3] == [-1, 1, values.mean()]
        bar = axes.lines[3].get_xdata()
        np.testing.assert_allclose(bar, values.mean() + values.std() * np.array([-1, 1]))
    assert (below.get_ylabel(), other.get_ylabel()) == ("% of all values", "")
    assert below.get_ylim() == other.get_ylim() and below.get_ylim()[1] > 100


@covers(lesson_00b.both_axes)
def test_one_curve_is_drawn_on_an_ordinary_and_on_a_logarithmic_axis(draw):
    panels = draw([0, 1, 2], [100, 10, 1], CAPTION, xlabel="t", ylabel="power")
    titles = ["ordinary axis", "logarithmic axis"]
    for axes, title, scale in zip(panels, titles, ("linear", "log"), strict=True):
        assert points(axes.lines[0]) == [(0, 100), (1, 10), (2, 1)]
        assert look(axes.lines[0])[0] == SIGNAL
        assert heading(axes) == (title, "t", "power") and axes.get_yscale() == scale
    assert panels[0].get_ylim()[0] == 0 and "10" in ticks(panels[1].yaxis)


# --- lesson 01 ---


@covers(lesson_01.zoomed)
def test_the_square_that_is_enlarged_is_the_one_framed_with_its_own_numbers(draw):
    pixels = np.arange(6 * 5 * 3, dtype=np.uint8).reshape(6, 5, 3)
    pixels[2, 1] = 250, 251, 252
    whole, near = draw(pixels, 2, 1, 3, CAPTION)
    titles = ("the whole photo", "inside the white square: red, green, blue")
    assert (whole.get_title(), near.get_title()) == titles
    np.testing.assert_allclose(whole.images[0].get_array(), pixels / 255)
    np.testing.assert_allclose(near.images[0].get_array(), pixels[2:5, 1:4] / 255)
    [frame] = whole.patches
    assert (*frame.get_xy(), frame.get_width(), frame.get_height()) == (0.5, 1.5, 3, 3)
    found = {text.get_position(): (text.get_text(), text.get_color()) for text in near.texts}
    assert len(found) == 9 and found[0, 0] == ("250\n251\n252", "black")
    assert found[2, 1] == ("54\n55\n56", "white")  # row 3, column 3 of the photo


def assert_histograms(below, sets, spans):
    """In per cent; the last, the noisy one, in the colour of noise, all others in the signal's."""
    for i, (axes, values, span) in enumerate(zip(below, sets, spans, strict=True)):
        assert_histogram(axes, values, span, NOISE if i == len(sets) - 1 else SIGNAL)
        assert axes.get_ylabel() == ("" if i else "% of all values")
        assert marks(axes) == [-1, 1]
        assert axes.get_ylim()[1] >= max(bar.get_height() for bar in axes.patches)


@covers(lesson_01.with_histograms)
def test_each_picture_stands_above_the_histogram_of_its_own_values(draw):
    sets, spans = [VALUES / 9, VALUES / 4, VALUES], [(-2, 2)] * 3
    shown = dict(zip(("clear", "some", "noisy"), flat(-1, 0, 1), strict=True))
    axes = draw(shown, sets, CAPTION, spans=spans, marks=(-1, 1))
    assert tiles(axes) == [[("clear", -1), ("some", 0), ("noisy", 1)]]
    assert_histograms(axes[1::2], sets, spans)
    assert len({one.get_ylim() for one in axes[1::2]}) == 1, "equal spans share one height"
    for picture, below in zip(axes[::2], axes[1::2], strict=True):
        assert below.bbox.x0 == picture.bbox.x0 and below.bbox.y1 < picture.bbox.y0
    two, spans = dict(list(shown.items())[:2]), [(-1, 1), (-3, 3)]
    _, one, _, other = draw(two, sets[1:], CAPTION, spans=spans, marks=(-1, 1))
    assert_histograms([one, other], sets[1:], spans)
    assert one.get_ylim() != other.get_ylim()


@covers(lesson_01.histograms)
def test_each_histogram_has_the_name_of_its_set(draw):
    sets = {"picture": VALUES / 9, "noise": VALUES}
    axes = draw(sets, CAPTION, spans=[(-2, 2), (-3, 3)], marks=(-1, 1))
    assert [one.get_title() for one in axes] == list(sets)
    assert_histograms(axes, list(sets.values()), [(-2, 2), (-3, 3)])


@covers(lesson_01.with_spectra)
def test_spectra_go_by_the_names_of_the_pictures_above_on_fixed_logarithmic_scales(draw):
    spectra = {"sharp": ([1, 8, 64], [9, 1, 0.1]), "blurred": ([1, 64], [5, 0.01])}
    *pictures, axes = draw(dict(zip(spectra, flat(-1, 1), strict=True)), spectra, CAPTION)
    assert tiles(pictures) == [[("sharp", -1), ("blurred", 1)]]
    drawn = labelled(axes)
    assert {name: points(line) for name, line in drawn.items()} == {
        name: list(zip(*curve, strict=True)) for name, curve in spectra.items()
    }
    assert [look(line)[0] for line in drawn.values()] == [SIGNAL, NOISE]
    assert len({look(line)[1] for line in drawn.values()}) == 2 and axes.get_legend()
    assert heading(axes) == ("", "waves across the picture (coarse → fine)", "power")
    assert scales(axes) == ("log", "log") and ticks(axes.xaxis)[-1] == "64"
    assert (axes.get_xlim(), axes.get_ylim()) == ((1, 64), (1e-5, 100))


@covers(lesson_01.bells)
def test_each_set_lies_on_the_bell_of_its_own_mean_and_spread(draw):
    sets = {"one": np.tile([4.0, 6.0], 50), "many": VALUES.ravel()}
    panels = draw(sets, CAPTION)
    assert [axes.get_title() for axes in panels] == list(sets)
    assert [text.get_text() for text in panels[0].figure.texts] == [
        "distance from the mean, in spreads"
    ]
    for axes, values in zip(panels, sets.values(), strict=True):
        heights = [bar.get_height() for bar in axes.patches]
        z = (values - values.mean()) / values.std()
        np.testing.assert_allclose(heights, np.histogram(z, 40, (-4, 4), density=True)[0])
        assert {to_hex(bar.get_facecolor()).upper() for bar in axes.patches} == {NOISE}
        x, y = axes.lines[0].get_data()
        np.testing.assert_allclose(y, np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi))
        assert (x[0], x[-1]) == (-4, 4) and list(axes.get_xticks()) == [-2, 0, 2]


# --- lessons 02 and 03 ---


@covers(lesson_02.schedules_at)
def test_each_schedule_has_its_picture_above_its_curve_and_its_dot_at_t(draw):
    curves = {"cosine": [1, 0.75, 0], "linear": [1, 0.125, 0.01]}
    chart, *pictures = draw(dict(zip(curves, flat(-1, 1), strict=True)), curves, 1, CAPTION)
    assert tiles(pictures) == [[("cosine: 75.0% left", -1), ("linear: 12.5% left", 1)]]
    assert_curves(chart, [0, 1, 2], curves, [SCHEDULES["cosine"], SCHEDULES["linear"]])
    dots = [(points(one)[0], look(one)[0]) for one in chart.lines if one.get_marker() == "o"]
    assert dots == [((1, 0.75), SCHEDULES["cosine"]), ((1, 0.125), SCHEDULES["linear"])]
    x = "step t, from the picture (0) to noise (2); here t = 1"
    assert heading(chart) == ("", x, "share of power left, ᾱ") and marks(chart) == [1]
    assert chart.get_xlim() == (0, 2) and chart.bbox.y1 < pictures[0].bbox.y0


@covers(lesson_02.quarter_circle)
def test_the_quarter_circle_has_the_signal_across_and_the_noise_upwards(draw):
    axes = draw([1, 0.8, 0], [0, 0.6, 1], (0, 1), CAPTION)
    assert points(axes.lines[0]) == [(1, 0), (0.8, 0.6), (0, 1)]
    assert [points(one)[0] for one in axes.lines if one.get_marker() == "o"] == [(1, 0), (0.8, 0.6)]
    assert {text.get_text(): tuple(text.xy) for text in axes.texts} == {
        "t = 0": (1, 0), "t = 1": (0.8, 0.6),
    }  # fmt: skip
    words = ("what multiplies the picture, √ᾱ", "what multiplies the noise, √(1 − ᾱ)")
    assert heading(axes) == ("", *words) and axes.get_aspect() == 1
    assert (axes.xaxis.label.get_color(), axes.yaxis.label.get_color()) == (SIGNAL, NOISE)


@covers(lesson_03.ballot)
def test_a_ballot_shows_who_leads_with_which_share_between_what_is_seen_and_the_guess(draw):
    shares = [0.615, 0.3, 0.005, 0.00001]
    axes = draw(flat(-1)[0], flat(-0.5, 0, 0.25, 0.5), shares, flat(1)[0], CAPTION)
    upper, lower = tiles(axes)
    assert upper == [
        ("seen, $x_t$", -1), ("61.5%", -0.5), ("30.0%", 0), ("guess, $\\hat{x}_0$", 1),
    ]  # fmt: skip
    assert lower == [("0.50%", 0.25), ("< 0.01%", 0.5)]
    bars = [one for one in axes if one.patches]
    assert [one.patches[0].get_width() for one in bars] == shares
    assert {to_hex(one.patches[0].get_facecolor()).upper() for one in bars} == {PINK}
    assert all(one.get_xlim() == (0, 1) for one in bars)
    leaders = [one for one in axes if one.get_title().endswith("%")]
    for picture, bar in zip(leaders, bars, strict=True):
        assert bar.bbox.x0 == picture.bbox.x0 and 0 < picture.bbox.y0 - bar.bbox.y1 < 10
    assert len(tiles(draw(flat(0)[0], flat(1), [1.0], flat(0)[0], CAPTION))[0]) == 3


@covers(lesson_03.errors_by_level)
def test_errors_have_the_colours_of_who_guesses_and_hollow_marks_for_new_pictures(draw):
    errors = {"network, new": [0.1, 0.01], "ideal, known": [0.0, 5e-5], "floor": [0.5, 0.2]}
    axes = draw([100, 900], errors, CAPTION, mark=0.04)
    errors["ideal, known"] = [1e-5, 5e-5]  # what lies far below is drawn at the foot
    assert_curves(axes, [100, 900], errors, [PREDICTION, PINK, BLACK])
    assert {name: one.get_markerfacecolor() == "white" for name, one in labelled(axes).items()} == {
        "network, new": True, "ideal, known": False, "floor": False,
    }  # fmt: skip
    assert len({one.get_marker() for one in labelled(axes).values()}) == 3
    x, y = "step t, from the picture (0) to noise (1000)", "mean squared error of the noise"
    assert heading(axes) == ("", x, y) and scales(axes) == ("linear", "log")
    assert axes.get_xlim() == (0, 1000) and levels(axes) == [0.04]
    assert {text.get_text(): text.xy[1] for text in axes.texts} == {
        "0.00001 or less": 1e-5, "0.04": 0.04,
    }  # fmt: skip
    axes = draw([100, 900], {"network": [0.1, 0.2]}, CAPTION)
    assert not axes.texts and not levels(axes) and "0.1" in ticks(axes.yaxis)


@covers(lesson_03.scatter)
def test_pictures_of_two_pixels_are_dots_the_first_across_the_second_upwards(draw):
    axes = draw(torch.tensor([[1.0, -1.0], [0.5, 0.25]]), CAPTION)
    assert points(axes.lines[0]) == [(1, -1), (0.5, 0.25)] and look(axes.lines[0])[0] == SIGNAL
    assert heading(axes) == ("", "first pixel", "second pixel") and axes.get_aspect() == 1
    assert axes.get_xlim() == axes.get_ylim() == (-1.6, 1.6)


# --- lessons 05 and 06 ---


@covers(lesson_05.posterior_curves)
def test_the_formula_is_a_dotted_bell_over_the_product_of_two_clues(draw):
    x, clues = np.linspace(-1, 1, 5), {name: np.arange(5) + i for i, name in enumerate("abc")}
    axes = draw(x, clues, 0.5, 0.2, CAPTION)
    bell = np.exp(-((x - 0.5) ** 2) / 0.08) / (0.2 * np.sqrt(2 * np.pi))
    assert_curves(axes, x, clues | {"the formula": bell}, [*ROLES, BLACK])
    assert heading(axes) == ("", "value of the pixel at step s", "how likely")
    assert axes.get_xlim() == (-1, 1) and axes.get_ylim()[0] == 0


@covers(lesson_05.by_steps)
def test_two_panels_over_the_number_of_steps_share_looks_and_name_what_they_measure(draw):
    far, fine = {"DDIM": [0.3, 0.1], "DDPM": [0.5, 0.2]}, {"DDIM": [0.9, 1], "DDPM": [0.2, 1.1]}
    left, right = draw([4, 16], far, fine, CAPTION)
    for axes, curves in ((left, far), (right, fine)):
        assert_curves(axes, [4, 16], curves, PLAIN)
        assert axes.get_xlabel() == "number of steps" and ticks(axes.xaxis) == ["4", "16"]
    assert left.get_title() == "distance from the end result" and scales(left) == ("log", "log")
    assert right.get_title() == "fine detail, beside real pictures"
    assert scales(right) == ("log", "linear") and levels(right) == [1]
    assert [(text.get_text(), text.xy) for text in right.texts] == [("real pictures", (4, 1))]


@covers(lesson_06.bands)
def test_bands_go_from_broad_to_fine_with_a_dot_where_each_is_settled(draw):
    missing = {"broad": [1, 5, 100], "fine": [2, 60, 110]}
    axes = draw([0, 500, 1000], missing, {"broad": 600, "fine": 200}, CAPTION)
    assert_curves(axes, [0, 500, 1000], missing, [look(axes.lines[i])[0] for i in (0, 2)])
    dots = [(points(one), look(one)[0]) for one in axes.lines if one.get_marker() == "o"]
    curves = [look(one)[0] for one in labelled(axes).values()]
    assert dots == [([(600, 10)], curves[0]), ([(200, 10)], curves[1])]
    assert int(curves[0][1:3], 16) < int(curves[1][1:3], 16), "dark to light"
    x = "level t, from the picture (0) to noise (1000)"
    assert heading(axes) == ("", x, "still missing, % of its power") and levels(axes) == [10]
    assert axes.get_legend().get_title().get_text() == "waves across the picture"
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 1000), (0, 125))


@covers(lesson_06.decisions)
def test_a_question_keeps_its_colour_in_both_panels_of_decisions(draw):
    judged, branched = {"place": [99, 20], "color": [90, 10]}, {"color": [80, 30, 5]}
    left, right = draw([0, 1000], judged, [0, 500, 1000], branched, CAPTION)
    assert_curves(left, [0, 1000], judged, [BLACK, PINK])
    assert_curves(right, [0, 500, 1000], branched, [PINK], legend=False)
    assert look(labelled(left)["color"]) == look(labelled(right)["color"])
    assert heading(left) == ("what the judge sees in the guess", "", "as in the end, %")
    assert right.get_title() == "branches that end the same"
    assert left.get_xlim() == (0, 1010) and left.get_ylim() == right.get_ylim() == (0, 104)
    assert left.figure.get_supxlabel() == "level t, from the picture (0) to noise (1000)"


# --- lessons 07 and 08 ---


@covers(lesson_07.vectors)
def test_vectors_stand_above_their_sum_on_one_scale_about_zero(draw):
    above, below = draw({"cat": [1, -2, 0], "night": [3, 0, 0]}, [4, -2, 0], CAPTION)
    np.testing.assert_array_equal(above.images[0].get_array(), [[1, -2, 0], [3, 0, 0]])
    np.testing.assert_array_equal(below.images[0].get_array(), [[4, -2, 0]])
    assert ticks(above.yaxis) == ["cat", "night"] and ticks(below.yaxis) == ["the sum"]
    for image in (above.images[0], below.images[0]):
        assert image.get_clim() == (-4, 4) and image.get_cmap().name == "PuOr"
    assert below.get_xlabel() == "the 3 numbers of each vector"
    assert above.bbox.y0 > below.bbox.y0 and below.figure.axes[-1].get_ylabel() == "value"


@covers(lesson_07.likeness)
def test_likeness_has_both_names_at_each_pair_and_frames_around_groups(draw):
    matrix, names = np.array([[1, 0.5, 0], [0.25, 1, 0], [0, 0, 1]]), ["cat", "dog", "red"]
    axes = draw(matrix, names, [2, 1], CAPTION)
    np.testing.assert_array_equal(axes.images[0].get_array(), matrix)
    assert ticks(axes.xaxis) == ticks(axes.yaxis) == names and axes.yaxis_inverted()
    assert axes.images[0].get_clim() == (-1, 1) and axes.images[0].get_cmap().name == "cividis"
    frames = [(one.get_xy(), one.get_width(), one.get_height()) for one in axes.patches]
    assert frames == [((-0.5, -0.5), 2, 2), ((1.5, 1.5), 1, 1)]
    assert axes.figure.axes[-1].get_ylabel() == "likeness (cosine)"


@covers(lesson_07.along_guidance)
def test_each_panel_along_guidance_has_the_title_and_the_curves_of_its_measure(draw):
    panels = {"right, %": {"animal": [5, 60, 90], "color": [9, 80, 99]}, "loud": {"": [1, 2, 3]}}
    left, right = draw([0, 1, 4], panels, CAPTION)
    assert_curves(left, [0, 1, 4], panels["right, %"], PLAIN)
    assert points(right.lines[0]) == [(0, 1), (1, 2), (4, 3)] and right.get_legend() is None
    for axes, title in zip((left, right), panels, strict=True):
        assert heading(axes) == (title, "guidance w", "") and 1 in marks(axes)
        assert list(axes.get_xticks()) == [0, 1, 4] and axes.get_ylim()[0] == 0


@covers(lesson_08.memorising)
def test_memorising_joins_copies_in_per_cent_and_both_errors_to_the_number_of_pictures(draw):
    own, new = [0.1, 0.2, 0.3], [0.9, 0.6, 0.4]
    left, right = draw([1, 100, 10_000], [1, 0.5, 0.01], own, new, CAPTION)
    assert points(left.lines[0]) == [(1, 100), (100, 50), (10_000, 1)]
    assert look(left.lines[0])[0] == BLACK and left.get_ylim() == (-5, 105)
    curves = {"new pictures": new, "its own": own}
    assert_curves(right, [1, 100, 10_000], curves, [NOISE, SIGNAL])
    x = "pictures it was trained on"
    assert heading(left) == ("pictures that are copies, %", x, "")
    assert heading(right) == ("error of the guess, t = 500", x, "")
    assert scales(left) == ("log", "linear") and scales(right) == ("log", "log")
    assert ticks(left.xaxis) == ticks(right.xaxis) == ["1", "100", "10,000"]


# --- what every figure is ---


def test_colours_are_those_of_okabe_and_ito_each_for_one_quantity():
    assert (SIGNAL, NOISE, PREDICTION) == ("#0072B2", "#D55E00", "#009E73")
    assert len({*ROLES, *OTHERS}) == 7 and not {*ROLES} & {*SCHEDULES.values()}
    assert lesson_03.GUESSERS["network"] == PREDICTION


def test_pictures_are_shown_on_the_fixed_scale_and_clipped_never_rescaled():
    x = torch.tensor([-3.0, -1.0, 0.0, 1.0, 3.0]).reshape(1, 1, 5)
    shown = figures.as_image(x)
    np.testing.assert_allclose(shown[0, :, 0], [0, 0, 0.5, 1, 1])
    assert shown.shape == (1, 5, 3)
    faint = figures.as_image(torch.full((3, 2, 2), 0.1))
    np.testing.assert_allclose(faint, 0.55, atol=1e-6)


def test_whole_numbers_and_batches_of_one_are_pictures_too():
    pixels = np.array([[[0, 120, 255]]], dtype=np.uint8)
    np.testing.assert_allclose(figures.as_image(pixels), pixels / 255)
    assert figures.as_image(torch.zeros(1, 3, 4, 5)).shape == (4, 5, 3)
    assert figures.as_image(np.zeros((4, 5), dtype=np.uint8)).shape == (4, 5, 3)


@pytest.mark.parametrize("shape", [(2, 3, 4, 4), (5, 4, 4), (4,)])
def test_what_is_no_picture_is_refused_in_a_sentence(shape):
    with pytest.raises(ValueError, match="cannot be shown"):
        figures.as_image(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(3, 4, 4), (4, 4, 2), (4,), (1, 4, 4, 3)])
def test_whole_numbers_of_another_shape_are_refused_too(shape):
    with pytest.raises(ValueError, match="uint8 cannot be shown"):
        figures.as_image(np.zeros(shape, dtype=np.uint8))


def test_a_figure_is_a_png_with_its_caption_as_alternative_text_and_below_it(monkeypatch):
    figure = figures.pictures(flat(0, 0), CAPTION)
    data, metadata = figure._repr_mimebundle_()
    assert metadata["image/png"]["alt"] == "What to see."
    assert data["text/plain"] == "Figure: What to see."
    assert Image.open(io.BytesIO(figure.png)).width > 200
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *a, **k: shown.append(a[0]))
    figure._ipython_display_()
    assert shown == [data, {"text/markdown": "*What to see.*", "text/plain": "What to see."}]


def test_the_same_figure_has_the_same_bytes():
    curves = {"signal": [1, 2, 3], "noise": [3, 2, 1]}
    one, two = (figures.lines([0, 1, 2], curves, CAPTION, xlabel="t", ylabel="y") for _ in "ab")
    assert one.png == two.png


def test_a_large_figure_is_made_smaller_and_an_exact_one_keeps_its_colours():
    pixels = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    assert len(figures.pictures([pixels] * 5, CAPTION).png) < 130_000
    exact = lesson_01.zoomed(pixels, 0, 0, 2, CAPTION)
    assert len(Image.open(io.BytesIO(exact.png)).convert("RGB").getcolors(2**20)) > 999
