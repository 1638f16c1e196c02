"""Lesson 02: every right answer passes, every likely mistake gets its own hint, nothing else does.

Each wrong answer stands beside a piece of the hint that must point at it.
"""

import math

import numpy as np
import pytest
import torch

from diffusion_lessons import checks, schedules
from diffusion_lessons.course import figures, lesson_02

GENERAL = "not yet. Its answer is up to"


def in_place(x0, alpha_bar_t, eps):
    x0.mul_(alpha_bar_t**0.5)
    return x0 + (1 - alpha_bar_t) ** 0.5 * eps


def cos_by_hand(T):
    f = np.cos(np.pi / 2 * (np.arange(T + 1) / T + 0.008) / 1.008) ** 2
    return f / f[0]


def stub(*_):
    raise NotImplementedError


RIGHT = {
    "add_noise": [
        lambda x0, a, eps: a**0.5 * x0 + (1 - a) ** 0.5 * eps,
        lambda x0, a, eps: torch.sqrt(a) * x0 + torch.sqrt(1 - a) * eps,
        lambda x0, a, eps: a.sqrt() * x0 + (1 - a).sqrt() * eps,
        lambda x0, a, eps: math.sqrt(a) * x0 + math.sqrt(1 - a) * eps,
        lambda x0, a, eps: np.sqrt(a) * x0 + np.sqrt(1 - a) * eps,
        lambda x0, a, eps: x0.double() * a**0.5 + eps.double() * (1 - a) ** 0.5,
        lambda x0, a, eps: float(a) ** 0.5 * x0.numpy() + float(1 - a) ** 0.5 * eps.numpy(),
    ],
    "alpha_bar_from_beta": [
        lambda b: np.append(1.0, np.cumprod(1 - b)),
        lambda b: np.concatenate([[1], np.cumprod(1 - b)]),
        lambda b: np.cumprod(1 - np.append(0.0, b)),
        lambda b: [math.prod(1 - b[:t]) for t in range(len(b) + 1)],
        lambda b: torch.cat([torch.ones(1), torch.cumprod(1 - torch.tensor(b), 0)]),
        lambda b: np.append(1.0, np.exp(np.cumsum(np.log(1 - b)))),
    ],
    "snr": [
        lambda a: a / (1 - a),
        lambda a: 1 / (1 / a - 1),
        lambda a: (np.sqrt(a) / np.sqrt(1 - a)) ** 2,
        lambda a: torch.tensor(a) / (1 - torch.tensor(a)),
    ],
    "my_schedule": [
        lambda T: (1 - np.arange(T + 1) / T) ** 2,
        lambda T: np.linspace(1, 0, T + 1),
        lambda T: [1 - t / T for t in range(T + 1)],
        lambda T: torch.cos(torch.linspace(0, torch.pi / 2, T + 1)) ** 2 + 0.0,
        lambda T: schedules.cosine(T).alpha_bar,
        lambda T: np.exp(-8 * np.arange(T + 1) / T),
        lambda T: np.cumprod(np.append(1, 1 - np.linspace(0.1, 20, T) / T)),
        cos_by_hand,
        # Ends at 0.001, which rounding may make a little more.
        lambda T: 1 - (1 - 0.001) * np.arange(T + 1) / T,
    ],
}
WRONG = {
    "add_noise": [
        (lambda x0, a, eps: a.sqrt() * x0 + (1 - a) * eps, "the noise lacks its square root"),
        (lambda x0, a, eps: a * x0 + (1 - a) ** 0.5 * eps, "the picture lacks its square root"),
        (lambda x0, a, eps: a * x0 + (1 - a) * eps, "both square roots are missing"),
        (lambda x0, a, eps: x0.lerp(eps, float(1 - a)), "both square roots are missing"),
        (lambda x0, a, eps: (1 - a).sqrt() * x0 + a.sqrt() * eps, "rates are swapped: at ᾱ = 1"),
        (lambda x0, a, eps: (1 - a) * x0 + a * eps, "and both lack"),
        (lambda x0, a, eps: x0 + (1 - a).sqrt() * eps, "does not shrink: multiply"),
        (lambda x0, a, eps: x0 + (1 - a) * eps, "does not shrink (multiply"),
        (lambda x0, a, eps: a.sqrt() * x0 + eps, "at full strength"),
        (lambda x0, a, eps: x0 + eps, "only adds"),
        (lambda x0, a, eps: a.sqrt() * x0 - (1 - a).sqrt() * eps, "the noise is subtracted"),
        (lambda x0, a, eps: a.sqrt() * x0 + (1 - a.sqrt()) * eps, "factors add to 1"),
        (lambda x0, a, eps: a * x0 + (1 - a**2).sqrt() * eps, "takes ᾱ for what multiplies"),
        (lambda x0, a, eps: a**2 * x0 + (1 - a) ** 2 * eps, "squares where square roots"),
        (lambda x0, a, eps: a.sqrt() * (x0 + eps), "same factor"),
        (lambda x0, a, eps: a.sqrt() * x0 + (1 - a).sqrt() * x0, "both terms hold x0"),
        (lambda x0, a, eps: a.sqrt() * x0, "only shrinks"),
        (lambda x0, a, eps: (1 - a).sqrt() * eps, "the noise alone"),
        (lambda x0, a, eps: (a.sqrt() * x0 + (1 - a).sqrt() * eps).clip(-1, 1), "is clipped"),
        (lambda x0, a, eps: (a * x0 + (1 - a) * eps) ** 0.5, "negative root"),
        (lambda x0, a, eps: (a.sqrt() * x0 + (1 - a).sqrt() * eps).clip(0, 1), "is clipped"),
        (lambda x0, a, eps: a.sqrt() * x0 + (1 - a).sqrt() * eps.clip(-1, 1), "is clipped"),
        (lambda x0, a, eps: a**1 / 2 * x0 + (1 - a) ** 1 / 2 * eps, "it halves in place"),
        (lambda x0, a, eps: a**0.5 * x0 + (1 - a) ** 1 / 2 * eps, "it halves in place"),
        (lambda x0, a, eps: a**1 / 2 * x0 + (1 - a) ** 0.5 * eps, "it halves in place"),
        (lambda x0, a, eps: a**0.5 * x0 + (1 - a) ** 2 * eps, "noise's factor is squared"),
        (lambda x0, a, eps: a**2 * x0 + (1 - a) ** 0.5 * eps, "picture's factor is squared"),
        (lambda x0, a, eps: a**0.5 * x0 + 1 - a**0.5 * eps, "brackets are missing"),
        (lambda x0, a, eps: a**0.5 * x0 + 1 - a * eps, "brackets and a root are missing"),
        (lambda x0, a, eps: a.sqrt() * (x0 + (1 - a).sqrt() * eps), "multiplies the noise, too"),
        (lambda x0, a, eps: (1 - a).sqrt() * (x0 + eps), "the picture's is √ᾱ"),
        (lambda x0, a, eps: a.sqrt() * x0 + (1 - a).sqrt(), "eps is missing"),
        (lambda x0, a, eps: a.sqrt() * x0 * (1 - a).sqrt() * eps, "multiplies picture and noise"),
        (lambda x0, a, eps: (a.sqrt() * x0 + (1 - a).sqrt() * eps) / 2, "it is halved"),
        (lambda x0, a, eps: (a.sqrt() * x0, (1 - a).sqrt() * eps), "apart: add them"),
        (lambda x0, a, eps: x0 - (1 - a).sqrt() * eps, "and the noise is subtracted"),
        (lambda x0, a, eps: (1 - a) * x0 + a.sqrt() * eps, "the picture's lacks"),
        (lambda x0, a, eps: (1 - a).sqrt() * x0 + a * eps, "the noise's lacks"),
        (lambda x0, a, eps: x0, "where is the noise"),
        (lambda x0, a, eps: eps, "where is the picture"),
        (lambda x0, a, eps: a.sqrt() * x0 + (a - 1).sqrt() * eps, "negative root"),
        (in_place, "in place"),
        (lambda x0, a, eps: a.sqrt() * x0 + (1 - a).sqrt() * torch.randn(x0.shape), "call to call"),
        (lambda x0, a, eps: x0.mean(), "has shape ()"),
        (lambda x0, a, eps: x0 @ 1, "it stopped with TypeError"),
        (lambda x0, a, eps: "static", "it returns a str"),
        # Not in the list of mistakes: the general hint.
        (lambda x0, a, eps: a.sqrt() * x0 + (1 - a) ** 0.25 * eps, GENERAL),
        (lambda x0, a, eps: a.sqrt() * x0 + (1 - a).sqrt() * eps.abs(), GENERAL),
        (lambda x0, a, eps: a.sqrt() * x0 + (1 - a).sqrt() * eps + 0.001, GENERAL),
        (lambda x0, a, eps: x0 * 0, GENERAL),
    ],
    "alpha_bar_from_beta": [
        (lambda b: np.cumprod(1 - b), "one entry too few"),
        (lambda b: np.append(np.cumprod(1 - b), 1), "the 1 is at the end"),
        (lambda b: np.append(0, np.cumprod(1 - b)), "starts at 0"),
        (lambda b: np.append(1, 1 - np.cumsum(b)), "subtracts every β"),
        (lambda b: 1 - np.append(0, np.cumsum(b)), "subtracts every β"),
        (lambda b: 1 - np.cumsum(b), "adds where it should multiply"),
        (lambda b: np.append(1, np.cumsum(1 - b)), "adds up what each step keeps"),
        (lambda b: np.cumsum(1 - b), "adds up what each step keeps"),
        (lambda b: np.append(1, np.cumprod(b)), "it multiplies the β"),
        (lambda b: np.cumprod(b), "it multiplies the β"),
        (lambda b: np.append(1, 1 - b), "each *single* step"),
        (lambda b: 1 - b, "each *single* step"),
        (lambda b: np.append(1, np.sqrt(np.cumprod(1 - b))), "this is √ᾱ"),
        (lambda b: np.append(1, 1 - np.cumprod(1 - b)), "the share of noise"),
        (lambda b: 1 - np.append(1, np.cumprod(1 - b)), "the share of noise"),
        (lambda b: np.append([1, 1], np.cumprod(1 - b)[:-1]), "one step late"),
        (lambda b: np.cumprod(1 - np.append(0, b[:-1])), "the last β is left out"),
        (lambda b: np.append(1, np.cumprod(1 - b)[1:]), "not in place of the first"),
        (lambda b: np.append(1, np.cumprod((1 - b)[::-1])), "backwards"),
        (lambda b: np.append(1, np.cumprod(1 - b**2)), "don't square it"),
        (lambda b: np.append(1, [(1 - x) ** (t + 1) for t, x in enumerate(b)]), "different β"),
        (lambda b: np.append(1, np.exp(-np.cumsum(b))), "infinitely many"),
        (lambda b: np.prod(1 - b), "the last product only"),
        (lambda b: np.append(1, np.prod(1 - b)), "keeps the last product only"),
        (lambda b: 1 + np.cumprod(1 - b), "added to every number"),
        (lambda b: np.append(np.cumprod(1 - b), 0), "a 0 at the end"),
        (lambda b: np.append([1, 1], np.cumprod(1 - b)), "is there twice"),
        (lambda b: np.cumprod(np.sqrt(1 - b)), "this is √ᾱ"),
        (lambda b: np.append(1, np.cumprod((1 - b) ** 2)), "it squares"),
        (lambda b: np.append(1, np.cumprod(1 - np.sqrt(b))), "leave out the root"),
        (lambda b: 1 - np.cumprod(1 - b), "the share of noise, without t = 0"),
        (lambda b: np.append(1, 1 - np.cumprod(b)), "subtract first"),
        (lambda b: 1 - np.cumprod(b), "subtract first"),
        (lambda b: np.cumprod(1 - np.append(1, b)), "0 all along"),
        (lambda b: np.cumprod(1 - np.append(b, 0)), "stands there twice"),
        (lambda b: np.append(1, np.cumprod(1 - b)[::-1]), "the products run backwards"),
        (lambda b: b, "this is β itself"),
        (lambda b: np.append(1, b), "β with a 1 in front"),
        (lambda b: np.append(1, np.cumsum(b)), "adds up the β"),
        (lambda b: np.cumsum(b), "adds up the β"),
        (lambda b: np.append(1, [(1 - b[0]) ** t for t in range(1, len(b) + 1)]), "like the first"),
        (lambda b: np.append(1, np.cumprod(1 - b)).round(3), "it rounds"),
        (lambda b: schedules.Schedule(np.append(1, np.cumprod(1 - b))), "returns a Schedule"),
        (lambda b: 1 + b, "has shape"),
        (lambda b: np.append(1, np.cumprod(1 - b / 2)), GENERAL),
        (lambda b: np.append(1, np.cumprod(1 - b))[::-1], GENERAL),
        (lambda b: np.append(1, np.cumprod(1 + b)), GENERAL),
    ],
    "snr": [
        (lambda a: (1 - a) / a, "noise to signal"),
        (lambda a: (a / (1 - a)) ** 0.5, "ratio of amplitudes"),
        (lambda a: a**0.5 / (1 - a), "an amplitude on top"),
        (lambda a: a / (1 - a) ** 0.5, "a power on top"),
        (lambda a: (a / (1 - a)) ** 2, "don't square"),
        (lambda a: a / (1 - a**2), "don't square"),
        (lambda a: 10 * np.log10(a / (1 - a)), "decibels"),
        (lambda a: a - (1 - a), "a difference"),
        (lambda a: a, "divide by the noise's"),
        (lambda a: 1 - a, "the noise's share"),
        (lambda a: 1 / (1 - a), "missing on top"),
        (lambda a: a * (1 - a), "multiplies the two shares"),
        (lambda a: a / 1 - a, "brackets"),
        (lambda a: float(a.mean()), "has shape ()"),
        (lambda a: a / (a - 1), "wrong sign"),
        (lambda a: a / (1 + a), "a + in place of −"),
        (lambda a: 1 / a, "one divided by ᾱ"),
        (lambda a: ((1 - a) / a) ** 0.5, "noise to signal, in amplitudes"),
        (lambda a: a**2 / (1 - a**2), "don't square"),
        (lambda a: a**0.5 / (1 - a**0.5), "leave out the roots"),
        (lambda a: np.log(a / (1 - a)), "no logarithm yet"),
        (lambda a: np.log10(a / (1 - a)), "no logarithm yet"),
        (lambda a: 10 * np.log(a / (1 - a)), "no logarithm yet"),
        (lambda a: 20 * np.log10(a / (1 - a)), "no logarithm yet"),
        (lambda a: a // (1 - a), "// throws the fraction away"),
        (lambda a: (a / (1 - a)).round(), "it rounds"),
        (lambda a: (a / (1 - a)).round(2), "it rounds"),
        (lambda a: 100 * a / (1 - a), "in per cent"),
        (lambda a: a / np.mean(1 - a), "an average (or sum)"),
        (lambda a: a / np.sum(1 - a), "an average (or sum)"),
        (lambda a: np.log2(a / (1 - a)), GENERAL),
        (lambda a: a / (1.1 - a), GENERAL),
    ],
    "my_schedule": [
        (lambda T: np.linspace(1, 0, T), "T + 1 numbers are needed"),
        (lambda T: schedules.linear(T).alpha_bar[1:], "t = 0 is missing"),
        (lambda T: np.linspace(1, 0, 1001), "use T, whatever it is"),
        (lambda T: np.linspace(1, 0, T + 2), "use T, whatever it is"),
        (lambda T: np.linspace(100, 0, T + 1), "from 1 down to 0"),
        (lambda T: np.linspace(0, 1, T + 1), "share of noise"),
        (lambda T: 1 - schedules.cosine(T).alpha_bar, "share of noise"),
        (lambda T: np.linspace(1e-4, 0.02, T), "looks like β"),
        (lambda T: np.linspace(1e-4, 0.02, T + 1), "looks like β"),
        (lambda T: 0.999 * np.linspace(1, 0, T + 1), "must be exactly 1"),
        (lambda T: cos_by_hand(T) * 0.9998, "must be exactly 1"),
        (lambda T: np.abs(np.cos(np.linspace(0, np.pi, T + 1))), "must never rise"),
        (lambda T: np.cos(np.linspace(0, np.pi, T + 1)), "below 0"),
        (lambda T: np.maximum(1 - 2 * np.arange(T + 1) / T, 0), "only the very last may be 0"),
        (lambda T: schedules.linear(T).alpha_bar, "of the picture's amplitude is left"),
        (lambda T: np.append(1, 1 - np.linspace(1e-4, 0.02, T)), "not multiplied up"),
        (lambda T: schedules.linear(T).signal_rate, "of the picture's amplitude is left"),
        (lambda T: np.ones(T + 1), "100% of the picture's amplitude is left"),
        (lambda T: 1 - np.arange(T + 1) // T, "Is there a // in place of /?"),
        (lambda T: np.exp(-np.arange(T + 1)), "here: spread it over more steps."),
        (lambda T: np.linspace(1, 0, T + 1) - 1e-17 * (np.arange(T + 1) == T), "By rounding only"),
        (lambda T: np.arange(T, -1, -1), "divide all by the first"),
        (lambda T: 1 - np.arange(T + 1) / 1000, "amplitude is left"),
        (lambda T: 0.99 ** np.arange(T + 1), "β that don't grow"),
        (lambda T: [(1 - t / T) ** 2 for t in range(1, T + 1)], "t = 0 is missing"),
        (lambda T: ((1 - t / T) ** 2 for t in range(T + 1)), "returns a generator"),
        (lambda T: schedules.cosine(T).alpha, "takes 25% of the picture's power"),
        (lambda T: np.clip(np.linspace(1, -0.2, T + 1), 0, 1), "only the very last may be 0"),
        (lambda T: [], "one flat list"),
        (lambda T: np.append(1, np.full(T, 1e-6)), "the step to t = 1 takes 100%"),
        (lambda T: schedules.cosine(T), "a whole Schedule"),
        (lambda T: schedules.cosine(T).sigma, "share of noise"),
        (lambda T: np.log(np.linspace(1, 0, T + 1).clip(1e-9)) * np.nan, "NaN or infinity"),
        (lambda T: np.linspace(1, 0, T + 1)[:, None], "one flat list"),
        (lambda T: 0.5, "one flat list"),
        (lambda T: "cosine", "it returns a str"),
        (lambda T: {t: 1 - t / T for t in range(T + 1)}, "it returns a dict"),
        (lambda T: 1 / (T - T), "it stopped with ZeroDivisionError"),
    ],
}


@pytest.mark.parametrize("name, answer", [(n, a) for n in RIGHT for a in RIGHT[n]])
def test_right_answers_are_right(name, answer, capsys):
    assert getattr(checks, name)(answer) is answer
    assert capsys.readouterr().out.startswith(f"{name}: right.")


@pytest.mark.parametrize("name, answer, hint", [(n, *pair) for n in WRONG for pair in WRONG[n]])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_wrong_answers_get_their_hint(name, answer, hint, capsys):
    chosen = getattr(checks, name)(answer)
    said = capsys.readouterr().out
    assert hint in said.replace("\n", " ")
    assert ": right" not in said and "The lesson goes on with the course's version" in said
    # What the lesson goes on with is right.
    assert getattr(checks, name)(chosen) is chosen


@pytest.mark.parametrize("name", RIGHT)
def test_stub_and_nothing_are_told_apart(name, capsys):
    getattr(checks, name)(stub)
    assert "not written yet" in capsys.readouterr().out
    getattr(checks, name)(lambda *_: None)
    assert "it returns nothing" in capsys.readouterr().out


def test_the_figures_of_lesson_02_are_pictures_with_captions():
    cosine = schedules.cosine(10)
    noisy, curves = (
        dict.fromkeys(figures.SCHEDULES, x) for x in (torch.zeros(3, 8, 8), cosine.alpha_bar)
    )
    figures = [
        lesson_02.schedules_at(noisy, curves, t, "At both ends of the slider.") for t in (0, 10)
    ] + [
        lesson_02.quarter_circle(cosine.signal_rate, cosine.noise_rate, (0, 10), "A circle."),
        figures.outlines({"a": [1, 2], "b": torch.ones(3)}, "Two.", xlabel="x", span=(0, 3)),
    ]
    for figure in figures:
        assert figure.png.startswith(b"\x89PNG") and figure.caption
