"""Steps against quality: every sampler of ours, and those of diffusers on our shipped network.

Needs the extra ``test``. A quarter of an hour on two cores.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from diffusion_lessons import checkpoints, metrics, sampling, schedules
from diffusion_lessons.course import figures
from diffusion_lessons.critters import datasets
from diffusion_lessons.critters.judge import classify, load_judge
from diffusion_lessons.unet import UNet

from .report import Table

SEED, WITHIN = 0, 1.05
CALLS = (4, 6, 8, 12, 16, 24, 32, 50)
PICTURES, TRACED, EXACT = 1024, 32, 500
SHORT_CALLS, SHORT_PICTURES = (4, 8, 16, 24), 64
_REFERENCES, _COMPARED = 10, 25

# (network, x_T, cond, how many steps) → the pictures, and how often the network was called
Draw = Callable[[UNet, Tensor, Tensor, int], tuple[Tensor, int]]


def ours(step: Callable[[], sampling.Step], dice: bool = False) -> Draw:
    """A sampler of the course."""

    def draw(network: UNet, x_T: Tensor, cond: Tensor, steps: int) -> tuple[Tensor, int]:
        generator = torch.Generator().manual_seed(SEED + 1) if dice else None
        *_, last = sampling.sample(
            network, schedules.cosine(), x_T, steps, step=step(), cond=cond, generator=generator
        )
        return last.x_t, steps

    return draw


def theirs(name: str, **settings: Any) -> Draw:
    """A scheduler of ``diffusers`` on our network.

    All that the adapter does: their steps count from 0, ours from 1, and our network answers with
    the velocity. Their cosine schedule is ours up to their float32.
    """

    @torch.no_grad()
    def draw(network: UNet, x_T: Tensor, cond: Tensor, steps: int) -> tuple[Tensor, int]:
        import diffusers

        scheduler = getattr(diffusers, name)(
            num_train_timesteps=1000, beta_schedule="squaredcos_cap_v2",
            prediction_type="v_prediction", timestep_spacing="trailing", **settings,
        )  # fmt: skip
        scheduler.set_timesteps(steps)
        generator = torch.Generator().manual_seed(SEED + 1)
        dice = {} if name in WITHOUT_DICE else {"generator": generator}
        x = x_T * scheduler.init_noise_sigma
        for t in scheduler.timesteps:
            level = torch.full((len(x),), int(t.round()) + 1)
            answer = network(scheduler.scale_model_input(x, t), level, cond)
            x = scheduler.step(answer, t, x, return_dict=False, **dice)[0]
        return x, len(scheduler.timesteps)

    return draw


WITHOUT_DICE = ("UniPCMultistepScheduler", "DEISMultistepScheduler")
OURS: dict[str, Draw] = {
    "ours: ddim_step": ours(lambda: sampling.ddim_step),
    "ours: dpm_solver_2m": ours(sampling.dpm_solver_2m),
    "ours: ddpm_step": ours(lambda: sampling.ddpm_step, dice=True),
}
# The same formulas in both: they must give the same pictures, so they are not measured twice.
SAME: dict[str, Draw] = {
    "ours: ddim_step": theirs("DDIMScheduler", clip_sample=False),
    "ours: dpm_solver_2m": theirs("DPMSolverMultistepScheduler"),
    "ours: ddpm_step": theirs("DDPMScheduler", clip_sample=False),
}
THEIRS: dict[str, Draw] = {
    "diffusers: UniPC": theirs("UniPCMultistepScheduler"),
    "diffusers: DEIS": theirs("DEISMultistepScheduler"),
    "diffusers: DPM-Solver++(3M)": theirs("DPMSolverMultistepScheduler", solver_order=3),
    "diffusers: SDE-DPM-Solver++(2M)": theirs(
        "DPMSolverMultistepScheduler", algorithm_type="sde-dpmsolver++"
    ),
}


def measure(short: bool = False) -> list[Table]:
    """Draw the same prompts from the same static with each, in ever more steps."""
    network, judge = checkpoints.load(), load_judge()
    n, counts = (SHORT_PICTURES, SHORT_CALLS) if short else (PICTURES, CALLS)
    fresh = datasets.as_tensors(datasets.draw_dataset(_REFERENCES * n, seed=2026))
    cond = datasets.spell_out(fresh.said[:n], np.random.default_rng(SEED))
    x_T = torch.randn(n, 3, 32, 32, generator=torch.Generator().manual_seed(SEED))
    sets = list(classify(fresh.x0, judge).features.split(n))
    floor = metrics.frechet_floor(sets)
    exact = OURS["ours: dpm_solver_2m"](network, x_T[:TRACED], cond[:TRACED], EXACT)[0]

    rows, traces, curves = [], [], {}
    bar = tqdm([(name, draw) for name, draw in (OURS | THEIRS).items()], desc="samplers")
    for name, draw in bar:
        bar.set_postfix_str(name)
        curve, trace = {}, {}
        for count in counts:
            x, calls = draw(network, x_T, cond, count)
            seen = classify(x.clamp(-1, 1), judge).features
            distances = [metrics.frechet_distance(seen, other) for other in sets]
            curve[calls] = sum(distances) / len(distances)
            trace[count] = float((x[:TRACED] - exact).square().mean().sqrt())
        curves[name] = curve
        best = min(curve.values())
        enough = next(calls for calls, distance in curve.items() if distance <= WITHIN * best)
        row = {"sampler": name}
        row |= {str(c): f"{d:.0f}" for c, d in zip(counts, curve.values(), strict=True)}
        row |= {"best": f"{best:.1f}", "calls to within 5 %": str(enough)}
        row["differs from diffusers' by"] = _difference(name, network, x_T, cond)
        rows.append(row)
        if not any(word in name for word in ("ddpm", "SDE")):
            traces.append(
                {"sampler": name} | {str(count): f"{far:.3f}" for count, far in trace.items()}
            )
    return [
        Table(
            "Steps against quality: Fréchet distance after so many calls of the network",
            rows,
            f"The shipped network with words and without guidance, n = {n}, the same prompts and "
            f"the same static for all, against {_REFERENCES} fresh sets; floor {floor.mean:.1f} ± "
            f"{floor.spread:.1f}. The last column, for the three that both have: root mean square "
            f"between the two libraries' pictures in {_COMPARED} steps, same noise (pixels from −1 "
            "to 1). What remains is their schedule in float32. Not shown: their Euler and Euler "
            "ancestral, which are DDIM and DDPM in other coordinates, and Heun, which cannot take "
            "the first step from where this schedule begins.",
            ("torch", "diffusers"),
            {"seed": SEED, "curves": curves},
            _plot(curves, floor),
        ),
        Table(
            "Steps against exactness: how far from where the exact path ends",
            traces,
            f"Root mean square over {TRACED} pictures, from what dpm_solver_2m draws in {EXACT} "
            "steps. Only for samplers without dice, which all follow the same path.",
        ),
    ]


def _difference(name: str, network, x_T: Tensor, cond: Tensor) -> str:
    if name not in SAME:
        return ""
    few = network, x_T[:8], cond[:8], _COMPARED
    a, b = OURS[name](*few)[0], SAME[name](*few)[0]
    return f"{float((a - b).square().mean().sqrt()):.1e}"


def _plot(curves: dict[str, dict[int, float]], floor: metrics.RealBaseline) -> bytes:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    cycle = (figures.PREDICTION, figures.SIGNAL, figures.NOISE, *figures.OTHERS)
    for i, (name, curve) in enumerate(curves.items()):
        axes.plot(
            list(curve), list(curve.values()), label=name, color=cycle[i % len(cycle)],
            marker="osD^v<>p"[i % 8], linewidth=2.5 if "ours" in name else 1.2,
        )  # fmt: skip
    axes.axhspan(floor.mean - floor.spread, floor.mean + floor.spread, color="#999999", alpha=0.3)
    axes.annotate(
        "fresh pictures", (1, floor.mean), (-4, 0), textcoords="offset points",
        xycoords=("axes fraction", "data"), ha="right", va="center", fontsize=8,
    )  # fmt: skip
    axes.set(xscale="log", xlabel="calls of the network for a picture", ylabel="Fréchet distance")
    axes.set_xticks(sorted(set().union(*curves.values())))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    plt.close(figure)
    return buffer.getvalue()
