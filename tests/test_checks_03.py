"""Lesson 03: its checks name every planted mistake, and its course versions are the package's."""

import math

import numpy as np
import pytest
import torch
from planted import assert_says, cases

from diffusion_lessons import checks, forward, schedules
from diffusion_lessons.course import lesson_03
from diffusion_lessons.denoisers import IdealDenoiser

GENERAL = "not yet. Its answer is up to"


def stub(*_):
    raise NotImplementedError


def gaps(x, d, a):
    return (x - a**0.5 * d).square().sum(1)


def exponents(x, d, a):
    return -gaps(x, d, a) / (2 * (1 - a))


def softmax(of):
    return lambda x, d, a: torch.softmax(of(x, d, a), 0)


def shares(of):
    def answer(x, d, a):
        parts = torch.exp(of(x, d, a))
        return parts / parts.sum()

    return answer


def both(of):
    return [softmax(of), shares(of)]


def by_hand(x, d, a):
    """A learner's loop, without torch, that takes the largest exponent away first."""
    x, d, a = x.tolist(), d.tolist(), float(a)
    e = [-sum((p - a**0.5 * q) ** 2 for p, q in zip(x, row, strict=True)) for row in d]
    e = [math.exp((v - max(e)) / (2 * (1 - a))) for v in e]
    return [v / sum(e) for v in e]


def naive_loop(x, d, a):
    e = [math.exp(-float((x - a**0.5 * row).square().sum()) / (2 * (1 - float(a)))) for row in d]
    return [v / sum(e) for v in e]


def in_place(x, d, a):
    d *= a**0.5
    return torch.softmax(-(x - d).square().sum(1) / (2 * (1 - a)), 0)


def ideal(x, d, a):
    schedule = schedules.Schedule([1, float(a)])
    return IdealDenoiser(d, schedule).weights(x[None], 1)[0]


VOTES = {
    "right": [
        softmax(exponents),
        by_hand,
        ideal,
        softmax(lambda x, d, a: exponents(x.float(), d.float(), a.float())),
        lambda x, d, a: softmax(exponents)(x, d, a).numpy(),
        lambda x, d, a: softmax(exponents)(x, d, a).float().tolist(),
        softmax(lambda x, d, a: (a**0.5 * (d @ x) - a * d.square().sum(1) / 2) / (1 - a)),
        softmax(lambda x, d, a: -(x / a**0.5 - d).square().sum(1) / (2 * (1 - a) / a)),
        lambda x, d, a: torch.exp(torch.log_softmax(exponents(x, d, a), 0)),
        lambda x, d, a: torch.exp(
            -gaps(x, d, a) / (2 * (1 - a)) - torch.logsumexp(exponents(x, d, a), 0)
        ),
        shares(lambda x, d, a: (gaps(x, d, a).min() - gaps(x, d, a)) / (2 * (1 - a))),
    ],
    "at full strength": both(lambda x, d, a: -(x - d).square().sum(1) / (2 * (1 - a))),
    "is its square root": both(lambda x, d, a: -(x - a * d).square().sum(1) / (2 * (1 - a))),
    "the noise's factor": both(
        lambda x, d, a: -(x - (1 - a) ** 0.5 * d).square().sum(1) / (2 * (1 - a))
    ),
    "and not to x_t": both(lambda x, d, a: -(a**0.5 * x - d).square().sum(1) / (2 * (1 - a))),
    "more noise than before": both(
        lambda x, d, a: -(x / a**0.5 - d).square().sum(1) / (2 * (1 - a))
    ),
    "are not squared": both(lambda x, d, a: -(x - a**0.5 * d).abs().sum(1) / (2 * (1 - a))),
    "one square root too many": both(lambda x, d, a: -gaps(x, d, a).sqrt() / (2 * (1 - a))),
    "plus and minus cancel": both(
        lambda x, d, a: -(x - a**0.5 * d).sum(1).square() / (2 * (1 - a))
    ),
    "the 2 is missing": both(lambda x, d, a: -gaps(x, d, a) / (1 - a)),
    "brackets are missing": both(lambda x, d, a: -gaps(x, d, a) / 2 * (1 - a)),
    "divides by the noise's spread": both(lambda x, d, a: -gaps(x, d, a) / (2 * (1 - a) ** 0.5)),
    "don't square it": both(lambda x, d, a: -gaps(x, d, a) / (2 * (1 - a) ** 2)),
    "it divides by ᾱ": both(lambda x, d, a: -gaps(x, d, a) / (2 * a)),
    "the noise is nowhere": both(lambda x, d, a: -gaps(x, d, a) / 2)
    + both(lambda x, d, a: -gaps(x, d, a)),
    "mean over the pixels": both(
        lambda x, d, a: -(x - a**0.5 * d).square().mean(1) / (2 * (1 - a))
    ),
    "the minus is missing": both(lambda x, d, a: gaps(x, d, a) / (2 * (1 - a))),
    "favours strong pictures": both(lambda x, d, a: a**0.5 * (d @ x) / (1 - a)),
    "it halves": both(lambda x, d, a: -(x - a**1 / 2 * d).square().sum(1) / (2 * (1 - a))),
    "0 to a computer": [
        shares(exponents),
        lambda x, d, a: (
            torch.exp(exponents(x, d, a)) / (torch.exp(exponents(x, d, a)).sum() + 1e-8)
        ),
    ],
    "ZeroDivisionError": [naive_loop],
    "don't add up to 1": [lambda x, d, a: torch.exp(exponents(x, d, a))],
    "these are the exponents": [exponents],
    "shared out as they are": [
        lambda x, d, a: exponents(x, d, a) / exponents(x, d, a).sum(),
        lambda x, d, a: gaps(x, d, a) / gaps(x, d, a).sum(),
    ],
    "these are the gaps": [gaps],
    "sigmoid": [lambda x, d, a: torch.sigmoid(exponents(x, d, a))],
    "one over the distance": [
        lambda x, d, a: (1 / gaps(x, d, a)) / (1 / gaps(x, d, a)).sum(),
        lambda x, d, a: gaps(x, d, a) ** -0.5 / (gaps(x, d, a) ** -0.5).sum(),
    ],
    "takes all the votes": [
        lambda x, d, a: torch.nn.functional.one_hot(gaps(x, d, a).argmin(), len(d)),
    ],
    "number of the nearest": [lambda x, d, a: gaps(x, d, a).argmin()],
    "x_t has no say": [lambda x, d, a: torch.ones(len(d)) / len(d)],
    "this is the guess": [lambda x, d, a: softmax(exponents)(x, d, a) @ d],
    "it adds up everything": [
        lambda x, d, a: torch.softmax(-(x - a**0.5 * d).square().sum() / (2 * (1 - a)), 0),
    ],
    "gives each *pixel* a vote": [
        lambda x, d, a: torch.softmax(-(x - a**0.5 * d).square().sum(0) / (2 * (1 - a)), 0),
    ],
    "each pixel votes by itself": [
        lambda x, d, a: torch.softmax(-(x - a**0.5 * d).square() / (2 * (1 - a)), 0),
    ],
    "^ is no power": [lambda x, d, a: a ^ 0.5],
    "in place": [in_place],
    "returns nothing": [lambda x, d, a: None],
    "shape": [
        lambda x, d, a: softmax(exponents)(x, d, a)[None],
        lambda x, d, a: softmax(exponents)(x, d, a)[:, None],
    ],
    "changes from call to call": [lambda x, d, a: torch.softmax(torch.randn(len(d)), 0)],
    "stopped with IndexError": [lambda x, d, a: d[99]],
    "not written yet": [stub],
    GENERAL: [
        softmax(lambda x, d, a: 0.99 * exponents(x, d, a)),
        softmax(lambda x, d, a: -gaps(x, d, a) / (4 * (1 - a))),
        lambda x, d, a: softmax(exponents)(x, d, a).sqrt(),
        lambda x, d, a: softmax(exponents)(x, d, a).flip(0),
    ],
}

LEFTOVER_NOISE = {
    "right": [
        lambda x_t, x0, a: (x_t - a**0.5 * x0) / (1 - a) ** 0.5,
        lambda x_t, x0, a: (x_t - a.sqrt() * x0) / (1 - a).sqrt(),
        lambda x_t, x0, a: (x_t.double() - a**0.5 * x0.double()) / (1 - a) ** 0.5,
        lambda x_t, x0, a: (
            (x_t.numpy() - float(a) ** 0.5 * x0.numpy()) / np.sqrt(1 - float(a))
        ).tolist(),
    ],
    "is no noise yet": [lambda x_t, x0, a: x_t - x0],
    "divide by it": [lambda x_t, x0, a: x_t - a**0.5 * x0],
    "once more": [lambda x_t, x0, a: (x_t - a**0.5 * x0) * (1 - a) ** 0.5],
    "divides by the variance": [lambda x_t, x0, a: (x_t - a**0.5 * x0) / (1 - a)],
    "is its square root": [lambda x_t, x0, a: (x_t - a * x0) / (1 - a) ** 0.5],
    "both square roots": [lambda x_t, x0, a: (x_t - a * x0) / (1 - a)],
    "only √ᾱ of it": [lambda x_t, x0, a: (x_t - x0) / (1 - a) ** 0.5],
    "factors are swapped": [lambda x_t, x0, a: (x_t - (1 - a) ** 0.5 * x0) / a**0.5],
    "the sign is turned": [lambda x_t, x0, a: (a**0.5 * x0 - x_t) / (1 - a) ** 0.5],
    "the picture is added": [lambda x_t, x0, a: (x_t + a**0.5 * x0) / (1 - a) ** 0.5],
    "brackets are missing": [
        lambda x_t, x0, a: x_t - a**0.5 * x0 / (1 - a) ** 0.5,
        lambda x_t, x0, a: (x_t - a**0.5 * x0) / 1 - a**0.5,
    ],
    "subtract first": [lambda x_t, x0, a: (x_t - a**0.5 * x0) / (1 - a**0.5)],
    "divides by √ᾱ": [lambda x_t, x0, a: (x_t - a**0.5 * x0) / a**0.5],
    "it halves": [lambda x_t, x0, a: (x_t - a**1 / 2 * x0) / ((1 - a) ** 1 / 2)],
    "x̂₀ is nowhere": [lambda x_t, x0, a: x_t / (1 - a) ** 0.5],
    "not of the noise": [lambda x_t, x0, a: x0],
    "a velocity is turned": [lambda x_t, x0, a: a**0.5 * x_t - (1 - a) ** 0.5 * x0],
    "result is clipped": [
        lambda x_t, x0, a: ((x_t - a**0.5 * x0) / (1 - a) ** 0.5).clamp(-1, 1),
    ],
    "x̂₀ is clipped": [lambda x_t, x0, a: (x_t - a**0.5 * x0.clamp(-1, 1)) / (1 - a) ** 0.5],
    "in place": [lambda x_t, x0, a: x_t.sub_(a**0.5 * x0) / (1 - a) ** 0.5],
    "returns nothing": [lambda x_t, x0, a: None],
    "shape": [lambda x_t, x0, a: ((x_t - a**0.5 * x0) / (1 - a) ** 0.5).sum()],
    "changes from call to call": [lambda x_t, x0, a: torch.randn_like(x_t)],
    "stopped with AttributeError": [lambda x_t, x0, a: a.alpha_bar],
    "not written yet": [stub],
    GENERAL: [
        lambda x_t, x0, a: 0.999 * (x_t - a**0.5 * x0) / (1 - a) ** 0.5,
        lambda x_t, x0, a: (x_t - a**0.5 * x0.abs()) / (1 - a) ** 0.5,
        lambda x_t, x0, a: torch.randn(x_t.shape, generator=torch.Generator().manual_seed(0)),
    ],
}


def entropy(w):
    return -torch.special.xlogy(w, w).sum()


VOTERS = {
    "right": [
        lambda w: torch.exp(entropy(w)),
        lambda w: 2 ** (entropy(w) / math.log(2)),
        lambda w: math.exp(-sum(v * math.log(v) for v in w.tolist() if v > 0)),
        lambda w: torch.exp(torch.special.entr(w).sum()),
        lambda w: np.exp(-np.sum(w[w > 0].numpy() * np.log(w[w > 0].numpy()))),
        lambda w: torch.exp(-(w * w.clamp(min=1e-300).log()).sum()),
        lambda w: torch.exp(entropy(w.float())),
    ],
    "becomes NaN": [lambda w: torch.exp(-(w * torch.log(w)).sum())],
    "this is H itself": [entropy],
    "mind votes of 0": [lambda w: -(w * torch.log(w)).sum()],
    "the minus is missing": [lambda w: torch.exp(-entropy(w))],
    "take e to the power, not 2": [lambda w: 2 ** entropy(w)],
    "2 to the power, not e": [lambda w: torch.exp(entropy(w) / math.log(2))],
    "log10": [lambda w: torch.exp(entropy(w) / math.log(10))],
    "1 / Σ w²": [lambda w: 1 / (w**2).sum()],
    "the largest vote": [lambda w: 1 / w.max()],
    "however small": [lambda w: (w != 0).sum()],
    "whatever their votes": [lambda w: len(w)],
    "it takes the mean": [lambda w: torch.exp(torch.special.entr(w).mean())],
    "by its own vote": [lambda w: torch.exp(-w.clamp(min=1e-300).log().sum())],
    "a number for each picture": [lambda w: torch.exp(torch.special.entr(w))],
    "stopped with ValueError": [lambda w: math.exp(-sum(v * math.log(v) for v in w.tolist()))],
    "in place": [lambda w: w.mul_(2).sum()],
    "returns nothing": [lambda w: None],
    "shape": [lambda w: torch.exp(entropy(w))[None]],
    "not written yet": [stub],
    GENERAL: [lambda w: torch.exp(entropy(w)) + 0.01, lambda w: w.sum()],
}


@pytest.mark.parametrize(
    ("check", "says", "answer"),
    cases(checks.votes, VOTES)
    + cases(checks.leftover_noise, LEFTOVER_NOISE)
    + cases(checks.voters, VOTERS),
)
def test_a_check_says_what_is_wrong_and_hands_back_a_right_function(check, says, answer, capsys):
    assert_says(check, says, answer, capsys)


def test_the_course_versions_are_what_the_package_does(capsys):
    schedule, t = schedules.cosine(20), 9
    draw = torch.Generator().manual_seed(0)
    data = torch.randn(6, 2, 3, 3, generator=draw, dtype=torch.float64)
    x_t = torch.randn(1, 2, 3, 3, generator=draw, dtype=torch.float64)
    weights = checks.votes(stub)(x_t.flatten(), data.flatten(1), schedule.alpha_bar[t])
    ideal = IdealDenoiser(data, schedule)
    torch.testing.assert_close(weights, ideal.weights(x_t, t)[0])
    x0_hat = ideal(x_t, t)
    torch.testing.assert_close(
        checks.leftover_noise(stub)(x_t, x0_hat, schedule.alpha_bar[t]),
        forward.prediction(schedule, x_t, t, x0_hat, "x0").eps_hat,
    )
    even = torch.full((5,), 0.2, dtype=torch.float64)
    assert float(checks.voters(stub)(even)) == pytest.approx(5)


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
