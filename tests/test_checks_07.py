"""Lesson 07: its checks name every planted mistake, and its course versions are the package's."""

import numpy as np
import pytest
import torch
from planted import assert_says, cases

from diffusion_lessons import checks, sampling
from diffusion_lessons.course import lesson_07

GENERAL = "not yet. Its answer is up to"


def stub(*_):
    raise NotImplementedError


def in_place(c, n, w):
    c -= n
    return n + w * c


def loud(c, n, w):
    found = n + w * (c - n)
    return found / found.std() * c.std()


GUIDE = {
    "right": [
        lambda c, n, w: n + w * (c - n),
        lambda c, n, w: w * c + (1 - w) * n,
        lambda c, n, w: c + (w - 1) * (c - n),
        lambda c, n, w: torch.lerp(n, c, float(w)),
        lambda c, n, w: n.double() + w * (c.double() - n.double()),
        lambda c, n, w: n.numpy() + w * (c.numpy() - n.numpy()),
        lambda c, n, w: (n + w * (c - n)).tolist(),
    ],
    "other convention": [
        lambda c, n, w: c + w * (c - n),
        lambda c, n, w: (1 + w) * c - w * n,
    ],
    "w − 1 times": [lambda c, n, w: n + (w - 1) * (c - n)],
    "only what the words change": [lambda c, n, w: w * (c - n), lambda c, n, w: w * c - w * n],
    "swapped": [lambda c, n, w: c + w * (n - c), lambda c, n, w: (1 - w) * c + w * n],
    "away from the words": [lambda c, n, w: n - w * (c - n), lambda c, n, w: n + w * (n - c)],
    "whole answer with words": [lambda c, n, w: n + w * c],
    "has dropped out": [lambda c, n, w: w * c, lambda c, n, w: n + w * c - n],
    "taken away once": [lambda c, n, w: w * c - n],
    "must add to 1": [lambda c, n, w: c - w * n],
    "sign of the second share": [lambda c, n, w: w * c + (w - 1) * n],
    "adds the two answers": [lambda c, n, w: n + w * (c + n)],
    "between the two answers": [lambda c, n, w: (n + w * c) / (1 + w)],
    "average of the two": [lambda c, n, w: (c + n) / 2],
    "right at w = 1": [lambda c, n, w: c],
    "right at w = 0": [lambda c, n, w: n],
    "Multiply it by w": [lambda c, n, w: c - n],
    "divides by w": [lambda c, n, w: n + (c - n) / w if w else n],
    "w is squared": [lambda c, n, w: n + w**2 * (c - n)],
    "sign of the difference": [lambda c, n, w: n + w * (c - n).abs()],
    "held between 0 and 1": [lambda c, n, w: n + min(max(w, 0), 1) * (c - n)],
    "negative w is cut off": [lambda c, n, w: n + max(w, 0) * (c - n)],
    "a whole number": [
        lambda c, n, w: n + int(w) * (c - n),
        lambda c, n, w: n + round(w) * (c - n),
    ],
    "is clipped": [lambda c, n, w: (n + w * (c - n)).clamp(-1, 1)],
    "scaled back": [loud],
    "in place": [in_place],
    "returns nothing": [lambda c, n, w: None],
    "shape": [lambda c, n, w: (n + w * (c - n))[None], lambda c, n, w: 1.5],
    "stopped with AttributeError": [lambda c, n, w: c.guided],
    "in Python ^ is no power": [lambda c, n, w: c ^ w],
    "changes from call to call": [lambda c, n, w: n + torch.rand_like(n) * (c - n)],
    "not written yet": [stub],
    GENERAL: [
        lambda c, n, w: n + 1.01 * w * (c - n),
        lambda c, n, w: n + 2 * w * (c - n),
        lambda c, n, w: c * n * w,
        lambda c, n, w: n + w * (c - n) + 1e-3,
    ],
}


def right(cond, p, g):
    return cond.masked_fill(torch.rand(len(cond), 1, generator=g) < p, 0)


def loop(cond, p, g):
    return torch.stack([row * 0 if torch.rand(1, generator=g) < p else row for row in cond])


def overwrites(cond, p, g):
    cond[torch.rand(len(cond), generator=g) < p] = 0
    return cond


def to(value):
    def answer(cond, p, g):
        return cond.masked_fill(torch.rand(len(cond), 1, generator=g) < p, value)

    return answer


def first_rows(cond, p, g):
    torch.rand(1, generator=g)
    hidden = torch.arange(len(cond)) < round(p * len(cond))
    return cond.masked_fill(hidden[:, None], 0)


DROP_WORDS = {
    "right": [
        right,
        loop,
        lambda c, p, g: c * (torch.rand(len(c), 1, generator=g) >= p),
        lambda c, p, g: torch.where((torch.rand(len(c), generator=g) < p)[:, None], 0, c),
        lambda c, p, g: (
            c * (1 - torch.bernoulli(torch.full((len(c), 1), float(p)), generator=g)).long()
        ),
        lambda c, p, g: right(c, p, g).numpy(),
        lambda c, p, g: right(c, p, g).tolist(),
        lambda c, p, g: right(c, p, g).int(),
    ],
    "it hides single words": [
        lambda c, p, g: c.masked_fill(torch.rand(c.shape, generator=g) < p, 0),
        lambda c, p, g: c * (torch.rand(c.shape, generator=g) >= p),
    ],
    "same columns": [
        lambda c, p, g: c.masked_fill(torch.rand(1, c.shape[1], generator=g) < max(p, 0.4), 0)
    ],
    "one die is thrown for the whole batch": [
        lambda c, p, g: c * 0,
        lambda c, p, g: c if torch.rand(1, generator=g) * 0 > 0 else torch.zeros_like(c),
    ],
    "no row is hidden": [
        lambda c, p, g: c,
        lambda c, p, g: c.masked_fill(torch.rand(len(c), 1, generator=g) < 0, 0),
    ],
    "keeps those that it should hide": [
        lambda c, p, g: c.masked_fill(torch.rand(len(c), 1, generator=g) > p, 0),
        lambda c, p, g: c * (torch.rand(len(c), 1, generator=g) < p),
    ],
    "10% are expected": [
        lambda c, p, g: c.masked_fill(torch.rand(len(c), 1, generator=g) < 0.5 * p, 0),
        lambda c, p, g: c.masked_fill(torch.randn(len(c), 1, generator=g) < p, 0),
        lambda c, p, g: c.masked_fill(torch.rand(len(c), 1, generator=g) < p**2, 0),
    ],
    "70% are expected": [
        lambda c, p, g: c.masked_fill(torch.rand(len(c), 1, generator=g) < 0.1, 0)
    ],
    "next to each other": [first_rows],
    "says whose words are hidden": [
        lambda c, p, g: torch.rand(len(c), 1, generator=g) < p,
        lambda c, p, g: torch.rand(len(c), generator=g) < p,
    ],
    "rows are missing": [lambda c, p, g: c[torch.rand(len(c), generator=g) >= p]],
    "0 stands for nothing said": [to(-1), to(27), to(28)],
    "same generator state": [lambda c, p, g: c.masked_fill(torch.rand(len(c), 1) < p, 0)],
    "another seed gives the same": [
        lambda c, p, g: right(c, p, torch.Generator().manual_seed(0)),
        lambda c, p, g: c.masked_fill((torch.arange(len(c)) % 10 < round(10 * p))[:, None], 0),
    ],
    "words have whole numbers": [
        lambda c, p, g: c * (torch.rand(len(c), 1, generator=g) >= p).float()
    ],
    "NaN": [lambda c, p, g: right(c, p, g).float().masked_fill(c == 3, float("nan"))],
    "in place": [overwrites],
    "returns nothing": [lambda c, p, g: None],
    "shape": [lambda c, p, g: right(c, p, g)[None], lambda c, p, g: 0],
    "table of word numbers": [lambda c, p, g: "nothing"],
    "stopped with TypeError": [lambda c, p, g: torch.rand(len(c), g) < p],
    "not written yet": [stub],
}


@pytest.mark.parametrize(
    ("check", "says", "answer"),
    cases(checks.guide, GUIDE) + cases(checks.drop_words, DROP_WORDS),
)
def test_a_check_says_what_is_wrong_and_hands_back_a_right_function(check, says, answer, capsys):
    assert_says(check, says, answer, capsys)


def test_guide_is_what_the_package_does(capsys):
    class Told:
        target = "v"

        def __call__(self, x_t, t, cond=None):
            return x_t if cond is None else x_t**2

    draw = torch.Generator().manual_seed(0)
    x_t, t = torch.randn(2, 3, 4, 5, generator=draw), torch.tensor([7])
    for w in (0.0, 1.0, 2.5):
        package = sampling.guided(Told(), torch.ones(2, 6, dtype=torch.int64), None, w)(x_t, t)
        torch.testing.assert_close(checks.guide(stub)(x_t**2, x_t, w), package)


def test_hiding_words_is_what_training_does(capsys):
    cond = torch.arange(1, 601).reshape(100, 6)
    ours = checks.drop_words(stub)(cond, 0.1, torch.Generator().manual_seed(3))
    hidden = torch.rand(100, 1, generator=torch.Generator().manual_seed(3)) < 0.1
    torch.testing.assert_close(ours, cond.masked_fill(hidden, 0))
    assert 0 < int((ours == 0).all(1).sum()) < 30


def test_a_check_can_be_run_again(capsys):
    assert checks.drop_words(right) is right and checks.drop_words(right) is right


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
