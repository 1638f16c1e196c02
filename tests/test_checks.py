"""What every check does with a learner's function, whatever the exercise."""

import numpy as np
import pytest
import torch

from diffusion_lessons import checks

TRIALS = [(np.array([1.0, 2.0, 4.0]), 2.0), (np.array([-3.0]), 0.5)]
MISTAKES = [checks.Mistake(lambda x, k: x + k, "it adds k; multiply by it.")]


def course(x, k):
    return x * k


@pytest.fixture
def settle(capsys):
    checks._whose.clear()

    def run(learner):
        kept = checks.settle("scale", learner, course, TRIALS, MISTAKES)
        return kept, capsys.readouterr().out

    return run


def changes_input(x, k):
    x *= k
    return x


@pytest.mark.parametrize(
    "right",
    [
        lambda x, k: k * x,
        lambda x, k: torch.tensor(x * k),
        lambda x, k: [k * float(a) for a in x],
        lambda x, k: (x * k).astype(np.float32),
    ],
)
def test_a_right_answer_goes_on_as_the_learners(settle, capsys, right):
    kept, said = settle(right)
    assert kept is right
    assert "right" in said
    checks.mine()
    assert capsys.readouterr().out == "scale: yours\n"


def stub(x, k):
    raise NotImplementedError


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (stub, "not written yet"),
        (lambda x, k: x + k, "it adds k; multiply by it."),
        (lambda x, k: None, "return"),
        (lambda x, k: (x * k)[None], "shape"),
        (lambda x, k: x * k * np.nan, "NaN"),
        (lambda x, k: "six", "str"),
        (lambda x, k: torch.zeros(2, 3).bfloat16(), "shape"),
        (lambda x, k: torch.zeros(len(x)).to_sparse(), "returns a Tensor"),
        (lambda x, k: {"x": x}, "returns a dict"),
        (lambda x, k: x @ "k", "stopped with"),
        (lambda x, k: x * k + 0.01, "0.01 away"),
        (lambda x: x, "stopped with TypeError"),
        (changes_input, "in place"),
    ],
)
def test_a_wrong_answer_gets_its_hint_and_the_courses_version_goes_on(settle, capsys, wrong, hint):
    kept, said = settle(wrong)
    assert kept is course
    assert hint in said
    assert "course's version" in said
    assert ": right" not in said
    checks.mine()
    assert capsys.readouterr().out == "scale: the course’s version\n"


def test_an_answer_that_is_right_only_on_the_first_trial_is_wrong(settle):
    assert settle(lambda x, k: x * 2.0)[0] is course


def test_before_any_check_nothing_is_claimed(settle, capsys):
    checks.mine()
    assert "No exercise" in capsys.readouterr().out
