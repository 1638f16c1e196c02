"""Lesson 08: its checks name every planted mistake, and its course versions are the package's."""

import numpy as np
import pytest
import torch
from planted import assert_says, cases
from torch.testing import assert_close

from diffusion_lessons import checks, metrics


def stub(*_):
    raise NotImplementedError


def all_pairs(x, data):
    return ((x[:, None] - data[None]) ** 2).mean((2, 3, 4))


def with_a_loop(x, data):
    return [min(float(((picture - other) ** 2).mean()) ** 0.5 for other in data) for picture in x]


def with_cdist(x, data):
    return torch.cdist(x.flatten(1), data.flatten(1)).min(1).values / x[0].numel() ** 0.5


def with_numpy(x, data):
    x, data = x.numpy(), data.numpy()
    return np.sqrt(((x[:, None] - data[None]) ** 2).mean((2, 3, 4))).min(1)


def in_place(x, data):
    x *= 2
    return x


def one_axis_only(x, data):
    return ((x[:, None] - data[None]) ** 2).mean(2).sqrt().amin((1, 2, 3))


NEAREST = {
    "right": [
        with_a_loop,
        with_cdist,
        with_numpy,
        lambda x, data: all_pairs(x, data).min(1).values.sqrt(),
        lambda x, data: metrics.nearest(x, data).distance,
    ],
    "the square root is missing": [lambda x, data: all_pairs(x, data).min(1).values],
    "it adds the squares. Take their mean": [
        lambda x, data: torch.cdist(x.flatten(1), data.flatten(1)).min(1).values
    ],
    "it adds the squares, and no root": [
        lambda x, data: torch.cdist(x.flatten(1), data.flatten(1)).min(1).values ** 2
    ],
    "without their sign": [lambda x, data: (x[:, None] - data).abs().mean((2, 3, 4)).min(1).values],
    "it averages before it squares": [
        lambda x, data: ((x[:, None] - data).mean((2, 3, 4)) ** 2).sqrt().min(1).values
    ],
    "nothing is squared": [lambda x, data: (x[:, None] - data).mean((2, 3, 4)).min(1).values],
    "*which* picture": [lambda x, data: all_pairs(x, data).argmin(1)],
    "the farthest": [lambda x, data: all_pairs(x, data).max(1).values.sqrt()],
    "averages over all of data": [lambda x, data: all_pairs(x, data).sqrt().mean(1)],
    "which is a blur": [lambda x, data: ((x - data.mean(0)) ** 2).mean((1, 2, 3)).sqrt()],
    "for each pixel by itself": [
        lambda x, data: ((x[:, None] - data) ** 2).min(1).values.mean((1, 2, 3)).sqrt()
    ],
    "through the pictures of data": [lambda x, data: all_pairs(x, data).min(0).values.sqrt()],
    "keep only the smallest": [lambda x, data: all_pairs(x, data).sqrt()],
    "one number for all": [lambda x, data: all_pairs(x, data).min().sqrt()],
    "any pixel": [lambda x, data: (x[:, None] - data).abs().amin((1, 2, 3, 4))],
    "not written yet": [stub],
    "it returns nothing": [lambda x, data: None],
    "it stopped with RuntimeError": [lambda x, data: ((x - data) ** 2).mean()],
    "changes its input": [in_place],
    "^ is no power": [lambda x, data: ((x[:, None] - data) ^ 2).mean((2, 3, 4)).min(1).values],
    "not yet. Its answer": [one_axis_only],
}
FRECHET = {
    "right": [
        lambda a, b: (a.mean() - b.mean()) ** 2 + (a.std() - b.std()) ** 2,
        lambda a, b: float((a.mean() - b.mean()) ** 2 + (a.std() - b.std()) ** 2),
        lambda a, b: (
            (np.mean(a.numpy()) - np.mean(b.numpy())) ** 2
            + (np.std(a.numpy()) - np.std(b.numpy())) ** 2
        ),
        lambda a, b: (a.mean() - b.mean()) ** 2 + a.var() + b.var() - 2 * a.std() * b.std(),
        lambda a, b: metrics.frechet_distance(a[:, None], b[:, None]),
    ],
    "nothing is squared": [
        lambda a, b: abs(a.mean() - b.mean()) + abs(a.std() - b.std()),
        lambda a, b: a.mean() - b.mean() + a.std() - b.std(),
    ],
    "adds first": [lambda a, b: (a.mean() - b.mean() + a.std() - b.std()) ** 2],
    "a root is taken": [
        lambda a, b: ((a.mean() - b.mean()) ** 2 + (a.std() - b.std()) ** 2) ** 0.5
    ],
    "compares the variances": [lambda a, b: (a.mean() - b.mean()) ** 2 + (a.var() - b.var()) ** 2],
    "far from itself": [lambda a, b: (a.mean() - b.mean()) ** 2 + a.var() + b.var()],
    "can be below 0": [lambda a, b: (a.mean() - b.mean()) ** 2 + a.var() - b.var()],
    "the spreads are missing": [lambda a, b: (a.mean() - b.mean()) ** 2],
    "the means are missing": [lambda a, b: (a.std() - b.std()) ** 2],
    "subtracted": [lambda a, b: (a.mean() - b.mean()) ** 2 - (a.std() - b.std()) ** 2],
    "of the means is not squared": [lambda a, b: a.mean() - b.mean() + (a.std() - b.std()) ** 2],
    "of the spreads is not squared": [
        lambda a, b: (a.mean() - b.mean()) ** 2 + a.std() - b.std(),
        lambda a, b: (a.mean() - b.mean()) ** 2 + abs(a.std() - b.std()),
    ],
    "pair by pair": [lambda a, b: ((a[:3000] - b) ** 2).mean()],
    "* 2 doubles": [lambda a, b: (a.mean() - b.mean()) * 2 + (a.std() - b.std()) * 2],
    "not written yet": [stub],
    "^ is no power": [lambda a, b: (a.mean() - b.mean()) ^ 2],
    "not yet. Its answer": [lambda a, b: (a.median() - b.median()) ** 2 + 1],
}


@pytest.mark.parametrize(
    "check,says,answer",
    [*cases(checks.nearest_distance, NEAREST), *cases(checks.frechet_1d, FRECHET)],
)
def test_every_answer_hears_what_belongs_to_it(check, says, answer, capsys):
    assert_says(check, says, answer, capsys)


def test_the_courses_versions_are_the_packages(capsys):
    nearest, frechet = checks.nearest_distance(stub), checks.frechet_1d(stub)
    capsys.readouterr()
    g = torch.Generator().manual_seed(0)
    x, data = torch.randn(4, 3, 8, 8, generator=g), torch.randn(9, 3, 8, 8, generator=g)
    assert_close(nearest(x, data).double(), metrics.nearest(x, data).distance, rtol=0, atol=1e-6)
    a, b = torch.randn(50, generator=g).double(), 3 + 2 * torch.randn(40, generator=g).double()
    assert_close(float(frechet(a, b)), metrics.frechet_distance(a[:, None], b[:, None]))


# --- real or drawn? ---


@pytest.mark.parametrize(
    "chosen,says",
    [
        ([1, 2, 3, 4, 5, 6, 7, 8], "16 of 16 right"),
        ([1, 2, 3, 4, 5, 6, 7, 8], "so you can tell."),
        ([9, 10, 11, 12, 13, 14, 15, 16], "took one kind for the other"),
        ([1, 2, 3, 4, 9, 10, 11, 12], "8 of 16 right. A coin gets 4 to 12"),
        ([1, 2, 3, 4, 9, 10, 11, 12], "no better than a coin"),
        ((1.0, np.int64(1)), "9 of 16 right"),
        ([], "No answer yet"),
        ([0, 3], "There is no picture 0"),
        ([17], "There is no picture 17"),
        (5, "in a list"),
        (["three"], "in a list"),
    ],
)
def test_the_blind_test_counts_and_says_what_luck_is(chosen, says, capsys):
    checks.blind_test(chosen, range(1, 9), 16)
    assert says in capsys.readouterr().out


def test_the_blind_test_tells_the_answer_only_afterwards(capsys):
    checks.blind_test([], [2, 5], 4)
    assert "Real are" not in capsys.readouterr().out
    checks.blind_test([2], [2, 5], 4)
    assert "Real are 2, 5" in capsys.readouterr().out


def test_nineteen_coins_of_twenty_end_within_what_is_called_luck():
    from scipy.stats import binom

    for shown in (16, 24, 40):
        luck = round(0.98 * shown**0.5)
        inside = binom.cdf(shown // 2 + luck, shown, 0.5) - binom.cdf(
            shown // 2 - luck - 1, shown, 0.5
        )
        assert 0.93 < inside < 0.985
