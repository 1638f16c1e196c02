"""How the cost grows: picture size, batch, threads and precision, beside a plain convolution."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode
from tqdm.auto import tqdm

from diffusion_lessons import recipe, schedules
from diffusion_lessons.critters import generate
from diffusion_lessons.train import train
from diffusion_lessons.unet import UNet

from .report import Table, cores

SIZES, BATCHES, PRECISIONS = (16, 32, 64), (1, 4, 16, 64, 256), ("float32", "bfloat16")
SHORT_SIZES, SHORT_BATCHES = (16, 32), (1, 16, 64)
_SECONDS, _AT_LEAST, _AT_MOST, _SLOW = 1.0, 2, 40, 8.0
_PLAIN = 160, 16, 64  # channels, pixels, pictures of the plain convolution
_LAST = torch.channels_last


def measure(short: bool = False) -> list[Table]:
    """Seconds of a training step and of one call of the network, in every combination."""
    sizes, batches = (SHORT_SIZES, SHORT_BATCHES) if short else (SIZES, BATCHES)
    threads_before = torch.get_num_threads()
    threads = [1, 2] if len(cores()) > 1 else [1]
    rows, plain = [], {}
    skipped: set[tuple] = set()
    combinations = list(itertools.product(threads, PRECISIONS, sizes, batches))
    try:
        for count, precision, size, batch in tqdm(combinations, desc="cost", unit="setting"):
            torch.set_num_threads(count)
            if (count, precision) not in plain:
                plain[count, precision] = plain_convolution(precision)
            if (count, precision, size) in skipped:
                continue
            step, call, work = one_setting(precision, size, batch)
            if step > _SLOW:  # larger batches would only take longer
                skipped.add((count, precision, size))
            rate, most = 3 * work * batch / step / 1e9, plain[count, precision]
            rows.append(
                {
                    "threads": count,
                    "precision": precision,
                    "pixels": size,
                    "batch": batch,
                    "trained, ms a picture": f"{1e3 * step / batch:.2f}",
                    "one call, ms a picture": f"{1e3 * call / batch:.2f}",
                    "training, GFLOP/s": f"{rate:.0f}",
                    "plain convolution": f"{most:.0f}",
                    "share": f"{rate / most:.2f}",
                }
            )
    finally:
        torch.set_num_threads(threads_before)
    work = {size: flops(UNet(widths=recipe.LARGE[0]), size) for size in sizes}
    return [
        Table(
            "How the cost grows",
            rows,
            f"The network of the shipped model, widths {'-'.join(map(str, recipe.LARGE[0]))}: "
            + ", ".join(f"{1e-6 * n:.0f} MFLOP a picture at {s} pixels" for s, n in work.items())
            + ". A training step is counted as three calls, and its rate holds everything that it "
            "does: noise, backward pass, Muon, the average. A drawn picture takes "
            f"{generate.STEPS} calls, with guidance {guided_calls()}. The plain convolution: "
            f"{_PLAIN[0]} channels, 3×3, {_PLAIN[1]}×{_PLAIN[1]} pixels, {_PLAIN[2]} pictures, "
            "channels last, forward only, same threads and precision. Medians; nothing larger "
            f"once a step takes {_SLOW:.0f} s. bfloat16 is emulated on processors without it, "
            "which `train` notices.",
            ("torch",),
        )
    ]


def guided_calls() -> int:
    """Calls of the network for a picture with words: two where it is guided."""
    steps = schedules.cosine().timesteps(generate.STEPS)[:-1]
    low, high = generate.GUIDED_BETWEEN
    return int(sum(2 if low <= t <= high else 1 for t in steps))


def one_setting(precision: str, size: int, batch: int) -> tuple[float, float, int]:
    """Seconds of a training step, seconds of a call, and what a call of one picture computes."""
    torch.manual_seed(0)
    model = UNet(widths=recipe.LARGE[0])
    x0 = torch.rand(max(batch, 64), 3, size, size) * 2 - 1
    steps = train(
        model, x0, schedules.cosine(), pictures=(_AT_MOST + 2) * batch, batch=batch,
        precision=precision,
    )  # fmt: skip
    step = seconds(lambda: next(steps))
    steps.close()
    t = torch.full((batch,), 500)

    @torch.no_grad()
    def call() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            model(x0[:batch], t)

    return step, seconds(call), flops(model, size)


def flops(model: UNet, size: int) -> int:
    """Floating-point operations of one call for one picture, a multiply-add counted as two."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 3, size, size), torch.tensor([500]))
    return counter.get_total_flops()


def plain_convolution(precision: str) -> float:
    """What this processor reaches where it can do little else, in GFLOP/s."""
    channels, size, batch = _PLAIN
    dtype = getattr(torch, precision)
    conv = torch.nn.Conv2d(channels, channels, 3, padding=1).to(dtype, memory_format=_LAST)
    x = torch.randn(batch, channels, size, size).to(dtype, memory_format=_LAST)
    with torch.no_grad():
        taken = seconds(lambda: conv(x))
    return 2 * 9 * channels**2 * size**2 * batch / taken / 1e9


def seconds(act: Callable[[], Tensor | object]) -> float:
    """The median of as many repetitions as fit into a second, after one that is not counted."""
    act()
    taken: list[float] = []
    while len(taken) < _AT_LEAST or (sum(taken) < _SECONDS and len(taken) < _AT_MOST):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)
