"""Lesson 00b: the self-check reads answers, and the checks name every planted mistake."""

import math

import numpy as np
import pytest
import torch
from planted import assert_says, cases

from diffusion_lessons import checks
from diffusion_lessons.course import lesson_00b

GENERAL = "not yet. Its answer is up to"
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


def said_of(answers, capsys):
    assert checks.toolbox(answers) is None
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


WRONG = {
    "slice": {18: "count from 1", 11: "count from 1", 21: "end is left out", 15: "up to"},
    "shape": {
        (8, 32, 48, 3): "colours come before rows",
        (8, 48, 32, 3): "colours come first here",
        (8, 3, 48, 32): "rows come before columns",
        (3, 32, 48): "where are the eight",
        (8, 32, 48): "where are the three colours",
        36864: "so many numbers",
    },
    "spread": {
        25: "variance",
        4: "mean distance",
        0: "cancel",
        8: "that is the mean",
        5.7735: "divides by three",
    },
    "scale": {0.25: "variance is a square", 0.0625: "root is wanted", 2: "makes it larger"},
    "loop": {16: "end is left out", 6: "is a power", 1: "first of the list", (1, 2, 4): "into _"},
    "axis": {220: "ordinary axis", 200: "100 times", 6: "from 1 to 1000", 2: "goes on to 1000"},
    "vote": {4: "not alike", 8: "divide by the sum", 6: "swapped", 8 / 3: "3 + 1"},
    "apart": {25: "root at the end", 4: "mean distance", 3: "cancel", 50**0.5: "before you take"},
}
BY_ANSWER = [(name, wrong, says) for name, row in WRONG.items() for wrong, says in row.items()]
SECTIONS = {"slice": 1, "shape": 1, "spread": 2, "scale": 2, "loop": 3, "axis": 3, "vote": 4}


@pytest.mark.parametrize(("name", "wrong", "says"), BY_ANSWER)
def test_a_likely_wrong_answer_is_explained_and_its_section_named(name, wrong, says, capsys):
    rows = said_of(RIGHT | {name: wrong}, capsys).splitlines()
    line, advice = (row for row in rows if not row.endswith(": right."))
    assert line.startswith(f"{name}: ") and says in line
    assert advice == f"Read section {SECTIONS.get(name, 5)}."


@pytest.mark.parametrize("name", RIGHT)
def test_any_other_wrong_answer_gets_a_general_word(name, capsys):
    said = said_of(RIGHT | {name: 1234.5}, capsys)
    assert f"{name}: not yet: " in said and "skip" not in said


@pytest.mark.parametrize(
    ("odd", "says"),
    [
        ("5", "leave the quotation marks out"),
        (float("nan"), "a number"),
        (1j, "a number"),
        ({}, "a number"),
        ([[1], [2, 3]], "a number"),
        (None, "not answered"),
    ],
)
def test_an_odd_answer_gets_a_sentence(odd, says, capsys):
    said = said_of(RIGHT | {"spread": odd}, capsys)
    assert f"spread: {says}" in said or (says in said and "spread: " in said)
    assert said.rstrip().endswith("Read section 2.")


def test_several_sections_and_a_missing_answer_are_listed(capsys):
    answers = RIGHT | {"slice": 18, "loop": 16}
    del answers["apart"]
    assert "Read sections 1, 3 and 5." in said_of(answers, capsys)


def test_answers_that_are_no_dict_or_misspelt_get_a_sentence(capsys):
    assert "come as a list: keep the dict" in said_of([13, 5], capsys)
    assert "no question 'slise'" in said_of(RIGHT | {"slise": 13}, capsys)


def test_every_hint_of_the_self_check_can_be_heard(capsys):
    for name, question in checks._QUESTIONS.items():
        for wrong, hint in question.hints.items():
            assert f"{name}: {hint}\n" in said_of(RIGHT | {name: wrong}, capsys)


def stub(*_):
    raise NotImplementedError


def in_place(a, b):
    a -= b
    return (a**2).mean() ** 0.5


def spread_in_place(x):
    x -= x.mean()
    return (x**2).mean() ** 0.5


def by_loop(a, b):
    total = 0.0
    for x, y in zip(a.ravel(), b.ravel(), strict=True):
        total += (x - y) ** 2
    return math.sqrt(total / a.size)


RMS_DIFFERENCE = {
    "right": [
        lambda a, b: ((a - b) ** 2).mean() ** 0.5,
        lambda a, b: np.sqrt(np.mean((b - a) ** 2)),
        lambda a, b: np.sqrt(np.square(a - b).sum() / a.size),
        lambda a, b: np.linalg.norm((a - b).ravel()) / a.size**0.5,
        lambda a, b: torch.tensor(a - b).square().mean().sqrt(),
        lambda a, b: (torch.tensor(a) - torch.tensor(b)).float().square().mean().sqrt().item(),
        lambda a, b: np.sqrt((a**2).mean() - 2 * (a * b).mean() + (b**2).mean()).round(12),
        by_loop,
    ],
    "the root is missing": [lambda a, b: ((a - b) ** 2).mean()],
    "this is the mean distance": [
        lambda a, b: abs(a - b).mean(),
        lambda a, b: (((a - b) ** 2) ** 0.5).mean(),
    ],
    "minus and plus cancel": [
        lambda a, b: (a - b).mean(),
        lambda a, b: b.mean() - a.mean(),
        lambda a, b: abs((a - b).mean()),
        lambda a, b: ((a - b).mean() ** 2) ** 0.5,
        lambda a, b: (a - b).mean() ** 2,
        lambda a, b: torch.tensor(a - b).mean().sqrt(),
        lambda a, b: torch.tensor(b - a).mean().sqrt(),
    ],
    "divide by the number of pixels": [
        lambda a, b: ((a - b) ** 2).sum() ** 0.5,
        lambda a, b: np.linalg.norm((a - b).ravel()),
        lambda a, b: ((a - b) ** 2).sum(),
        lambda a, b: abs(a - b).sum(),
    ],
    "the root comes after the division": [lambda a, b: ((a - b) ** 2).sum() ** 0.5 / a.size],
    "square the differences first": [lambda a, b: abs(a - b).mean() ** 0.5],
    "halves": [lambda a, b: ((a - b) ** 2).mean() ** 1 / 2],
    "* 2 doubles": [lambda a, b: torch.tensor((a - b) * 2).mean().sqrt()],
    "only b is squared": [
        lambda a, b: torch.tensor(a - b**2).mean().sqrt(),
        lambda a, b: (a - b**2).mean(),
    ],
    "squares twice": [lambda a, b: ((a - b) ** 2).mean() ** 2],
    "own mean is taken out": [
        lambda a, b: (a - b).std(),
        lambda a, b: (a - b).var(),
        lambda a, b: a.std() - b.std(),
        lambda a, b: abs(a.std() - b.std()),
    ],
    "squares each picture": [
        lambda a, b: torch.tensor(a**2 - b**2).mean().sqrt(),
        lambda a, b: (a**2 - b**2).mean(),
        lambda a, b: abs((a**2).mean() - (b**2).mean()) ** 0.5,
    ],
    "it adds the pictures": [
        lambda a, b: ((a + b) ** 2).mean() ** 0.5,
        lambda a, b: ((a + b) ** 2).mean(),
    ],
    "largest difference": [lambda a, b: abs(a - b).max()],
    "median": [lambda a, b: np.median(abs(a - b))],
    "one too few": [lambda a, b: (((a - b) ** 2).sum() / (a.size - 1)) ** 0.5],
    "outermost axis only": [lambda a, b: (((a - b) ** 2).sum() / len(a)) ** 0.5],
    "one number for each pixel": [
        lambda a, b: a - b,
        lambda a, b: b - a,
        lambda a, b: ((a - b) ** 2) ** 0.5,
        lambda a, b: (a - b) ** 2,
    ],
    "first axis only": [lambda a, b: ((a - b) ** 2).mean(0) ** 0.5],
    "last axis only": [lambda a, b: ((a - b) ** 2).mean(-1) ** 0.5],
    "it rounds": [lambda a, b: round(float(((a - b) ** 2).mean() ** 0.5), 2)],
    "power of a": [lambda a, b: (((a - b) ** 2).mean() / (a**2).mean()) ** 0.5],
    "never negative": [lambda a, b: -(((a - b) ** 2).mean() ** 0.5)],
    "^ is no power": [lambda a, b: (a - b) ^ 2],
    "in place": [in_place],
    "returns nothing": [lambda a, b: None],
    "shape": [lambda a, b: np.array([((a - b) ** 2).mean() ** 0.5])],
    "stopped with AttributeError": [lambda a, b: (a - b).square().mean().sqrt()],
    "but numbers are expected": [lambda a, b: "5"],
    "not written yet": [stub],
    GENERAL: [
        lambda a, b: 1.001 * ((a - b) ** 2).mean() ** 0.5,
        lambda a, b: (abs(a - b) ** 3).mean() ** (1 / 3),
        lambda a, b: 0.0,
        lambda a, b: 1 - (a * b).mean(),
    ],
}


SPREAD = {
    "right": [
        lambda x: ((x - x.mean()) ** 2).mean() ** 0.5,
        lambda x: math.sqrt(((x.mean() - x) ** 2).sum() / x.size),
        lambda x: abs((x**2).mean() - x.mean() ** 2) ** 0.5,
        lambda x: torch.tensor(x).std(correction=0),
        lambda x: np.std(x),
    ],
    "this is the variance": [lambda x: ((x - x.mean()) ** 2).mean(), lambda x: x.var()],
    "mean distance from the mean": [
        lambda x: abs(x - x.mean()).mean(),
        lambda x: (((x - x.mean()) ** 2) ** 0.5).mean(),
    ],
    "the mean is not taken out": [
        lambda x: (x**2).mean() ** 0.5,
        lambda x: (x**2).mean(),
    ],
    "not a sum": [
        lambda x: ((x - x.mean()) ** 2).sum() ** 0.5,
        lambda x: ((x - x.mean()) ** 2).sum(),
    ],
    "divides by n − 1": [lambda x: torch.tensor(x).std(), lambda x: x.std(ddof=1)],
    "And the root is missing": [lambda x: torch.tensor(x).var()],
    "the root comes after the division": [lambda x: ((x - x.mean()) ** 2).sum() ** 0.5 / x.size],
    "outermost axis only": [lambda x: (((x - x.mean()) ** 2).sum() / len(x)) ** 0.5],
    "halves": [lambda x: ((x - x.mean()) ** 2).mean() ** 1 / 2],
    "squares twice": [lambda x: ((x - x.mean()) ** 2).mean() ** 2],
    "cancel to 0": [lambda x: (x - x.mean()).mean()],
    "this is the mean:": [lambda x: x.mean()],
    "only the mean is squared": [lambda x: torch.tensor(x - x.mean() ** 2).mean().sqrt()],
    "the mean itself has to be squared": [
        lambda x: (x**2).mean() - x.mean(),
        lambda x: torch.tensor((x**2).mean() - x.mean()).sqrt(),
    ],
    "median": [lambda x: ((x - np.median(x)) ** 2).mean() ** 0.5],
    "each row": [lambda x: ((x - x.mean(-1, keepdims=True)) ** 2).mean() ** 0.5],
    "many means": [lambda x: ((x - x.mean(0)) ** 2).mean() ** 0.5],
    "along the first axis: no axis": [lambda x: x.std(axis=0)],
    "along the last axis: no axis": [lambda x: x.std(axis=-1)],
    "this is the range": [lambda x: x.max() - x.min()],
    "half the range": [lambda x: (x.max() - x.min()) / 2],
    "largest distance": [lambda x: abs(x - x.mean()).max()],
    "square the distances first": [lambda x: abs(x - x.mean()).mean() ** 0.5],
    "one number for each value": [
        lambda x: x - x.mean(),
        lambda x: (x - x.mean()) ** 2,
        lambda x: ((x - x.mean()) ** 2) ** 0.5,
    ],
    "it rounds": [lambda x: round(float(x.std()), 2)],
    "it adds the mean": [lambda x: ((x + x.mean()) ** 2).mean() ** 0.5],
    "^ is no power": [lambda x: (x - x.mean()) ^ 2],
    "in place": [spread_in_place],
    "returns nothing": [lambda x: None],
    "shape": [lambda x: [x.std()]],
    "stopped with NameError": [lambda x: mean(x)],  # noqa: F821
    "not written yet": [stub],
    GENERAL: [
        lambda x: 1.001 * x.std(),
        lambda x: x.std() + 0.01,
        lambda x: (x.size - 1) * x.std(),
    ],
}


@pytest.mark.parametrize(
    ("check", "says", "answer"),
    cases(checks.rms_difference, RMS_DIFFERENCE) + cases(checks.spread, SPREAD),
)
def test_a_check_says_what_is_wrong_and_hands_back_a_right_function(check, says, answer, capsys):
    assert_says(check, says, answer, capsys)


def test_the_course_versions_are_what_they_say(capsys):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 3, 8, 9))
    torch.testing.assert_close(
        torch.tensor(checks.rms_difference(stub)(a, b)),
        torch.nn.functional.mse_loss(torch.tensor(a), torch.tensor(b)).sqrt(),
    )
    torch.testing.assert_close(
        torch.tensor(checks.spread(stub)(a)), torch.tensor(a).std(correction=0)
    )


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
