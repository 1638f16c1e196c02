"""Training: one loop, written as a generator, that can be stopped and resumed at any moment."""

from __future__ import annotations

import copy
from collections.abc import Generator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import cores, guard
from .forward import add_noise, velocity
from .guard import bare, guarded
from .recipe import TrainConfig, coarse_weight, lr_share
from .runs import Run
from .schedules import Schedule

M = TypeVar("M", bound=nn.Module)


@guarded(
    model=guard.has_target, data=guard.training_data, samples=guard.count, batch=guard.count,
    seed=guard.seed, precision=guard.number_format, cond_drop_prob=guard.share,
    lr=guard.learning_rate, weight_decay=guard.weight_decay,
)  # fmt: skip
def train(
    model: nn.Module,
    data: Tensor | tuple[Tensor, Tensor | None],
    schedule: Schedule,
    *,
    samples: int,
    batch: int = 64,
    seed: int = 0,
    ema: nn.Module | None = None,
    checkpoint: str | Path | None = None,
    resume: str | Path | None = None,
    precision: str | None = None,
    cond_drop_prob: float = 0.1,
    lr: float | None = None,
    weight_decay: float | None = None,
    metadata: Mapping[str, object] | None = None,
) -> Generator[Record]:
    """Train ``model`` in place to predict its target from noisy pictures; yields after each step.

    Each example is one picture at one random level (Ho, Jain and Abbeel 2020, algorithm 1, with t
    from `draw_t`). A record's loss is mean (model(x_t, t, cond) − target)²; what is made small is
    `two_scale_loss` of that error. A step's update is finished before its record is yielded, in
    ``model`` and in ``ema`` (a copy from `make_ema`, optional).

    ``data``: floats (N, C, H, W) in [−1, 1], or a pair with cond, int64 (N, L). ``samples`` is how
    many pictures are shown in all (rounded up to whole batches), so results do not depend on the
    clock; `pace.pictures_in` turns minutes into it. ``cond_drop_prob``: how often all words of a
    picture are hidden, for guidance (Ho and Salimans 2022, algorithm 1). ``lr``, ``weight_decay``:
    those of `muon.Muon`; None, and None for ``precision`` ("float32" or "bfloat16"), stand for what
    `recipe` measured.
    ``checkpoint``: a *run* file, saved as training starts, every 20 seconds, when you stop, and at
    the end. ``resume``: a run file to go on from; it must have the same settings, and ends in the
    same weights, bit for bit, if steps are dealt out to as many cores (`cores.deal`) or threads.
    ``metadata``: what else to write into the run file, JSON-able; read anew each time it is saved.
    Raises ``FloatingPointError`` when the loss is NaN or infinite.
    """
    x0_all, cond_all = data
    config = TrainConfig.measured(
        model, samples=samples, batch=batch, seed=seed, precision=precision,
        cond_drop_prob=cond_drop_prob, lr=lr, weight_decay=weight_decay,
    )  # fmt: skip
    dealt = cores.deal(model, x0_all, batch)
    run = Run(model, ema if ema is not None else make_ema(model), config, dealt)
    with run.kept(checkpoint, resume, (x0_all, cond_all), schedule, metadata):
        while run.step < config.steps:  # 1: repeat
            progress = run.step / config.steps
            with run.whole_step():
                rows = torch.randint(len(x0_all), (batch,), generator=run.rng)
                x0 = _fetch(model, x0_all, rows)  # 2: x₀ ~ q(x₀)
                t = draw_t(schedule, batch, run.rng)  # 3: t ~ draw_t
                eps = _fetch(model, torch.randn(x0.shape, generator=run.rng))  # 4: ε ~ N(0, 1)
                cond = None if cond_all is None else _fetch(model, cond_all, rows)
                if cond is not None:
                    hidden = torch.rand(batch, 1, generator=run.rng) < cond_drop_prob
                    cond = cond.masked_fill(_fetch(model, hidden), 0)
                descend = partial(gradient, model, schedule, config, progress)
                parts = cores.cut(run.dealt.shares, x0, t, eps, cond)
                losses, gradients = zip(*cores.each(descend, parts), strict=True)
                loss = torch.stack(losses).sum().item()
                guard.finite_loss(loss, run.step + 1)
                run.update(gradients, lr_share(progress))  # 5: a step down the gradient
            left = run.seconds_left()
            yield Record(run.step, run.step * batch, loss, left)  # 6: until converged


class Record(NamedTuple):
    """What one optimiser step left behind; the model and its average are in step with it.

    ``step`` counts from 1, ``samples_seen`` counts the pictures shown so far, ``loss`` is the mean
    squared error of this step's batch, ``seconds_left`` an estimate from the last ten seconds.
    """

    step: int
    samples_seen: int
    loss: float
    seconds_left: float


def gradient(
    model: nn.Module,
    schedule: Schedule,
    config: TrainConfig,
    progress: float,
    x0: Tensor,
    t: Tensor,
    eps: Tensor,
    cond: Tensor | None,
) -> tuple[Tensor, tuple[Tensor | None, ...]]:
    """What these pictures add to the loss of the batch, and to its gradient for each weight.

    ∇_θ ‖target − model(√ᾱ_t x₀ + √(1−ᾱ_t) ε, t)‖²  (Ho, Jain and Abbeel 2020, algorithm 1, line 5),
    in the form of `two_scale_loss`.
    """
    x_t = bare(add_noise)(schedule, x0, t, eps)
    in_bfloat16 = config.precision == "bfloat16"
    with torch.autocast(x_t.device.type, torch.bfloat16, enabled=in_bfloat16, cache_enabled=False):
        output = model(x_t, _fetch(model, t), cond)
    error = output.float() - loss_target(schedule, x0, t, eps, str(model.target))
    coarse = coarse_weight(config.steps * config.batch, progress)
    share = len(x0) / config.batch
    loss = share * two_scale_loss(error, coarse)
    gradients = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
    return share * error.detach().square().mean(), gradients


def make_ema(model: M) -> M:
    """A frozen copy of ``model`` to hand to `train` as ``ema``: it receives the running average."""
    return copy.deepcopy(model).eval().requires_grad_(False)


def draw_t(schedule: Schedule, n: int, generator: torch.Generator) -> Tensor:
    """n random noise levels for a batch: most near the middle, one in four uniform, a few at T.

    t = ⌈T · sigmoid(N(0, 1))⌉ for 75 % (Esser et al. 2024, section 3.1), which hardly ever draws
    the ends; uniform from 1 to T for 23 %, so that 1 is really trained, and T itself for 2 %, since
    every trajectory begins there. int64 (n,), in no random order: one from each of n equal slices
    of this distribution (after Kingma et al. 2021, appendix I.1), so that batches differ less.
    """
    place = (torch.arange(n) + torch.rand(n, generator=generator)) / n
    uniform = (place - 0.02) / 0.23
    middle = torch.sigmoid(torch.special.ndtri((place - 0.25).clamp(min=0) / 0.75))
    share = torch.where(place < 0.25, uniform, middle).masked_fill(place < 0.02, 1)
    return (share * schedule.T).ceil().long().clamp(1, schedule.T)


@guarded(target=guard.target)
def loss_target(schedule: Schedule, x0: Tensor, t: Tensor, eps: Tensor, target: str) -> Tensor:
    """What the network should answer: ε, v = √ᾱ ε − √(1−ᾱ) x₀, or x₀. Shape of x0."""
    if target == "v":
        return bare(velocity)(schedule, x0, t, eps)
    return eps if target == "eps" else x0


def two_scale_loss(error: Tensor, weight: float) -> Tensor:
    """Mean square of ``error`` (B, C, H, W), plus ``weight`` times that of its 2×2 averages.

    The averages of white noise have a quarter of its mean square, so with a weight of 4 both count
    alike. Where a shape is wrong, all four pixels of a square err together, and where it is only
    grainy, they do not: so shapes come first. The best answer is the same with any weight. What is
    no picture, or one of a single row, has no squares.
    """
    fine = error.square().mean()
    if error.ndim != 4 or min(error.shape[2:]) < 2:
        return fine
    return fine + weight * F.avg_pool2d(error, 2).square().mean()


def _fetch(model: nn.Module, x: Tensor, rows: Tensor | None = None) -> Tensor:
    """x (or rows of it) where the network is, in its precision; a GPU lets nobody wait for it."""
    weight = next(model.parameters())
    if rows is not None:
        x = x[rows if x.device.type == "cpu" else _fetch(model, rows)]
    if weight.device.type == "cuda" and x.device.type == "cpu":
        x = x.pin_memory()
    dtype = weight.dtype if x.is_floating_point() else x.dtype
    return x.to(weight.device, dtype, non_blocking=True)
