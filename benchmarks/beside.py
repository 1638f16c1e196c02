"""Beside other work: a training step and a drawing, alone and while others need the cores."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from tqdm.auto import tqdm

from .report import Table, cores

ROUNDS, SECONDS, BEFORE = 2, 4.0, 2.0
BUSY = "while True: pass"
# Fixed by hand, PyTorch works as it would without `cores`: all its threads share every layer.
WAYS = {
    "PyTorch's threads": {"OMP_NUM_THREADS": str(len(cores()))},
    "one thread": {"OMP_NUM_THREADS": "1"},
    "ours": {},
}
# What is measured (how many of it at once), and what runs beside it.
CASES = [
    ("a training, alone", "train", 1, 0),
    ("beside one busy process", "train", 1, 1),
    ("beside two", "train", 1, 2),
    ("two trainings at once", "train", 2, 0),
    ("three at once", "train", 3, 0),
    ("drawing 8 pictures, alone", "draw", 1, 0),
    ("beside one busy process", "draw", 1, 1),
    ("drawing 64, alone", "draw64", 1, 0),
    ("beside one busy process", "draw64", 1, 1),
    ("judging 1,024, alone", "judge", 1, 0),
    ("beside one busy process", "judge", 1, 1),
]


def measure(short: bool = False) -> list[Table]:
    """Milliseconds of each case in each of the three ways, in turns."""
    rounds, seconds = (1, 2.0) if short else (ROUNDS, SECONDS)
    most = {job: max(n for _, other, n, _ in CASES if other == job) for _, job, _, _ in CASES}
    with contextlib.ExitStack() as stack:
        workers = {
            (way, job): [stack.enter_context(_worker(job, way)) for _ in range(n)]
            for way in WAYS
            for job, n in most.items()
        }
        took: dict[tuple[int, str], list[float]] = {}
        turns = [(k, way) for _ in range(rounds) for k in range(len(CASES)) for way in WAYS]
        for k, way in tqdm(turns, desc="beside", unit="turn"):
            _, job, n, busy = CASES[k]
            with _busy(busy):
                each = _all_at_once(workers[way, job][:n], seconds)
            took.setdefault((k, way), []).append(statistics.mean(each))
    rows = []
    for k, (what, *_) in enumerate(CASES):
        medians = {way: statistics.median(took[k, way]) for way in WAYS}
        best = min(medians["PyTorch's threads"], medians["one thread"])
        rows.append(
            {"": what}
            | {f"{way}, ms": f"{number:.0f}" for way, number in medians.items()}
            | {"ours to the better": f"{medians['ours'] / best:.2f}"}
        )
    notes = (
        f"A training step: widths 32-64-128, batch 64, words, the format that is faster here. "
        f"Drawing: the shipped network, 12 steps with guidance. Medians of {rounds} rounds of "
        f"{seconds:.0f} s in turns, each after {BEFORE:.0f} s in which it may notice; means over "
        "trainings at once; a busy process does nothing but count. *PyTorch's threads*: all share "
        "every layer, which was the course's way before, and is what OMP_NUM_THREADS still gives. "
        "*The better*: of the other two."
    )
    return [Table("Beside other work", rows, notes, ("torch",))]


def _all_at_once(workers: Sequence[subprocess.Popen[str]], seconds: float) -> list[float]:
    for worker in workers:
        print(seconds, file=worker.stdin, flush=True)
    return [float(worker.stdout.readline()) for worker in workers]


@contextlib.contextmanager
def _worker(job: str, way: str) -> Iterator[subprocess.Popen[str]]:
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"} | WAYS[way]
    command = [sys.executable, "-m", "benchmarks.beside", job]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        worker.stdout.readline()  # it is ready
        yield worker
        worker.stdin.close()


@contextlib.contextmanager
def _busy(n: int) -> Iterator[None]:
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(n)]
    time.sleep(0.2 * n)
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def _work(job: str) -> None:
    """One worker: for each number of seconds on standard input, milliseconds of a unit of work."""
    import torch

    from diffusion_lessons import checkpoints, recipe, schedules
    from diffusion_lessons.critters import generate, judge
    from diffusion_lessons.train import make_ema, train
    from diffusion_lessons.unet import UNet

    torch.manual_seed(0)
    if job == "train":
        widths, batch = recipe.SMALL
        model = UNet(widths=widths, vocabulary=20)
        data = torch.rand(2000, 3, 32, 32) * 2 - 1, torch.randint(1, 21, (2000, 6))
        steps = train(
            model, data, schedules.cosine(), samples=10**7, batch=batch, ema=make_ema(model)
        )

        def unit() -> object:
            return next(steps)
    elif job == "judge":
        looks, pictures = judge.load_judge(), torch.rand(1024, 3, 32, 32) * 2 - 1

        def unit() -> object:
            return judge.classify(pictures, looks)
    else:
        model, n = checkpoints.load(), 64 if job == "draw64" else 8
        cond, noise = torch.randint(1, 21, (n, 6)), generate.initial_noise(n, 0)

        def unit() -> object:
            return list(generate.trajectory(model, cond, noise, steps=12, batch=n))

    for _ in range(3):
        unit()
    print("ready", flush=True)
    for line in sys.stdin:
        for seconds in (BEFORE, float(line)):
            done, began = 0, time.perf_counter()
            while time.perf_counter() - began < seconds:
                unit()
                done += 1
        print(1000 * (time.perf_counter() - began) / done, flush=True)


if __name__ == "__main__":
    _work(sys.argv[1])
