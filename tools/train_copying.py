"""Train the students of lesson 08: ``python tools/train_copying.py``, or some of them by name.

Each is shown the same number of examples, made from 1, 10, … 10,000 pictures (see
`diffusion_lessons.course.copying`). About an hour for all nine on two cores, less with bfloat16.
Writes ``diffusion_lessons/weights/copying/``, with a JSON beside the networks that holds their
recipe.
``--seed``, ``--data-seed`` and ``--out`` make other students from other pictures somewhere else;
give that folder to `copying.load`, and every experiment can be run again.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

import torch
from tqdm.auto import tqdm

from diffusion_lessons import checkpoints, files
from diffusion_lessons.course import copying
from diffusion_lessons.recipe import precision_for
from diffusion_lessons.schedules import cosine
from diffusion_lessons.train import make_ema, train
from diffusion_lessons.unet import UNet

BATCH, LR, WEIGHT_DECAY = 128, 0.02, 0.0


def trained(name: str, args: argparse.Namespace) -> dict[str, object]:
    """Train one student and save it; return its recipe and how long it took."""
    recipe = copying.RECIPES[name]
    seed = args.seed + recipe.seed
    torch.manual_seed(seed)
    model = UNet(widths=copying.WIDTHS, attention=recipe.attention)
    ema = make_ema(model)
    shown = copying.examples(name, args.data_seed)
    began = time.perf_counter()
    records = train(
        model, shown, cosine(1000), samples=args.pictures, batch=BATCH, seed=seed, ema=ema,
        lr=LR, weight_decay=WEIGHT_DECAY,
    )  # fmt: skip
    total = -(-args.pictures // BATCH)
    for record in (bar := tqdm(records, desc=f"student {name}", total=total)):
        if record.step % 50 == 0:
            bar.set_postfix(loss=f"{record.loss:.4f}")
    metadata = {
        **asdict(recipe),
        "seed": seed,
        "data_seed": args.data_seed,
        "pictures": args.pictures,
        "batch": BATCH,
        "precision": precision_for(model),
    }
    checkpoints.save(ema, copying.file_of(name, args.out), recipe=metadata)
    return {**metadata, "seconds": round(time.perf_counter() - began, 1)}


def main() -> None:
    """Train what the command line asks for, and keep the card of recipes up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = list(copying.RECIPES)
    parser.add_argument("names", nargs="*", default=names, help=f"some of: {', '.join(names)}")
    parser.add_argument("--pictures", type=int, default=400_000, help="examples for each student")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data-seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=copying.FOLDER)
    args = parser.parse_args()
    for name in args.names:
        copying.file_of(name)  # a wrong name is found before anything is trained
    card = args.out / "recipes.json"
    recipes = json.loads(card.read_text(encoding="utf-8")) if card.exists() else {}
    for name in args.names:
        recipes[name] = trained(name, args)
        ordered = {known: recipes[known] for known in names if known in recipes}
        files.write_atomic(card, (json.dumps(ordered, indent=2) + "\n").encode())


if __name__ == "__main__":
    main()
