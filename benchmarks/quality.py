"""Time to quality: ours and the peers, without words, each on one core in turns; resumes.

Needs the extra ``peers``. Two hours on two cores; what is finished lies in ``build/quality``.
"""

from __future__ import annotations

import argparse
import hashlib
import inspect
import io
import itertools
import json
import math
import os
import queue
import re
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from tqdm.auto import tqdm

from diffusion_lessons import (
    checkpoints,
    files,
    metrics,
    muon,
    recipe,
    sampling,
    schedules,
    train,
    unet,
)
from diffusion_lessons.course import figures
from diffusion_lessons.critters import datasets, generate
from diffusion_lessons.critters.judge import classify, load_judge
from diffusion_lessons.pace import pictures_in
from diffusion_lessons.train import make_ema
from diffusion_lessons.unet import UNet, count_weights

from . import peers
from .report import Table, cores, processor, stay_on

ROOT = Path(__file__).resolve().parents[1]
OURS = "diffusion_lessons"
PACKAGES = ("torch", "denoising-diffusion-pytorch", "diffusers", "smalldiffusion")
SEED, DRAWN, SHOWN = 0, 20_000, 16
_REFERENCES, _FRESH = 16, 2026  # sets of pictures to compare with, and their seed
_KNOWN = 2000  # pictures of the training set among which the nearest is sought
_PIECE = 64  # pictures that are drawn at once
# Times n, since the floor falls as 1 / n: from this excess up nobody sees a picture, and the
# distance ranks kinds of static.
_STATIC = 10 / 256
# These also draw with their full sampler, which takes the slowest half an hour of a core. The rest
# would add more than an hour of two cores: DECISIONS.md has their numbers, measured once.
FULL = (OURS, *(who for who, peer in peers.PEERS.items() if peer.decays))


@dataclass(frozen=True)
class Plan:
    """How much is measured. Seconds are of one core, spent on training alone.

    ``judged`` are the moments at which a peer draws; between them it stops at each of ``stops``, so
    that all take turns. At their authors' settings they start with the first stop: in ten seconds
    they make two to five steps, and what they draw is noise. A peer whose rate decays is trained
    from the start for each of ``judged``, ours for each of ``ours``: the rate is to end at 0.
    """

    who: tuple[str, ...]
    stops: tuple[int, ...]
    judged: tuple[int, ...]
    ours: tuple[int, ...]
    drawn: int
    full: int


LONG = Plan(
    who=tuple(peers.PEERS),
    stops=(30, 60, 180, 390, 600),
    judged=(10, 30, 60, 180, 600),
    ours=(10, 20, 30, 60, 180, 600),
    drawn=256,
    full=64,
)
SHORT = Plan(
    who=("diffusers, tuned", "smalldiffusion U-Net, tuned"),
    stops=(10, 30, 60),
    judged=(10, 60),
    ours=(10, 30),
    drawn=128,
    full=0,
)


@dataclass(frozen=True)
class Job:
    """Train one of them until so many seconds, and draw if that moment is judged; or draw fully."""

    who: str
    until: int
    drawn: int
    full: bool = False

    @property
    def name(self) -> str:
        """The name of its files."""
        slug = re.sub(r"[^a-z0-9]+", "-", self.who.lower()).strip("-")
        return f"{slug}-{'full' if self.full else self.until}"


# ------------------------------------------------------------------------------------- one job


def work(job: Job, folder: Path) -> None:
    """Do one job in this process, which has one core, and write its numbers and pictures."""
    torch.set_num_threads(1)
    peers.without_torchvision()
    torch.manual_seed(1000 * SEED + job.until)
    x0 = datasets.load_critters(DRAWN).x0
    run = _Ours(job, folder) if job.who == OURS else _Peer(job, folder)
    if job.full:
        told: dict[str, Any] = {}
    else:
        told = run.train(x0)
    if job.drawn:
        torch.manual_seed(1000 * SEED + 999)
        cpu, wall = time.process_time(), time.perf_counter()
        pieces = [run.draw(min(_PIECE, job.drawn - k)) for k in range(0, job.drawn, _PIECE)]
        told["drawing"] = {
            "pictures": job.drawn,
            "cpu": time.process_time() - cpu,
            "wall": time.perf_counter() - wall,
        }
        # What is no number is shown as grey, and what is out of range as black or white.
        x = torch.cat(pieces).float().nan_to_num(0, 0, 0).clamp(-1, 1)
        files.save(folder / f"{job.name}.pictures.safetensors", "pictures", {"x": x})
    told["conditions"] = conditions(job.who)
    files.write_atomic(folder / f"{job.name}.json", json.dumps(told, indent=2).encode())


class _Ours:
    """The package's own training: what ``train`` does, but without words."""

    def __init__(self, job: Job, folder: Path) -> None:
        self.job = job
        self.file = folder / f"diffusion-lessons-{job.until}.model.safetensors"
        self.schedule = schedules.cosine()
        self.network = checkpoints.load(self.file) if job.full else None

    def train(self, x0: Tensor) -> dict[str, Any]:
        # The trial that finds how many pictures fit belongs to the time: no peer needs one.
        cpu, wall = time.process_time(), time.perf_counter()
        for widths, batch in (recipe.SMALL, recipe.LARGE):
            torch.manual_seed(SEED)
            model = UNet(widths=widths)
            fit = pictures_in(
                self.job.until / 60, model, x0, self.schedule, batch=batch,
                clock=time.process_time,
            )  # fmt: skip
            left = 1 - (time.process_time() - cpu) / self.job.until
            pictures = max(1, round(left * fit / batch)) * batch
            if pictures < recipe.LONG:
                break
        self.network = make_ema(model)
        records = train.train(
            model, x0, self.schedule, samples=pictures, batch=batch, seed=SEED,
            ema=self.network,
        )  # fmt: skip
        *_, record = records
        told = {
            "cpu": time.process_time() - cpu,
            "wall": time.perf_counter() - wall,
            "memory": _peak(),
            "pictures": record.samples_seen,
            "weights": count_weights(model),
            "setting": f"widths {'-'.join(map(str, widths))}, batch {batch}, "
            f"{recipe.precision_for(model)}",
        }
        checkpoints.save(self.network, self.file)
        return told

    def draw(self, n: int) -> Tensor:
        step, steps = sampling.dpm_solver_2m(), generate.STEPS
        if self.job.full:
            step, steps = sampling.ddpm_step, self.schedule.T
        dice = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
        x_T = torch.randn(n, 3, 32, 32, generator=dice)
        *_, last = sampling.sample(
            self.network, self.schedule, x_T, steps, step=step,
            generator=dice if self.job.full else None,
        )  # fmt: skip
        return last.x_t


class _Peer:
    """A peer, which goes on from where its last job stopped."""

    def __init__(self, job: Job, folder: Path) -> None:
        self.job = job
        self.peer = peers.PEERS[job.who]()
        self.file = folder / f"{Job(job.who, 0, 0).name}.run.safetensors"
        self.told = {"cpu": 0.0, "wall": 0.0, "pictures": 0, "until": 0}
        if self.file.exists() and (job.full or not self.peer.decays):
            tensors, told = files.load(self.file, "run")
            if told["until"] == job.until or (told["until"] < job.until and not job.full):
                _restore(self.peer, tensors)
                self.told = told
        if job.full and self.told["until"] != job.until:
            raise RuntimeError(f"There is no network of {job.who} after {job.until} s.")

    def train(self, x0: Tensor) -> dict[str, Any]:
        told, batch = self.told, self.peer.batch
        # Libraries set themselves up in their first step: not counted, nor the choice of format.
        if "narrow" in told:
            self.peer.narrow = told["narrow"]
            self.peer.loss(x0[:batch]).backward()
        else:
            self.peer.choose_format(x0[:batch])
            told["narrow"] = self.peer.narrow
        cpu, wall = time.process_time(), time.perf_counter()
        while (spent := time.process_time() - cpu + told["cpu"]) < self.job.until:
            rate = recipe.lr_share(spent / self.job.until) if self.peer.decays else 1.0
            self.peer.advance(x0[torch.randint(len(x0), (batch,))], rate)
            told["pictures"] += batch
        told["cpu"] += time.process_time() - cpu
        told["wall"] += time.perf_counter() - wall
        told |= {"until": self.job.until, "memory": _peak()}
        files.save(self.file, "run", _state(self.peer), **told)
        count = sum(weight.numel() for weight in self.peer.parts["network"].parameters())
        precision = "bfloat16" if self.peer.narrow else "float32"
        return told | {"weights": count, "setting": f"{self.peer.setting}; {precision}"}

    def draw(self, n: int) -> Tensor:
        return self.peer.draw_fully(n) if self.job.full else self.peer.draw(n)


def _peak() -> int:
    """The most memory that this process has held, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024  # Linux counts in kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _state(peer: peers.Peer) -> dict[str, Tensor]:
    """Everything that a peer needs to go on: weights, averages, optimiser, dice."""
    tensors = {"dice": torch.get_rng_state()}
    for part, module in peer.parts.items():
        tensors |= {f"part.{part}.{name}": value for name, value in module.state_dict().items()}
    for i, state in peer.optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{i}.{name}": value for name, value in state.items()}
    return tensors


def _restore(peer: peers.Peer, tensors: dict[str, Tensor]) -> None:
    torch.set_rng_state(tensors["dice"])
    for part, module in peer.parts.items():
        start = f"part.{part}."
        module.load_state_dict(
            {name[len(start) :]: value for name, value in tensors.items() if name.startswith(start)}
        )
    states: dict[int, dict[str, Tensor]] = {}
    weights = [w for group in peer.optimiser.param_groups for w in group["params"]]
    for name, value in tensors.items():
        if name.startswith("optimiser."):
            _, i, key = name.split(".", 2)
            if value.shape == weights[int(i)].shape:  # laid out in memory as the weight is
                value = torch.empty_like(weights[int(i)]).copy_(value).detach()
            states.setdefault(int(i), {})[key] = value
    groups = peer.optimiser.state_dict()["param_groups"]
    peer.optimiser.load_state_dict({"state": states, "param_groups": groups})


def conditions(who: str) -> dict[str, Any]:
    """What must be the same for numbers to stand in one table; a change of ours leaves peers be."""
    if who == OURS:
        modules = (unet, train, muon, recipe, sampling)
        rest = repr((recipe.SMALL, recipe.LARGE, recipe.LONG, generate.STEPS))
    else:
        # Its own lines and those that it builds on: one more peer changes nothing for the others.
        modules = ()
        kinds = [kind for kind in peers.PEERS[who].__mro__ if kind is not object]
        parts = (*kinds, peers.Average, recipe.lr_share)
        rest = "".join(inspect.getsource(part) for part in parts)
    code = b"".join(Path(module.__file__).read_bytes() for module in modules) + rest.encode()
    return {
        "processor": processor(),
        "precision": recipe.precision_for(nn.Linear(1, 1)),  # not all of one name are alike
        "versions": {name: metadata.version(name) for name in PACKAGES},
        "code": hashlib.sha256(code).hexdigest()[:12],
        "seed": SEED,
    }


# ------------------------------------------------------------------------------------ all of them


def jobs(plan: Plan) -> list[Job]:
    """All jobs in turns: everybody's first seconds, then everybody's next, and so on."""
    found = [
        Job(who, until, plan.drawn if until in plan.judged else 0)
        for who in plan.who
        for until in (plan.judged if peers.PEERS[who].decays else plan.stops)
    ]
    found += [Job(OURS, until, plan.drawn) for until in plan.ours]
    found.sort(key=lambda job: job.until)
    last = max(plan.ours)
    if plan.full:
        found += [Job(who, last, plan.full, True) for who in FULL if who in (OURS, *plan.who)]
    return found


def finished(job: Job, folder: Path) -> dict[str, Any] | None:
    """The numbers of a job, if it was done under these conditions."""
    try:
        told = json.loads((folder / f"{job.name}.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return told if told["conditions"] == conditions(job.who) else None


def run(plan: Plan, folder: Path) -> None:
    """Do what is not yet done, with a process on each core that takes the next job."""
    folder.mkdir(parents=True, exist_ok=True)
    datasets.load_critters(DRAWN)  # drawn once, and kept for all
    todo = [job for job in jobs(plan) if finished(job, folder) is None]
    for job in todo:  # a run of other conditions must not be gone on with
        if job.until == plan.stops[0]:
            (folder / f"{Job(job.who, 0, 0).name}.run.safetensors").unlink(missing_ok=True)
    free: queue.Queue[int | None] = queue.Queue()
    for core in cores():
        free.put(core)
    busy: set[str] = set()
    change = threading.Condition()
    failed: list[str] = []

    def does(job: Job, core: int | None) -> None:
        why = ["it could not be started"]
        try:
            ending = subprocess.run(
                [sys.executable, "-m", "benchmarks.quality", json.dumps(asdict(job)), str(folder)],
                cwd=ROOT, preexec_fn=lambda: stay_on(core), capture_output=True, text=True,
                env=os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
            )  # fmt: skip
            # One that is killed, for want of memory say, leaves no last words.
            last = ending.stderr.strip().splitlines()[-1:] or [f"exit code {ending.returncode}"]
            why = last if ending.returncode else []
        finally:
            with change:
                failed.extend(f"{job.name}: {line}" for line in why)
                busy.discard(job.who)
                free.put(core)
                bar.update()
                change.notify_all()

    with tqdm(total=len(todo), desc="time to quality", unit="job") as bar:
        while todo or busy:
            with change:
                change.wait_for(
                    lambda: (
                        failed
                        or (not todo and not busy)
                        or (not free.empty() and any(job.who not in busy for job in todo))
                    )
                )
                if failed:
                    break
                if not todo:
                    continue
                job = next(job for job in todo if job.who not in busy)
                todo.remove(job)
                busy.add(job.who)
                bar.set_postfix_str(job.name)
                threading.Thread(target=does, args=(job, free.get())).start()
    if failed:
        raise RuntimeError(f"A job of the benchmark failed, the rest is kept: {failed[0]}")


def measure(short: bool = False) -> list[Table]:
    """Run the plan, judge what was drawn, and return tables and pictures."""
    plan = SHORT if short else LONG
    folder = ROOT / "build" / ("quality-short" if short else "quality")
    run(plan, folder)
    return tables(plan, folder)


# ------------------------------------------------------------------------------------- the tables


class Judged:
    """Fréchet excess of sets of drawn pictures, by what the judge sees in them."""

    def __init__(self, n: int) -> None:
        self.judge = load_judge()
        fresh = datasets.load_critters(_REFERENCES * n, seed=_FRESH).x0
        self.sets = list(self._seen(fresh).split(n))
        self.floor = metrics.frechet_floor(self.sets)

    def _seen(self, x: Tensor) -> Tensor:
        return classify(x, self.judge).features

    def excess(self, x: Tensor) -> float:
        """(distance − floor) / floor, the distance a mean over all sets of fresh pictures."""
        seen = self._seen(x)
        distances = [metrics.frechet_distance(seen, fresh) for fresh in self.sets]
        return metrics.frechet_excess(sum(distances) / len(distances), self.floor)


def seconds_to(excess: float, curve: Sequence[tuple[float, float]]) -> float | None:
    """When a falling curve of (seconds, excess) first reaches ``excess``, on log–log paper.

    0 if it was already lower at its first point, None if it never gets there.
    """
    if excess >= curve[0][1]:
        return 0.0
    for (s, a), (t, b) in itertools.pairwise(curve):
        if b <= excess:
            share = (math.log(a) - math.log(excess)) / (math.log(a) - math.log(b))
            return math.exp(math.log(s) + share * (math.log(t) - math.log(s)))
    return None


def tables(plan: Plan, folder: Path) -> list[Table]:
    """What the finished jobs say: quality by time, cost, and the full samplers."""
    known = {job: told for job in jobs(plan) if (told := finished(job, folder))}
    judged = Judged(plan.drawn)
    curves: dict[str, dict[int, tuple[float, float]]] = {}
    for job, told in known.items():
        if job.drawn and not job.full:
            # As good as fresh pictures, or better by luck: there is no logarithm of that.
            point = told["cpu"], max(judged.excess(_pictures(job, folder)), 0.001)
            curves.setdefault(job.who, {})[job.until] = point
    quality = [_quality(who, plan, curves) for who in (OURS, *plan.who) if who in curves]
    cost = [_cost(who, known) for who in (OURS, *plan.who) if who in curves]
    floor = judged.floor
    found = [
        Table(
            "Time to quality: Fréchet excess after core-seconds of training",
            quality,
            f"No words. Excess 0 is as good as fresh pictures. n = {plan.drawn} drawn by each with "
            f"its own fast sampler, compared with {_REFERENCES} fresh sets of as many: floor "
            f"{floor.mean:.1f} ± {floor.spread:.1f} between two fresh sets, so an excess moves by "
            f"about ±{floor.spread / floor.mean:.2f} by chance; it grows with n, so compare within "
            "a table. One core and one thread each, a process on every core, everybody in turns; "
            f"{DRAWN:,} pictures in memory, the same "
            "for all. Drawing is not counted. Ours and the tuned ones are trained anew for each "
            "time, with a learning rate that ends at 0; the others' rates are constant. A peer "
            "finishes the step that it has begun. Ours measures in 28 steps, which count, how many "
            "pictures fit, and may be wrong. In brackets: the seconds it took, where that is more "
            "than 5 % off. ± is of fresh pictures alone: one seed of training each. The last "
            "columns: when ours reaches the excess that the peer has at the end; in brackets where "
            f"that is above {_STATIC * plan.drawn:.0f}: there the distance ranks kinds of static.",
            PACKAGES,
            {"seed": SEED, "plan": asdict(plan), "curves": curves},
            _plot(curves),
        ),
        _nearness(plan, known, folder),
        Table(
            "What it costs",
            cost,
            "Memory: the most that the training process held, Python, PyTorch and the pictures "
            f"({DRAWN * 3 * 32 * 32 * 4 / 1e6:.0f} MB) included.",
            picture=_sheets(plan, known, folder),
        ),
    ]
    if full := _full(plan, known, folder):
        found.append(full)
    return found


def _quality(who: str, plan: Plan, curves: dict) -> dict[str, str]:
    """Its excess at each moment, and when ours is as good as it is in the end."""
    row = {"who": who}
    for moment in sorted({*plan.judged, *plan.ours}):
        row[f"{moment} s"] = ""
        if moment in curves[who]:
            seconds, excess = curves[who][moment]
            late = f" ({seconds:.0f} s)" if abs(seconds - moment) > 0.05 * moment else ""
            row[f"{moment} s"] = f"{excess:.2f}{late}"
    after, sooner = _sooner(who, plan, curves)
    if sooner and curves[who][max(plan.judged)][1] > _STATIC * plan.drawn:
        sooner = f"({sooner})"
    return row | {"ours is there after": after, "times sooner": sooner}


def _sooner(who: str, plan: Plan, curves: dict) -> tuple[str, str]:
    """When ours is where this one ends, and how many times sooner; curves must fall."""
    if who == OURS or max(plan.judged) not in curves[who]:
        return "", ""
    theirs, value = curves[who][max(plan.judged)]
    ours = seconds_to(value, list(curves[OURS].values()))
    if ours is None:
        return "not reached", ""
    if ours == 0:
        first = next(iter(curves[OURS].values()))[0]
        return f"less than {first:.0f} s", f"more than {theirs / first:.0f}"
    return f"{ours:.0f} s", f"{theirs / ours:.0f}"


def _nearness(plan: Plan, known: dict[Job, dict], folder: Path) -> Table:
    """What the judge, who never saw static, cannot tell: are these pictures at all?"""
    owned = datasets.load_critters(DRAWN).x0[:_KNOWN]
    fresh = datasets.load_critters(plan.drawn, seed=_FRESH).x0
    rows: dict[str, dict[str, str]] = {}
    curves: dict[str, dict[int, tuple[float, float]]] = {}
    moments = sorted({*plan.judged, *plan.ours})
    for job, told in known.items():
        if job.drawn and not job.full:
            x = _pictures(job, folder)
            row = rows.setdefault(job.who, {"who": job.who} | {f"{m} s": "" for m in moments})
            far = _far(x, owned)
            curves.setdefault(job.who, {})[job.until] = told["cpu"], far
            row[f"{job.until} s"] = f"{far:.2f}"
            row["fine detail"] = f"{metrics.high_frequency_power(x, fresh):.2f}"
    for who, row in rows.items():
        row["ours is as near after"], row["times sooner"] = _sooner(who, plan, curves)
    average = owned.mean(0, keepdim=True)
    static = torch.randn(64, 3, 32, 32, generator=torch.Generator().manual_seed(SEED))
    return Table(
        "Are they pictures at all? Distance in pixels to the nearest known picture",
        [rows[who] for who in (OURS, *plan.who) if who in rows],
        f"Root mean square, median over the drawn, to the nearest of {_KNOWN:,} pictures of the "
        f"training set: fresh pictures {_far(fresh, owned):.2f}, the average of all "
        f"{_far(average, owned):.2f}, pure static {_far(static, owned):.2f}. Fine detail after the "
        "longest training: 1 is that of fresh pictures, more is grain, less is blur. The distance "
        "above ranks kinds of static, too, since the judge has only ever seen finished pictures: "
        "where these numbers are far from those of fresh ones, nobody could say which of two "
        "excesses is the better picture. Nor is this distance the truth: blur is near to many "
        "pictures, and whoever draws it looks better here. Look at the sheet below.",
    )


def _far(x: Tensor, owned: Tensor) -> float:
    return float(metrics.nearest(x.clamp(-1, 1), owned).distance.median())


def _cost(who: str, known: dict[Job, dict]) -> dict[str, str]:
    """Speed and setting of its longest training; memory of its first, which loaded no run."""
    mine = [told for job, told in known.items() if job.who == who and not job.full]
    last = mine[-1]
    drawing = [told["drawing"] for told in mine if "drawing" in told][-1]
    return {
        "who": who,
        "weights, million": f"{last['weights'] / 1e6:.2f}",
        "trained, pictures a core-second": f"{last['pictures'] / last['cpu']:.1f}",
        "drawn, pictures a core-second": f"{drawing['pictures'] / drawing['cpu']:.2f}",
        "pictures seen": f"{last['pictures']:,}",
        "core-seconds": f"{last['cpu']:.0f}",
        "wall seconds": f"{last['wall']:.0f}",
        "most memory, MB": f"{mine[0]['memory'] / 1e6:.0f}",
        "setting": last["setting"],
    }


def _full(plan, known, folder) -> Table | None:
    rows = []
    done = [job for job in known if job.full]
    if not done:
        return None
    judged = Judged(plan.full)
    for job in done:
        drawing = known[job]["drawing"]
        fast = next(
            _pictures(other, folder)
            for other in known
            if other.who == job.who and other.until == job.until and not other.full
        )
        rows.append(
            {
                "who": job.who,
                "excess, full sampler": f"{judged.excess(_pictures(job, folder)):.2f}",
                "excess, fast sampler": f"{judged.excess(fast[: plan.full]):.2f}",
                "full, pictures a core-second": f"{drawing['pictures'] / drawing['cpu']:.3f}",
            }
        )
    return Table(
        "The full samplers, after the longest training",
        rows,
        f"n = {plan.full} both times, floor {judged.floor.mean:.0f} ± {judged.floor.spread:.0f}; "
        "ancestral sampling in 1,000 steps (800 for smalldiffusion's, whose schedule has no more).",
    )


def _pictures(job: Job, folder: Path) -> Tensor:
    return files.load(folder / f"{job.name}.pictures.safetensors", "pictures")[0]["x"]


def _plot(curves: dict[str, dict[int, tuple[float, float]]]) -> bytes:
    """Excess against seconds, both on logarithmic axes, each curve named at its end."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 5.5), layout="constrained")
    marks = "osD^v<>ph*X"  # no divisor in common with the colours: eleven times five curves differ
    cycle = (figures.NOISE, *figures.OTHERS)
    others = [who for who in curves if who != OURS]
    for i, who in enumerate([OURS, *others]):
        seconds, excess = zip(*curves[who].values(), strict=True)
        mine = who == OURS
        axes.plot(
            seconds, excess, label=who, marker=marks[i % len(marks)],
            color=figures.PREDICTION if mine else cycle[i % len(cycle)],
            linewidth=3 if mine else 1.4, linestyle="-" if mine or "tuned" not in who else "--",
        )  # fmt: skip
    axes.set(
        xscale="log", yscale="log", xlabel="core-seconds of training",
        ylabel="Fréchet excess (0 is as good as fresh pictures)",
    )  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower left")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    plt.close(figure)
    return buffer.getvalue()


def _sheets(plan: Plan, known: dict, folder: Path) -> bytes:
    """For each of them a row of the first pictures that it drew after the longest training."""
    rows, names = [], []
    for who in (OURS, *plan.who):
        drawn = [job for job in known if job.who == who and job.drawn and not job.full]
        if drawn:
            job = max(drawn, key=lambda job: job.until)
            pixels = datasets.to_pixels(_pictures(job, folder)[:SHOWN])
            rows.append(np.concatenate(list(pixels), axis=1).repeat(2, 0).repeat(2, 1))
            names.append(f"{who}, {job.until} s")
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(len(rows), 1, figsize=(10, 0.95 * len(rows)), layout="constrained")
    for ax, row, name in zip(np.atleast_1d(axes), rows, names, strict=True):
        ax.imshow(Image.fromarray(row))
        ax.set_title(name, fontsize=8, loc="left", pad=2)
        ax.axis("off")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    plt.close(figure)
    small = io.BytesIO()  # static does not compress: fewer colours do
    Image.open(buffer).convert("RGB").quantize(96).save(small, format="png", optimize=True)
    return small.getvalue()


def main(arguments: Sequence[str] | None = None) -> None:
    """Do one job: what `run` starts in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("job", type=lambda text: Job(**json.loads(text)))
    parser.add_argument("folder", type=Path)
    args = parser.parse_args(arguments)
    work(args.job, args.folder)


if __name__ == "__main__":
    main()
