"""Lesson 01: its checks name every planted mistake, and its spectrum is the maths."""

import math

import numpy as np
import pytest
import torch
from planted import assert_says, cases

from diffusion_lessons import checks, metrics
from diffusion_lessons.course import figures, lesson_01
from diffusion_lessons.critters import datasets

GENERAL = "not yet. Its answer is up to"


def wide(pixels, noise):
    return pixels.astype(np.int64) + noise


def byte(numbers):
    return np.asarray(numbers).astype(np.int64).astype(np.uint8)


def stretched(numbers):
    return 255 * ((numbers - numbers.min()) / np.ptp(numbers))


def in_torch(pixels, noise):
    return torch.clamp(torch.tensor(pixels).int() + torch.tensor(noise), 0, 255).to(torch.uint8)


def in_place(pixels, noise):
    pixels[...] = np.clip(wide(pixels, noise), 0, 255)
    return pixels


def stub(*_):
    raise NotImplementedError


ADD_AND_CLIP = {
    "right": [
        lambda p, n: np.clip(p.astype(int) + n, 0, 255).astype(np.uint8),
        lambda p, n: (p.astype(np.int16) + n).clip(0, 255).astype("uint8"),
        lambda p, n: np.minimum(np.maximum(p + n, 0), 255).astype(np.uint8),
        lambda p, n: np.uint8(np.clip(p.astype(np.float32) + n, 0, 255)),
        in_torch,
    ],
    "wrap around": [
        lambda p, n: (p + n).astype(np.uint8),
        lambda p, n: p + n.astype(np.uint8),
        lambda p, n: np.clip((p + n).astype(np.uint8), 0, 255),
        lambda p, n: wide(p, n) % 256,
    ],
    "division by 255": [lambda p, n: byte(wide(p, n) % 255)],
    "what passes 255 becomes 0": [
        lambda p, n: byte(np.clip(wide(p, n), 0, 256)),
        lambda p, n: byte(np.where(abs(wide(p, n) - 127.5) > 128, 0, wide(p, n))),
    ],
    "one too many": [lambda p, n: np.clip(wide(p, n), 0, 256)],
    "clips the noise": [
        lambda p, n: byte(p + np.clip(n, 0, 255)),
        lambda p, n: byte(np.clip(p + np.clip(n, 0, 255), 0, 255)),
        lambda p, n: p + np.clip(n, 0, 255),
    ],
    "all values": [
        lambda p, n: byte(stretched(wide(p, n))),
        lambda p, n: stretched(wide(p, n)),
        lambda p, n: byte(np.rint(stretched(wide(p, n)))),
        lambda p, n: 255 * (wide(p, n) / wide(p, n).max()),
        lambda p, n: wide(p, n) // 2,
        lambda p, n: wide(p, n) / 2,
        lambda p, n: byte(np.clip((p + n) / 2, 0, 255)),
    ],
    "lose their minus sign": [
        lambda p, n: byte(np.clip(abs(wide(p, n)), 0, 255)),
        lambda p, n: abs(wide(p, n)),
    ],
    "abs and then wraps": [lambda p, n: byte(abs(wide(p, n)))],
    "one end only": [
        lambda p, n: byte(np.minimum(wide(p, n), 255)),
        lambda p, n: byte(np.maximum(wide(p, n), 0)),
        lambda p, n: np.minimum(wide(p, n), 255),
        lambda p, n: np.maximum(wide(p, n), 0),
    ],
    "does not clip": [lambda p, n: p + n, lambda p, n: np.clip(p, 0, 255) + n],
    "range for floats": [
        lambda p, n: byte(np.clip(wide(p, n), 0, 1)),
        lambda p, n: np.clip(wide(p, n), -1, 1),
        lambda p, n: byte(np.clip(wide(p, n), -1, 1)),
        lambda p, n: np.clip(p + n, 0, 1) * 255,
        lambda p, n: np.clip(p + n, 0, 255).astype(bool),
    ],
    "everything becomes 0": [lambda p, n: byte(np.clip(p + n, 255, 0))],
    "everything becomes 255": [lambda p, n: byte(np.maximum(255, np.minimum(0, p + n)))],
    "ends are swapped": [
        lambda p, n: byte(np.where(p + n > 255, 0, np.where(p + n < 0, 255, p + n))),
    ],
    "without a minus sign": [
        lambda p, n: byte(np.clip(p.astype(np.uint16) + n.astype(np.uint16), 0, 255)),
    ],
    "with a u": [lambda p, n: np.clip(p + n, 0, 255).astype(np.int8)],
    "range of int8": [lambda p, n: np.clip(p + n, -128, 127).astype(np.int8)],
    "one too few": [lambda p, n: byte(np.clip(p + n, 0, 254))],
    "the lower end is 0": [lambda p, n: byte(np.clip(p + n, -255, 255))],
    "lost its minus signs": [lambda p, n: byte(np.clip(p + abs(n), 0, 255))],
    "it subtracts the pixels": [lambda p, n: byte(np.clip(n - p, 0, 255))],
    "it multiplies": [lambda p, n: byte(np.clip(p * n, 0, 255))],
    "of this picture": [lambda p, n: byte(np.clip(p + n, p.min(), p.max()))],
    "divides by 255": [lambda p, n: np.clip(wide(p, n), 0, 255) / 255],
    "subtracts": [lambda p, n: byte(np.clip(p.astype(int) - n, 0, 255))],
    "int8 first": [lambda p, n: byte(np.clip(p.astype(np.int8) + n, 0, 255))],
    "squeezed into int8": [lambda p, n: byte(np.clip(p + n.astype(np.int8), 0, 255))],
    "keeps the old pixel": [
        lambda p, n: byte(np.where((p + n >= 0) & (p + n <= 255), p + n, p)),
    ],
    "where is the noise": [lambda p, n: p],
    "noise only": [lambda p, n: byte(np.clip(n, 0, 255))],
    "come as int64": [lambda p, n: np.clip(wide(p, n), 0, 255)],
    "come as float64": [lambda p, n: np.clip(p.astype(float) + n, 0, 255)],
    "come as a list": [lambda p, n: np.clip(wide(p, n), 0, 255).tolist()],
    "in place": [in_place],
    "returns nothing": [lambda p, n: None],
    "shape": [lambda p, n: np.clip(wide(p, n), 0, 255).ravel()[:2]],
    "stopped with KeyError": [lambda p, n: {}["noise"]],
    "not written yet": [stub],
    GENERAL: [
        lambda p, n: byte(np.clip(wide(p, n), 1, 254)),
        lambda p, n: byte(np.clip(wide(p, 2 * n), 0, 255)),
        lambda p, n: byte(255 - np.clip(wide(p, n), 0, 255)),
    ],
}

TO_FLOATS = {
    "right": [
        lambda p: p / 127.5 - 1,
        lambda p: 2 * (p / 255) - 1,
        lambda p: (p.astype(np.float32) - 127.5) / 127.5,
        lambda p: torch.tensor(p).float() / 127.5 - 1,
        lambda p: (p / 127.5 - 1).tolist(),
        lambda p: np.linspace(-1, 1, 256)[p],
        lambda p: np.interp(p, [0, 255], [-1, 1]),
    ],
    "from 0 to 1": [lambda p: p / 255, lambda p: p.astype(float) / 256],
    "divides by 128": [lambda p: p / 128 - 1, lambda p: (p.astype(float) - 128) / 128],
    "128 for the middle": [lambda p: (p.astype(float) - 128) / 127],
    "divides by 127, not": [lambda p: p / 127 - 1],
    "from 0 to 2": [lambda p: p / 127.5, lambda p: 2 * (p / 255)],
    "from −1 to 0": [lambda p: p / 255 - 1],
    "from −0.5": [lambda p: p / 255 - 0.5],
    "negative": [lambda p: 1 - p / 127.5],
    "wrap around": [
        lambda p: p * 2 / 255 - 1,
        lambda p: (p * 2 - 255) / 255,
        lambda p: (p - 128) / 128,
        lambda p: (p - 128) / 127,
        lambda p: (p - 127) / 128,
        lambda p: (p - 128) / 127.5,
        lambda p: (p - 127) / 127.5,
        lambda p: (p - 127) / 127,
        lambda p: (2 * p - 1) / 255,
    ],
    "int8 ends at 127": [
        lambda p: p.astype(np.int8) / 127.5 - 1,
        lambda p: p.astype(np.int8) / 128,
    ],
    "brackets first": [lambda p: p / (127.5 - 1)],
    "from 1 to 3": [lambda p: p / 127.5 + 1],
    "−127.5 to 127.5": [lambda p: p - 127.5, lambda p: (p / 127.5 - 1) * 127.5],
    "255 becomes 0.996": [lambda p: (p.astype(float) - 128) / 127.5],
    "255 becomes 1.004": [lambda p: (p.astype(float) - 127) / 127.5],
    "both should be 127.5": [lambda p: (p - 127.0) / 128],
    "the darker half": [lambda p: (p / 127.5 - 1).clip(0, 1)],
    "ends in uint8": [lambda p: (p / 127.5 - 1).astype(int).astype(np.uint8)],
    "it rounds": [lambda p: np.round(p / 127.5 - 1, 2), lambda p: (p / 127.5 - 1).round(1)],
    "fraction away": [lambda p: p // 127.5 - 1],
    "whole numbers": [lambda p: np.round(p / 127.5 - 1), lambda p: (p / 127.5 - 1).astype(int)],
    "float16": [lambda p: (p / 127.5 - 1).astype(np.float16)],
    "does not divide": [lambda p: p - 1],
    "before it divides": [lambda p: (p.astype(float) - 1) / 127.5],
    "this picture": [
        lambda p: 2 * (p - float(p.min())) / (float(p.max()) - float(p.min())) - 1,
        lambda p: (p - float(p.min())) / float(np.ptp(p)),
        lambda p: (p - p.mean()) / p.std(),
        lambda p: 2 * (p / p.max()) - 1,
        lambda p: (p - p.mean()) / 127.5,
    ],
    "type only": [lambda p: p.astype(np.float32), lambda p: p],
    "scale, don't clip": [lambda p: np.clip(p, -1.0, 1.0)],
    "returns nothing": [lambda p: None],
    "shape": [lambda p: (p / 127.5 - 1)[None, :2]],
    "stopped with TypeError": [lambda p: p / "255"],
    "not written yet": [stub],
    GENERAL: [lambda p: p / 120 - 1, lambda p: (p / 255) ** 2 * 2 - 1, lambda p: p / 127.5 - 0.9],
}

COMBINED_SPREAD = {
    "right": [
        lambda a, b: (a**2 + b**2) ** 0.5,
        lambda a, b: math.hypot(a, b),
        lambda a, b: np.sqrt(a * a + b * b),
        lambda a, b: torch.tensor(a**2 + b**2).sqrt(),
    ],
    "adds the spreads": [lambda a, b: a + b],
    "variance of the sum": [lambda a, b: a**2 + b**2],
    "averages. The sum": [lambda a, b: (a + b) / 2],
    "halves instead": [lambda a, b: (a**2 + b**2) / 2, lambda a, b: (a**2 + b**2) ** 1 / 2],
    "averages the variances": [lambda a, b: ((a**2 + b**2) / 2) ** 0.5],
    "halves the result": [lambda a, b: math.hypot(a, b) / 2],
    "takes the larger": [max],
    "root of the sum": [lambda a, b: (a + b) ** 0.5],
    "adds square roots": [lambda a, b: a**0.5 + b**0.5],
    "squares the sum": [lambda a, b: (a + b) ** 2],
    "multiplies": [
        lambda a, b: a * b,
        lambda a, b: (a * b) ** 0.5,
        lambda a, b: (2 * a * b) ** 0.5,
    ],
    "it subtracts. Two": [lambda a, b: abs(a - b), lambda a, b: a - b],
    "a complex number": [lambda a, b: (a**2 - b**2) ** 0.5],
    "first noise only": [lambda a, b: a],
    "second noise only": [lambda a, b: b],
    "takes the smaller": [min],
    "divides by √2": [lambda a, b: (a + b) / 2**0.5],
    "takes the roots first": [lambda a, b: (a**0.5 + b**0.5) ** 2],
    "the root twice": [lambda a, b: (a**2 + b**2) ** 0.25],
    "squares the sum of squares": [lambda a, b: (a**2 + b**2) ** 2],
    "always 1": [lambda a, b: (a**2 + b**2) ** (1 // 2)],
    "it rounds": [
        lambda a, b: round((a**2 + b**2) ** 0.5),
        lambda a, b: round((a**2 + b**2) ** 0.5, 2),
    ],
    "int cuts": [lambda a, b: int((a**2 + b**2) ** 0.5)],
    # Not right, though NumPy could read a number out of it.
    "returns a str": [lambda a, b: str((a**2 + b**2) ** 0.5)],
    "subtracts the variances": [lambda a, b: abs(a**2 - b**2) ** 0.5],
    "brackets": [lambda a, b: a**2 + b**2**0.5],
    "* 2 doubles": [lambda a, b: 2 * a + 2 * b, lambda a, b: (2 * a + 2 * b) ** 0.5],
    "cubes": [lambda a, b: a**3 + b**3],
    "returns nothing": [lambda a, b: None],
    "shape": [lambda a, b: [a, b]],
    "^ is no power": [lambda a, b: a ^ b],
    "not written yet": [stub],
    GENERAL: [lambda a, b: a + 0.5 * b, lambda a, b: math.hypot(a, b) + 0.001, lambda a, b: 5.0],
}


@pytest.mark.parametrize(
    ("check", "says", "answer"),
    cases(checks.add_and_clip, ADD_AND_CLIP)
    + cases(checks.to_floats, TO_FLOATS)
    + cases(checks.combined_spread, COMBINED_SPREAD),
)
def test_a_check_says_what_is_wrong_and_hands_back_a_right_function(check, says, answer, capsys):
    assert_says(check, says, answer, capsys)


def test_the_course_versions_do_what_the_lesson_says(capsys):
    pixel, noise = np.array([0, 120, 255], dtype=np.uint8), np.array([15, -30, 5])
    clipped = checks.add_and_clip(stub)(pixel, noise)
    assert clipped.dtype == np.uint8 and clipped.tolist() == [15, 90, 255]
    assert checks.combined_spread(stub)(3, 4) == 5
    picture = np.random.default_rng(0).integers(0, 256, (3, 5, 3), dtype=np.uint8)
    ours = torch.tensor(checks.to_floats(stub)(picture)).permute(2, 0, 1)[None].float()
    torch.testing.assert_close(ours, datasets.to_floats(picture))


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
