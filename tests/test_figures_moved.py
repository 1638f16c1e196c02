"""Figures and spectra of the lessons: what they show, and that they hold at the ends."""

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image

from diffusion_lessons import metrics, schedules
from diffusion_lessons.course import (
    figures,
    lesson_00b,
    lesson_01,
    lesson_02,
    lesson_03,
    lesson_06,
    lesson_07,
)
from diffusion_lessons.critters import datasets


def test_the_figures_show_what_changes_and_hold_at_the_ends():
    x = np.linspace(-1, 1, 3 * 8 * 8).reshape(3, 8, 8)
    flat, wide = (lesson_00b.with_spread({"x": s * x}, f"{s} times.") for s in (0, 4))
    assert flat.png != wide.png and wide.caption == "4 times."
    face = np.array([[1, -1, 0.5], [0, 0, 1]])
    assert (
        lesson_00b.numbered({"face": face}, "A.").png
        != lesson_00b.numbered({"face": -face}, "A.").png
    )
    curve = lesson_00b.both_axes(range(3), [1, 0.1, 0.01], "B.", xlabel="x", ylabel="y")
    assert curve.png != lesson_00b.both_axes(range(3), [1, 1, 1], "B.", xlabel="x", ylabel="y").png


def test_spectrum_of_one_wave_is_in_its_ring():
    across = torch.arange(32, dtype=torch.float64)
    wave = torch.cos(2 * math.pi * 5 * across / 32).expand(1, 3, 32, 32)
    k, power = metrics.power_spectrum(wave)
    torch.testing.assert_close(k, torch.arange(1, 17, dtype=torch.float64))
    # A wave has a mean square of 1/2, and all of it lies in two of the waves of ring 5.
    fy, fx = np.meshgrid(*[np.fft.fftfreq(32, 1 / 32)] * 2, indexing="ij")
    in_ring = int((np.round(np.hypot(fy, fx)) == 5).sum())
    expected = torch.zeros(16, dtype=torch.float64)
    expected[4] = 32 * 32 / 2 / in_ring
    torch.testing.assert_close(power, expected, atol=1e-9, rtol=1e-12)


@pytest.mark.parametrize("shape", [(2, 3, 64, 64), (40, 96), (3, 51, 64)])
def test_spectrum_of_white_noise_is_flat_at_its_variance(shape):
    x = 0.3 * torch.randn((20, *shape), generator=torch.Generator().manual_seed(0))
    _, power = metrics.power_spectrum(x)
    assert len(power) == min(shape[-2:]) // 2
    torch.testing.assert_close(power, torch.full_like(power, 0.09), rtol=0.25, atol=0)
    torch.testing.assert_close(power[4:].mean().item(), 0.09, rtol=0.02, atol=0)


def test_spectrum_counts_waves_across_the_shorter_side():
    wave = np.cos(2 * math.pi * 6 * np.arange(48) / 48)[None].repeat(24, axis=0)
    for picture in (wave, wave.T):
        k, power = metrics.power_spectrum(picture)
        assert k[power.argmax()] == 3 and power.sum() - power[2] < 1e-9


def test_spectrum_takes_arrays_and_is_the_mean_over_pictures():
    x = np.random.default_rng(0).normal(size=(4, 3, 16, 16))
    _, together = metrics.power_spectrum(x)
    apart = torch.stack([metrics.power_spectrum(torch.tensor(one))[1] for one in x])
    torch.testing.assert_close(together, apart.mean(0))


@pytest.mark.parametrize(
    "x",
    [np.zeros((8, 8, 3), dtype=np.uint8), np.zeros(8), np.zeros((3, 1, 8)), np.zeros((0, 8, 8))],
)
def test_spectrum_of_what_is_no_picture_is_a_clear_error(x):
    with pytest.raises(ValueError, match="at least 2 × 2 pixels are expected"):
        metrics.power_spectrum(x)


def test_a_large_figure_is_made_smaller_and_an_exact_one_keeps_its_colours():
    static = np.random.default_rng(0).uniform(-1, 1, (3, 128, 128))
    pixels = datasets.to_pixels(torch.tensor(static))
    assert len(figures.pictures([static] * 5, "Static.").png) < 130_000
    assert len(lesson_01.zoomed(pixels, 0, 0, 2, "Static.").png) > 75_000


def test_the_figures_of_lesson_02_are_pictures_with_captions():
    cosine = schedules.cosine(10)
    noisy, curves = (
        dict.fromkeys(figures.SCHEDULES, x) for x in (torch.zeros(3, 8, 8), cosine.alpha_bar)
    )
    drawn = [
        lesson_02.schedules_at(noisy, curves, t, "At both ends of the slider.") for t in (0, 10)
    ] + [
        lesson_02.quarter_circle(cosine.signal_rate, cosine.noise_rate, (0, 10), "A circle."),
        figures.outlines({"a": [1, 2], "b": torch.ones(3)}, "Two.", xlabel="x", span=(0, 3)),
    ]
    for figure in drawn:
        assert figure.png.startswith(b"\x89PNG") and figure.caption


def test_a_ballot_has_a_figure_for_sure_and_for_undecided_votes():
    draw = torch.Generator().manual_seed(0)
    x_t, *known = torch.randn(11, 3, 8, 8, generator=draw)
    sure = lesson_03.ballot(x_t, known, [1.0] + [0.0] * 9, known[0], "One has all votes.")
    unsure = lesson_03.ballot(x_t, known, [0.1] * 10, x_t, "All have the same.")
    assert sure.png != unsure.png
    assert unsure.caption == "All have the same."
    assert unsure.png == lesson_03.ballot(x_t, known, [0.1] * 10, x_t, "All have the same.").png


def test_errors_far_below_the_axis_are_drawn_at_its_foot():
    curves = {"network, new": [0.1, 0.01], "ideal, known": [0.0, 0.001]}
    figure = lesson_03.errors_by_level([100, 900], curves, "Two curves.", mark=0.04)
    curves["ideal, known"][0] = 1e-9
    assert lesson_03.errors_by_level([100, 900], curves, "Two curves.", mark=0.04).png == figure.png
    curves["ideal, known"][0] = 1e-3
    assert lesson_03.errors_by_level([100, 900], curves, "Two curves.", mark=0.04).png != figure.png


def test_words_stand_under_their_pictures_in_every_row():
    dark = [torch.full((3, 32, 32), -1.0)] * 5
    words = ["two lines of words at the very least", "", "", "", ""]
    plain = figures.captioned(dark, words, "Five.", columns=3)
    words[4] = "a caption of the second row"
    worded = figures.captioned(dark, words, "Five.", columns=3)
    a, b = (np.asarray(Image.open(io.BytesIO(f.png)).convert("L")) for f in (plain, worded))
    rows, columns = np.nonzero(a != b)
    assert a.shape == b.shape and rows.min() > a.shape[0] - 40
    assert a.shape[1] / 3 - 12 < columns.min() and columns.max() < a.shape[1] * 2 / 3 + 12


def test_a_film_strip_is_the_same_each_time_and_shows_the_order_of_time():
    draw = torch.Generator().manual_seed(0)
    film = [(t, *torch.randn(2, 3, 8, 8, generator=draw)) for t in (1000, 500, 0)]
    strip = figures.film_strip(film, "From noise to a picture.")
    assert strip.png == figures.film_strip(film, "From noise to a picture.").png
    assert strip.png != figures.film_strip(film[::-1], "From noise to a picture.").png


def test_its_figures_carry_their_captions():
    t = np.array([1000, 500, 0])
    missing = {"broad": [100, 5, 0], "fine": [100, 60, 0]}
    figure = lesson_06.bands(t, missing, {"broad": 500, "fine": 0}, "Broad first.")
    assert figure.caption == "Broad first." and figure.png[:4] == b"\x89PNG"
    judged, branched = {"place": [20, 90, 100], "with a word": [90, 95, 100]}, {"place": [30, 100]}
    figure = lesson_06.decisions(t, judged, [1000, 500], branched, "Places first.")
    other = lesson_06.decisions(t, judged, [1000, 500], {"place": [100, 30]}, "Places first.")
    assert figure.caption == "Places first." and figure.png != other.png


def test_figures_of_the_lesson_show_what_they_are_given():
    numbers = np.random.default_rng(0).normal(size=(3, 20))
    names = ["cat", "black", "night"]
    strips = dict(zip(names, numbers, strict=True))
    figures = [
        lesson_07.vectors(strips, numbers.sum(0), "A sum."),
        lesson_07.vectors(strips, numbers.sum(0) + 1, "A sum."),
        lesson_07.likeness(np.eye(3), names, [1, 2], "Alike."),
        lesson_07.likeness(np.eye(3), names, [2, 1], "Alike."),
        lesson_07.along_guidance(
            [0, 1], {"right": {"a": [0, 1], "b": [1, 0]}, "b": {"": [1, 1]}}, "w."
        ),
        lesson_07.along_guidance(
            [0, 1], {"right": {"a": [0, 1], "b": [1, 1]}, "b": {"": [1, 1]}}, "w."
        ),
    ]
    assert len({figure.png for figure in figures}) == len(figures)
