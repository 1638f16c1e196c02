"""Nine students of one kind that differ in what they were shown: what lesson 08 looks at.

All are networks without words, shipped small, made by ``tools/train_copying.py``. They are shown
the same number of examples; what differs is the pictures that the examples are made from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from .. import checkpoints, files
from ..critters import datasets
from ..unet import UNet

FOLDER = Path(__file__).resolve().parents[1] / "weights" / "copying"
WIDTHS = (24, 48, 96)
HALF = 10_000  # the training set of 20,000, cut in two


@dataclass(frozen=True)
class Recipe:
    """What tells one student from the others.

    ``count`` pictures are taken from place ``first`` on, the first of them ``times`` times;
    ``seed`` chooses the weights to begin with, and the order and the noise of the examples;
    ``attention``: may far places look at each other?
    """

    count: int
    first: int = 0
    times: int = 1
    seed: int = 0
    attention: bool = True


RECIPES = {
    "1": Recipe(1),
    "10": Recipe(10),
    "100": Recipe(100),
    "1000": Recipe(1000),
    "10000": Recipe(HALF),
    "other half": Recipe(HALF, first=HALF),
    "other seed": Recipe(HALF, seed=1),
    "convolutions": Recipe(HALF, attention=False),
    "repeated": Recipe(HALF, times=100),
}


class Student(NamedTuple):
    """A trained network, and the different pictures that it was shown, floats (n, 3, 32, 32)."""

    network: UNet
    pictures: Tensor


def file_of(name: str, folder: str | Path = FOLDER) -> Path:
    """Where the student of this name lies."""
    if name not in RECIPES:
        raise ValueError(f"There is no student {name!r}: choose one of {', '.join(RECIPES)}.")
    return Path(folder) / f"{name.replace(' ', '_')}.safetensors"


def examples(name: str, data_seed: int = 0) -> Tensor:
    """What training picks from, floats (n, 3, 32, 32): a repeated picture as often as it counts.

    ``data_seed`` draws another world of pictures.
    """
    shown = _shown(name, datasets.load_critters(2 * HALF, seed=data_seed).x0)
    return torch.cat([shown[:1].expand(RECIPES[name].times - 1, -1, -1, -1), shown])


def load(folder: str | Path = FOLDER) -> dict[str, Student]:
    """All students by name, each with the pictures that it saw. Errors as in `checkpoints.load`."""
    networks = {name: checkpoints.load(file_of(name, folder)) for name in RECIPES}
    seeds = {
        files.load(file_of(name, folder), "model")[1]["recipe"]["data_seed"] for name in RECIPES
    }
    if len(seeds) > 1:
        raise files.FileError(
            "The students of this folder were shown pictures of different worlds (data seeds "
            f"{', '.join(map(str, sorted(seeds)))}): train all of them with one --data-seed."
        )
    drawn = datasets.load_critters(2 * HALF, seed=seeds.pop()).x0
    return {name: Student(network, _shown(name, drawn)) for name, network in networks.items()}


def _shown(name: str, drawn: Tensor) -> Tensor:
    recipe = RECIPES[name]
    return drawn[recipe.first : recipe.first + recipe.count]
