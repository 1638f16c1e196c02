"""Training: one loop, written as a generator, that can be stopped and resumed at any moment."""

from __future__ import annotations

import contextlib
import copy
import math
import numbers
import signal
import threading
import time
import warnings
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import files
from .forward import add_noise, velocity
from .guard import TARGETS
from .muon import Muon
from .recipe import coarse_weight, learning_rate, muon_decay, muon_rate, precision_for
from .schedules import Schedule

SAVE_EVERY_SECONDS = 20


class Record(NamedTuple):
    """What one optimiser step left behind; the model and its average are in step with it.

    ``step`` counts from 1, ``pictures`` counts those shown so far, ``loss`` is the mean squared
    error of this step's batch, ``seconds_left`` an estimate from the speed so far.
    """

    step: int
    pictures: int
    loss: float
    seconds_left: float


def make_ema(model: nn.Module) -> nn.Module:
    """A frozen copy of ``model`` to hand to `train` as ``ema``: it receives the running average."""
    return copy.deepcopy(model).eval().requires_grad_(False)


def draw_t(schedule: Schedule, n: int, generator: torch.Generator) -> Tensor:
    """n random noise levels for a batch: most near the middle, one in four uniform, a few at T.

    t = ⌈T · sigmoid(N(0, 1))⌉ for 75 % (Esser et al. 2024, section 3.1), which hardly ever draws
    the ends; uniform from 1 to T for 23 %, so that 1 is really trained, and T itself for 2 %, since
    every film begins there. int64 (n,), in no random order: one from each of n equal slices of
    this distribution (after Kingma et al. 2021, appendix I.1), so that batches differ less.
    """
    place = (torch.arange(n) + torch.rand(n, generator=generator)) / n
    uniform = (place - 0.02) / 0.23
    middle = torch.sigmoid(torch.special.ndtri((place - 0.25).clamp(min=0) / 0.75))
    share = torch.where(place < 0.25, uniform, middle).masked_fill(place < 0.02, 1)
    return (share * schedule.T).ceil().long().clamp(1, schedule.T)


def loss_target(schedule: Schedule, x0: Tensor, t: Tensor, eps: Tensor, target: str) -> Tensor:
    """What the network should answer: ε, v = √ᾱ ε − √(1−ᾱ) x₀, or x₀. Shape of x0."""
    if target == "v":
        return velocity(schedule, x0, t, eps)
    if target not in TARGETS:
        raise ValueError(f"target is {target!r}, but it must be one of {', '.join(TARGETS)}.")
    return eps if target == "eps" else x0


def two_scale_loss(error: Tensor, weight: float) -> Tensor:
    """What training makes small: the mean square of ``error``, and ``weight`` times of its squares.

    Squares are the averages of 2×2 pixels. Those of static have a quarter of its mean square, so
    with a weight of 4 both count alike. Where a shape is wrong, all four pixels of a square err
    together, and where it is only grainy, they do not: so shapes come first. The best answer is the
    same with any weight, the mean of all that could be asked for: that makes the average of each
    square right, too.
    ``error``: (B, C, H, W); what is no picture, or one of a single row, has no squares.
    """
    fine = error.square().mean()
    if error.ndim != 4 or min(error.shape[2:]) < 2:
        return fine
    return fine + weight * F.avg_pool2d(error, 2).square().mean()


def train(
    model: nn.Module,
    data: Tensor | tuple[Tensor, Tensor],
    schedule: Schedule,
    *,
    pictures: int,
    batch: int = 64,
    seed: int = 0,
    ema: nn.Module | None = None,
    checkpoint: str | Path | None = None,
    resume: str | Path | None = None,
    precision: str | None = None,
    drop: float = 0.1,
    rate: float | None = None,
    decay: float | None = None,
    notes: Mapping[str, object] | None = None,
) -> Iterator[Record]:
    """Train ``model`` in place to predict its target from noisy pictures; yields after each step.

    Each example is one picture at one random level (Ho, Jain and Abbeel 2020, algorithm 1):
    loss = mean (model(x_t, t, cond) − target)², and the weights follow `fine_and_coarse`, in which
    shapes come first where the training is not long. A step's update is finished before its record
    is yielded, in ``model`` and in ``ema`` (a copy from `averaged`, optional).

    ``data``: floats (N, C, H, W) in [−1, 1], or a pair with cond, int64 (N, L). ``pictures`` is how
    many are shown in all (rounded up to whole batches), so results do not depend on the clock;
    `pictures_in` turns minutes into it. ``drop``: how often all words of a picture are hidden, so
    that guidance works. ``rate``: the learning rate of `Muon`, None for `muon_rate`; ``decay``: its
    weight decay, None for `muon_decay`.
    ``checkpoint``: a *run* file, saved as training starts, every 20 seconds, when you stop, and at
    the end. ``resume``: a run file to go on from; it must have the same settings, and ends in the
    same weights, bit for bit, with the same number of threads. ``notes``: what else to write into
    the run file, JSON-able; read anew each time it is saved.
    Raises ``FloatingPointError`` when the loss is NaN or infinite.
    """
    x0_all, cond_all = data if isinstance(data, tuple) else (data, None)
    _check(x0_all, cond_all, pictures, batch, seed, drop, rate, decay)
    if precision not in (None, "float32", "bfloat16"):
        raise ValueError(
            f"precision is {precision!r}, but it must be 'float32', 'bfloat16', or None for the "
            "faster of the two on this machine."
        )
    rate = muon_rate(batch) if rate is None else float(rate)
    decay = muon_decay(pictures, batch, rate) if decay is None else float(decay)
    return _train(
        model, x0_all, cond_all, schedule, int(pictures), int(batch), int(seed), ema, checkpoint,
        resume, precision or precision_for(model), float(drop), rate, decay, notes,
    )  # fmt: skip


def _train(
    model, x0_all, cond_all, schedule, pictures, batch, seed, ema, checkpoint, resume, precision,
    drop, rate, decay, notes,
) -> Iterator[Record]:  # fmt: skip
    run = _Run(model, ema if ema is not None else make_ema(model), seed, rate, decay, notes)
    total = math.ceil(pictures / batch)
    settings = {
        "batch": batch,
        "total": total,
        "seed": seed,
        "precision": precision,
        "drop": drop,
        "rate": rate,
        "decay": decay,
        "T": schedule.T,
        "alpha_bar": _fingerprint(torch.tensor(schedule.alpha_bar)),
        "config": getattr(model, "config", None),
    }
    if checkpoint is not None or resume is not None:
        settings["data"] = [_fingerprint(x) for x in (x0_all, cond_all) if x is not None]
    if resume is not None:
        run.load(resume, settings)
    if checkpoint is not None:
        run.save(checkpoint, settings)
    began, first, saved = time.monotonic(), run.step, time.monotonic()
    whole = True  # False while a step is half done: then nothing is saved
    try:
        while run.step < total:
            with _finished_first():
                whole = False
                loss = run.advance(x0_all, cond_all, schedule, total, batch, precision, drop)
                whole = True
            if checkpoint is not None and time.monotonic() - saved > SAVE_EVERY_SECONDS:
                run.save(checkpoint, settings)
                saved = time.monotonic()
            seconds_a_step = (time.monotonic() - began) / (run.step - first)
            yield Record(run.step, run.step * batch, loss, (total - run.step) * seconds_a_step)
    finally:
        model.eval()
        if checkpoint is not None and whole and not run.is_taken_over(checkpoint, settings):
            run.save(checkpoint, settings)


@contextlib.contextmanager
def _finished_first() -> Iterator[None]:
    """Hold Ctrl-C, a notebook's stop button, back until the step is whole and can be saved."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield  # only the main thread receives it
        return
    pressed = []
    signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        signal.raise_signal(signal.SIGINT)


class _Run:
    """Everything that changes while training: two sets of weights, optimisers, random numbers."""

    def __init__(
        self,
        model: nn.Module,
        ema: nn.Module,
        seed: int,
        rate: float,
        decay: float,
        notes: Mapping[str, object] | None = None,
    ) -> None:
        self.model, self.ema, self.step, self.saved_step = model, ema, 0, 0
        self.notes = notes
        self.device = next(model.parameters()).device
        self.dtype = next(model.parameters()).dtype
        self.generator = torch.Generator().manual_seed(seed)
        model.requires_grad_(True)  # a loaded model is frozen
        model.zero_grad(set_to_none=True)  # what a failed step left behind must not count
        inner = [w for name, w in model.named_parameters() if _is_inner(name, w)]
        rest = [w for name, w in model.named_parameters() if not _is_inner(name, w)]
        self.optimisers: list[tuple[torch.optim.Optimizer, float]] = []
        if inner:
            self.optimisers.append((Muon(inner, lr=rate, weight_decay=decay), rate))
        if rest:
            self.optimisers.append(
                (torch.optim.AdamW(rest, lr=2e-3, betas=(0.9, 0.99), fused=True), 2e-3)
            )

    def advance(self, x0_all, cond_all, schedule, total, batch, precision, drop) -> float:
        self.model.train()
        g = self.generator
        rows = torch.randint(len(x0_all), (batch,), generator=g)
        t = draw_t(schedule, batch, g).to(self.device)
        x0 = x0_all[rows].to(self.device, self.dtype)
        eps = torch.randn(x0.shape, generator=g).to(x0)
        cond = None
        if cond_all is not None:
            hidden = (torch.rand(batch, 1, generator=g) < drop).to(self.device)
            cond = cond_all[rows].to(self.device).masked_fill(hidden, 0)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            output = self.model(add_noise(schedule, x0, t, eps), t, cond)
        error = output.float() - loss_target(schedule, x0, t, eps, self.model.target)
        value = error.square().mean().item()
        if not math.isfinite(value):
            # Before the weights are touched, and before they are saved.
            raise FloatingPointError(
                f"The loss of step {self.step + 1} is {value}: the network's answers have left "
                "what numbers can hold, and no further step would bring them back. Start again "
                "with a fresh network, or go on from an earlier run file."
            )
        progress = self.step / total
        two_scale_loss(error, coarse_weight(total * batch, progress)).backward()
        rate = learning_rate(progress)
        for optimiser, full_rate in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = full_rate * rate
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.step += 1
        self._average()
        return value

    @torch.no_grad()
    def _average(self) -> None:
        keep = min(0.999, (1 + self.step) / (10 + self.step))
        averages, weights = (list(net.parameters()) for net in (self.ema, self.model))
        torch._foreach_lerp_(averages, weights, 1 - keep)
        # What is counted, not learned (as in batch norm), is taken over as it is.
        for mean, now in zip(self.ema.buffers(), self.model.buffers(), strict=True):
            mean.copy_(now)

    def save(self, path: str | Path, settings: dict) -> None:
        tensors = {"random": self.generator.get_state()}
        tensors |= {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"ema.{k}": v for k, v in self.ema.state_dict().items()}
        for i, (optimiser, _) in enumerate(self.optimisers):
            for j, state in optimiser.state_dict()["state"].items():
                tensors |= {f"optimiser{i}.{j}.{k}": v for k, v in state.items()}
        facts = {"step": self.step, "threads": torch.get_num_threads(), **settings}
        if self.notes is not None:
            facts["notes"] = dict(self.notes)
        files.save(path, "run", tensors, **facts)
        self.saved_step = self.step

    def is_taken_over(self, path: str | Path, settings: dict) -> bool:
        """Has another run, or this one resumed elsewhere, saved here while this one waited?"""
        try:
            _, facts = files.load(path, "run")
        except (FileNotFoundError, files.FileError):
            return False
        mine = settings | {"step": self.saved_step}
        return any(facts.get(name) != value for name, value in mine.items())

    def load(self, path: str | Path, settings: dict) -> None:
        tensors, facts = files.load(path, "run")
        for name, wanted in settings.items():
            if facts.get(name) != wanted:
                raise ValueError(
                    f"{Path(path).name} was trained with {name} = {facts.get(name)}, but now it is "
                    f"{wanted}: resume with the same settings, or start a new run."
                )
        if facts["threads"] != torch.get_num_threads():
            warnings.warn(
                f"{Path(path).name} was trained with {facts['threads']} threads, now there are "
                f"{torch.get_num_threads()}: the last digits of the weights will differ.",
                stacklevel=4,
            )
        try:
            self.model.load_state_dict(_under("model", tensors))
            self.ema.load_state_dict(_under("ema", tensors))
            for i, (optimiser, _) in enumerate(self.optimisers):
                weights = [w for group in optimiser.param_groups for w in group["params"]]
                states: dict[int, dict[str, Tensor]] = {}
                for name, tensor in _under(f"optimiser{i}", tensors).items():
                    index, key = name.split(".", 1)
                    weight = weights[int(index)]
                    if tensor.shape == weight.shape:  # the order in memory must be the weight's
                        tensor = torch.empty_like(weight, requires_grad=False).copy_(tensor)
                    states.setdefault(int(index), {})[key] = tensor
                groups = optimiser.state_dict()["param_groups"]
                optimiser.load_state_dict({"state": states, "param_groups": groups})
            self.generator.set_state(tensors["random"])
            self.step = int(facts["step"])
        except (KeyError, RuntimeError, ValueError) as error:
            raise files.FileError(
                f"{Path(path).name} holds a run of another network: resume with the network that "
                f"it was started with ({type(error).__name__})."
            ) from None


def _is_inner(name: str, weight: Tensor) -> bool:
    """Muon is for the matrices inside; the first and last layer and word vectors are not those."""
    return weight.ndim >= 2 and not name.startswith(("enter", "leave", "words", "time"))


def _fingerprint(x: Tensor) -> int:
    """A number that changes with any byte of x; fast, for 250 MB of pictures are common."""
    return zlib.crc32(x.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = prefix + "."
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}


def _check(
    x0: Tensor,
    cond: Tensor | None,
    pictures: int,
    batch: int,
    seed: int,
    drop: float,
    rate: float | None,
    decay: float | None,
) -> None:
    if not isinstance(x0, Tensor) or not x0.is_floating_point() or x0.ndim < 2 or len(x0) == 0:
        raise ValueError(
            "data must be floats (N, C, H, W) in [−1, 1] with at least one picture: turn pictures "
            "of 0 … 255 into −1 … 1 first with data.to_floats."
        )
    if not torch.isfinite(x0).all() or float(x0.abs().max()) > 10:
        raise ValueError("data must lie in [−1, 1], but it holds NaN, infinity or larger numbers.")
    if cond is not None and not isinstance(cond, Tensor):
        raise ValueError(f"cond must be a torch tensor, but it is a {type(cond).__name__}.")
    if cond is not None and (len(cond) != len(x0) or cond.is_floating_point() or cond.ndim != 2):
        raise ValueError(
            f"cond must be whole numbers (N, L), one row for each of the {len(x0)} pictures, but "
            f"its shape is {tuple(cond.shape)}."
        )
    for name, value in (("pictures", pictures), ("batch", batch)):
        if not _is_whole(value) or value < 1:
            raise ValueError(f"{name} is {value!r}, but it must be a whole number from 1 up.")
    if not _is_whole(seed):
        raise ValueError(f"seed is {seed!r}, but it must be a whole number.")
    if not 0 <= drop <= 1:
        raise ValueError(f"drop is {drop}, but it is a share from 0 to 1.")
    if rate is not None and not 0 < rate < math.inf:
        raise ValueError(f"rate is {rate}, but it must be above 0, such as 0.01, and finite.")
    if decay is not None and not 0 <= decay < math.inf:
        raise ValueError(f"decay is {decay}, but it must be at least 0, such as 0.2, and finite.")


def _is_whole(value: object) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)
