"""From a prompt to pictures: what each is to show, the noise that it starts from, the way to it.

Picture k of seed s has an rng and initial noise of its own. Both come from the two numbers s and k
alone, so it is the same picture whether one asks for three or for eight, and the same noise
whatever the words.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import sampling, schedules
from ..unet import UNet
from . import words, world
from .prompts import Prompt

GUIDANCE, STEPS = 2.5, 24
# Levels t. Not the first two steps: near T nothing can be seen yet, and the words already say all.
# Nor the last two: near 0 what guidance blows up is grain.
GUIDED_BETWEEN = (100, 920)
# What can be missing from a picture, unlike a colour and a place: there is a word for that.
THINGS = tuple(name for name, value in world.VOCABULARY if value == "none")


def sample_conditions(
    prompt: Prompt, count: int, seed: int, held_out: Sequence[world.Pair] = world.HELD_OUT
) -> Tensor:
    """What each picture of a prompt is to show: its words, and chosen at random all the rest.

    Row k is `words.spell_out` with ``numpy.random.default_rng([seed, k])``; ``held_out`` are
    the pairs that the model never saw, which chance never puts together. int64 (count, 6). Raises
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
    subjects = (k for (name, _), k in world.WORD_IDS.items() if name == "subject")
    known = [k for k in subjects if k not in unwanted]
    return (int(rng.choice(known)),) if known else ()


def held_out(metadata: Mapping[str, Any]) -> tuple[world.Pair, ...]:
    """The pairs that a model never saw, by its file's metadata, or else a lesson's own."""
    pairs = metadata.get("held_out", world.HELD_OUT)
    return tuple(((p, v), (q, w)) for (p, v), (q, w) in pairs)


def describe(row: Sequence[int]) -> str:
    """A row of word numbers in words, such as "blue fox, top hat, night"."""
    named = dict(world.VOCABULARY[k - 1] for k in row if k)
    color, subject = named.get("color", ""), named.get("subject", "")
    who = "nobody" if subject == "none" else f"{color} {subject}".strip()
    things = [named.get(name, "none") for name in ("sunglasses", "hat", "skateboard")]
    place = {"plain": "plain background"}.get(named.get("place", ""), named.get("place", ""))
    return ", ".join(part for part in (who, *things, place) if part not in ("", "none"))


def word_weight(samples: int) -> float:
    """The weight for `upweight_words` after a training with so many samples.

    1 + 85/√samples, 1.4 at most.
    """
    return min(1.4, 1 + 85 / math.sqrt(samples))


def upweight_words(model: UNet, by: float) -> UNet:
    """A copy of the network that hears what is there ``by`` times as loud as its colour and place.

    The vectors of animals, the car, hats, sunglasses and the skateboard become so much longer;
    those of colours and places, and of "no hat", stay. Colours and places are learned first: the
    guidance that a thing of a few pixels needs after a short training is too much for them. Raises
    ValueError for a network that does not know the course's words.
    """
    if model.vocabulary != len(world.VOCABULARY):
        raise ValueError(
            f"This network knows {model.vocabulary} words, but the course has "
            f"{len(world.VOCABULARY)}: only critters can be said louder."
        )
    copied = copy.deepcopy(model)
    with torch.no_grad():
        for (name, value), k in world.WORD_IDS.items():
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
    model: sampling.Model,
    cond: Tensor | None,
    x_T: Tensor,
    *,
    guidance: float = GUIDANCE,
    steps: int = STEPS,
    batch: int = 8,
) -> Iterator[sampling.State]:
    """Draw up to ``batch`` pictures: yields ``steps`` + 1 states, from T to 0.

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
    model: sampling.Model,
    cond: Tensor | None,
    x_T: Tensor,
    *,
    guidance: float = GUIDANCE,
    steps: int = STEPS,
    batch: int = 8,
) -> Iterator[list[sampling.State]]:
    """Draw any number of pictures, batch by batch; yields the `trajectory` of each as a list."""
    for first in range(0, len(x_T), batch):
        part = slice(first, first + batch)
        some = None if cond is None else cond[part]
        yield list(trajectory(model, some, x_T[part], guidance=guidance, steps=steps, batch=batch))
