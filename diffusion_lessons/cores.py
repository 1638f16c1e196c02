"""Cores: how computing is spread over them, so that it keeps its pace beside other programs.

PyTorch's own threads share out every layer, and at each layer all wait for the one that another
program has pushed off its core. So a large batch is dealt out in shares, each computed on one
thread, which wait for each other once a step; and for the rest PyTorch gets the number of threads
that is faster now. Off where someone sets that number by hand.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
import os
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

A = TypeVar("A")
F = TypeVar("F", bound=Callable[..., Any])
# What PyTorch gave itself: another number was set by hand.
_USUAL = torch.get_num_threads()
_turn, _here = threading.RLock(), threading.local()


class Deal(NamedTuple):
    """How a batch is computed: in how many shares at once, each on how many of PyTorch's threads.

    None for ``threads``: as many as are faster at the moment.
    """

    shares: int
    threads: int | None

    def __str__(self) -> str:
        if self.shares > 1:
            return f"in {self.shares} shares"
        return f"on {self.threads or 'a varying number of'} thread{'s' * (self.threads != 1)}"


def deal(model: nn.Module, x: Tensor, batch: int) -> Deal:
    """How a step of training on so many pictures such as ``x`` (…, C, H, W) is to be computed.

    In one share for each core, none of fewer than four pictures. In one share where an answer may
    depend on the rest of the batch, or somebody watches the layers. Dots (…, C) gain nothing from
    a second thread.
    """
    if not _is_free(*model.parameters()):
        return Deal(1, torch.get_num_threads())
    if x.ndim < 3:
        return Deal(1, 1)
    together = any(
        isinstance(layer, (_BatchNorm, _DropoutNd))
        or layer._forward_hooks
        or layer._forward_pre_hooks
        for layer in model.modules()
    )
    return Deal(1, None) if together else Deal(max(1, min(count(), batch // 4)), 1)


def _is_free(*tensors: Tensor) -> bool:
    """Is it ours to choose: on the processor, not set by hand, and not within a `turn` already?"""
    return (
        _dealt() is None
        and torch.get_num_threads() in (_USUAL, _faster().now)
        and "OMP_NUM_THREADS" not in os.environ
        and all(tensor.device.type == "cpu" for tensor in tensors)
    )


@contextlib.contextmanager
def turn(dealt: Deal, kind: Hashable) -> Iterator[int]:
    """Compute so meanwhile: `each` so many at once, PyTorch on so many threads, which it yields.

    ``kind``: what may be compared, when numbers of threads are; the number that was found faster
    stays for whatever comes next. One turn at a time in a process: another thread waits until all
    cores are its own.
    """
    with _turn:
        threads = _faster().threads(kind) if dealt.threads is None else dealt.threads
        before, outer = torch.get_num_threads(), _dealt()
        _here.dealt = dealt
        if before != threads:
            torch.set_num_threads(threads)
        began = time.perf_counter()
        try:
            yield threads
            if dealt.threads is None:
                _faster().note(kind, time.perf_counter() - began)
                before = _faster().now
        finally:
            _here.dealt = outer
            if before != torch.get_num_threads():
                torch.set_num_threads(before)


def each(f: Callable[..., A], jobs: Sequence[Sequence[Any]]) -> list[A]:
    """f(\\*job) for each job, in order; within a `turn` of several shares, all at once."""
    if in_turn() == 1 or len(jobs) == 1:
        return [f(*job) for job in jobs]
    learns = torch.is_grad_enabled()
    running = [_workers(os.getpid()).submit(_do, f, job, learns) for job in jobs]
    wait(running)
    return [job.result() for job in running]


def in_turn() -> int:
    """How many shares are computed at once, here and now."""
    dealt = _dealt()
    return 1 if dealt is None else dealt.shares


def cut(shares: int, x: Tensor, *more: Tensor | None) -> list[tuple[Tensor | None, ...]]:
    """x (B, …), and of ``more`` what has B entries too, in so many parts, about equally long."""
    if shares == 1:
        return [(x, *more)]
    ends = [len(x) * k // shares for k in range(shares + 1)]
    return [
        tuple(
            part[start:end] if part is not None and part.shape[:1] == x.shape[:1] else part
            for part in (x, *more)
        )
        for start, end in itertools.pairwise(ends)
    ]


def paced(f: F) -> F:
    """A function of tensors that keeps its pace: on the number of threads that is faster now.

    For what is not trained: other numbers of threads give the same numbers to within rounding.
    """

    @functools.wraps(f)
    def keeping_pace(*args: Any, **kwargs: Any) -> Any:
        if torch.compiler.is_compiling():
            return f(*args, **kwargs)
        tensors = [x for x in (*args, *kwargs.values()) if isinstance(x, Tensor)]
        if not _is_free(*tensors):
            return f(*args, **kwargs)
        with turn(Deal(1, None), (f.__qualname__, *(x.shape for x in tensors))):
            return f(*args, **kwargs)

    return keeping_pace  # type: ignore[return-value]


class Faster:
    """Which number of PyTorch's threads is faster now: found out by trying others in between.

    A trial is a few calls on half or twice as many threads, compared with those before it. When
    calls suddenly take half as long again, or come after a pause, it is at once; else a second
    after the last at least, and so seldom that trials of fewer threads lose 2 % of the time, those
    of more, while others need the cores, 7 %. ``most``: how many threads there may be.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.perf_counter) -> None:
        self.now = self.most = most
        self._clock, self._due, self._noted = clock, clock(), clock()
        self._before: dict[Hashable, deque[float]] = {}  # seconds of the last calls of each kind
        self._tried: Hashable = None  # the kind on trial, if any, on which number, and its seconds
        self._trial, self._upwards = most, False
        self._seconds: list[float] = []

    def threads(self, kind: Hashable) -> int:
        """How many the next call of this kind should use."""
        return self._trial if kind == self._tried else self.now

    def note(self, kind: Hashable, seconds: float) -> None:
        """A call of this kind took so long on the number of threads that `threads` said."""
        if self.most == 1:
            return
        pause = self._clock() - self._noted - seconds
        self._noted = self._clock()
        if pause > 2:  # all may have changed meanwhile
            self._before, self._tried, self._due = {}, None, self._noted
        if kind == self._tried:
            self._seconds.append(seconds)
            self._decide(statistics.median_low(self._before[kind]))
            return
        if kind not in self._before:  # what comes first is prepared, too: it tells nothing
            self._before[kind] = deque(maxlen=4)
            return
        before = self._before[kind]
        if self.now > 1 and len(before) == before.maxlen and seconds > 1.5 * max(before):
            before.clear()  # if the next is as slow, a trial comes at once
            self._due = self._noted
        before.append(seconds)
        if len(before) > 1 and self._noted >= self._due:
            self._upwards = self.now == 1 or (self.now < self.most and not self._upwards)
            self._trial = min(self.most, 2 * self.now) if self._upwards else self.now // 2
            self._tried, self._seconds = kind, []
            self._due = self._clock() + 1  # another kind may be tried if this one has ended

    def _decide(self, usual: float) -> None:
        first, *others = self._seconds
        hopeless = first > 3 * usual
        if not hopeless and sum(others) < max(0.02, min(0.05, 1.5 * usual)):
            return
        lost = sum(self._seconds) - len(self._seconds) * usual
        if not hopeless and statistics.median_low(others) < 0.95 * usual:
            self.now, self._before, lost = self._trial, {}, 0
        self._tried = None
        self._due = self._clock() + max(1, min(100, lost * (15 if self._upwards else 50)))


@functools.cache
def _faster() -> Faster:
    return Faster(count())


def _dealt() -> Deal | None:
    return getattr(_here, "dealt", None)


def _do(f: Callable[..., A], job: Sequence[Any], learns: bool) -> A:
    with torch.set_grad_enabled(learns):  # each thread has a switch of its own
        return f(*job)


@functools.cache
def _workers(process: int) -> ThreadPoolExecutor:
    """A thread for each core; they do not survive a fork, so each process has its own."""

    def settle() -> None:
        torch.set_num_threads(1)
        _here.dealt = Deal(1, 1)

    return ThreadPoolExecutor(count(), "core", settle)


@functools.cache
def count() -> int:
    """How many cores this process may use: as many as PyTorch would, or fewer by a limit.

    A limit is one of processor time, so that of a core and a half is used up by two threads.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, math.floor(min(_USUAL, cores or 1, limit() + 0.5)))


def limit(root: Path = Path("/")) -> float:
    """How many cores control groups allow this process: containers and hubs set a limit so."""
    allowed = [math.inf]
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, kinds, path = line.split(":", 2)
        # Version 2 has one tree, version 1 a tree for each kind. In a container the path may be
        # the one outside: all folders on the way that exist count.
        trees = ["", "unified"] if not kinds else [kinds, "cpu"] if "cpu" in kinds else []
        for tree in trees:
            folder = root / "sys/fs/cgroup" / tree
            for name in ("", *Path(path).parts[1:]):
                folder /= name
                allowed.append(_allowed(folder))
    return min(allowed)


def _allowed(folder: Path) -> float:
    quota = [_read(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period")]
    numbers = (_read(folder / "cpu.max") or " ".join(quota)).split()
    if len(numbers) != 2 or not numbers[0].isdecimal():  # no such file, "max" or -1: no limit
        return math.inf
    return int(numbers[0]) / int(numbers[1])


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
