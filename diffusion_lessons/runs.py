"""Runs: all that changes while training, and the file that a training goes on from."""

from __future__ import annotations

import contextlib
import functools
import signal
import threading
import time
import warnings
import zlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from . import checkpoints, cores, files
from .cores import Deal
from .muon import optimisers
from .recipe import TrainConfig
from .schedules import Schedule

SAVE_EVERY_SECONDS = 20
# What settings were called in files of version 0.1.
_FORMERLY = {"drop": "cond_drop_prob", "rate": "lr", "decay": "weight_decay", "notes": "metadata"}


class Run:
    """Everything that changes while training: two sets of weights, optimisers, random numbers."""

    def __init__(self, model: nn.Module, ema: nn.Module, config: TrainConfig, dealt: Deal) -> None:
        self.model, self.ema, self.config, self.dealt = model, ema, config, dealt
        self.step = 0
        self.rng = torch.Generator().manual_seed(config.seed)
        model.requires_grad_(True)  # a loaded model is frozen
        model.zero_grad(set_to_none=True)  # what a failed step left behind must not count
        self.optimisers = optimisers(model, config.lr, config.weight_decay)
        self.threads: list[list[int]] = []  # from which step on: how many shares, of how many each
        self._path: str | Path | None = None
        self._saved_step, self._is_whole = 0, True

    def seconds_left(self) -> float:
        """What the steps to come will take, at the pace of the last ten seconds."""
        self._ends.append((time.monotonic(), self.step))
        while len(self._ends) > 2 and self._ends[0][0] < self._ends[-1][0] - 10:
            self._ends.popleft()
        (began, first), (now, last) = self._ends[0], self._ends[-1]
        return (self.config.steps - last) * (now - began) / (last - first)

    def update(self, gradients: Sequence[Sequence[Tensor | None]], share: float) -> None:
        """One step down the sum of these gradients, at this share of the learning rates.

        Then the running average follows.
        """
        for weight, *parts in zip(self.model.parameters(), *gradients, strict=True):
            used = [part for part in parts if part is not None]
            weight.grad = functools.reduce(Tensor.add_, used) if used else None
        for optimiser, full_rate in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = full_rate * share
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.step += 1
        self._average()

    @torch.no_grad()
    def _average(self) -> None:
        """ema ← keep · ema + (1 − keep) · weights, keep = min(0.999, (1 + step)/(10 + step))."""
        keep = min(0.999, (1 + self.step) / (10 + self.step))
        averages: list[Tensor] = list(self.ema.parameters())
        weights: list[Tensor] = list(self.model.parameters())
        torch._foreach_lerp_(averages, weights, 1 - keep)
        # What is counted, not learned (as in batch norm), is taken over as it is.
        for mean, now in zip(self.ema.buffers(), self.model.buffers(), strict=True):
            mean.copy_(now)

    @contextlib.contextmanager
    def kept(
        self,
        checkpoint: str | Path | None,
        resume: str | Path | None,
        data: tuple[Tensor, Tensor | None],
        schedule: Schedule,
        metadata: Mapping[str, object] | None,
    ) -> Iterator[None]:
        """Go on from ``resume``; save to ``checkpoint`` at the start, now and then, at the end."""
        self._path, self._metadata = checkpoint, metadata
        # "total" stands for the number of steps in files.
        settings = {k: v for k, v in asdict(self.config).items() if k != "samples"}
        self._settings: dict[str, Any] = settings | {
            "total": self.config.steps,
            "T": schedule.T,
            "alpha_bar": _fingerprint(torch.tensor(schedule.alpha_bar)),
            "config": getattr(self.model, "config", None),
        }
        if checkpoint is not None or resume is not None:
            self._settings["data"] = [_fingerprint(x) for x in data if x is not None]
        if resume is not None:
            self._load(resume)
        self._save()
        self._ends = deque([(time.monotonic(), self.step)])
        try:
            yield
        finally:
            self.model.eval()
            if self._is_whole and not self._is_taken_over():
                self._save()

    @contextlib.contextmanager
    def whole_step(self) -> Iterator[None]:
        """One step of training that is finished before anything stops it, and saved when due."""
        with _finished_first(), cores.turn(self.dealt, id(self)) as threads:
            self._note_threads(threads)
            self._is_whole = False
            self.model.train()
            yield
            self._is_whole = True
        if time.monotonic() - self._saved_at > SAVE_EVERY_SECONDS:
            self._save()

    def _note_threads(self, threads: int) -> None:
        """Another number of threads may round differently: the file says which steps had which."""
        how = [self.dealt.shares, threads]
        if not self.threads or self.threads[-1][1:] != how:
            self.threads.append([self.step, *how])

    def _save(self) -> None:
        self._saved_at = time.monotonic()
        if self._path is None:
            return
        tensors = {"random": self.rng.get_state()}
        tensors |= {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"ema.{k}": v for k, v in self.ema.state_dict().items()}
        for i, (optimiser, _) in enumerate(self.optimisers):
            for j, state in optimiser.state_dict()["state"].items():
                tensors |= {f"optimiser{i}.{j}.{k}": v for k, v in state.items()}
        header = {"step": self.step, "threads": self.threads, **self._settings}
        if self._metadata is not None:
            header["metadata"] = dict(self._metadata)
        files.save(self._path, "run", tensors, **header)
        self._saved_step = self.step

    def _is_taken_over(self) -> bool:
        """Has another run, or this one resumed elsewhere, saved here while this one waited?"""
        if self._path is None:
            return False
        try:
            _, header = load(self._path)
        except (FileNotFoundError, files.FileError):
            return False
        mine = self._settings | {"step": self._saved_step}
        return any(header.get(name) != value for name, value in mine.items())

    def _load(self, path: str | Path) -> None:
        tensors, header = load(path)
        for name, wanted in self._settings.items():
            if header.get(name) != wanted:
                raise ValueError(
                    f"{Path(path).name} was trained with {name} = {header.get(name)}, but now it "
                    f"is {wanted}: resume with the same settings, or start a new run."
                )
        self.threads = [list(entry) for entry in header["threads"]]
        before = list(dict.fromkeys(str(Deal(*how)) for _, *how in self.threads))
        if before and before != [str(self.dealt)]:
            warnings.warn(
                f"{Path(path).name} was trained {' and then '.join(before)}, and now "
                f"{self.dealt}: the last digits of the weights will differ.",
                stacklevel=5,
            )
        try:
            self.model.load_state_dict(checkpoints.renamed(_under("model", tensors)))
            self.ema.load_state_dict(checkpoints.renamed(_under("ema", tensors)))
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
            self.rng.set_state(tensors["random"])
            self.step = int(header["step"])
        except (KeyError, RuntimeError, ValueError) as error:
            raise files.FileError(
                f"{Path(path).name} holds a run of another network: resume with the network that "
                f"it was started with ({type(error).__name__})."
            ) from None


def load(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and settings of a run file, in the names of today. Errors as in `files.load`."""
    tensors, header = files.load(path, "run")
    header = {_FORMERLY.get(name, name): value for name, value in header.items()}
    if isinstance(header.get("threads"), int):  # the same for all steps
        header["threads"] = [[0, 1, header["threads"]]]
    return tensors, header


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


def _fingerprint(x: Tensor) -> int:
    """A number that changes with any byte of x; fast, for 250 MB of pictures are common."""
    return zlib.crc32(x.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = prefix + "."
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}
