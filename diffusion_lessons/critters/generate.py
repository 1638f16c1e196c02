"""From a wish to its film: words and dice say what to draw, a seed says from which static.

Picture k of seed s starts from static of its own and throws dice of its own. Both come from the
two numbers s and k alone, so it is the same picture whether one asks for three or for eight, and
the same static whatever the words.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import sampling, schedules
from ..unet import UNet
from . import words, world
from .prompts import Prompt

GUIDANCE, STEPS = 2.5, 24
# Not on the first two steps, nor on the last two: less grain after a short training. The network
# that was shipped when this was chosen, prompts of seeds 0 and 1: Fréchet excess 0.216 and 0.493,
# right of pairs that it never saw .9956 and .9917; guided from 880 to the end 0.249 and 0.547,
# .9949 and .9941, so for the pairs it makes no difference.
GUIDED_BETWEEN = (100, 920)
# What can be missing from a picture, unlike a colour and a place: there is a word for that.
THINGS = tuple(name for name, value in world.VOCABULARY if value == "none")


def sample_conditions(
    prompt: Prompt, count: int, seed: int, held_out: Sequence[world.Pair] = world.HELD_OUT
) -> Tensor:
    """What each picture of a wish is to show: the words of the prompt, and by dice all the rest.

    Row k is `words.spell_out` with ``numpy.random.default_rng([seed, k])``; ``held_out`` are
    the pairs that the model never saw, which dice never put together. int64 (count, 6). Raises
    ValueError where the words cannot go together.
    """
    chosen = []
    for k in range(count):
        rng = np.random.default_rng([seed, k])
        tokens = prompt.tokens or _anybody(prompt.negative, rng)
        chosen.append(words.spell_out(tokens, rng, prompt.negative, held_out))
    return torch.tensor(chosen, dtype=torch.int64)


def _anybody(unwanted: Sequence[int], rng: np.random.Generator) -> tuple[int, ...]:
    """Who is in a picture of anything: a caption that says nothing would mostly mean nobody."""
    known = [k for k, (name, _) in enumerate(world.VOCABULARY, start=1) if name == "subject"]
    known = [k for k in known if k not in unwanted]
    return (int(rng.choice(known)),) if known else ()


def held_out(facts: Mapping[str, Any]) -> tuple[world.Pair, ...]:
    """The pairs that a model never saw, by its file's facts; else it was trained in a lesson."""
    found = facts.get("held_out", world.HELD_OUT)
    return tuple(tuple(tuple(word) for word in pair) for pair in found)


def describe(row: Sequence[int]) -> str:
    """A row of word numbers in words, such as "blue fox, top hat, night"."""
    named = dict(world.VOCABULARY[k - 1] for k in row if k)
    color, subject = named.get("color", ""), named.get("subject", "")
    who = "nobody" if subject == "none" else f"{color} {subject}".strip()
    things = [named.get(name, "none") for name in ("sunglasses", "hat", "skateboard")]
    place = {"plain": "plain background"}.get(named.get("place", ""), named.get("place", ""))
    return ", ".join(part for part in (who, *things, place) if part not in ("", "none"))


def word_weight(pictures: int) -> float:
    """How much `louder` things should be said after a training with so many pictures.

    1 + 85/√pictures, 1.4 at most: 1.34 after a minute on two fast cores, 1.2 after three. Right
    where the words met in training and of pairs that never met, guidance 3.5: after 61,056 pictures
    (five networks) .961 and .860 with 1.3, .927 and .766 with 1; after 182,976 (two) .992 and .976
    with 1.15, .983 and .940 with 1. Guidance 3 is then as good.
    """
    return min(1.4, 1 + 85 / math.sqrt(pictures))


def upweight_words(model: UNet, by: float) -> UNet:
    """A copy of the network that hears what is there ``by`` times as loud as its colour and place.

    The vectors of animals, the car, hats, sunglasses and the skateboard become so much longer;
    those of colours and places, and of "no hat", stay. Colours and places are learned first: the
    guidance that a thing of a few pixels needs after a short training is too much for them. (Other
    programs have "(sunglasses:1.3)" for this in a prompt.) Raises ValueError for a network that
    does not know the course's words.
    """
    if model.vocabulary != len(world.VOCABULARY):
        raise ValueError(
            f"This network knows {model.vocabulary} words, but the course has "
            f"{len(world.VOCABULARY)}: only critters can be said louder."
        )
    copied = copy.deepcopy(model)
    with torch.no_grad():
        for k, (name, value) in enumerate(world.VOCABULARY, start=1):
            if name in THINGS and value != "none":
                copied.words.weight[k] *= by
    return copied


def initial_noise(count: int, seed: int, size: int = 32) -> Tensor:
    """The noise that pictures 0 … count−1 of a seed start from, float32 (count, 3, size, size).

    Picture k takes it from a generator seeded with the first 64 bits that
    ``numpy.random.SeedSequence([seed, k])`` gives.
    """
    noise = torch.empty(count, 3, size, size)
    for k in range(count):
        state = int(np.random.SeedSequence([seed, k]).generate_state(1, np.uint64)[0])
        noise[k].normal_(generator=torch.Generator().manual_seed(state))
    return noise


def trajectory(
    model: Callable[..., Tensor],
    cond: Tensor | None,
    x_T: Tensor,
    *,
    guidance: float = GUIDANCE,
    steps: int = STEPS,
    batch: int = 8,
) -> Iterator[sampling.State]:
    """Draw up to ``batch`` pictures in view: yields ``steps`` + 1 states, from T to 0.

    ``cond`` int64 (n, L) or None for a model without words, ``x_T`` floats (n, C, H, W). The
    schedule is the course's cosine, the sampler DPM-Solver++(2M), and levels outside
    `GUIDED_BETWEEN` are walked without guidance. The batch is filled up with pictures that are
    thrown away: sums over a batch of another size may differ in the last digit, and a picture
    should not depend on how many others are drawn.
    """
    here = len(x_T)
    filled = torch.arange(max(batch, here)).clamp(max=here - 1)
    if cond is not None:
        model = sampling.guided(model, cond[filled], None, guidance, between=GUIDED_BETWEEN)
    states = sampling.sample(
        model, schedules.cosine(), x_T[filled], steps, step=sampling.dpm_solver_2m()
    )
    for t, x_t, x0_hat in states:
        yield sampling.State(t, x_t[:here], x0_hat[:here])


def sample_batches(
    model: Callable[..., Tensor],
    cond: Tensor | None,
    x_T: Tensor,
    *,
    guidance: float = GUIDANCE,
    steps: int = STEPS,
    batch: int = 8,
) -> Iterator[list[sampling.State]]:
    """Draw any number of pictures, batch by batch; yields the `film` of each batch as a list."""
    for first in range(0, len(x_T), batch):
        told = None if cond is None else cond[first : first + batch]
        here = x_T[first : first + batch]
        yield list(trajectory(model, told, here, guidance=guidance, steps=steps, batch=batch))
