"""The numbers that a model is judged by, all at one guidance and one number of steps.

Nothing here depends on the pictures that the model was trained on, but for the distance to the
nearest of them: prompts are captions of fresh pictures, and fresh pictures stand beside every
number.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from . import metrics
from .critters import datasets, generate, world
from .critters.judge import Classifier, classify, load_judge, words_found
from .critters.world import Pair
from .unet import UNet

PICTURES, COMPARED = 4096, 2000
FEWEST = 32
DRAWN = 20_000  # pictures in the training set
_NEIGHBOURS = 500
_BATCH = 64
_FLOOR_SETS = 10


def scores(
    model: UNet,
    held_out: Sequence[Pair] = world.HELD_OUT,
    *,
    drawn: int = DRAWN,
    pictures: int = PICTURES,
    seed: int = 0,
    guidance: float = generate.GUIDANCE,
    steps: int = generate.STEPS,
) -> dict[str, Any]:
    """Draw from the captions of fresh pictures, and let the judge look: a dictionary for JSON.

    ``pictures``: how many are judged in each accuracy, *seen* from captions of split "train",
    *held out* from captions that say both words of a pair, shared evenly among the model's own
    ``held_out`` pairs; ``drawn``: the size of its training set. Fréchet distance and high-frequency
    power take up to 2,000 of the seen ones, the distance to the nearest training picture up to 500.
    What a caption leaves open is chosen at random, and judged is only what it says. Raises
    ValueError for a network that does not know them, and for too few or too many pictures.
    """
    if model.vocabulary != len(world.VOCABULARY):
        raise ValueError(
            "Only a network that was trained on critters and their words can be judged by them: "
            "train one without --data."
        )
    if not FEWEST <= pictures <= 100_000:
        raise ValueError(f"pictures is {pictures}, but it must be from {FEWEST} to 100,000.")
    held_out = tuple(held_out)
    judge = load_judge()
    compared = min(COMPARED, pictures)

    requested = _fresh(pictures, [seed, 0], "train", held_out)
    began = time.perf_counter()
    x = _draw(
        model, requested.caption_ids, [seed, 0], held_out, guidance, steps, "seen pairs of words"
    )
    seconds = time.perf_counter() - began
    seen = classify(x, judge)

    fresh = _fresh((_FLOOR_SETS + 1) * compared, [seed, 1], "train", held_out)
    judged = classify(fresh.x0, judge)
    sets = judged.features.split(compared)
    floor = metrics.frechet_floor(list(sets[1:]))
    distance = metrics.frechet_distance(seen.features[:compared], sets[0])

    pairs = _held_out_accuracy(model, judge, held_out, pictures, seed, guidance, steps)
    owned = datasets.load_critters(drawn, held_out=held_out).x0
    near, near_fresh = (
        float(metrics.nearest(some[:_NEIGHBOURS], owned).distance.median())
        for some in (x, fresh.x0)
    )
    return {
        "guidance": guidance,
        "steps": steps,
        "seed": seed,
        "pictures_judged": pictures,
        "seen_accuracy": _share(words_found(seen.attributes, requested.caption_ids)),
        "held_out_accuracy": math.fsum(pairs.values()) / len(pairs) if pairs else None,
        "held_out_worst": min(pairs.values()) if pairs else None,
        "held_out_pairs": pairs,
        "judge_accuracy": _share((judged.attributes == fresh.attributes).all(1)),
        "pictures_compared": compared,
        "frechet": distance,
        "frechet_floor": floor.mean,
        "frechet_floor_spread": floor.spread,
        "frechet_excess": metrics.frechet_excess(distance, floor),
        "high_frequency_power": metrics.high_frequency_power(x[:compared], fresh.x0[:compared]),
        "nearest_median": near,
        "nearest_median_fresh": near_fresh,
        "seconds_per_picture": seconds / pictures,
    }


def _held_out_accuracy(
    model: UNet,
    judge: Classifier,
    held_out: tuple[Pair, ...],
    pictures: int,
    seed: int,
    guidance: float,
    steps: int,
) -> dict[str, float]:
    """Name of the pair → share of its pictures in which the judge finds all that was said."""
    if not held_out:
        return {}
    each = math.ceil(pictures / len(held_out))
    requested = torch.cat(
        [_captions_of(pair, each, [seed, 2, i]) for i, pair in enumerate(held_out)]
    )
    x = _draw(model, requested, [seed, 1], held_out, guidance, steps, "held-out pairs of words")
    found = words_found(classify(x, judge).attributes, requested).split(each)
    return {pair_name(pair): _share(part) for pair, part in zip(held_out, found, strict=True)}


def _captions_of(pair: Pair, n: int, entropy: list[int]) -> Tensor:
    """What n captions say that name both words of a pair, int64 (n, 6)."""
    words = [world.WORD_IDS[word] for word in pair]
    rows: list[Tensor] = []
    while sum(map(len, rows)) < n:
        ids = _fresh(2 * n, [*entropy, len(rows)], "held_out", (pair,)).caption_ids
        rows.append(ids[torch.stack([(ids == word).any(1) for word in words]).all(0)])
    return torch.cat(rows)[:n]


def _fresh(n: int, entropy: list[int], split: str, held_out: tuple[Pair, ...]) -> datasets.Critters:
    """Pictures that are drawn for this purpose, and not kept."""
    seed = int(np.random.SeedSequence([2026, *entropy]).generate_state(1)[0])
    return datasets.as_tensors(datasets.draw_dataset(n, seed=seed, split=split, held_out=held_out))


def _draw(
    model: UNet,
    caption_ids: Tensor,
    entropy: list[int],
    held_out: tuple[Pair, ...],
    guidance: float,
    steps: int,
    what: str,
) -> Tensor:
    """One picture for each row of what captions say; what they leave open is chosen at random."""
    rng = np.random.default_rng(entropy)
    cond = datasets.spell_out(caption_ids, rng, held_out)
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    x_T = torch.randn(len(cond), 3, 32, 32, generator=generator)
    batches = generate.sample_batches(
        model, cond, x_T, guidance=guidance, steps=steps, batch=_BATCH
    )
    total = math.ceil(len(cond) / _BATCH)
    bar = tqdm(batches, desc=f"drawing {what}", total=total, unit="batch", leave=False)
    return torch.cat([states[-1].x_t for states in bar])


def pair_name(pair: Pair) -> str:
    """ "cat + sunglasses" for the pair of those two."""
    return " + ".join(value for _, value in pair)


def _share(found: Tensor) -> float:
    return float(found.double().mean())


def table(numbers: Mapping[str, Any], name: str) -> str:
    """The numbers of `scores` as text for people, ``name`` being the model's."""
    pairs = numbers["held_out_pairs"]
    lines = [
        f"{name}: guidance {numbers['guidance']:g}, {numbers['steps']} steps, seed "
        f"{numbers['seed']}, {numbers['pictures_judged']:,} pictures judged in each accuracy",
        "",
        _line(
            "all that was said is there", numbers["seen_accuracy"], ".2%", "words it saw together"
        ),
    ]
    if pairs:
        mean, worst = numbers["held_out_accuracy"], numbers["held_out_worst"]
        lines.append(_line("  and for held-out pairs", mean, ".2%", f"worst pair {worst:.2%}"))
        lines += [_line(f"    {pair}", share, ".2%") for pair, share in pairs.items()]
    floor, spread = numbers["frechet_floor"], numbers["frechet_floor_spread"]
    lines += [
        _line("the judge, on fresh pictures", numbers["judge_accuracy"], ".2%"),
        _line("Fréchet distance", numbers["frechet"], ".2f", f"fresh {floor:.2f} ± {spread:.2f}"),
        _line("Fréchet excess", numbers["frechet_excess"], ".3f", "0 is as good as fresh"),
        _line("high-frequency power", numbers["high_frequency_power"], ".3f", "1 is right"),
        _line(
            "nearest training picture", numbers["nearest_median"], ".3f",
            f"fresh {numbers['nearest_median_fresh']:.3f}, a copy 0",
        ),
        _line("seconds per picture", numbers["seconds_per_picture"], ".3f"),
    ]  # fmt: skip
    return "\n".join(lines)


def _line(what: str, number: float, form: str, beside: str = "") -> str:
    return f"{what:<34}{format(number, form):>9}   {beside}".rstrip()
