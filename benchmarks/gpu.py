"""On a GPU, where there is one: speed of training and drawing, time to the shipped quality.

The same package with ``device="cuda"``. Without a GPU nothing is measured or estimated.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from diffusion_lessons import checkpoints, evaluation, recipe, schedules
from diffusion_lessons.critters import datasets, generate, world
from diffusion_lessons.train import make_ema, train
from diffusion_lessons.unet import UNet

from .report import Table, write

DRAWN, SEED = 60_000, 0
# (precision, compiled, batch). Each batch is compiled anew, which takes most of a minute: only the
# one that the shipped network is trained with.
SETTINGS = (
    *(("float32", False, batch) for batch in (128, 512, 2048)),
    *(("bfloat16", False, batch) for batch in (128, 512, 2048)),
    ("bfloat16", True, recipe.LARGE[1]),
)
_WARM, _TIMED, _JUDGED = 20, 60, 1024


def measure(short: bool = False) -> list[Table]:
    """Speed at some settings, then one training as long as the shipped model's, judged."""
    if not torch.cuda.is_available():
        print("No GPU here, so nothing is measured for it.")
        return []
    device, name = torch.device("cuda"), torch.cuda.get_device_name()
    drawn = datasets.load_critters(2_000 if short else DRAWN)
    x0, cond = drawn.x0.to(device), drawn.cond.to(device)
    rows = [
        {"precision": precision, "compiled": "yes" if compiled else "no", "batch": batch}
        | speeds(device, x0, cond, precision, compiled, batch)
        for precision, compiled, batch in SETTINGS
    ]
    tables = [
        Table(
            f"On a GPU: {name}",
            rows,
            f"Widths {'-'.join(map(str, recipe.LARGE[0]))}, with words. Training: median of "
            f"{_TIMED} steps after {_WARM}, pictures kept on the GPU. Drawing: {generate.STEPS} "
            "steps with guidance, that many pictures at once, never compiled. Warm-up: the first "
            f"{_WARM} steps, compiling included.",
            ("torch",),
        )
    ]
    if not short:
        write("gpu", tables)  # what there is, should the training be cut short
        tables.append(to_shipped_quality(device, x0, cond, rows))
    return tables


def network(device: torch.device, compiled: bool) -> UNet:
    """A fresh network on the device."""
    torch.manual_seed(SEED)
    model = UNet(widths=recipe.LARGE[0], vocabulary=len(world.VOCABULARY)).to(device)
    if compiled:
        model.compile()  # in place: its weights keep their names, by which Muon chooses
    return model


def speeds(
    device: torch.device, x0: Tensor, cond: Tensor, precision: str, compiled: bool, batch: int
) -> dict[str, str]:
    """Pictures a second, trained and drawn."""
    model, plain = network(device, compiled), network(device, False)
    steps = train(
        model, (x0, cond), schedules.cosine(), pictures=(_WARM + _TIMED + 1) * batch, batch=batch,
        precision=precision, ema=plain,
    )  # fmt: skip
    began = time.perf_counter()
    for _ in range(_WARM):
        next(steps)
    warm = time.perf_counter() - began
    step = statistics.median(_seconds(lambda: next(steps), device) for _ in range(_TIMED))
    steps.close()
    x_T = torch.randn(batch, 3, 32, 32, device=device)

    def draw() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            *_, _ = generate.trajectory(plain, cond[:batch], x_T)

    drawn = ""
    if not compiled:
        draw()
        seconds = statistics.median(_seconds(draw, device) for _ in range(3))
        drawn = f"{batch / seconds:,.0f}"
    return {
        "trained, pictures/s": f"{batch / step:,.0f}",
        "drawn, pictures/s": drawn,
        "warm-up, s": f"{warm:.1f}",
    }


def to_shipped_quality(device: torch.device, x0: Tensor, cond: Tensor, rows: list) -> Table:
    """Train as `train` does by itself, the fastest way at its batch; judge that and the shipped."""
    _, batch = recipe.LARGE
    same = [row for row in rows if row["batch"] == batch]
    fastest = max(same, key=lambda row: float(row["trained, pictures/s"].replace(",", "")))
    model = network(device, fastest["compiled"] == "yes")
    ema = make_ema(network(device, False))
    began = time.perf_counter()
    for _ in train(
        model, (x0, cond), schedules.cosine(), pictures=recipe.PICTURES, batch=batch,
        seed=SEED, ema=ema, precision=fastest["precision"],
    ):  # fmt: skip
        pass
    _wait(device)
    seconds = time.perf_counter() - began
    rows = []
    for who, judged, taken in (
        ("trained on this GPU", copy.deepcopy(ema).cpu(), f"{seconds:.0f}"),
        ("the shipped model", checkpoints.load(), ""),
    ):
        found = evaluation.scores(judged, drawn=DRAWN, pictures=_JUDGED)
        rows.append(
            {
                "model": who,
                "seconds": taken,
                "seen, all right": f"{found['seen_accuracy']:.4f}",
                "held out": f"{found['held_out_accuracy']:.4f}",
                "Fréchet excess": f"{found['frechet_excess']:.2f}",
                "fine detail": f"{found['high_frequency_power']:.3f}",
            }
        )
    return Table(
        "Time to the shipped quality",
        rows,
        f"{recipe.PICTURES:,} pictures, batch {batch}, {fastest['precision']}, "
        f"{'compiled' if fastest['compiled'] == 'yes' else 'not compiled'}; both judged by "
        f"`evaluate` with {_JUDGED:,} pictures. Seconds of training, compiling included.",
    )


def _seconds(act: Callable[[], object], device: torch.device) -> float:
    _wait(device)
    began = time.perf_counter()
    act()
    _wait(device)
    return time.perf_counter() - began


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
