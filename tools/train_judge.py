"""Train the judge that scores generated critters: ``python tools/train_judge.py``.

It sees split "all", so also what is held out from the models, with a little blur and grain added
to some pictures so that it looks at shapes rather than at clean edges. Three minutes on two cores
with native bfloat16, some ten without. Writes
``diffusion_lessons/weights/judge.safetensors`` and a JSON with recipe and scores beside it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from tqdm.auto import tqdm

from diffusion_lessons import files
from diffusion_lessons.critters import datasets, world
from diffusion_lessons.critters.datasets import to_floats
from diffusion_lessons.critters.judge import SHIPPED, Classifier, classify
from diffusion_lessons.recipe import lr_share, precision_for


def augmented(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A third of the pictures as they are, the others grainy or slightly soft."""
    kind = torch.randint(3, (len(x), 1, 1, 1), generator=generator)
    grain = torch.rand(len(x), 1, 1, 1, generator=generator) * 0.15
    grainy = x + grain * torch.randn(x.shape, generator=generator)
    soft = 0.5 * x + 0.5 * F.avg_pool2d(F.pad(x, [1] * 4, mode="replicate"), 3, stride=1)
    return torch.where(kind == 0, x, torch.where(kind == 1, grainy, soft)).clamp(-1, 1)


def main() -> None:
    """Train the judge as the command line says, and save it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=60_000, help="how many are drawn")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--fresh", type=int, default=20_000, help="pictures to test on")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)
    drawn = datasets.draw_dataset(args.pictures, seed=args.seed, split="all")
    labels = torch.tensor(drawn.attributes)
    model = Classifier()
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    precision = precision_for(model)
    batch, steps = 128, args.epochs * (args.pictures // 128)
    order = torch.cat(
        [torch.randperm(args.pictures, generator=generator) for _ in range(args.epochs + 1)]
    )
    bar = tqdm(range(steps), desc="training the judge")
    for step in bar:
        rows = order[step * batch : (step + 1) * batch]
        x = augmented(to_floats(drawn.pictures[rows.numpy()]), generator)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            said = model(x)
        loss = sum(
            F.cross_entropy(scores.float(), labels[rows, i]) for i, scores in enumerate(said)
        )
        loss.backward()
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * lr_share(step / steps)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        if step % 50 == 0:
            bar.set_postfix(loss=f"{loss.item():.4f}")

    # Shipped in float16, so tested in float16 as well.
    model.eval()
    weights = {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}
    model.load_state_dict(
        {k: v.float() if v.is_floating_point() else v for k, v in weights.items()}
    )
    fresh = datasets.draw_dataset(args.fresh, seed=args.seed + 1_000_000, split="all")
    said = classify(to_floats(fresh.pictures), model).attributes
    right = said == torch.tensor(fresh.attributes)
    metadata = {
        "config": model.config,
        "recipe": {"pictures": args.pictures, "epochs": args.epochs, "seed": args.seed},
        "scores": {
            "fresh_pictures": args.fresh,
            "all_right": right.all(1).float().mean().item(),
            **{name: right[:, i].float().mean().item() for i, name in
               enumerate(world.ATTRIBUTES)},
        },
    }  # fmt: skip
    files.save(args.out, "judge", weights, **metadata)
    files.write_atomic(
        args.out.with_suffix(".json"), (json.dumps(metadata, indent=2) + "\n").encode()
    )
    print(json.dumps(metadata["scores"], indent=2))


if __name__ == "__main__":
    main()
