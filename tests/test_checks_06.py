"""Lesson 06: its checks name every planted mistake, and its course versions are the package's."""

import itertools
import math

import numpy as np
import pytest
import torch
from planted import assert_says, cases

from diffusion_lessons import checks, forward, schedules
from diffusion_lessons.course import lesson_06

GENERAL = "not yet. Its answer is up to"


def stub(*_):
    raise NotImplementedError


def right(t, s):
    return (t / s) ** 0.5 * (1 - s) / (1 - t)


def walk(factor):
    def answer(alpha_bar, steps):
        left = [1]
        for t, s in itertools.pairwise(steps):
            left.append(left[-1] * factor(alpha_bar[t], alpha_bar[s]))
        return left

    return answer


def factors(alpha_bar, steps):
    return [right(alpha_bar[t], alpha_bar[s]) for t, s in itertools.pairwise(steps)]


def with_numpy(alpha_bar, steps):
    a = alpha_bar.numpy()[steps]
    keep = np.sqrt(a[:-1] / a[1:]) * (1 - a[1:]) / (1 - a[:-1])
    return np.cumprod(np.append(1, keep))


def in_one_jump(alpha_bar, steps):
    T = steps[0]
    return [right(alpha_bar[T], alpha_bar[s]) for s in steps]


def in_place(alpha_bar, steps):
    alpha_bar *= 0.5
    return [1.0] * len(steps)


def by_places(alpha_bar, steps):
    return walk(right)(alpha_bar, range(len(steps) - 1, -1, -1))


SURVIVES = {
    "right": [
        walk(right),
        with_numpy,
        in_one_jump,
        lambda a, steps: torch.tensor(walk(right)(a, steps)),
        lambda a, steps: torch.tensor(walk(right)(a, steps)).double(),
        lambda a, steps: tuple(walk(right)([float(x) for x in a], steps)),
        lambda a, steps: walk(lambda t, s: math.sqrt(t / s) * (1 - s) / (1 - t))(a, steps),
    ],
    "a square root is missing": [walk(lambda t, s: t / s * (1 - s) / (1 - t))],
    "√(ᾱ_t/ᾱ_s) is missing": [walk(lambda t, s: (1 - s) / (1 - t))],
    "without it no noise is taken away": [walk(lambda t, s: (t / s) ** 0.5)],
    "the deterministic step keeps": [
        walk(lambda t, s: ((1 - s) / (1 - t)) ** 0.5),
        walk(lambda t, s: (1 - s) ** 0.5 / (1 - t) ** 0.5),
    ],
    "one root too many": [walk(lambda t, s: (t / s * (1 - s) / (1 - t)) ** 0.5)],
    "brackets are missing": [walk(lambda t, s: (t / s) ** 0.5 * (1 - s) / 1 - t)],
    "under the root t and s are swapped": [walk(lambda t, s: (s / t) ** 0.5 * (1 - s) / (1 - t))],
    "the levels are swapped": [walk(lambda t, s: (t / s) ** 0.5 * (1 - t) / (1 - s))],
    "t and s are swapped: a step goes": [walk(lambda t, s: right(s, t))],
    "it halves": [walk(lambda t, s: (t / s) ** 1 / 2 * (1 - s) / (1 - t))],
    "belongs to the fresh noise": [walk(lambda t, s: (1 - t / s) ** 0.5 * (1 - s) / (1 - t))],
    "what multiplies the guess": [walk(lambda t, s: s**0.5 * (1 - t / s) / (1 - t))],
    "the square: asked": [walk(lambda t, s: right(t, s) ** 2)],
    "division by 1 − ᾱ_t is missing": [walk(lambda t, s: (t / s) ** 0.5 * (1 - s))],
    "factors of the single steps: multiply": [lambda a, steps: [1, *factors(a, steps)]],
    "factors of the single steps: begin": [factors],
    "it adds the factors": [
        lambda a, steps: np.cumsum([1, *factors(a, steps)]),
        lambda a, steps: np.cumsum(factors(a, steps)),
    ],
    "first entry is missing": [lambda a, steps: np.cumprod(factors(a, steps))],
    "last entry is missing": [lambda a, steps: walk(right)(a, steps)[:-1]],
    "what is left at the end": [lambda a, steps: walk(right)(a, steps)[-1]],
    "turned round": [lambda a, steps: walk(right)(a, steps)[::-1]],
    "0 everywhere": [lambda a, steps: [0.0 * x for x in walk(right)(a, steps)]],
    "counts places in the list": [by_places],
    "^ is no power": [walk(lambda t, s: (t / s) ^ 0.5)],
    "in place": [in_place],
    "returns nothing": [lambda a, steps: None],
    "shape": [lambda a, steps: [walk(right)(a, steps)]],
    "changes from call to call": [lambda a, steps: torch.rand(len(steps))],
    "stopped with IndexError": [lambda a, steps: a[steps[0] + 100]],
    "not written yet": [stub],
    GENERAL: [
        walk(lambda t, s: 1.001 * right(t, s)),
        walk(lambda t, s: (1 - t / s) * (1 - s) / (1 - t)),
        walk(lambda t, s: t),
        lambda a, steps: [1.0] * len(steps),
        lambda a, steps: [a[t] ** 0.5 for t in steps],
    ],
}

BRIGHTNESS_RATIO = {
    "right": [
        lambda a, s, n: a**0.5 * s / ((1 - a) ** 0.5 / n**0.5),
        lambda a, s, n: math.sqrt(a * n / (1 - a)) * s,
        lambda a, s, n: torch.tensor(a * n / (1 - a)).sqrt() * s,
        lambda a, s, n: np.float32(np.sqrt(a) * s * np.sqrt(n) / np.sqrt(1 - a)),
    ],
    "the picture lacks its square root": [lambda a, s, n: a * s / ((1 - a) ** 0.5 / n**0.5)],
    "the static lacks its square root": [lambda a, s, n: a**0.5 * s / ((1 - a) / n**0.5)],
    "√ is missing from ᾱ and from": [lambda a, s, n: a * s / (1 - a) * n**0.5],
    "spreads 1/√n, and not 1/n": [lambda a, s, n: (a / (1 - a)) ** 0.5 * s * n],
    "no square root is left": [lambda a, s, n: a * s / ((1 - a) / n)],
    "makes it louder": [
        lambda a, s, n: a**0.5 * s / (1 - a) ** 0.5 / n**0.5,
        lambda a, s, n: a**0.5 * s / ((1 - a) ** 0.5 * n**0.5),
    ],
    "number of values is missing": [lambda a, s, n: (a / (1 - a)) ** 0.5 * s],
    "brightness is missing": [lambda a, s, n: (a / (1 - a) * n) ** 0.5],
    "spread is squared": [lambda a, s, n: (a / (1 - a) * n) ** 0.5 * s**2],
    "upside down": [lambda a, s, n: ((1 - a) / a / n) ** 0.5 / s],
    "ratio of powers": [lambda a, s, n: a / (1 - a) * n * s**2],
    "ᾱ and 1 − ᾱ are swapped": [lambda a, s, n: ((1 - a) / a * n) ** 0.5 * s],
    "picture's part alone": [lambda a, s, n: a**0.5 * s],
    "brackets are missing": [lambda a, s, n: a**0.5 * s / (1 - a**0.5 / n**0.5)],
    "it halves": [
        lambda a, s, n: a**1 / 2 * s / ((1 - a) ** 1 / 2 / (n**1 / 2)),
        lambda a, s, n: a**1 / 2 * s / ((1 - a) ** 0.5 / n**0.5),
        lambda a, s, n: a**0.5 * s / ((1 - a) ** 1 / 2 / n**0.5),
        lambda a, s, n: a**0.5 * s / ((1 - a) ** 0.5 / (n**1 / 2)),
    ],
    "^ is no power": [lambda a, s, n: a ^ 0.5],
    "returns nothing": [lambda a, s, n: None],
    "shape": [lambda a, s, n: [a, s]],
    "stopped with ZeroDivisionError": [lambda a, s, n: a / 0],
    "not written yet": [stub],
    GENERAL: [
        lambda a, s, n: 1.001 * math.sqrt(a * n / (1 - a)) * s,
        lambda a, s, n: math.sqrt(n / (1 - a)) * s,
        lambda a, s, n: a,
    ],
}


@pytest.mark.parametrize(
    ("check", "says", "answer"),
    cases(checks.survives, SURVIVES) + cases(checks.brightness_ratio, BRIGHTNESS_RATIO),
)
def test_a_check_says_what_is_wrong_and_hands_back_a_right_function(check, says, answer, capsys):
    assert_says(check, says, answer, capsys)


def test_what_survives_is_what_the_packages_random_steps_leave_of_the_start():
    schedule = schedules.cosine(20)
    steps = schedule.timesteps(6).tolist()
    start, other = torch.randn(
        2, 1, 1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    guess = torch.zeros_like(start)
    left = [1.0]
    x, y = start, other
    for t, s in itertools.pairwise(steps):
        x, y = (forward.posterior(schedule, each, guess, t, s)[0] for each in (x, y))
        left.append(float(((x - y) / (start - other)).mean()))
    course = checks.survives(stub)
    torch.testing.assert_close(course(torch.tensor(schedule.alpha_bar), steps), left)
    assert left[-1] == 0 and left[1] < 0.5


def test_the_brightness_of_a_last_level_is_as_loud_as_the_ratio_says():
    draw = torch.Generator().manual_seed(1)
    alpha_bar, spread, side = 0.02, 0.3, 16
    light = spread * torch.randn(20_000, 1, generator=draw)
    static = torch.randn(20_000, side * side, generator=draw).mean(1)
    measured = (alpha_bar**0.5 * light).std() / ((1 - alpha_bar) ** 0.5 * static).std()
    expected = checks.brightness_ratio(stub)(alpha_bar, spread, side * side)
    assert float(measured) == pytest.approx(expected, rel=0.03)


def test_its_figures_carry_their_captions():
    t = np.array([1000, 500, 0])
    missing = {"broad": [100, 5, 0], "fine": [100, 60, 0]}
    figure = lesson_06.bands(t, missing, {"broad": 500, "fine": 0}, "Broad first.")
    assert figure.caption == "Broad first." and figure.png[:4] == b"\x89PNG"
    judged, branched = {"place": [20, 90, 100], "with a word": [90, 95, 100]}, {"place": [30, 100]}
    figure = lesson_06.decisions(t, judged, [1000, 500], branched, "Places first.")
    other = lesson_06.decisions(t, judged, [1000, 500], {"place": [100, 30]}, "Places first.")
    assert figure.caption == "Places first." and figure.png != other.png
