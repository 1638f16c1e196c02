"""How much training fits into a minute on this machine."""

from __future__ import annotations

import copy
import itertools
import math
import statistics
import time
from collections.abc import Callable

from torch import Tensor, nn

from .schedules import Schedule
from .train import train


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
    trial = train(copy.deepcopy(model), data, schedule, pictures=28 * batch, batch=batch)
    for _ in range(3):
        next(trial)
    ticks = [clock()]
    for _ in trial:
        ticks.append(clock())
    seconds_a_step = statistics.median(b - a for a, b in itertools.pairwise(ticks))
    return max(1, round(60 * minutes / seconds_a_step)) * batch
