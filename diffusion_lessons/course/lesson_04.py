"""Lesson 04, training: its exercises."""

from typing import Any

import numpy as np
import torch

from .grading import Exercise, Trials, numbers


def _pictures_and_noise() -> Trials:
    draw = torch.Generator().manual_seed(4)
    # The first has a level for each picture, as in training; two are the ends of the schedule.
    levels = [torch.tensor([0.81, 0.3]).reshape(2, 1, 1, 1)]
    levels += [torch.tensor(share, dtype=torch.float64) for share in (0.2, 0.64, 1.0, 0.0)]
    shapes = (2, 3, 5, 7), (1, 1, 4, 4), (6,), (1, 3, 4, 4), (1, 3, 4, 4)
    return [
        (torch.rand(shape, generator=draw) * 2 - 1, level, torch.randn(shape, generator=draw))
        for shape, level in zip(shapes, levels, strict=True)
    ]


velocity = Exercise(
    "velocity(x0, alpha_bar_t, eps)",
    "alpha_bar_t**0.5 * eps - (1 - alpha_bar_t) ** 0.5 * x0",
    trials=_pictures_and_noise,
    given="a = alpha_bar_t",
    slips="""
every sign is the wrong way round: the network would learn −v. The noise comes with a plus, the
picture with a minus.
    (1 - a) ** 0.5 * x0 - a**0.5 * eps
it adds the picture: v has a minus there. Otherwise x0 could not be worked out from x_t and v.
    a**0.5 * eps + (1 - a) ** 0.5 * x0
this is x_t, what the network is *given*. What it should answer is v: noise times √ᾱ minus picture
times √(1 − ᾱ).
    a**0.5 * x0 + (1 - a) ** 0.5 * eps
x0 and ε have changed places: in v it is the noise that is multiplied by √ᾱ.
    a**0.5 * x0 - (1 - a) ** 0.5 * eps
the two rates are swapped. In v the noise has the picture's rate √ᾱ, and the picture has the
noise's, √(1 − ᾱ).
    (1 - a) ** 0.5 * eps - a**0.5 * x0
the square roots are missing: ᾱ and 1 − ᾱ are shares of power, and power is a square. What
multiplies ε is √ᾱ, and what multiplies x0 is √(1 − ᾱ).
    a * eps - (1 - a) * x0
    (1 - a) * x0 - a * eps
    a * x0 - (1 - a) * eps
    a * eps + (1 - a) * x0
the two rates are swapped. In v the noise has the picture's rate √ᾱ, and the picture has the
noise's, √(1 − ᾱ). And take square roots.
    (1 - a) * eps - a * x0
one square root is missing: what multiplies x0 is √(1 − ᾱ), not 1 − ᾱ.
    a**0.5 * eps - (1 - a) * x0
one square root is missing: what multiplies ε is √ᾱ, not ᾱ.
    a * eps - (1 - a) ** 0.5 * x0
the bracket closes too late: √(1 − ᾱ) is (1 - alpha_bar_t) ** 0.5, and yours is 1 − √ᾱ.
    a**0.5 * eps - (1 - a**0.5) * x0
brackets are missing: Python takes the power first, so write (1 - alpha_bar_t) ** 0.5.
    a**0.5 * eps - 1 - a**0.5 * x0
    a**0.5 * eps - (1 - a**0.5 * x0)
it halves where a square root belongs: ** 1/2 is read as (… ** 1) / 2, so write ** 0.5.
    a**1 / 2 * eps - (1 - a) ** 1 / 2 * x0
    a**1 / 2 * eps - (1 - a) ** 0.5 * x0
    a**0.5 * eps - (1 - a) ** 1 / 2 * x0
x0 has the wrong rate: it is √(1 − ᾱ).
    a**0.5 * (eps - x0)
ε has the wrong rate: it is √ᾱ.
    (1 - a) ** 0.5 * (eps - x0)
√ is ** 0.5, and not ** 2.
    a**2 * eps - (1 - a) ** 2 * x0
this is a plain difference without the rates. (Another method, flow matching, calls it velocity, but
its x_t is mixed in another way.) Multiply ε by √ᾱ and x0 by √(1 − ᾱ).
    eps - x0
    x0 - eps
it subtracts the noisy picture x_t: take the clean one, x0.
    a**0.5 * eps - (1 - a) ** 0.5 * (a**0.5 * x0 + (1 - a) ** 0.5 * eps)
this is the noise itself, a target too; but read on: it fails at the last level. The velocity is
noise *and* picture.
    eps
this is the picture itself, a target too, but the velocity is noise *and* picture.
    x0
one of the two terms is missing: v has noise, √ᾱ ε, and picture, −√(1 − ᾱ) x0.
    a**0.5 * eps
    -((1 - a) ** 0.5) * x0
    (1 - a) ** 0.5 * x0
both terms hold ε: the second is the picture, x0.
    a**0.5 * eps - (1 - a) ** 0.5 * eps
both terms hold x0: the first is the noise, eps.
    a**0.5 * x0 - (1 - a) ** 0.5 * x0
the formula is right, but the result is clipped: noise may lie outside [−1, 1].
    (a**0.5 * eps - (1 - a) ** 0.5 * x0).clamp(-1, 1)
the formula is right, but it is averaged to one number: return all of them. The mean comes with the
loss.
    (a**0.5 * eps - (1 - a) ** 0.5 * x0).mean()
""",
)


def _means_and_weights() -> Trials:
    draw = torch.Generator().manual_seed(5)
    shapes = (3, 5), (4,), (2, 1, 3, 3), (1,), (2,)
    return [
        (torch.randn(shape, generator=draw), torch.randn(shape, generator=draw), keep)
        for shape, keep in zip(shapes, (0.9, 0.25, 0.999, 0.0, 1.0), strict=True)
    ]


ema_update = Exercise(
    "ema_update(mean, weight, keep)",
    "keep * mean + (1 - keep) * weight",
    trials=_means_and_weights,
    slips="""
keep is on the wrong side: keep is the share of the old *mean* that stays. With 0.999 yours forgets
nearly all of it at each step.
    (1 - keep) * mean + keep * weight
it takes half of each, whatever keep says.
    (mean + weight) / 2
its two shares don't add to 1, so that the mean grows or shrinks at every step: they are keep and
1 − keep.
    mean + (1 - keep) * weight
    keep * mean + weight
    mean + keep * weight
    (1 - keep) * mean + weight
    keep * mean + keep * weight
    (1 - keep) * (mean + weight)
    mean + weight
brackets are missing: Python multiplies first, so write (1 - keep) * weight.
    keep * mean + 1 - keep * weight
it takes 0.9 whatever keep says: that was an example only.
    0.9 * mean + 0.1 * weight
it is half of what it should be: keep and 1 − keep add to 1 already.
    (keep * mean + (1 - keep) * weight) / 2
it subtracts the new weights: a mean adds them.
    keep * mean - (1 - keep) * weight
it moves *away* from the new weights: go a little way towards them.
    mean - (1 - keep) * (weight - mean)
    mean + keep * (mean - weight)
this is only how far the mean should move: add it to the mean.
    (1 - keep) * (weight - mean)
the new weights are missing: add (1 − keep) · weight.
    keep * mean
the old mean is missing: add keep · mean.
    (1 - keep) * weight
the old mean is missing, and keep belongs to it.
    keep * weight
it returns the newest weights: nothing is averaged.
    weight
it returns the old mean: nothing of the new weights enters.
    mean
it squares the weights: the mean is of the weights themselves.
    keep * mean + (1 - keep) * weight**2
it multiplies the two parts: add them.
    keep * mean * (1 - keep) * weight
""",
)


def _generators() -> Trials:
    levels = (10, 4000), (10, 4000), (10, 4000), (1000, 60_000), (2, 5), (7, 1)
    return [
        (T, n, torch.Generator().manual_seed(seed))
        for (T, n), seed in zip(levels, (6, 6, 7, 8, 9, 10), strict=True)
    ]


def _unfair_levels(answer: Any, T: int, n: int, _: torch.Generator) -> str | None:
    """Why an answer is no fair draw of n levels 1 … T, the likely mistake first, or None."""
    t = numbers(answer)
    if t is None:
        return f"it returns a {type(answer).__name__}, but n whole numbers are expected."
    if t.shape == () or (t.shape == (1,) and n != 1):
        return "it draws one level for all: each picture of the batch gets its own, so draw n."
    if t.shape != (n,):
        return f"its answer has shape {t.shape}, but {(n,)} is expected: n = {n} levels in a row."
    if not np.isfinite(t).all() or (t != np.round(t)).any():
        return "it draws fractions: a level is a whole number."
    kind = answer.dtype if isinstance(answer, torch.Tensor) else np.asarray(answer).dtype
    if "float" in str(kind):
        return f"its numbers are whole, but they come as {kind}: end with .long()."
    low, high = int(t.min()), int(t.max())
    if low < 0:
        return f"it draws {low}: levels run from 1 to T."
    if low == 0 and high == T - 1:
        return (
            f"it draws from 0 to T − 1: at t = 0 there is no noise to predict, and t = T = {T}, "
            "where drawing will start, is never trained. (randint leaves its upper end out.)"
        )
    if low == 0 and high < T - 1 and n > 100 * T:
        return (
            f"for T = {T} it draws from 0 to {high}: it should be from 1, and T itself must be "
            "drawn too. (A well-known course does just that, randint(0, T − 1).)"
        )
    if low == 0:
        return "it draws 0, where there is no noise to predict: start at 1."
    if high > T:
        return (
            f"for T = {T} it draws {high}, beyond the last level: randint leaves its upper end "
            "out, so that is T + 1, whatever T is."
        )
    if n > 100 and low == high and T > 1:
        return f"all its levels are {low}: draw each picture's own."
    if n > 30 * T and T > 1:
        counts = np.bincount(t.astype(np.int64), minlength=T + 1)[1:]
        if counts[-1] == 0 and (counts[:-1] > 0).all():
            return (
                f"T = {T} is never drawn, and that is where drawing will start: randint leaves its "
                "upper end out, so give it T + 1."
            )
        if counts[0] == 0 and (counts[1:] > 0).all():
            return "1 is never drawn: it should be from 1 to T, both included."
        # Six standard deviations of a fair draw.
        if np.abs(counts - n / T).max() > 6 * np.sqrt(n / T):
            return "some levels come more often than others: let all be equally likely."
        if (np.diff(t) >= 0).all() or np.array_equal(t[:T], t[T : 2 * T]):
            return "its levels come in order, not at random: draw them."
    return None


draw_t = Exercise(
    "draw_t(T, n, generator)",
    "torch.randint(1, T + 1, (n,), generator=generator)",
    trials=_generators,
    seeded=True,
    problem=_unfair_levels,
)
