"""Train the network that is shipped with the course: ``python tools/train_shipped.py``.

The recipe of lesson 04, only longer: under half an hour on two cores. Can be stopped and started
again at any moment: it goes on where it was. Writes ``data/checkpoints/critters.safetensors`` with
a JSON of recipe, seed and scores beside it, and a sheet of drawn pictures in ``data/previews``.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import torch
from tqdm.auto import tqdm

from diffusion_lessons import (
    critters,
    data,
    files,
    metrics,
    models,
    plots,
    sampling,
    schedules,
    training,
)

GUIDANCE, STEPS, SCORED = 2.0, 16, 2000
PREVIEWS = models.SHIPPED.parent.parent / "previews"


def draw(model: models.UNet, cond: torch.Tensor, seed: int) -> torch.Tensor:
    """One picture for each row of word numbers: float32 (n, 3, 32, 32)."""
    generator = torch.Generator().manual_seed(seed)
    drawn = []
    for words in tqdm(cond.split(100), desc="drawing pictures", leave=False):
        x_T = torch.randn(len(words), 3, 32, 32, generator=generator)
        guided = sampling.guided(model, words, None, GUIDANCE)
        *_, last = sampling.sample(
            guided, schedules.cosine(), x_T, STEPS, step=sampling.dpm_solver_2m()
        )
        drawn.append(last.x_t)
    return torch.cat(drawn)


def scores(model: models.UNet) -> dict[str, object]:
    """The numbers of the data card, at one guidance and one number of steps."""
    judge = metrics.load_judge()
    seen = data.critters(SCORED, seed=101)
    held_out = data.critters(1024 // len(critters.HELD_OUT) * 6, seed=102, split="held_out")
    others = [data.critters(SCORED, seed=200 + i).x0 for i in range(11)]
    x = draw(model, seen.cond, seed=1)
    x_held_out = draw(model, held_out.cond, seed=2)
    features = [metrics.judge(part, judge).features for part in others]
    floor = metrics.frechet_floor(features[:10])
    distance = metrics.frechet_distance(metrics.judge(x, judge).features, features[10])
    found = metrics.words_found(metrics.judge(x_held_out, judge).attributes, held_out.cond)
    pairs = {}
    for pair in critters.HELD_OUT:
        words = [critters.VOCABULARY.index(word) + 1 for word in pair]
        named = torch.stack([(held_out.cond == word).any(1) for word in words]).all(0)
        pairs[" + ".join(value for _, value in pair)] = round(float(found[named].float().mean()), 4)
    return {
        "guidance": GUIDANCE,
        "steps": STEPS,
        "seen_all_right": round(metrics.prompt_accuracy(x, seen.cond, judge), 4),
        "held_out_all_right": round(math.fsum(pairs.values()) / len(pairs), 4),
        "held_out_pairs": pairs,
        "frechet_distance": round(distance, 2),
        "frechet_floor": round(floor.mean, 2),
        "frechet_floor_spread": round(floor.spread, 2),
        "frechet_excess": round(metrics.frechet_excess(distance, floor), 3),
        "high_frequency_power": round(metrics.high_frequency_power(x, others[0]), 3),
    }


def sheet(model: models.UNet) -> plots.Figure:
    """A sheet of pictures that the network drew, captioned with what was asked for."""
    asked = data.critters(48, seed=103, split="all")
    caption = "Pictures drawn by the network that is shipped with the course, one for each prompt."
    return plots.pictures(list(draw(model, asked.cond, seed=3)), caption, columns=12, inches=1)


def main() -> None:
    """Train, save, score and draw a sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=1_000_000, help="how many are shown in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=models.SHIPPED)
    parser.add_argument("--score-only", action="store_true", help="score the file that is there")
    args = parser.parse_args()

    if not args.score_only:
        train(args.pictures, args.seed, args.out)
    model = models.load(args.out)
    card = files.load(args.out, "model")[1] | {"scores": scores(model)}
    print(json.dumps(card, indent=2))
    files.write_atomic(args.out.with_suffix(".json"), (json.dumps(card, indent=2) + "\n").encode())
    files.write_atomic(PREVIEWS / "hero.png", sheet(model).png)


def train(pictures: int, seed: int, out: Path) -> None:
    """Train on the critters and save the averaged weights as a *model* file."""
    drawn = data.critters()
    torch.manual_seed(seed)
    model = models.UNet(vocabulary=len(critters.VOCABULARY))
    ema = training.averaged(model)
    run = out.with_name(out.stem + ".run.safetensors")
    records = training.train(
        model, (drawn.x0, drawn.cond), schedules.cosine(), pictures=pictures, seed=seed, ema=ema,
        checkpoint=run, resume=run if run.exists() else None,
    )  # fmt: skip
    with tqdm(total=pictures, desc="training", unit="picture") as bar:
        for record in records:
            bar.update(record.pictures - bar.n)
            if record.step % 20 == 0:
                bar.set_postfix(loss=f"{record.loss:.3f}")
    models.save(ema, out, recipe={"pictures": pictures, "seed": seed, "batch": 64})
    run.unlink()


if __name__ == "__main__":
    main()
