"""The public door: arguments are checked once, in one sentence each, and formulas stay formulas.

``@guarded(x0=clean, eps=like("x0"), t=whole_level)`` hands each named argument of a function to its
rule, ``rule(name, value, all arguments)``, which raises ``ValueError`` or returns what the function
is to receive. ``bare(f)`` is f without its door, for loops whose arguments are right by making: on
a GPU each look at a value makes the host wait.
"""

from __future__ import annotations

import functools
import inspect
import math
import numbers
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

TARGETS = ("eps", "v", "x0")

F = TypeVar("F", bound=Callable[..., Any])
Given = Mapping[str, Any]
Rule = Callable[[str, Any, Given], Any]


def guarded(**rules: Rule) -> Callable[[F], F]:
    """Check the named arguments, in this order, before the function runs."""

    def decorate(function: F) -> F:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def door(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            for name, rule in rules.items():
                given.arguments[name] = rule(name, given.arguments[name], given.arguments)
            return function(*given.args, **given.kwargs)

        return door  # type: ignore[return-value]

    return decorate


def bare(function: F) -> F:
    """The function behind its door: for arguments that are right by making."""
    return function.__wrapped__  # type: ignore[attr-defined]


# --- plain values ---


def value(fits: Callable[[Any], bool], sentence: str, kind: Callable = lambda found: found) -> Rule:
    """A value that fits, as ``kind`` of it; ``sentence`` may name {name} and {value}."""

    def rule(name: str, found: Any, given: Given) -> Any:
        if not fits(found):
            raise ValueError(sentence.format(name=name, value=found))
        return kind(found)

    return rule


def whole(value: Any, low: int | None = None) -> bool:
    """Is this a whole number (not a truth value), at least ``low``?"""
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return is_whole and (low is None or value >= low)


count = value(
    lambda n: whole(n, 1), "{name} is {value!r}, but it must be a whole number from 1 up.", int
)
length = value(
    lambda T: whole(T, 1),
    "{name} is {value!r}, but the number of steps must be a whole number from 1 up.",
    int,
)
seed = value(whole, "seed is {value!r}, but it must be a whole number.", int)
share = value(lambda p: 0 <= p <= 1, "{name} is {value}, but it is a share from 0 to 1.", float)
ratio = value(lambda r: 0 < r < 1, "ratio is {value}, but it must lie between 0 and 1.")
share_of_noise = value(
    lambda eta: 0 <= eta <= 1,
    "eta is {value}, but it must be from 0 (no fresh noise) to 1 (DDPM).",
)
finite_scale = value(
    lambda w: math.isfinite(float(w)),
    "scale is {value}, but it must be a finite number; 1 means no guidance.",
    float,
)
spread = value(
    lambda s: 0 <= s < math.inf,
    "spread is {value}, but it must be a finite number of at least 0 (0: the data are exactly "
    "these pictures).",
    float,
)
# None stands for what `recipe` measured.
learning_rate = value(
    lambda lr: lr is None or 0 < lr < math.inf,
    "{name} is {value}, but it must be above 0, such as 0.01, and finite.",
)
weight_decay = value(
    lambda decay: decay is None or 0 <= decay < math.inf,
    "{name} is {value}, but it must be at least 0, such as 0.2, and finite.",
)
number_format = value(
    lambda precision: precision in (None, "float32", "bfloat16"),
    "precision is {value!r}, but it must be 'float32', 'bfloat16', or None for the faster of the "
    "two on this machine.",
)
target = value(
    lambda target: target in TARGETS,
    f"target is {{value!r}}, but it must be one of {', '.join(TARGETS)}.",
)
no_second_words = value(
    lambda cond: cond is None,
    "This model already carries its words (guided was given cond): call it, or sample, with "
    "cond=None.",
)


# --- pictures ---


def finite(name: str, x: Tensor) -> Tensor:
    """x without NaN or infinity."""
    if not torch.isfinite(x).all():
        raise ValueError(f"{name} holds NaN or infinity: check the step that made it.")
    return x


def picture(name: str, x: Any, given: Given) -> Tensor:
    """Floats (B, …) without NaN or infinity."""
    if not isinstance(x, Tensor):
        raise ValueError(f"{name} must be a torch tensor, but it is a {type(x).__name__}.")
    if not x.is_floating_point():
        raise ValueError(
            f"{name} has dtype {x.dtype}, but floats are expected: turn a picture of 0 … 255 into "
            "−1 … 1 first with datasets.to_floats."
        )
    if x.ndim < 1:
        raise ValueError(f"{name} must have a first axis that counts pictures, as in (B, C, H, W).")
    return finite(name, x)


def clean(name: str, x: Any, given: Given) -> Tensor:
    """A clean picture, floats in [−1, 1]."""
    x = picture(name, x, given)
    # Ten leaves room for toy data that is not a picture, and still recognises 0 … 255.
    if x.numel() and float(x.abs().max()) > 10:
        raise ValueError(
            f"{name} reaches {float(x.abs().max()):.4g}, but a clean picture lies in [−1, 1]: turn "
            "a picture of 0 … 255 into −1 … 1 first with datasets.to_floats."
        )
    return x


def like(other: str) -> Rule:
    """Floats of the other argument's shape."""

    def rule(name: str, x: Any, given: Given) -> Tensor:
        if isinstance(x, Tensor) and x.is_floating_point() and x.shape != given[other].shape:
            raise ValueError(
                f"{name} has shape {tuple(x.shape)}, but it must match the picture's, "
                f"{tuple(given[other].shape)}."
            )
        return picture(name, x, given)

    return rule


def like_the_data(name: str, x_t: Any, given: Given) -> Tensor:
    """Floats (B, …) of the shape that a denoiser's own pictures have."""
    shape = tuple(given["self"].shape)
    if tuple(x_t.shape[1:]) != shape or not x_t.is_floating_point():
        raise ValueError(
            f"x_t holds {x_t.dtype} pictures of shape {tuple(x_t.shape[1:])}, but floats of "
            f"shape {shape} are expected, as in the data."
        )
    return x_t


def known_data(ndim: int) -> Rule:
    """At least one finite picture, floats of at least ``ndim`` axes."""

    def rule(name: str, data: Any, given: Given) -> Tensor:
        if not data.is_floating_point() or data.ndim < ndim or len(data) == 0:
            raise ValueError(
                "data must be at least one picture as floats (N, C, H, W) in [−1, 1], but it has "
                f"dtype {data.dtype} and shape {tuple(data.shape)}."
            )
        for part in data.split(1024):  # a mask of all pictures at once is large
            finite(name, part)
        return data

    return rule


def predicted(name: str, pred: Any, given: Given) -> Any:
    """A `forward.Prediction` of the picture x_t."""
    like("x_t")("x0_hat", pred.x0_hat, given)
    return pred


# --- levels ---


def whole_level(name: str, t: Any, given: Given) -> Tensor:
    """t as int64 of shape (B,) or (1,), from 0 to T: an index of −1 would silently mean T."""
    x = next(given[key] for key in ("x_t", "x0") if key in given)
    T = (given["schedule"] if "schedule" in given else given["self"].schedule).T
    try:
        t = torch.as_tensor(t, device=x.device)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(
            f"{name} must be a whole number or one for each picture, but it is {t!r}."
        ) from None
    if t.dtype == torch.bool or t.is_floating_point() or t.is_complex():
        raise ValueError(f"{name} must be whole numbers (int64), but its dtype is {t.dtype}.")
    t = t.long().reshape(-1) if t.ndim == 0 else t.long()
    if t.ndim != 1 or len(t) not in (1, len(x)):
        raise ValueError(
            f"{name} has shape {tuple(t.shape)}, but it must be one number or one for each of the "
            f"{len(x)} pictures."
        )
    for end in map(int, t.aminmax()) if len(t) else ():
        if not 0 <= end <= T:
            raise ValueError(
                f"{name} = {end} is outside this schedule: choose from 0 (the picture) to {T} "
                "(noise)."
            )
    return t


def below(above: str) -> Rule:
    """A level s below t (None stands for t − 1), where t holds noise to take away."""

    def rule(name: str, s: Any, given: Given) -> Tensor | None:
        t, schedule = torch.as_tensor(given[above]).reshape(-1), given["schedule"]
        level = t - 1 if s is None else whole_level(name, s, given)
        if not (level < t).all():
            level, t = torch.broadcast_tensors(level, t)
            wrong = int((level >= t).nonzero()[0])
            raise ValueError(
                "A step back goes from t down to s, so s must be smaller, but s = "
                f"{int(level[wrong])} and t = {int(t[wrong])}."
            )
        if not (schedule.at(t, t) < 1).all():
            raise ValueError(
                "There is no noise to take away at this t (ᾱ_t = 1): step from a later t, or use a "
                "schedule that adds noise from its first step on."
            )
        return None if s is None else level

    return rule


def one_for_all(rule: Rule) -> Rule:
    """The same level for the whole batch, as a whole number."""

    def common(name: str, t: Any, given: Given) -> int:
        t = rule(name, t, given)
        if not (t == t[0]).all():
            raise ValueError(f"A multistep step needs one {name} for the whole batch.")
        return int(t[0])

    return common


def telling_level(name: str, t: Any, given: Given) -> Tensor:
    """A level at which an answer of this target says something about picture and noise."""
    t = whole_level(name, t, given)
    alpha_bar = given["schedule"].at(t, t)
    if given["target"] == "eps" and not (alpha_bar > 0).all():
        raise ValueError(
            "A prediction of the noise says nothing about the picture where ᾱ = 0 (here at t = T): "
            "use target 'v' or 'x0' with this schedule."
        )
    if given["target"] == "x0" and not (alpha_bar < 1).all():
        raise ValueError(
            "A prediction of the picture says nothing about the noise where there is none (ᾱ = 1, "
            "as at t = 0): use t of at least 1."
        )
    return t


# --- what a network or a step is told ---


def has_target(name: str, model: Any, given: Given) -> Any:
    """A network that says what its output means."""
    target("target", getattr(model, "target", None), given)
    return model


def fresh_noise(name: str, z: Any, given: Given) -> Tensor | None:
    """z of x_t's shape and dtype; None only where the step adds no noise."""
    x_t = given["x_t"]
    if z is None:
        a_t, a_s = (given["schedule"].at(given[level], x_t) for level in ("t", "s"))
        if given.get("eta", 1) > 0 and bool(((a_s < 1) & (a_t < a_s)).any()):
            raise ValueError(
                "This step adds fresh noise, so it needs z: give z (to sample: a generator), or "
                "use ddim_step with eta=0."
            )
        return None
    if z.shape != x_t.shape:
        raise ValueError(
            f"z has shape {tuple(z.shape)}, but it must match the picture's, {tuple(x_t.shape)}."
        )
    return z.to(x_t)


def initial_noise(name: str, x_T: Any, given: Given) -> Tensor:
    """Finite floats (B, …) to start from."""
    if not isinstance(x_T, Tensor) or not x_T.is_floating_point() or x_T.ndim < 2:
        raise ValueError(
            "x_T must be a float tensor of shape (B, C, H, W): the noise to start from."
        )
    if not torch.isfinite(x_T).all():
        raise ValueError("x_T holds NaN or infinity: start from torch.randn.")
    return x_T


def same_trajectory(before: tuple[int, int, Tensor], t: int, x0_hat: Tensor) -> None:
    """What a multistep step remembers ended where this step begins."""
    _, s_before, x0_hat_before = before
    if s_before != t or x0_hat_before.shape != x0_hat.shape:
        raise ValueError(
            "This multistep step holds the history of another film: make a fresh one with "
            "dpm_solver_2m() for each call of sample."
        )


def no_words(denoiser: str) -> Rule:
    """Nothing said: this denoiser knows pictures only."""

    def rule(name: str, cond: Any, given: Given) -> None:
        if cond is not None:
            raise ValueError(f"The {denoiser} denoiser knows no words: call it with cond=None.")

    return rule


def window_sizes(name: str, size: Any, given: Given) -> list[int]:
    """An odd number of pixels for each t from 0 to T."""
    levels = given["schedule"].T + 1
    sizes = [size] * levels if isinstance(size, int) else list(size)
    if len(sizes) != levels or any(side < 1 or side % 2 == 0 for side in sizes):
        raise ValueError(
            f"size must be an odd number of pixels, or {levels} of them, one for each t from 0 to "
            "T: a window has a middle."
        )
    return sizes


def network_input(model: Any, x_t: Tensor, t: Any, cond: Tensor | None) -> None:
    """What a `unet.UNet` takes. Values of words are looked at on a CPU only: a GPU would wait."""
    channels, fold = model.config["channels"], 2 ** len(model.config["widths"])
    fits = x_t.ndim == 4 and x_t.shape[1] == channels and not any(n % fold for n in x_t.shape[2:])
    if not fits or not x_t.is_floating_point():
        raise ValueError(
            f"x_t has shape {tuple(x_t.shape)} and dtype {x_t.dtype}, but this network takes "
            f"floats (B, {channels}, H, W) with H and W divisible by {fold}."
        )
    shape = tuple(torch.as_tensor(t).shape) if model.uses_time else ()
    if shape not in ((), (1,), (len(x_t),)):
        raise ValueError(
            f"t has shape {shape}, but it must be one number or one for each of the {len(x_t)} "
            "pictures."
        )
    if cond is None:
        return
    if cond.ndim != 2 or len(cond) != len(x_t) or cond.is_floating_point():
        raise ValueError(
            f"cond has shape {tuple(cond.shape)}, but whole numbers (B, L) with one row for each "
            f"of the {len(x_t)} pictures are expected."
        )
    if cond.device.type == "cpu":
        known_words(cond, model.vocabulary)


def known_words(cond: Tensor, vocabulary: int) -> None:
    """Word numbers from 0 to the vocabulary."""
    if cond.numel() and not 0 <= int(cond.min()) <= int(cond.max()) <= vocabulary:
        raise ValueError(
            f"cond holds word numbers up to {int(cond.max())}, but this model knows {vocabulary} "
            "words (0 means nothing said)."
        )


# --- training ---


def training_data(name: str, data: Any, given: Given) -> tuple[Tensor, Tensor | None]:
    """Pictures in [−1, 1], or a pair of them with their words; always given on as a pair."""
    x0, cond = data if isinstance(data, tuple) else (data, None)
    if not isinstance(x0, Tensor) or not x0.is_floating_point() or x0.ndim < 2 or len(x0) == 0:
        raise ValueError(
            "data must be floats (N, C, H, W) in [−1, 1] with at least one picture: turn pictures "
            "of 0 … 255 into −1 … 1 first with datasets.to_floats."
        )
    if not torch.isfinite(x0).all() or float(x0.abs().max()) > 10:
        raise ValueError("data must lie in [−1, 1], but it holds NaN, infinity or larger numbers.")
    if cond is not None and not isinstance(cond, Tensor):
        raise ValueError(f"cond must be a torch tensor, but it is a {type(cond).__name__}.")
    if cond is not None and (len(cond) != len(x0) or cond.is_floating_point() or cond.ndim != 2):
        raise ValueError(
            f"cond must be whole numbers (N, L), one row for each of the {len(x0)} pictures, but "
            f"its shape is {tuple(cond.shape)}."
        )
    if cond is not None and hasattr(given["model"], "vocabulary"):
        known_words(cond, given["model"].vocabulary)
    return x0, cond


def finite_loss(loss: float, step: int) -> None:
    """Raise ``FloatingPointError`` before the weights are touched, and before they are saved."""
    if not math.isfinite(loss):
        raise FloatingPointError(
            f"The loss of step {step} is {loss}: the network's answers have left what numbers can "
            "hold, and no further step would bring them back. Start again with a fresh network, or "
            "go on from an earlier run file."
        )


# --- sets of pictures ---


def pair_of_features(name: str, b: Any, given: Given) -> Tensor:
    """Finite features (m, d), to compare with features ``a`` (n, d); at least two each."""
    a = given["a"]
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(
            "The Fréchet distance compares features (n, d) and (m, d) of at least two pictures "
            f"each, but the shapes are {tuple(a.shape)} and {tuple(b.shape)}."
        )
    if not (torch.isfinite(a).all() and torch.isfinite(b).all()):
        raise ValueError("The features hold NaN or infinity: look at the pictures they are of.")
    return b


def pairs_of_sets(name: str, sets: Any, given: Given) -> list[Tensor]:
    """At least five pairs of sets."""
    if len(sets) < 10 or len(sets) % 2:
        raise ValueError(
            f"The floor needs at least five pairs of sets of fresh pictures, but got {len(sets)} "
            "sets."
        )
    return sets


def points(name: str, value: Any, given: Given) -> Tensor:
    """Finite features (n, d), more of them than the k neighbours that are asked for."""
    if value.ndim != 2 or len(value) <= given["k"] or not torch.isfinite(value).all():
        raise ValueError(
            f"{name} has shape {tuple(value.shape)}, but finite features (n, d) with n above "
            f"k = {given['k']} are expected."
        )
    return value


def whole_pictures(name: str, x: Any, given: Given) -> Tensor:
    """Finite pictures (n, C, H, W), at least one."""
    if x.ndim != 4 or len(x) == 0:
        raise ValueError(f"Pictures (n, C, H, W) are expected, but the shape is {tuple(x.shape)}.")
    return finite("A picture", x)


def squares_like(other: str) -> Rule:
    """Square pictures (n, C, H, H) of the other argument's shape."""

    def rule(name: str, x: Any, given: Given) -> Tensor:
        y = given[other]
        if x.shape != y.shape or x.ndim != 4 or x.shape[2] != x.shape[3]:
            raise ValueError(
                "Square pictures (n, C, H, H) of one shape are expected, but the shapes are "
                f"{tuple(y.shape)} and {tuple(x.shape)}."
            )
        return x

    return rule


def real_detail(power: float) -> float:
    """Fine detail of real pictures, to divide by."""
    if power == 0:
        raise ValueError("The real pictures have no fine detail at all to compare with.")
    return power


def detail_of(waves: tuple[float, float], power: float) -> float:
    """Detail of finished pictures, to divide by."""
    if power == 0:
        raise ValueError(f"The finished pictures have no detail of {waves[0]} to {waves[1]} waves.")
    return power


def pictures_to_search(name: str, data: Any, given: Given) -> Tensor:
    """At least one picture of the shape of those whose neighbours are sought."""
    x = given["x"]
    if x.shape[1:] != data.shape[1:] or len(data) == 0:
        raise ValueError(
            f"x holds pictures of shape {tuple(x.shape[1:])} and data of {tuple(data.shape[1:])}: "
            "they must be the same, and data must not be empty."
        )
    return data


def two_different(count: int) -> None:
    """At least two different pictures."""
    if count < 2:
        raise ValueError("data needs at least two different pictures to tell a copy from.")


def plane(name: str, x: Any, given: Given) -> Tensor:
    """Floats (…, H, W) of at least 2 × 2 pixels."""
    x = torch.as_tensor(x)
    if not x.is_floating_point() or x.ndim < 2 or min(x.shape[-2:]) < 2 or not x.numel():
        raise ValueError(
            f"x is {x.dtype} of shape {tuple(x.shape)}, but floats of shape (…, H, W) with at "
            "least 2 × 2 pixels are expected; `to_floats` turns whole numbers into floats."
        )
    return x


# --- schedules ---


def alpha_bar(values: Any) -> np.ndarray:
    """ᾱ_0 … ᾱ_T as float64: starts at exactly 1, never rises, above 0 but for the last."""
    try:
        found = np.array(values)
        if np.iscomplexobj(found):  # the cast would only warn and drop a part
            raise TypeError("it holds complex numbers")
        found = found.astype(np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"alpha_bar must be a list of numbers, but it could not be read as one: {error}"
        ) from None
    if found.ndim != 1 or len(found) < 2:
        raise ValueError(
            "alpha_bar must be a flat list of at least two numbers (t = 0 and t = 1), "
            f"but its shape is {found.shape}."
        )
    if not np.isfinite(found).all():
        where = int(np.flatnonzero(~np.isfinite(found))[0])
        raise ValueError(
            f"alpha_bar[{where}] is {found[where]}; every entry must be a finite number "
            "between 0 and 1."
        )
    if found[0] != 1:
        raise ValueError(
            f"alpha_bar[0] is {found[0]:.6g}, but t = 0 is the clean picture, so it must "
            "be exactly 1: put a 1 in front."
        )
    rises = np.flatnonzero(np.diff(found) > 0)
    if len(rises):
        t = int(rises[0]) + 1
        raise ValueError(
            f"alpha_bar rises from {found[t - 1]:.6g} to {found[t]:.6g} at t = {t}, "
            "but noise is only ever added, so it must never increase."
        )
    if found[-1] < 0 or found[-2] <= 0:
        where = int(np.flatnonzero(found <= 0)[0])
        raise ValueError(
            f"alpha_bar[{where}] is {found[where]:.6g}, but only the last entry may be 0 "
            "and all others must be above it."
        )
    return found


def jumps(name: str, n: Any, given: Given) -> int:
    """n, a whole number from 1 to the schedule's T."""
    T = (given["schedule"] if "schedule" in given else given["self"]).T
    if not whole(n, 1) or n > T:
        raise ValueError(
            f"n is {n!r}, but the number of steps must be a whole number from 1 to {T} (the "
            "schedule's T)."
        )
    return int(n)
