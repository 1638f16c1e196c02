"""The engine of the exercises: an answer is right, or a sentence names the likely slip.

An exercise is data. Its check takes the learner's function and returns the one that the lesson goes
on with: theirs if it is right, else the course's. So Run All always finishes, and `summary` says at
the end of a lesson which functions are the learner's own.
"""

from __future__ import annotations

import ast
import itertools
import linecache
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from textwrap import dedent, indent
from typing import Any, NamedTuple

import numpy as np
import torch

_whose: dict[str, bool] = {}
Trials = list[tuple[Any, ...]]  # the arguments of each call


class Slip(NamedTuple):
    """A wrong answer that people really give, and the sentence that points at it."""

    hint: str
    answer: Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Exercise:
    """A function that a learner writes: its right answer, and the slips that have a hint.

    ``signature``: "snr(alpha_bar)". ``answer``: source text, an expression or statements that end
    with return. ``trials()``: the arguments of each call, copied for the learner. ``slips``: text,
    each hint at the margin and its formulas below it, indented; where an answer equals several, the
    first is heard. A formula may use ``right`` (the answer as a function), ``names``, and what
    ``given``, its first statements, define. ``dtype`` ("uint8") is given where it is asked for.

    Where many answers are right there are no slips: ``problem(answer, *trial)`` says what is wrong
    with one, or None. ``seeded``: the generators of trials 1 and 2 start alike, that of trial 3
    does not, and so must the answers.
    """

    signature: str
    answer: str
    trials: Callable[[], Trials]
    slips: str = ""
    given: str = ""
    names: Mapping[str, Any] = field(default_factory=dict)
    tolerance: float = 1e-5
    dtype: str | None = None
    problem: Callable[..., str | None] | None = None
    seeded: bool = False

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.signature.partition("(")[0]

    def solution(self) -> str:
        """Return the right answer as a learner would write it, from def to return."""
        (body,) = _bodies(dedent(self.answer).strip())
        return f"def {self.signature}:\n{indent(body, '    ')}"

    def check(self, learner: Callable[..., Any]) -> Callable[..., Any]:
        """Print what was found, remember whose function goes on, and return it."""
        hint = self._diagnosis(learner)
        _whose[self.name] = hint is None
        if hint is None:
            print(f"{self.name}: right. The lesson goes on with yours.")
            return learner
        print(f"{self.name}: {hint}")
        print("The lesson goes on with the course's version; change yours and run this cell again.")
        return self.right

    @cached_property
    def right(self) -> Callable[..., Any]:
        """The right answer as a function; `??` shows its source."""
        source, file = self.solution(), f"<{self.name}, the course's version>"
        linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
        return self._function(source, {}, file)

    @cached_property
    def compiled(self) -> list[Slip]:
        """The slips as functions, in the order in which they are tried."""
        return self.read(self.slips)

    def read(self, text: str) -> list[Slip]:
        """Compile a text of hints and formulas.

        Raises ValueError for a hint without a formula, and SyntaxError for what is none.
        """
        lines = [line for line in text.splitlines() if line.strip()]
        groups = [list(group) for _, group in itertools.groupby(lines, lambda line: line[0] == " ")]
        found = []
        for hint, formulas in zip(groups[::2], groups[1::2], strict=True):
            try:
                bodies = _bodies(dedent("\n".join(formulas)))
            except SyntaxError as error:
                error.add_note(f"in the slip of {self.name}: {' '.join(hint)}")
                raise
            for body in bodies:
                source = indent(f"{dedent(self.given).strip()}\n{body}", "    ")
                names = {**self.names, "right": self.right}
                source = f"def {self.signature}:\n{source}"
                found.append(Slip(" ".join(hint), self._function(source, names, body)))
        return found

    def _function(self, source: str, names: Mapping[str, Any], file: str) -> Callable[..., Any]:
        space = {"np": np, "torch": torch, "math": math, "itertools": itertools, **names}
        exec(compile(source, file, "exec"), space)
        return space[self.name]

    def _diagnosis(self, learner: Callable[..., Any]) -> str | None:
        trials = self.trials()
        answers, hint = _answers(learner, trials)
        if hint is not None:
            return hint
        if self.problem is not None:
            return self._problem(self.problem, answers, trials)
        expected = [self.right(*_copied(trial)) for trial in trials]
        if _all_same(answers, expected, self.tolerance):
            found = next((f for f in map(dtype_of, answers) if f != self.dtype), self.dtype)
            if self.dtype is None or found == self.dtype:
                return None
            return f"its numbers are right, but they come as {found}, and {self.dtype} is expected."
        # Before the shape is looked at: a slip may well have a shape of its own.
        for slip in self.compiled:
            with np.errstate(all="ignore"):  # a slip that is tried must not warn
                wrong = [slip.answer(*_copied(trial)) for trial in trials]
            if _all_same(answers, wrong, self.tolerance):
                return slip.hint
        for a, e in zip(answers, expected, strict=True):
            problem = _unfit(a, e)
            if problem:
                return problem
        again, hint = _answers(learner, trials)
        if hint is None and not _all_same(answers, again, 0.0):
            return (
                "its answer changes from call to call: use only what it is given, and no fresh "
                "noise."
            )
        pairs = (
            (np.asarray(numbers(x)) for x in pair) for pair in zip(answers, expected, strict=True)
        )
        apart = max(float(np.max(np.abs(a - e), initial=0.0)) for a, e in pairs)
        return (
            f"not yet. Its answer is up to {apart:.3g} away from the right one; compare it with "
            "the formula above, term by term."
        )

    def _problem(
        self,
        problem_of: Callable[..., str | None],
        answers: Sequence[Any],
        trials: Sequence[tuple[Any, ...]],
    ) -> str | None:
        for number, (answer, trial) in enumerate(zip(answers, trials, strict=True), 1):
            problem = problem_of(answer, *trial)
            if problem:
                return problem
            if self.seeded and number == 2 and not same(answers[0], answer, 0.0):
                return (
                    "the same generator state gives another draw: hand generator=generator on, or "
                    "the lesson cannot be repeated."
                )
            if self.seeded and number == 3 and same(answers[0], answer, 0.0):
                return (
                    "another seed gives the same draw: take the generator that is given, and make "
                    "none inside."
                )
        return None


def summary() -> None:
    """Print which functions of this lesson are the learner's own and which are the course's."""
    if not _whose:
        print("No exercise has been checked yet.")
    for name, is_learners in _whose.items():
        print(f"{name}: {'yours' if is_learners else 'the course’s version'}")


def numbers(x: Any) -> np.ndarray | None:
    """Return the numbers of an array, tensor, list or number, or None where there are none."""
    if isinstance(x, str | bytes | complex):  # NumPy would read "5" as the number 5.
        return None
    try:
        # NumPy knows no bfloat16.
        return np.asarray(x.detach().double() if isinstance(x, torch.Tensor) else x, np.float64)
    except (TypeError, ValueError, RuntimeError):
        return None


def dtype_of(answer: Any) -> str:
    """Return the type of an answer's numbers ("uint8"), or what holds them ("a list")."""
    if isinstance(answer, list | tuple):
        return f"a {type(answer).__name__}"
    if isinstance(answer, torch.Tensor):
        return str(answer.dtype).removeprefix("torch.")
    return str(np.asarray(answer).dtype)


def same(a: Any, b: Any, tolerance: float) -> bool:
    """Say whether two answers are equal, of whatever type their numbers are."""
    x, y = numbers(a), numbers(b)
    if x is None or y is None:
        try:
            return a is b or (type(a) is type(b) and bool(a == b))
        except (RuntimeError, ValueError):  # arrays inside, or a tensor that cannot be compared
            return False
    return x.shape == y.shape and np.allclose(x, y, rtol=tolerance, atol=tolerance, equal_nan=True)


def _all_same(answers: Sequence[Any], others: Sequence[Any], tolerance: float) -> bool:
    return all(same(a, b, tolerance) for a, b in zip(answers, others, strict=True))


def _bodies(text: str) -> list[str]:
    """Return each formula of a text as a function's body; one of several lines ends with return."""
    lines, begin, bodies = text.splitlines(), 0, []
    for node in ast.parse(text).body:
        body = "\n".join(lines[begin : node.end_lineno])
        alone = isinstance(node, ast.Expr) and node.lineno == begin + 1
        if alone or isinstance(node, ast.Return):
            bodies.append(f"return {body}" if alone else body)
            begin = node.end_lineno or begin
    if begin < len(lines):
        raise SyntaxError(f"this formula lacks its return: {' '.join(lines[begin:])}")
    return bodies


def _answers(
    learner: Callable[..., Any], trials: Sequence[tuple[Any, ...]]
) -> tuple[list[Any], str | None]:
    """What the learner's function returns on each trial, or why it has no answer to one."""
    answers: list[Any] = []
    for trial in trials:
        given = _copied(trial)
        try:
            answer = learner(*given)
        except Exception as error:
            # The stub raises it bare; PyTorch, with words, for what a type cannot do.
            if isinstance(error, NotImplementedError) and not error.args:
                return answers, "not written yet."
            if "xor" in str(error) or "for ^" in str(error):
                return answers, "in Python ^ is no power: write ** for it."
            return answers, f"it stopped with {type(error).__name__}: {error}"
        if answer is None:
            return answers, "it returns nothing: end it with return and the result."
        if not _all_same(given, trial, 0.0):
            return answers, "it changes its input in place: make a new array or tensor instead."
        answers.append(answer)
    return answers, None


def _copied(trial: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        a.clone() if isinstance(a, torch.Tensor) else a.copy() if isinstance(a, np.ndarray) else a
        for a in trial
    )


def _unfit(answer: Any, expected: Any) -> str | None:
    a, e = numbers(answer), numbers(expected)
    if e is None:
        return None
    if isinstance(answer, complex):
        return "its answer is a complex number: look for the root of a negative number."
    if a is None:
        return f"it returns a {type(answer).__name__}, but numbers are expected."
    if a.shape != e.shape:
        return f"its answer has shape {a.shape}, but {e.shape} is expected."
    if not np.isfinite(a).all() and np.isfinite(e).all():
        return "its answer holds NaN or infinity: look for a division by zero or a negative root."
    return None
