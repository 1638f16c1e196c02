"""Does a training keep its pace, and is the time left that of now?"""

import time

import pytest
import torch

from diffusion_lessons.pace import Watch
from diffusion_lessons.schedules import linear
from diffusion_lessons.train import train
from diffusion_lessons.unet import UNet


class Clock:
    """A clock that stands still until somebody works."""

    def __init__(self):
        self.time = 0.0

    def __call__(self):
        return self.time


def watched(watch, clock, *phases):
    """Steps of so many seconds each, for so long; returns when it said what."""
    told = []
    for step, seconds in phases:
        until = clock.time + seconds
        while clock.time < until:
            clock.time += step
            if watch.note():
                told.append((round(clock.time), watch.slowed))
    return told


def test_a_training_that_loses_its_pace_is_noticed_after_ten_seconds_and_when_it_is_back():
    watch = Watch(clock=(clock := Clock()))
    told = watched(watch, clock, (0.1, 30), (0.3, 30), (0.1, 30))
    assert [slowed for _, slowed in told] == [True, False]
    assert 35 <= told[0][0] <= 40 and 62 <= told[1][0] <= 71
    assert watch.usual == pytest.approx(0.1)


def test_the_pace_that_was_promised_counts_where_there_is_one():
    watch = Watch(0.1, clock := Clock())
    assert watched(watch, clock, (0.3, 30)) == [(11, True)]
    assert watch.now == pytest.approx(0.3)


@pytest.mark.parametrize("step", [0.001, 0.1, 2.5])
def test_one_long_pause_and_a_little_slowness_are_no_news(step):
    watch = Watch(clock=(clock := Clock()))
    assert watched(watch, clock, (step, 40), (3600, 1), (step, 60), (1.4 * step, 100)) == []


def test_the_time_left_is_that_of_the_last_ten_seconds(monkeypatch):
    torch.manual_seed(0)
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    data = torch.zeros(4, 3, 8, 8)
    records = train(UNet(widths=(8,)), data, linear(10), samples=400, batch=4)
    for record in records:
        clock.time += 1 if record.step < 20 else 3
        if record.step in (19, 40):
            expected = (100 - record.step) * (1 if record.step == 19 else 3)
            assert next(records).seconds_left == pytest.approx(expected, rel=0.1)
