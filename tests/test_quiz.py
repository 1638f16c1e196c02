"""The self-check of lesson 00b and the blind test of lesson 08 read what people write."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import binom

from diffusion_lessons.course import lesson_00b, lesson_08

RIGHT = {
    "slice": sum([5, 6, 7, 8][1:3]),
    "shape": tuple(torch.zeros(8, 3, 32, 48).shape),
    "spread": np.std([1, 7, 9, 15]),
    "scale": 0.25**0.5,
    "loop": [2**i for i in range(4)][-1],
    "axis": 2 * math.log10(1000 / 10),
    "vote": np.average([0, 8], weights=[3, 1]),
    "apart": np.sqrt(np.mean((np.array([0, 7]) - np.array([1, 0])) ** 2)),
}
SECTIONS = {"slice": 1, "shape": 1, "spread": 2, "scale": 2, "loop": 3, "axis": 3, "vote": 4}
HINTS = [(name, *row) for name, wrong in lesson_00b._WRONG.items() for row in wrong.items()]


def said_of(answers, capsys):
    assert lesson_00b.toolbox(answers) is None
    return capsys.readouterr().out


def test_the_unfilled_self_check_sends_nobody_away(capsys):
    said = said_of(dict.fromkeys(RIGHT), capsys)
    assert "Nothing filled in yet" in said and "right" not in said


def test_worked_out_answers_are_right_and_let_the_reader_skip(capsys):
    said = said_of(RIGHT, capsys)
    assert said.count(": right.") == len(RIGHT) and "you may skip to lesson 01" in said


@pytest.mark.parametrize(
    "other",
    [
        {"shape": torch.zeros(8, 3, 32, 48).shape, "spread": 5},
        {"shape": [8, 3, 32, 48], "scale": torch.tensor(0.5), "apart": np.float32(5)},
        {"shape": np.array([8, 3, 32, 48]), "axis": 4.0},
    ],
)
def test_right_answers_may_be_of_any_type(other, capsys):
    assert said_of(RIGHT | other, capsys).count(": right.") == len(RIGHT)


@pytest.mark.parametrize(
    ("name", "wrong", "hint"),
    [
        *HINTS,
        ("slice", sum([5, 6, 7, 8][0:2]), "you count from 1"),
        ("slice", sum([5, 6, 7, 8][1:4]), "the end is left out"),
        ("shape", (8, *np.zeros((32, 48, 3)).shape), "colours come before rows"),
        ("spread", np.var([1, 7, 9, 15]), "that is the variance"),
        ("spread", np.std([1, 7, 9, 15], ddof=1), "that divides by three, n − 1"),
        ("scale", 0.25**2, "that is 0.25 squared"),
        ("loop", 2**4, "range(4) is 0, 1, 2, 3"),
        ("axis", 2 * math.log10(1000), "that is from 1 to 1000"),
        ("vote", np.average([0, 8], weights=[1, 3]), "the weights are swapped"),
        ("apart", np.hypot(1, 7), "divide by two, the number of pixels"),
        *((name, 1234.5, "not yet: ") for name in RIGHT),
    ],
)
def test_a_wrong_answer_is_explained_and_its_section_named(name, wrong, hint, capsys):
    rows = said_of(RIGHT | {name: wrong}, capsys).splitlines()
    line, advice = (row for row in rows if not row.endswith(": right."))
    assert line.startswith(f"{name}: {hint}")
    assert advice == f"Read section {SECTIONS.get(name, 5)}."


@pytest.mark.parametrize("odd", [float("nan"), 1j, {}, [[1], [2, 3]]])
def test_an_odd_answer_gets_a_sentence(odd, capsys):
    said = said_of(RIGHT | {"spread": odd}, capsys)
    assert "spread: a number, or a shape" in said and said.rstrip().endswith("Read section 2.")


def test_several_sections_and_a_missing_answer_are_listed(capsys):
    said = said_of(RIGHT | {"slice": 18, "loop": "8", "apart": None}, capsys)
    assert "loop: this is text: leave the quotation marks out." in said
    assert "apart: not answered." in said and "Read sections 1, 3 and 5." in said


def test_answers_that_are_no_dict_or_misspelt_get_a_sentence(capsys):
    assert "come as a list: keep the dict" in said_of([13, 5], capsys)
    assert "no question 'slise'" in said_of(RIGHT | {"slise": 13}, capsys)


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
    lesson_08.blind_test(chosen, range(1, 9), 16)
    assert says in capsys.readouterr().out


def test_the_blind_test_tells_the_answer_only_afterwards(capsys):
    lesson_08.blind_test([], [2, 5], 4)
    assert "Real are" not in capsys.readouterr().out
    lesson_08.blind_test([2], [2, 5], 4)
    assert "Real are 2, 5" in capsys.readouterr().out


@pytest.mark.parametrize("shown", [16, 24, 40])
def test_nineteen_coins_of_twenty_end_within_what_is_called_luck(shown):
    luck, half = round(0.98 * shown**0.5), shown // 2
    inside = binom.cdf(half + luck, shown, 0.5) - binom.cdf(half - luck - 1, shown, 0.5)
    assert 0.93 < inside < 0.985
