"""How much training fits into a minute on this machine, and whether it still does."""

from __future__ import annotations

import copy
import itertools
import math
import statistics
import time
from collections import deque
from collections.abc import Callable

from torch import Tensor, nn

from .schedules import Schedule
from .train import train

_SECONDS = 10


def pictures_in(
    minutes: float,
    model: nn.Module,
    data: Tensor | tuple[Tensor, Tensor],
    schedule: Schedule,
    *,
    batch: int = 64,
    clock: Callable[[], float] = time.perf_counter,
) -> int:
    """How many pictures this machine can train on in so many minutes, measured once on a copy.

    A few steps warm up, 25 are timed; their median counts, so that a moment in which the machine
    does something else does not. Hand the number to `train`, so that schedules and results do not
    depend on the clock.
    """
    if not 0 < minutes < math.inf:
        raise ValueError(f"minutes is {minutes}, but it must be above 0 and finite.")
    trial = train(copy.deepcopy(model), data, schedule, samples=28 * batch, batch=batch)
    for _ in range(3):
        next(trial)
    ticks = [clock()]
    for _ in trial:
        ticks.append(clock())
    seconds_a_step = statistics.median(b - a for a, b in itertools.pairwise(ticks))
    return max(1, round(60 * minutes / seconds_a_step)) * batch


class Watch:
    """Whether a training keeps its pace: ``slowed`` after each record that it is shown.

    It has lost it when half of the steps of ten seconds took half as long again, or longer, and
    has it back when that is over. One long pause, such as a closed lid, does not count. ``usual``:
    seconds a step; None: those of the first ten seconds.
    """

    def __init__(
        self, usual: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.usual, self.now, self.slowed = usual, 0.0, False
        self._clock, self._looked = clock, clock()
        self._ends: deque[float] = deque()

    def note(self) -> bool:
        """A step has ended: True where ``slowed`` has just changed."""
        now, before = self._clock(), self.slowed
        self._ends.append(now)
        if now - self._looked < 1 or now - self._ends[0] < _SECONDS or len(self._ends) < 6:
            return False
        self._looked = now
        self.now = statistics.median(b - a for a, b in itertools.pairwise(self._ends))
        while self._ends[0] < now - _SECONDS:
            self._ends.popleft()
        self.usual = self.usual or self.now
        self.slowed = self.now > 1.5 * self.usual
        return self.slowed != before
