"""Checks of the exercises: what is right, or the likely mistake, in a sentence.

Each check takes the learner's function and returns the one that the lesson goes on with: theirs if
it is right, else the course's version. So Run All always finishes, and `mine` says at the end of a
lesson which functions are the learner's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

_whose: dict[str, bool] = {}


class Mistake(NamedTuple):
    """A wrong answer that people really give, and the sentence that points at it.

    ``answer`` is what that mistake computes from the arguments of a trial.
    """

    answer: Callable[..., Any]
    hint: str


def settle(
    name: str,
    learner: Callable[..., Any],
    course: Callable[..., Any],
    trials: Sequence[tuple[Any, ...]],
    mistakes: Sequence[Mistake],
    *,
    tolerance: float = 1e-5,
    dtype: str | None = None,
) -> Callable[..., Any]:
    """Compare the learner's function with the course's on every trial; say what was found.

    Prints one or two lines, remembers whose function goes on, and returns it. The arguments of a
    trial are copied for each call, so that a function that changes its input is found out too.
    ``dtype`` ("uint8") is given where the type of the numbers is part of the exercise.
    """
    hint = _diagnosis(learner, course, trials, mistakes, tolerance, dtype)
    return _settled(name, learner, course, hint)


def settle_property(
    name: str,
    learner: Callable[..., Any],
    course: Callable[..., Any],
    trials: Sequence[tuple[Any, ...]],
    problem: Callable[..., str | None],
) -> Callable[..., Any]:
    """Like `settle`, for an exercise with many right answers.

    ``problem(answer, *trial)`` says what is wrong with an answer, or None if nothing is.
    """
    answers, hint = _answers(learner, trials)
    if hint is None:
        problems = (problem(answer, *trial) for answer, trial in zip(answers, trials, strict=True))
        hint = next((found for found in problems if found), None)
    return _settled(name, learner, course, hint)


def mine() -> None:
    """Print which functions of this lesson are the learner's own and which are the course's."""
    if not _whose:
        print("No exercise has been checked yet.")
    for name, is_mine in _whose.items():
        print(f"{name}: {'yours' if is_mine else 'the course’s version'}")


def _settled(name, learner, course, hint: str | None) -> Callable[..., Any]:
    _whose[name] = hint is None
    if hint is None:
        print(f"{name}: right. The lesson goes on with yours.")
        return learner
    print(f"{name}: {hint}")
    print("The lesson goes on with the course's version; change yours and run this cell again.")
    return course


def _answers(learner, trials) -> tuple[list[Any], str | None]:
    """What the learner's function returns on each trial, or why it has no answer to one."""
    answers: list[Any] = []
    for trial in trials:
        given = _copied(trial)
        try:
            answer = learner(*given)
        except NotImplementedError:
            return answers, "not written yet."
        except Exception as error:
            return answers, f"it stopped with {type(error).__name__}: {error}"
        if answer is None:
            return answers, "it returns nothing: end it with return and the result."
        if not all(_same(a, b, 0.0) for a, b in zip(given, trial, strict=True)):
            return answers, "it changes its input in place: make a new array or tensor instead."
        answers.append(answer)
    return answers, None


def _diagnosis(learner, course, trials, mistakes, tolerance, dtype) -> str | None:
    answers, hint = _answers(learner, trials)
    if hint is not None:
        return hint
    expected = [course(*_copied(trial)) for trial in trials]
    if all(_same(a, e, tolerance) for a, e in zip(answers, expected, strict=True)):
        found = next((f for f in map(_dtype, answers) if f != dtype), dtype)
        if dtype is None or found == dtype:
            return None
        return f"its numbers are right, but they come as {found}, and {dtype} is expected."
    # Before the shape is looked at: a mistake may well have a shape of its own.
    for mistake in mistakes:
        wrong = [mistake.answer(*_copied(trial)) for trial in trials]
        if all(_same(a, w, tolerance) for a, w in zip(answers, wrong, strict=True)):
            return mistake.hint
    for a, e in zip(answers, expected, strict=True):
        problem = _kind(a, e)
        if problem:
            return problem
    again, hint = _answers(learner, trials)
    if hint is None and not all(_same(a, b, 0.0) for a, b in zip(answers, again, strict=True)):
        return (
            "its answer changes from call to call: use only what it is given, and no fresh noise."
        )
    apart = max(_apart(a, e) for a, e in zip(answers, expected, strict=True))
    return (
        f"not yet. Its answer is up to {apart:.3g} away from the right one; compare it with the "
        "formula above, term by term."
    )


def _copied(trial: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        a.clone() if isinstance(a, torch.Tensor) else a.copy() if isinstance(a, np.ndarray) else a
        for a in trial
    )


def _array(x: Any) -> np.ndarray | None:
    try:
        return np.asarray(x.detach() if isinstance(x, torch.Tensor) else x, dtype=np.float64)
    except (TypeError, ValueError):
        return None


def _dtype(answer: Any) -> str:
    if isinstance(answer, list | tuple):
        return f"a {type(answer).__name__}"
    return str(np.asarray(answer).dtype)


def _kind(answer: Any, expected: Any) -> str | None:
    a, e = _array(answer), _array(expected)
    if e is None:
        return None
    if a is None:
        return f"it returns a {type(answer).__name__}, but numbers are expected."
    if a.shape != e.shape:
        return f"its answer has shape {a.shape}, but {e.shape} is expected."
    if not np.isfinite(a).all() and np.isfinite(e).all():
        return "its answer holds NaN or infinity: look for a division by zero or a negative root."
    return None


def _same(a: Any, b: Any, tolerance: float) -> bool:
    x, y = _array(a), _array(b)
    if x is None or y is None:
        return a is b or (type(a) is type(b) and a == b)
    return x.shape == y.shape and np.allclose(x, y, rtol=tolerance, atol=tolerance, equal_nan=True)


def _apart(answer: Any, expected: Any) -> float:
    return float(np.max(np.abs(_array(answer) - _array(expected)), initial=0.0))


# --- lesson 01 ---


def add_and_clip(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Exercise: whole numbers added to a picture, kept in 0 … 255: clip(pixels + noise, 0, 255)."""

    def course(pixels, noise):
        return np.clip(pixels.astype(np.int64) + noise, 0, 255).astype(np.uint8)

    def total(pixels, noise):
        return pixels.astype(np.int64) + noise

    def rescaled(numbers):
        numbers = numbers - numbers.min()
        return 255 * (numbers / max(numbers.max(), 1))

    rng = np.random.default_rng(1)
    trials = [
        (np.array([0, 120, 255], dtype=np.uint8), np.array([15, -30, 5])),
        (
            np.array([[0, 3, 250], [255, 128, 251]], dtype=np.uint8),
            np.array([[-30, 2, 6], [1, 0, 5]]),
        ),
        (rng.integers(0, 256, (5, 7, 3), dtype=np.uint8), rng.integers(-90, 91, (5, 7, 3))),
        (rng.integers(0, 256, (4, 3, 3), dtype=np.uint8), rng.integers(-600, 601, (4, 3, 3))),
    ]
    wraps = (
        "values wrap around: what passes 255 starts again from 0. Clip while the numbers can "
        "still be below 0 or above 255, and turn them into uint8 after that."
    )
    noise_only = (
        "it clips the noise instead of the sum. Noise may be negative, and only the sum has to "
        "stay between 0 and 255."
    )
    scales = (
        "it stretches or squeezes all values. Then every pixel changes because one went too far; "
        "clipping moves only those outside 0 … 255."
    )
    unit = "it clips to a range for floats, such as 0 to 1. Pixels run from 0 to 255."
    one_side = "it clips at one end only. Look at what is below 0 and at what is above 255."
    byte = (
        "it makes the pixels int8 first, which ends at 127: bright pixels turn negative. Take a "
        "type with more room, such as int16."
    )
    mistakes = [
        Mistake(lambda p, n: total(p, n) % 256, wraps),
        Mistake(
            lambda p, n: np.clip(p + n.astype(np.int8), 0, 255).astype(np.uint8),
            "the noise is squeezed into int8, which holds −128 … 127 only: keep its type.",
        ),
        Mistake(
            lambda p, n: total(p, n) % 255,
            "it takes the remainder of a division by 255, which wraps around. Use np.clip.",
        ),
        Mistake(
            lambda p, n: np.clip(total(p, n), 0, 256) % 256,
            "it clips to 256, one too many: the largest pixel is 255, and 256 wraps to 0.",
        ),
        Mistake(
            lambda p, n: np.clip(total(p, n), 0, 256),
            "it clips to 256, one too many: the largest pixel value is 255.",
        ),
        Mistake(lambda p, n: total(p, np.clip(n, 0, 255)) % 256, noise_only),
        Mistake(lambda p, n: total(p, np.clip(n, 0, 255)), noise_only),
        Mistake(lambda p, n: np.clip(total(p, np.clip(n, 0, 255)), 0, 255), noise_only),
        Mistake(
            lambda p, n: np.clip(p.astype(np.int64), 0, 255) + n,
            "it clips before it adds. The sum is what leaves 0 … 255, so clip the sum.",
        ),
        Mistake(lambda p, n: rescaled(total(p, n)), scales),
        Mistake(lambda p, n: rescaled(total(p, n)).astype(np.uint8), scales),
        Mistake(lambda p, n: np.rint(rescaled(total(p, n))), scales),
        Mistake(lambda p, n: 255 * (total(p, n) / max(total(p, n).max(), 1)), scales),
        Mistake(lambda p, n: total(p, n) / 2, scales),
        Mistake(lambda p, n: total(p, n) // 2, scales),
        Mistake(
            lambda p, n: np.clip(np.abs(total(p, n)), 0, 255),
            "negative sums lose their minus sign (abs): −30 should become 0, not 30.",
        ),
        Mistake(
            lambda p, n: np.abs(total(p, n)) % 256,
            "it uses abs and then wraps around. Below 0 becomes 0, above 255 becomes 255.",
        ),
        Mistake(
            lambda p, n: np.abs(total(p, n)),
            "negative sums lose their minus sign (abs): −30 should become 0, not 30.",
        ),
        Mistake(lambda p, n: np.minimum(total(p, n), 255) % 256, one_side),
        Mistake(lambda p, n: np.maximum(total(p, n), 0) % 256, one_side),
        Mistake(lambda p, n: np.minimum(total(p, n), 255), one_side),
        Mistake(lambda p, n: np.maximum(total(p, n), 0), one_side),
        Mistake(
            total,
            "it adds but does not clip: 260 and −30 are still there, and no screen shows them.",
        ),
        Mistake(lambda p, n: np.clip(total(p, n), 0, 1), unit),
        Mistake(lambda p, n: np.clip(total(p, n), -1, 1), unit),
        Mistake(lambda p, n: np.clip(total(p, n), -1, 1) % 256, unit),
        Mistake(
            lambda p, n: np.clip(total(p, n), 0, 255) / 255,
            "it divides by 255 at the end: whole numbers from 0 to 255 are expected.",
        ),
        Mistake(lambda p, n: np.clip(total(p, -n), 0, 255), "it subtracts the noise: add it."),
        Mistake(lambda p, n: np.clip(total(p.astype(np.int8), n), 0, 255), byte),
        Mistake(
            lambda p, n: np.where((total(p, n) < 0) | (total(p, n) > 255), p, total(p, n)),
            "where the sum leaves 0 … 255 it keeps the old pixel: give the nearest end.",
        ),
        Mistake(lambda p, n: p, "it returns the pixels as they were: where is the noise added?"),
        Mistake(lambda p, n: np.clip(n, 0, 255), "it returns noise only: add the pixels to it."),
    ]
    return settle("add_and_clip", learner, course, trials, mistakes, dtype="uint8")


def to_floats(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Exercise: pixels 0 … 255 as floats in [−1, 1]: x = pixel / 127.5 − 1."""

    def course(pixels):
        return pixels / 127.5 - 1

    rng = np.random.default_rng(2)
    trials = [
        (np.array([0, 120, 255], dtype=np.uint8),),
        (np.array([[1, 127, 128], [129, 200, 254]], dtype=np.uint8),),
        (rng.integers(10, 240, (5, 4, 3), dtype=np.uint8),),
    ]
    wraps = (
        "the numbers are still uint8 while it calculates, so that they wrap around: divide first, "
        "or use .astype(float) before anything else."
    )
    near = "it divides by 128, not by 127.5: then 255 becomes 0.992, and white is not quite 1."
    zero_one = (
        "it runs from 0 to 1. Look at pixel 0: black has to become −1, so double the range and "
        "subtract 1."
    )
    own = (
        "it uses the smallest and largest value (or the mean and spread) of this picture. Then the "
        "same grey gets another number in each picture; use the fixed range 0 … 255."
    )
    mistakes = [
        Mistake(lambda p: p / 255, zero_one),
        Mistake(lambda p: p / 256, zero_one),
        Mistake(lambda p: p / 128 - 1, near),
        Mistake(lambda p: (p - 128.0) / 128, near),
        Mistake(
            lambda p: (p - 128.0) / 127,
            "it takes 128 for the middle: then 0 becomes −1.008. The middle is 127.5.",
        ),
        Mistake(lambda p: p / 127 - 1, "it divides by 127, not by 127.5: then 255 becomes 1.008."),
        Mistake(lambda p: p / 127.5, "it runs from 0 to 2: what is still to be subtracted?"),
        Mistake(
            lambda p: p / 255 - 1,
            "it runs from −1 to 0: the range 0 … 1 has to be doubled first.",
        ),
        Mistake(lambda p: p / 255 - 0.5, "it runs from −0.5 to 0.5: double it."),
        Mistake(
            lambda p: 1 - p / 127.5,
            "it is a negative: black became 1. Mind the order of the subtraction.",
        ),
        Mistake(lambda p: (p - 128) / 128, wraps),
        Mistake(lambda p: (p - 128) / 127, wraps),
        Mistake(lambda p: (p - 127) / 128, wraps),
        Mistake(lambda p: (p - 128) / 127.5, wraps),
        Mistake(lambda p: (p - 127) / 127.5, wraps),
        Mistake(lambda p: (p * 2) / 255 - 1, wraps),
        Mistake(lambda p: (p * 2 - 255) / 255, wraps),
        Mistake(lambda p: p // 127.5 - 1, "// throws the fraction away: use /."),
        Mistake(
            lambda p: np.rint(p / 127.5 - 1),
            "it rounds to whole numbers: keep the fractions.",
        ),
        Mistake(
            lambda p: (p / 127.5 - 1).astype(int),
            "it cuts to whole numbers: keep the fractions.",
        ),
        Mistake(
            lambda p: (p / 127.5 - 1).astype(np.float16),
            "float16 keeps only three digits, too few for neighbouring values: use float32 or "
            "float64.",
        ),
        Mistake(
            lambda p: p - 1,
            "it subtracts 1 but does not divide: which division sends 255 to 2?",
        ),
        Mistake(
            lambda p: (p - 1.0) / 127.5,
            "it subtracts 1 before it divides: first / 127.5, then − 1.",
        ),
        Mistake(lambda p: 2 * (p - float(p.min())) / float(np.ptp(p)) - 1, own),
        Mistake(lambda p: (p - float(p.min())) / float(np.ptp(p)), own),
        Mistake(lambda p: (p - p.mean()) / p.std(), own),
        Mistake(lambda p: p / float(p.max()) * 2 - 1, own),
        Mistake(
            lambda p: p.astype(float),
            "it changes the type only: the numbers still run from 0 to 255.",
        ),
        Mistake(
            lambda p: np.clip(p.astype(float), -1, 1),
            "it clips to [−1, 1], so that everything but black becomes 1: scale, don't clip.",
        ),
    ]
    return settle("to_floats", learner, course, trials, mistakes)


def combined_spread(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Exercise: the spread of two independent noises added: sqrt(a² + b²)."""

    def course(a, b):
        return math.sqrt(a**2 + b**2)

    trials = [(3.0, 4.0), (1.7, 0.3), (0.5, 0.5), (0.0, 2.5), (12.0, 0.0)]
    mistakes = [
        Mistake(
            lambda a, b: a + b,
            "it adds the spreads. Noises partly cancel, so 3 and 4 give less than 7: add the "
            "variances, which are the squares.",
        ),
        Mistake(
            lambda a, b: a**2 + b**2,
            "this is the variance of the sum. Its square root is the spread.",
        ),
        Mistake(
            lambda a, b: (a + b) / 2,
            "it averages. The sum spreads more widely than either noise alone.",
        ),
        Mistake(
            lambda a, b: (a**2 + b**2) / 2,
            "it halves instead of taking a root (** 1 / 2 means (… ** 1) / 2): write ** 0.5 or "
            "math.sqrt.",
        ),
        Mistake(
            lambda a, b: math.sqrt((a**2 + b**2) / 2),
            "it averages the variances: add them. The noises are added, not averaged.",
        ),
        Mistake(
            lambda a, b: math.sqrt(a**2 + b**2) / 2,
            "it halves the result. The noises are added, not averaged.",
        ),
        Mistake(
            max,
            "it takes the larger one. The smaller noise adds a little too: 3 and 4 give 5.",
        ),
        Mistake(
            lambda a, b: math.sqrt(a + b),
            "it takes the root of the sum: square each spread before adding.",
        ),
        Mistake(
            lambda a, b: math.sqrt(a) + math.sqrt(b),
            "it adds square roots. Squares first, then add, then one root.",
        ),
        Mistake(
            lambda a, b: (a + b) ** 2,
            "it squares the sum. Square each spread on its own, add, then take the root.",
        ),
        Mistake(lambda a, b: math.sqrt(a * b), "it multiplies. Variances (the squares) are added."),
        Mistake(lambda a, b: a * b, "it multiplies. Variances (the squares) are added."),
        Mistake(
            lambda a, b: abs(a - b),
            "it subtracts. Two noises don't undo each other: 3 and 4 give 5.",
        ),
        Mistake(
            lambda a, b: math.sqrt(abs(a**2 - b**2)),
            "it subtracts the variances. They add, even if the noises are subtracted.",
        ),
        Mistake(
            lambda a, b: a**2 + b**2**0.5,
            "the root has to cover the whole sum: put brackets around it.",
        ),
        Mistake(lambda a, b: 2 * a + 2 * b, "* 2 doubles; ** 2 squares."),
        Mistake(lambda a, b: math.sqrt(2 * a + 2 * b), "* 2 doubles; ** 2 squares."),
        Mistake(lambda a, b: a**3 + b**3, "it cubes: use ** 2, then the square root."),
    ]
    return settle("combined_spread", learner, course, trials, mistakes)


# --- lesson 02 ---


def add_noise(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check the jump x_t = √ᾱ_t x₀ + √(1−ᾱ_t) ε, a function of (x0, alpha_bar_t, eps)."""
    draw = torch.Generator().manual_seed(2)
    trials = [
        # The first shape has odd sizes; the last two are the ends, a clean picture and pure noise.
        (torch.rand(shape, generator=draw) * 2 - 1, torch.tensor(share, dtype=torch.float64),
         torch.randn(shape, generator=draw))
        for shape, share in (
            ((2, 3, 5, 7), 0.81), ((1, 1, 4, 4), 0.2), ((6,), 0.9981), ((1, 3, 2, 2), 0.5),
            ((1, 3, 4, 4), 1.0), ((1, 3, 4, 4), 0.0),
        )
    ]  # fmt: skip
    mistakes = (
        Mistake(
            lambda x0, a, eps: a**0.5 * x0 + (1 - a) * eps,
            "the noise lacks its square root: 1 − ᾱ is its variance, and what multiplies ε is the "
            "spread, √(1 − ᾱ). (A well-known course has this slip; at ᾱ = 0.998 it leaves a "
            "twentieth of the noise.)",
        ),
        Mistake(
            lambda x0, a, eps: a * x0 + (1 - a) ** 0.5 * eps,
            "the picture lacks its square root: ᾱ is the share of its power, and power is a "
            "square, so what multiplies x0 is √ᾱ.",
        ),
        Mistake(
            lambda x0, a, eps: a * x0 + (1 - a) * eps,
            "both square roots are missing: ᾱ and 1 − ᾱ are shares of power, and power is a "
            "square. This way the spread shrinks where it should stay.",
        ),
        Mistake(
            lambda x0, a, eps: (1 - a) ** 0.5 * x0 + a**0.5 * eps,
            "the two rates are swapped: at ᾱ = 1 the picture should be clean, and yours is pure "
            "noise.",
        ),
        Mistake(
            lambda x0, a, eps: (1 - a) * x0 + a * eps,
            "the two rates are swapped (at ᾱ = 1 the picture should be clean), and both lack "
            "their square root.",
        ),
        Mistake(
            lambda x0, a, eps: x0 + (1 - a) ** 0.5 * eps,
            "the picture does not shrink: multiply x0 by √ᾱ, or the numbers grow as in section 1.",
        ),
        Mistake(
            lambda x0, a, eps: x0 + (1 - a) * eps,
            "the picture does not shrink (multiply x0 by √ᾱ), and the noise lacks its square root.",
        ),
        Mistake(
            lambda x0, a, eps: a**0.5 * x0 + eps,
            "the noise comes in at full strength whatever ᾱ is: multiply ε by √(1 − ᾱ).",
        ),
        Mistake(
            lambda x0, a, eps: x0 + eps,
            "this only adds: ᾱ should say how much of each, √ᾱ of the picture and √(1 − ᾱ) of the "
            "noise.",
        ),
        Mistake(
            lambda x0, a, eps: a**0.5 * x0 - (1 - a) ** 0.5 * eps,
            "the noise is subtracted. Such a picture is just as likely, as noise has no preferred "
            "sign; but then ε is not what was added, and a network that learns to predict ε would "
            "learn the wrong sign. Add it.",
        ),
        Mistake(
            lambda x0, a, eps: a**0.5 * x0 + (1 - a**0.5) * eps,
            "your two factors add to 1, but their squares should: the noise's is √(1 − ᾱ), not "
            "1 − √ᾱ.",
        ),
        Mistake(
            lambda x0, a, eps: a * x0 + (1 - a**2) ** 0.5 * eps,
            "it takes ᾱ for what multiplies the picture: ᾱ is the share of power, which is the "
            "square of that.",
        ),
        Mistake(
            lambda x0, a, eps: a**2 * x0 + (1 - a) ** 2 * eps,
            "it takes squares where square roots are needed: √ is ** 0.5.",
        ),
        Mistake(
            lambda x0, a, eps: a**0.5 * (x0 + eps),
            "picture and noise have the same factor: the noise's is √(1 − ᾱ), it grows as the "
            "picture's shrinks.",
        ),
        Mistake(
            lambda x0, a, eps: (1 - a) ** 0.5 * x0 + a**0.5 * x0,
            "both terms hold x0: the second should be noise, eps.",
        ),
        Mistake(
            lambda x0, a, eps: a**0.5 * x0,
            "this only shrinks the picture: add √(1 − ᾱ) ε.",
        ),
        Mistake(
            lambda x0, a, eps: (1 - a) ** 0.5 * eps,
            "this is the noise alone: add √ᾱ x0.",
        ),
        Mistake(
            lambda x0, a, eps: (a**0.5 * x0 + (1 - a) ** 0.5 * eps).clamp(-1, 1),
            "the formula is right, but the result is clipped: noisy values may lie outside "
            "[−1, 1]. Clipping is for showing a picture only.",
        ),
    )
    return settle("add_noise", learner, _add_noise, trials, mistakes)


def alpha_bar_from_beta(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check ᾱ_t = ∏_{s ≤ t} (1 − β_s) with ᾱ_0 = 1 in front, a function of (beta,)."""
    trials = [
        (np.array([0.5, 0.2, 0.1, 0.4]),),
        (np.linspace(1e-4, 0.02, 30),),
        (np.array([0.3]),),
        (np.array([0.01, 0.9, 0.05, 0.05, 0.6]),),
    ]
    missing_1 = "it has one entry too few: ᾱ_0 = 1, the clean picture, belongs in front."
    mistakes = (
        Mistake(lambda b: np.cumprod(1 - b), missing_1),
        Mistake(
            lambda b: np.append(np.cumprod(1 - b), 1.0),
            "the 1 is at the end: the clean picture is t = 0, so it belongs in front.",
        ),
        Mistake(
            lambda b: np.append(0.0, np.cumprod(1 - b)),
            "it starts at 0, but at t = 0 all of the picture is there: put a 1 in front.",
        ),
        Mistake(
            lambda b: np.append(1.0, 1 - np.cumsum(b)),
            "it subtracts every β from the whole: each step takes its share of what is *left*, so "
            "multiply (np.cumprod), don't add.",
        ),
        Mistake(
            lambda b: 1 - np.cumsum(b),
            "it adds where it should multiply (np.cumprod of 1 − β), and ᾱ_0 = 1 is missing.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.cumsum(1 - b)),
            "it adds up what each step keeps: the shares multiply (np.cumprod), so that ᾱ falls.",
        ),
        Mistake(
            lambda b: np.cumsum(1 - b),
            "it adds up what each step keeps: the shares multiply (np.cumprod), and ᾱ_0 = 1 is "
            "missing.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.cumprod(b)),
            "it multiplies the β, the shares of *noise*: a step keeps 1 − β of the picture.",
        ),
        Mistake(
            lambda b: np.cumprod(b),
            "it multiplies the β, the shares of *noise* (a step keeps 1 − β of the picture), and "
            "ᾱ_0 = 1 is missing.",
        ),
        Mistake(
            lambda b: np.append(1.0, 1 - b),
            "this is α, what each *single* step keeps: ᾱ_t is the product of all up to t.",
        ),
        Mistake(
            lambda b: 1 - b,
            "this is α, what each *single* step keeps: ᾱ_t is the product of all up to t, with a 1 "
            "in front.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.cumprod(np.sqrt(1 - b))),
            "this is √ᾱ, the amplitude: ᾱ is the product of 1 − β without roots.",
        ),
        Mistake(
            lambda b: np.append(1.0, 1 - np.cumprod(1 - b)),
            "this is 1 − ᾱ after the first entry, the share of noise: leave out the last '1 −'.",
        ),
        Mistake(
            lambda b: 1 - np.append(1.0, np.cumprod(1 - b)),
            "this is 1 − ᾱ, the share of noise: leave out the last '1 −'.",
        ),
        Mistake(
            lambda b: np.append([1.0, 1.0], np.cumprod(1 - b)[:-1]),
            "it is one step late: ᾱ_1 has the first β in it already.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.cumprod(1 - b)[:-1]),
            "the last β is left out: T steps and the start make T + 1 entries.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.cumprod(1 - b)[1:]),
            "the 1 should stand in front of all the products, not in place of the first.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.cumprod(1 - b[::-1])),
            "it multiplies from the last β backwards: start at the first.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.cumprod(1 - b**2)),
            "β is a variance already: don't square it.",
        ),
        Mistake(
            lambda b: np.append(1.0, (1 - b) ** np.arange(1, len(b) + 1)),
            "it takes all steps before t to be like step t: multiply the different β.",
        ),
        Mistake(
            lambda b: np.append(1.0, np.exp(-np.cumsum(b))),
            "this is what infinitely many infinitely small steps would leave, close for small β "
            "only: multiply 1 − β.",
        ),
        Mistake(
            lambda b: np.prod(1 - b),
            "it returns the last product only: np.cumprod keeps all those on the way.",
        ),
    )
    return settle("alpha_bar_from_beta", learner, _alpha_bar_from_beta, trials, mistakes)


def snr(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check the signal-to-noise ratio ᾱ / (1 − ᾱ), a function of (alpha_bar,)."""
    trials = [
        (np.array([0.9999, 0.9, 0.5, 0.2, 0.03]),),
        (np.array([0.7]),),
        (np.array([[0.99, 0.4], [0.6, 0.05]]),),
    ]
    mistakes = (
        Mistake(
            lambda a: (1 - a) / a,
            "this is noise to signal: the picture's power goes on top.",
        ),
        Mistake(
            lambda a: np.sqrt(a / (1 - a)),
            "this is the ratio of amplitudes: the signal-to-noise ratio compares powers, so leave "
            "out the root.",
        ),
        Mistake(
            lambda a: np.sqrt(a) / (1 - a),
            "an amplitude on top, a power below: use powers for both, without a root.",
        ),
        Mistake(
            lambda a: a / np.sqrt(1 - a),
            "a power on top, an amplitude below: use powers for both, without a root.",
        ),
        Mistake(lambda a: (a / (1 - a)) ** 2, "ᾱ is a power already: don't square."),
        Mistake(lambda a: a / (1 - a**2), "ᾱ is a power already: don't square."),
        Mistake(
            lambda a: 10 * np.log10(a / (1 - a)),
            "these are decibels, which come next: return the plain ratio.",
        ),
        Mistake(lambda a: a - (1 - a), "this is a difference: a ratio divides."),
        Mistake(lambda a: a, "this is ᾱ, the signal's share of the whole: divide by the noise's."),
        Mistake(lambda a: 1 - a, "this is the noise's share: ᾱ has to be divided by it."),
        Mistake(lambda a: 1 / (1 - a), "the signal is missing on top: it is ᾱ, not 1."),
        Mistake(
            lambda a: a * (1 - a),
            "this multiplies the two shares: a ratio divides, / in place of *.",
        ),
        Mistake(
            lambda a: a / 1 - a,
            "brackets are missing: Python divides first, so write a / (1 - a).",
        ),
    )
    return settle("snr", learner, lambda alpha_bar: alpha_bar / (1 - alpha_bar), trials, mistakes)


def my_schedule(learner: Callable[..., Any]) -> Callable[..., Any]:
    """Check a schedule of one's own, a function of (T,) that returns ᾱ_0 … ᾱ_T."""
    return settle_property("my_schedule", learner, _my_schedule, [(50,), (200,), (1000,)], _unfit)


def _add_noise(x0, alpha_bar_t, eps):
    return alpha_bar_t**0.5 * x0 + (1 - alpha_bar_t) ** 0.5 * eps


def _alpha_bar_from_beta(beta):
    return np.append(1.0, np.cumprod(1 - beta))


def _my_schedule(T):
    return (1 - np.arange(T + 1) / T) ** 2


def _unfit(answer: Any, T: int) -> str | None:
    """Why an answer is no useful ᾱ_0 … ᾱ_T, the likely mistake first, or None."""
    if hasattr(answer, "alpha_bar"):
        return "it returns a whole Schedule: return its numbers, .alpha_bar."
    a = _array(answer)
    if a is None:
        return f"it returns a {type(answer).__name__}, but a list of numbers is expected."
    if a.ndim != 1 or len(a) < 2:
        return f"its answer has shape {a.shape}, but one flat list of T + 1 numbers is expected."
    if not np.isfinite(a).all():
        return "its answer holds NaN or infinity: look for a division by zero or a negative root."
    if len(a) == T and abs(a[0] - 1) < 1e-9:
        return f"T + 1 numbers are needed, for t = 0, 1, …, T, but T = {T} gives {len(a)}."
    if len(a) == T and a[0] > a[-1]:
        return (
            f"T = {T} gives {len(a)} numbers, and the first is {a[0]:.4g}: t = 0 is missing. Put a "
            "1 in front."
        )
    if len(a) not in (T, T + 1):
        return (
            f"T = {T} gives {len(a)} numbers, but there should be {T + 1}: use T, whatever it is, "
            "and not a fixed number."
        )
    if (a > 1).any() and (a[0] == 100 or a[0] == 255):
        return f"it starts at {a[0]:.0f}: ᾱ is a share, from 1 down to 0."
    if (np.diff(a) >= 0).all() and a[-1] > a[0]:
        if a[-1] > 0.9:
            return (
                "it rises from t = 0 to t = T: ᾱ is what is left of the *picture*, so it starts at "
                "1 and falls. (Did you return the share of noise, 1 − ᾱ, or count t backwards?)"
            )
        return (
            f"it starts at {a[0]:.4g} and rises: that looks like β, what each step adds. Return ᾱ, "
            "the product of all 1 − β so far, with a 1 in front."
        )
    if len(a) == T:
        return f"T + 1 numbers are needed, for t = 0, 1, …, T, but T = {T} gives {len(a)}."
    if a[0] != 1:
        return (
            f"it starts at {a[0]:.6g}, but t = 0 is the clean picture: the first number must be "
            "exactly 1. Put a 1 in front, or divide all by the first."
        )
    rises = np.flatnonzero(np.diff(a) > 0)
    if len(rises):
        t = rises[0] + 1
        return (
            f"for T = {T} it rises from {a[t - 1]:.4g} to {a[t]:.4g} at t = {t}, but noise is only "
            "ever added: it must never rise."
        )
    if a[-1] < 0:
        return f"it goes below 0, to {a[-1]:.4g}: no less than nothing can be left."
    if (a[:-1] <= 0).any():
        t = int(np.flatnonzero(a <= 0)[0])
        return f"for T = {T} it is 0 at t = {t} already: only the very last may be 0."
    if a[-1] > 1e-3:
        return (
            f"for T = {T} it ends at {a[-1]:.3g}, so {a[-1] ** 0.5:.0%} of the picture's amplitude "
            "is left in the last step: bring the end down to 0.001 or less. (Likely reasons: this "
            "is √ᾱ; or 1 − β, not multiplied up; or β that don't grow where T is small.)"
        )
    worst = int(np.argmax(-np.diff(a))) + 1
    if a[worst - 1] - a[worst] > 0.2:
        return (
            f"for T = {T} the step to t = {worst} takes {a[worst - 1] - a[worst]:.0%} of the "
            "picture's power at once, but 20 % is the limit here. (Is there a // in place of /?)"
        )
    return None


# --- lesson 04 ---

# --- lesson 05 ---
