"""Every exercise of every lesson: its right answers pass, and each slip hears its own sentence."""

import ast
import dataclasses
import importlib
import itertools
import re
from pathlib import Path
from textwrap import dedent, indent

import numpy as np
import pytest
import torch
from answers import ANSWERS

from diffusion_lessons import forward, metrics, sampling, schedules
from diffusion_lessons.course import grading
from diffusion_lessons.denoisers import IdealDenoiser
from diffusion_lessons.train import draw_t

ROOT = Path(__file__).parents[1]
SOURCES = {
    path.stem.split("_")[0]: path for path in sorted((ROOT / "notebooks" / "src").glob("0*.py"))
}
LESSONS = {
    number: importlib.import_module(f"diffusion_lessons.course.lesson_{number}")
    for number in SOURCES
    if number != "00"
}
EXERCISES = {
    name: (exercise, lesson)
    for lesson, module in LESSONS.items()
    for name, exercise in vars(module).items()
    if isinstance(exercise, grading.Exercise)
}
ALL = [exercise for exercise, _ in EXERCISES.values()]
WITH_SLIPS = [exercise for exercise in ALL if exercise.problem is None]


def rows(found):
    """One case for each (exercise, slip)."""
    cases = [pytest.param(e, *slip, id=f"{e.name}-{slip.hint}") for e, slip in found]
    return pytest.mark.parametrize("exercise,says,answer", cases)


def planted():
    for row in re.split(r"\n(?=\w)", ANSWERS.strip()):
        name, says, answer = row.split(" |", 2)
        exercise, _ = EXERCISES[name]
        given = "g = generator" if exercise.seeded else exercise.given
        names = {**exercise.names, "schedules": schedules, "mostly_middle": draw_t}
        text = f"{says.strip()}\n{indent(dedent(answer).strip(), '    ')}"
        for slip in dataclasses.replace(exercise, given=given, names=names).read(text):
            yield exercise, slip


def each(exercises):
    return pytest.mark.parametrize("exercise", exercises, ids=lambda exercise: exercise.name)


def said(exercise, learner, capsys):
    """What the check says; whose function goes on must agree with it."""
    goes_on = exercise.check(learner)
    words = capsys.readouterr().out
    assert (goes_on is learner) == words.startswith(f"{exercise.name}: right.")
    assert goes_on in (learner, exercise.right)
    return words.partition(": ")[2].partition("\nThe lesson goes on")[0]


def stub(*_):
    raise NotImplementedError


def test_every_lesson_has_its_exercises():
    modules = (ROOT / "diffusion_lessons" / "course").glob("lesson_*.py")
    assert {f"lesson_{number}" for number in LESSONS} == {path.stem for path in modules}
    assert ALL and all(exercise.name == name for name, (exercise, _) in EXERCISES.items())


# --- slips ---


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@rows((exercise, slip) for exercise in ALL for slip in exercise.compiled)
def test_a_slip_hears_its_own_sentence(exercise, says, answer, capsys):
    assert said(exercise, answer, capsys) == says


def test_a_slip_that_an_earlier_one_covers_is_found(capsys):
    slips = "too far.\n    n + (w + 1) * (c - n)\nnever.\n    n\nnever ever.\n    out_null"
    guide = dataclasses.replace(EXERCISES["guide"][0], slips=slips)
    unheard = [hint for hint, answer in guide.compiled if said(guide, answer, capsys) != hint]
    assert unheard == ["never ever."]


# --- right answers, and near misses ---


@each(ALL)
def test_the_solution_as_it_is_printed_is_right_and_what_the_lesson_goes_on_with(exercise, capsys):
    space = {"np": np, "torch": torch}
    exec(exercise.solution(), space)
    assert said(exercise, space[exercise.name], capsys).startswith("right.")
    assert exercise.check(stub) is exercise.right
    capsys.readouterr()
    assert said(exercise, exercise.right, capsys).startswith("right.")


@rows(planted())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_answer_hears_what_belongs_to_it(exercise, says, answer, capsys):
    words = said(exercise, answer, capsys)
    assert words.startswith("right.") if says == "right" else says in words


RIGHT = "right."


@each(WITH_SLIPS)
@pytest.mark.parametrize(
    "change,says",
    [
        (lambda x: x.tolist(), RIGHT),
        (lambda x: torch.tensor(x), RIGHT),
        (lambda x: x.astype(np.float32), RIGHT),
        (lambda x: 1.01 * x + 0.01, "not yet. Its answer is up to"),
        (lambda x: x + np.random.default_rng().random(x.shape), "its answer changes from call"),
        (lambda x: x[None], "its answer has shape"),
        (lambda x: x * np.nan, "its answer holds NaN or infinity"),
    ],
)
def test_right_numbers_may_be_of_any_type_and_what_spoils_them_is_told(
    exercise, change, says, capsys
):
    def learner(*trial):
        return change(grading.numbers(exercise.right(*trial)))

    if says == RIGHT and exercise.dtype:
        says = "its numbers are right, but they come as"
    assert said(exercise, learner, capsys).startswith(says)


@each(ALL)
def test_what_every_exercise_says(exercise, capsys):
    def changes_input(*trial):
        for given in trial:
            if isinstance(given, torch.Tensor | np.ndarray):
                given += 1
        return exercise.right(*trial)

    assert said(exercise, stub, capsys) == "not written yet."
    assert said(exercise, lambda *_: None, capsys).startswith("it returns nothing")
    assert said(exercise, lambda *_: "static", capsys).startswith("it returns a str")
    assert said(exercise, lambda *_: 0.5 ** "2", capsys).startswith("it stopped with TypeError")
    if any(isinstance(given, torch.Tensor | np.ndarray) for given in exercise.trials()[0]):
        assert said(exercise, changes_input, capsys).startswith("it changes its input in place")


# --- the lessons ---


@each(ALL)
def test_a_lesson_has_a_stub_a_check_and_a_solution_for_it(exercise):
    source = SOURCES[EXERCISES[exercise.name][1]].read_text(encoding="utf-8")
    name, head = exercise.name, re.escape(f"def {exercise.signature}:")
    stub = rf'^{head}\n(    """.*"""\n)?    raise NotImplementedError$'
    assert len(re.findall(stub, source, re.MULTILINE)) == 1
    assert source.count(f"\n{name} = lesson.{name}.check({name})\n") == 1
    assert source.count(f"# ```python\n# {{solution: {name}}}\n# ```") == 1


@pytest.mark.parametrize("number", LESSONS)
def test_in_a_lesson_nothing_takes_the_names_of_its_exercises_module(number):
    code = re.sub(r"^\s*[%!].*$", "", SOURCES[number].read_text(encoding="utf-8"), flags=re.M)
    names = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)]
    stored = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    assert not stored & {"lesson", "grading"}


# --- what the lessons go on with is what the package does ---


class _Told:
    target = "v"

    def __call__(self, x_t, t, cond=None):
        return x_t if cond is None else x_t**2


def beside_the_package():
    """For each exercise the arguments of a call, and what should come out of it."""
    draw = torch.Generator().manual_seed(0)
    schedule, t, s = schedules.cosine(20), 13, 9
    alpha_bar, beta = torch.tensor(schedule.alpha_bar), torch.tensor(schedule.beta)
    x0, eps, x_t = torch.randn(3, 2, 3, 5, 4, generator=draw, dtype=torch.float64)
    data = torch.randn(6, 3, 5, 4, generator=draw, dtype=torch.float64)
    a, b = x0[0, 0].flatten(), 3 + 2 * eps.flatten()
    pixels, noise = np.array([0, 120, 255], np.uint8), np.array([15, -30, 5])
    ideal, (mean, _) = IdealDenoiser(data, schedule), forward.posterior(schedule, x_t, x0, t)
    eps_hat = forward.prediction(schedule, x_t, t, x0, "x0").eps_hat
    guess, steps = forward.Prediction(x0, eps), schedule.timesteps(6).tolist()
    x, left = x_t, [1.0]
    for here, there in itertools.pairwise(steps):
        x, _ = forward.posterior(schedule, x, torch.zeros_like(x), here, there)
        left.append(float((x / x_t).mean()))
    light, static = torch.randn(20_000, generator=draw), torch.randn(20_000, 256, generator=draw)
    ratio = (0.02**0.5 * 0.3 * light).std() / (0.98**0.5 * static.mean(1)).std()
    cond = torch.arange(1, 601).reshape(100, 6)
    seeds = [torch.Generator().manual_seed(3) for _ in range(4)]
    hidden = torch.rand(100, 1, generator=seeds[0]) < 0.1
    guided = sampling.guided(_Told(), cond[:2], None, 2.5)(x_t, torch.tensor([7]))
    return {
        "rms_difference": ((a, b[:20]), torch.nn.functional.mse_loss(a, b[:20]) ** 0.5),
        "spread": ((a.numpy(),), a.std(correction=0)),
        "add_and_clip": ((pixels, noise), [15, 90, 255]),
        "combined_spread": ((3, 4), 5),
        "to_floats": ((pixels,), [-1, 120 / 127.5 - 1, 1]),
        "add_noise": ((x0, alpha_bar[t], eps), forward.add_noise(schedule, x0, t, eps)),
        "alpha_bar_from_beta": ((schedule.beta[1:],), alpha_bar),
        "snr": ((schedule.alpha_bar[1:],), schedule.snr[1:]),
        "my_schedule": ((4,), [1, 0.5625, 0.25, 0.0625, 0]),
        "votes": ((x_t[0].flatten(), data.flatten(1), alpha_bar[t]), ideal.weights(x_t[:1], t)[0]),
        "leftover_noise": ((x_t, x0, alpha_bar[t]), eps_hat),
        "voters": ((torch.full((5,), 0.2),), 5),
        "velocity": ((x0, alpha_bar[t], eps), forward.velocity(schedule, x0, t, eps)),
        "ema_update": ((10, 20, 0.9), 11),
        "draw_t": ((20, 50, seeds[1]), torch.randint(1, 21, (50,), generator=seeds[2])),
        "step_back": ((x_t, x0, eps, alpha_bar[s]), sampling.ddim_step(schedule, x_t, t, s, guess)),
        "posterior_mean": ((x_t, x0, beta, alpha_bar, t), mean),
        "timesteps": ((20, 7), schedule.timesteps(7)),
        "survives": ((alpha_bar, steps), left),
        "brightness_ratio": ((0.02, 0.3, 256), ratio),
        "guide": ((x_t**2, x_t, 2.5), guided),
        "drop_words": ((cond, 0.1, seeds[3]), cond.masked_fill(hidden, 0)),
        "nearest_distance": ((x0, data), metrics.nearest(x0, data).distance),
        "frechet_1d": ((a, b), metrics.frechet_distance(a[:, None], b[:, None])),
    }


BESIDE = beside_the_package()


@each([exercise for exercise in ALL if exercise.name in BESIDE])
def test_the_courses_function_does_what_the_package_does(exercise):
    given, package = BESIDE[exercise.name]
    ours = exercise.right(*given)
    tolerance = 0.03 if exercise.name == "brightness_ratio" else 1e-6  # that one is measured
    assert grading.numbers(ours) == pytest.approx(grading.numbers(package), rel=tolerance, abs=1e-9)
