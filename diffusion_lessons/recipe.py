"""Settings that were measured: what a good training uses where nobody says otherwise.

DECISIONS.md holds what was tried and with what numbers.
"""

from __future__ import annotations

import functools
import math
import time
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SAMPLES = 1_400_000
# Widths and batch: a small network learns more in a minute or three, a large one in half an hour.
SMALL, LARGE, LONG = ((32, 64, 128), 64), ((48, 96, 160), 128), 400_000
# What a short training leaves undecided, the words decide when they steer more.
GUIDANCE_AFTER_SHORT = 3


@dataclass(frozen=True)
class TrainConfig:
    """All settings of one training; arguments of `train.train`, none of them None."""

    samples: int
    batch: int
    seed: int
    precision: str
    cond_drop_prob: float
    lr: float
    weight_decay: float

    @property
    def steps(self) -> int:
        """How many batches."""
        return math.ceil(self.samples / self.batch)

    @classmethod
    def measured(
        cls,
        model: nn.Module,
        *,
        samples: int,
        batch: int,
        seed: int,
        precision: str | None,
        cond_drop_prob: float,
        lr: float | None,
        weight_decay: float | None,
    ) -> TrainConfig:
        """The settings that are given, and where one is None what was measured."""
        lr = muon_lr(batch) if lr is None else float(lr)
        if weight_decay is None:
            weight_decay = muon_weight_decay(samples, batch, lr)
        precision = precision or precision_for(model)
        return cls(samples, batch, seed, precision, cond_drop_prob, lr, float(weight_decay))


def coarse_weight(samples: int, progress: float) -> float:
    """How much `train.two_scale_loss` counts 2×2 averages at ``progress`` 0 … 1 of a training.

    4 at the start and 0 at the end, so that fine detail comes last. A long training needs that
    less: from 200,000 samples on it is less, and from 400,000 on nothing.
    """
    return min(4.0, max(0.0, 8 - samples / 50_000)) * (1 - progress)


def precision_for(model: nn.Module) -> str:
    """ "bfloat16" where this processor is faster with it than with float32, else "float32".

    Where it has no instructions for bfloat16 it emulates them, many times slower; where it has
    them, both are timed, once. On a GPU or Apple's chips: "float32".
    """
    on_cpu = all(weight.device.type == "cpu" for weight in model.parameters())
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bfloat16" if on_cpu and native and _bfloat16_is_faster() else "float32"


@functools.cache
def _bfloat16_is_faster() -> bool:
    """Compare the best of 20 convolutions such as ours in either format, in turns.

    On one thread, where other programs disturb little: the answer must be the same each time.
    """
    tried = {}
    for dtype in (torch.float32, torch.bfloat16):
        shapes = (8, 64, 16, 16), (64, 64, 3, 3)  # ones: no random number is drawn
        tried[dtype] = [
            torch.ones(shape, dtype=dtype).to(memory_format=torch.channels_last) for shape in shapes
        ]
    best = dict.fromkeys(tried, math.inf)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.no_grad():
            for _ in range(20):
                for dtype, (x, weight) in tried.items():
                    best[dtype] = min(best[dtype], _seconds(x, weight))
    finally:
        torch.set_num_threads(threads)
    return best[torch.bfloat16] < best[torch.float32]


def _seconds(x: Tensor, weight: Tensor) -> float:
    began = time.perf_counter()
    F.conv2d(x, weight, padding=1)
    return time.perf_counter() - began


def lr_share(progress: float) -> float:
    """The share of the full rate at ``progress`` 0 … 1: 3 % warm-up, then level, then down to 0."""
    return min(1.0, progress / 0.03 + 0.01, (1 - progress) / 0.3)


def muon_lr(batch: int) -> float:
    """The learning rate of `muon.Muon`: the fewer pictures have a say in a step, the shorter it is.

    0.01 for a batch of 64, with the square root of the batch for others (Malladi et al. 2022), and
    0.02 at most.
    """
    return min(0.02, 0.01 * math.sqrt(batch / 64))


def muon_weight_decay(samples: int, batch: int, lr: float) -> float:
    """The weight decay of `muon.Muon`: at the end what was learned at first has faded to a fifth.

    2 / (lr · steps), so that this is so in a training of any length (Wang and Aitchison 2024
    measure it in epochs), but 0.2 at most, so that in a short one less fades.
    """
    return min(0.2, 2 / (lr * math.ceil(samples / batch)))
