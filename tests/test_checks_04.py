"""Lesson 04: its checks name every planted mistake, and hand back a right function."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from planted import assert_says, cases

from diffusion_lessons import checks, forward, schedules
from diffusion_lessons.course import figures
from diffusion_lessons.train import draw_t

GENERAL = "not yet. Its answer is up to"


def stub(*_):
    raise NotImplementedError


def velocity_in_place(x0, a, eps):
    x0 *= -((1 - a) ** 0.5).to(x0)
    return x0 + a**0.5 * eps


VELOCITY = {
    "right": [
        lambda x0, a, eps: a**0.5 * eps - (1 - a) ** 0.5 * x0,
        lambda x0, a, eps: torch.sqrt(a) * eps - torch.sqrt(1 - a) * x0,
        lambda x0, a, eps: a.sqrt() * eps.double() - (1 - a).sqrt() * x0.double(),
        lambda x0, a, eps: np.sqrt(a.numpy()) * eps.numpy() - np.sqrt(1 - a.numpy()) * x0.numpy(),
        lambda x0, a, eps: (a**0.5 * eps - (1 - a) ** 0.5 * x0).tolist(),
        lambda x0, a, eps: -(((1 - a) ** 0.5) * x0) + a**0.5 * eps,
    ],
    "every sign is the wrong way": [lambda x0, a, eps: (1 - a) ** 0.5 * x0 - a**0.5 * eps],
    "it adds the picture": [lambda x0, a, eps: a**0.5 * eps + (1 - a) ** 0.5 * x0],
    "this is x_t": [lambda x0, a, eps: a**0.5 * x0 + (1 - a) ** 0.5 * eps],
    "have changed places": [lambda x0, a, eps: a**0.5 * x0 - (1 - a) ** 0.5 * eps],
    "the two rates are swapped": [
        lambda x0, a, eps: (1 - a) ** 0.5 * eps - a**0.5 * x0,
        lambda x0, a, eps: (1 - a) * eps - a * x0,
    ],
    "the square roots are missing": [
        lambda x0, a, eps: a * eps - (1 - a) * x0,
        lambda x0, a, eps: (1 - a) * x0 - a * eps,
        lambda x0, a, eps: a * x0 - (1 - a) * eps,
        lambda x0, a, eps: a * eps + (1 - a) * x0,
    ],
    "what multiplies x0 is √(1 − ᾱ), not 1 − ᾱ": [lambda x0, a, eps: a**0.5 * eps - (1 - a) * x0],
    "what multiplies ε is √ᾱ, not ᾱ": [lambda x0, a, eps: a * eps - (1 - a) ** 0.5 * x0],
    "brackets are missing": [
        lambda x0, a, eps: a**0.5 * eps - 1 - a**0.5 * x0,
        lambda x0, a, eps: a**0.5 * eps - (1 - a**0.5 * x0),
    ],
    "it halves": [
        lambda x0, a, eps: a**1 / 2 * eps - (1 - a) ** 1 / 2 * x0,
        lambda x0, a, eps: a**1 / 2 * eps - (1 - a) ** 0.5 * x0,
        lambda x0, a, eps: a**0.5 * eps - (1 - a) ** 1 / 2 * x0,
    ],
    "^ is no power": [lambda x0, a, eps: a ^ 0.5, lambda x0, a, eps: 0.64 ^ 0.5],
    "bracket closes too late": [lambda x0, a, eps: a**0.5 * eps - (1 - a**0.5) * x0],
    "x0 has the wrong rate": [lambda x0, a, eps: a**0.5 * (eps - x0)],
    "ε has the wrong rate": [lambda x0, a, eps: (1 - a) ** 0.5 * (eps - x0)],
    "and not ** 2": [lambda x0, a, eps: a**2 * eps - (1 - a) ** 2 * x0],
    "plain difference": [lambda x0, a, eps: eps - x0, lambda x0, a, eps: x0 - eps],
    "subtracts the noisy picture": [
        lambda x0, a, eps: a**0.5 * eps - (1 - a) ** 0.5 * (a**0.5 * x0 + (1 - a) ** 0.5 * eps)
    ],
    "this is the noise itself": [lambda x0, a, eps: eps],
    "this is the picture itself": [lambda x0, a, eps: x0],
    "two terms is missing": [
        lambda x0, a, eps: a**0.5 * eps,
        lambda x0, a, eps: -((1 - a) ** 0.5) * x0,
        lambda x0, a, eps: (1 - a) ** 0.5 * x0,
    ],
    "both terms hold ε": [lambda x0, a, eps: (a**0.5 - (1 - a) ** 0.5) * eps],
    "both terms hold x0": [lambda x0, a, eps: (a**0.5 - (1 - a) ** 0.5) * x0],
    "the result is clipped": [lambda x0, a, eps: (a**0.5 * eps - (1 - a) ** 0.5 * x0).clamp(-1, 1)],
    "averaged to one number": [lambda x0, a, eps: (a**0.5 * eps - (1 - a) ** 0.5 * x0).mean()],
    "in place": [velocity_in_place],
    "changes from call to call": [
        lambda x0, a, eps: a**0.5 * torch.randn_like(eps) - (1 - a) ** 0.5 * x0
    ],
    "returns nothing": [lambda x0, a, eps: None],
    "shape": [lambda x0, a, eps: (a**0.5 * eps - (1 - a) ** 0.5 * x0).flatten()[:2]],
    "stopped with NameError": [lambda x0, a, eps: alpha_bar_t],  # noqa: F821
    "not written yet": [stub],
    GENERAL: [
        lambda x0, a, eps: a**0.5 * eps - (1 - a) ** 0.5 * x0 + 0.001,
        lambda x0, a, eps: 2 * (a**0.5 * eps - (1 - a) ** 0.5 * x0),
        lambda x0, a, eps: a**0.5 * eps - (1 - a**2) ** 0.5 * x0,
    ],
}

EMA_UPDATE = {
    "right": [
        lambda m, w, k: k * m + (1 - k) * w,
        lambda m, w, k: m + (1 - k) * (w - m),
        lambda m, w, k: m.lerp(w, 1 - k),
        lambda m, w, k: (k * m.double() + (1 - k) * w.double()).tolist(),
        lambda m, w, k: m.clone().mul_(k).add_(w, alpha=1 - k),
    ],
    "keep is on the wrong side": [
        lambda m, w, k: (1 - k) * m + k * w,
        lambda m, w, k: m.lerp(w, k),
    ],
    "brackets are missing": [lambda m, w, k: k * m + 1 - k * w],
    "an example only": [lambda m, w, k: 0.9 * m + 0.1 * w],
    "half of each": [lambda m, w, k: 0.5 * m + 0.5 * w],
    "don't add to 1": [
        lambda m, w, k: m + (1 - k) * w,
        lambda m, w, k: k * m + w,
        lambda m, w, k: m + k * w,
        lambda m, w, k: (1 - k) * m + w,
        lambda m, w, k: k * (m + w),
        lambda m, w, k: (1 - k) * (m + w),
        lambda m, w, k: m + w,
    ],
    "half of what it should be": [lambda m, w, k: (k * m + (1 - k) * w) / 2],
    "subtracts the new weights": [lambda m, w, k: k * m - (1 - k) * w],
    "*away*": [lambda m, w, k: m - (1 - k) * (w - m), lambda m, w, k: m - k * (w - m)],
    "only how far": [lambda m, w, k: (1 - k) * (w - m)],
    "the new weights are missing": [lambda m, w, k: k * m],
    "the old mean is missing": [lambda m, w, k: (1 - k) * w, lambda m, w, k: k * w],
    "nothing is averaged": [lambda m, w, k: w],
    "nothing of the new weights": [lambda m, w, k: m],
    "squares the weights": [lambda m, w, k: k * m + (1 - k) * w**2],
    "multiplies the two parts": [lambda m, w, k: (k * m) * ((1 - k) * w)],
    "in place": [
        lambda m, w, k: m.lerp_(w, 1 - k),
        lambda m, w, k: m.mul_(k).add_(w, alpha=1 - k),
    ],
    "returns nothing": [lambda m, w, k: None],
    "shape": [lambda m, w, k: (k * m + (1 - k) * w).mean()],
    "NaN": [lambda m, w, k: m**k * w ** (1 - k)],
    "stopped with TypeError": [lambda m, w, k: sum(m, w, k)],
    "not written yet": [stub],
    GENERAL: [
        lambda m, w, k: 0.999 * m + 0.001 * w,
        lambda m, w, k: k**0.5 * m + (1 - k) ** 0.5 * w,
        lambda m, w, k: k**2 * m + (1 - k**2) * w,
    ],
}

DRAW_T = {
    "right": [
        lambda T, n, g: torch.randint(1, T + 1, (n,), generator=g),
        lambda T, n, g: torch.randint(T, (n,), generator=g) + 1,
        lambda T, n, g: (torch.rand(n, generator=g) * T).ceil().long(),
        lambda T, n, g: 1 + (torch.rand(n, generator=g, dtype=torch.float64) * T).floor().int(),
        lambda T, n, g: torch.randint(1, T + 1, (n,), generator=g).tolist(),
        lambda T, n, g: torch.randint(1, T + 1, (n,), generator=g).numpy(),
        lambda T, n, g: [int(torch.randint(1, T + 1, (), generator=g)) for _ in range(n)],
    ],
    "from 0 to T − 1": [
        lambda T, n, g: torch.randint(0, T, (n,), generator=g),
        lambda T, n, g: (torch.rand(n, generator=g) * T).long(),
    ],
    "well-known course": [
        lambda T, n, g: torch.randint(0, T - 1, (n,), generator=g),
    ],
    "it draws 0, where": [
        lambda T, n, g: torch.randint(0, T + 1, (n,), generator=g),
        lambda T, n, g: (torch.rand(n, generator=g) * T).round().long(),
    ],
    "is never drawn, and that is where": [
        lambda T, n, g: torch.randint(1, T, (n,), generator=g),
    ],
    "1 is never drawn": [lambda T, n, g: torch.randint(2, T + 1, (n,), generator=g)],
    "beyond the last level": [
        lambda T, n, g: torch.randint(1, T + 2, (n,), generator=g),
        lambda T, n, g: torch.randint(1, 1001, (n,), generator=g),
    ],
    "levels run from 1 to T": [lambda T, n, g: torch.randint(-T, T + 1, (n,), generator=g)],
    "one level for all": [
        lambda T, n, g: torch.randint(1, T + 1, (1,), generator=g),
        lambda T, n, g: torch.randint(1, T + 1, (), generator=g),
        lambda T, n, g: int(torch.randint(1, T + 1, (1,), generator=g)),
    ],
    "all its levels are": [
        lambda T, n, g: torch.randint(1, T + 1, (1,), generator=g).expand(n),
        lambda T, n, g: torch.full((n,), T),
    ],
    "shape": [
        lambda T, n, g: torch.randint(1, T + 1, (n, 1), generator=g),
        lambda T, n, g: torch.randperm(T, generator=g)[:n] + 1,
        lambda T, n, g: torch.randint(1, T + 1, (n - 1,), generator=g),
    ],
    "fractions": [lambda T, n, g: 1 + (T - 1) * torch.rand(n, generator=g)],
    "come as torch.float32": [lambda T, n, g: torch.randint(1, T + 1, (n,), generator=g).float()],
    "more often": [
        lambda T, n, g: (torch.rand(n, generator=g) ** 2 * T).ceil().long().clamp(1, T),
        lambda T, n, g: (torch.rand(n, generator=g) * T).round().long().clamp(1, T),
        lambda T, n, g: draw_t(schedules.cosine(T), n, g),
    ],
    "come in order": [
        lambda T, n, g: torch.arange(n) % T + 1,
        lambda T, n, g: torch.randint(1, T + 1, (n,), generator=g).sort().values,
    ],
    "same generator state": [lambda T, n, g: torch.randint(1, T + 1, (n,))],
    "another seed gives the same": [
        lambda T, n, g: torch.randint(1, T + 1, (n,), generator=torch.Generator().manual_seed(0))
    ],
    "returns nothing": [lambda T, n, g: None],
    "whole numbers are expected": [lambda T, n, g: "1 to T"],
    "stopped with TypeError": [lambda T, n, g: torch.randint(1, T + 1, n, generator=g)],
    "not written yet": [stub],
}


@pytest.mark.parametrize(
    ("check", "says", "answer"),
    cases(checks.velocity, VELOCITY)
    + cases(checks.ema_update, EMA_UPDATE)
    + cases(checks.draw_t, DRAW_T),
)
def test_a_check_says_what_is_wrong_and_hands_back_a_right_function(check, says, answer, capsys):
    assert_says(check, says, answer, capsys)


def test_the_course_versions_do_what_the_lesson_says(capsys):
    schedule, draw = schedules.cosine(), torch.Generator().manual_seed(0)
    x0, eps = torch.rand(1, 3, 5, 4, generator=draw), torch.randn(1, 3, 5, 4, generator=draw)
    ours = checks.velocity(stub)(x0, torch.tensor(schedule.alpha_bar[300]), eps)
    torch.testing.assert_close(ours.float(), forward.velocity(schedule, x0, 300, eps))
    assert checks.ema_update(stub)(10.0, 20.0, 0.9) == pytest.approx(11.0)
    levels = checks.draw_t(stub)(1000, 20_000, draw)
    assert (int(levels.min()), int(levels.max())) == (1, 1000)


def test_a_check_can_be_run_again(capsys):
    answer = DRAW_T["right"][0]
    assert checks.draw_t(answer) is answer and checks.draw_t(answer) is answer


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
