"""What the engine does with a learner's function, whatever the exercise."""

import dataclasses
import inspect

import numpy as np
import pytest
import torch

from diffusion_lessons.course import grading

TRIALS = [(np.array([1.0, 2.0, 4.0]), 2.0), (np.array([-3.0]), 0.5)]
SLIPS = """
it adds k;
multiply by it.
    x + k
it rounds.
    wide = np.rint(
        right(x, k)
    )
    return wide
    round_(right(x, k), 1) + zero
"""
GIVEN = {"given": "zero = 0 * k", "names": {"round_": np.round}}
SCALE = grading.Exercise("scale(x, k)", "x * k", lambda: TRIALS, SLIPS, **GIVEN)


@pytest.fixture
def check(capsys):
    grading._whose.clear()

    def run(learner, exercise=SCALE):
        kept = exercise.check(learner)
        return kept, capsys.readouterr().out

    return run


def changes_input(x, k):
    x *= k
    return x


def test_a_right_answer_goes_on_as_the_learners(check, capsys):
    def right(x, k):
        return [k * float(a) for a in x]

    kept, said = check(right)
    assert kept is right
    assert said == "scale: right. The lesson goes on with yours.\n"
    grading.summary()
    assert capsys.readouterr().out == "scale: yours\n"


def stub(x, k):
    raise NotImplementedError


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (stub, "not written yet"),
        (lambda x, k: x + k, "it adds k; multiply by it."),
        (lambda x, k: np.rint(x * k), "it rounds."),
        (lambda x, k: None, "return"),
        (lambda x, k: (x * k)[None], "shape"),
        (lambda x, k: x * k * np.nan, "NaN"),
        (lambda x, k: "six", "str"),
        (lambda x, k: 1j, "a complex number"),
        (lambda x, k: torch.zeros(2, 3).bfloat16(), "shape"),
        (lambda x, k: torch.zeros(len(x)).to_sparse(), "returns a Tensor"),
        (lambda x, k: {"x": x}, "returns a dict"),
        (lambda x, k: x @ "k", "stopped with"),
        (lambda x, k: x ^ 2, "^ is no power"),
        (lambda x, k: k ^ 2, "^ is no power"),
        (lambda x, k: torch.tensor(x) ^ 2, "^ is no power"),
        (lambda x, k: x * k + 0.01, "0.01 away"),
        (lambda x, k: x * k + np.random.default_rng().random(), "from call to call"),
        (lambda x: x, "stopped with TypeError"),
        (changes_input, "in place"),
        (lambda x, k: x * 2.0, "not yet"),  # right on the first trial only
    ],
)
def test_a_wrong_answer_gets_its_hint_and_the_courses_version_goes_on(check, capsys, wrong, hint):
    kept, said = check(wrong)
    assert kept is SCALE.right
    assert hint in said
    assert "course's version" in said
    assert ": right" not in said
    grading.summary()
    assert capsys.readouterr().out == "scale: the course’s version\n"


def test_before_any_check_nothing_is_claimed(check, capsys):
    grading.summary()
    assert "No exercise" in capsys.readouterr().out


def test_where_the_type_of_the_numbers_is_asked_for_another_is_told(check):
    whole = dataclasses.replace(SCALE, answer="(x * k).astype(int)", slips="", dtype="int64")
    assert check(whole.right, whole)[1].startswith("scale: right.")
    assert (
        "come as float64, and int64 is expected"
        in check(lambda x, k: whole.right(x, k) * 1.0, whole)[1]
    )
    assert "come as a list" in check(lambda x, k: list(whole.right(x, k)), whole)[1]


def test_the_solution_is_printed_as_it_is_checked_and_its_source_can_be_looked_at():
    assert SCALE.solution() == "def scale(x, k):\n    return x * k"
    assert inspect.getsource(dataclasses.replace(SCALE).right) == SCALE.solution()
    longer = dataclasses.replace(SCALE, answer="\n    y = x * k\n    return y\n    ")
    assert longer.solution() == "def scale(x, k):\n    y = x * k\n    return y"


@pytest.mark.parametrize(
    ("text", "error"),
    [("a hint alone", ValueError), ("a hint\n    x = 3", SyntaxError), ("a\n    x +", SyntaxError)],
)
def test_slips_that_cannot_be_read_are_an_error(text, error):
    with pytest.raises(error):
        SCALE.read(text)
