"""How good is a set of pictures? Sets of pictures or of their features in, numbers out.

No number stands alone: each has the value that fresh real pictures reach beside it.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from . import guard
from .cores import paced
from .guard import guarded


@guarded(b=guard.pair_of_features)
def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Distance between two clouds of features, as if both were Gaussian.

    ‖μ_a − μ_b‖² + tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½)  (Dowson and Landau 1982; Heusel et al. 2017).
    ``a`` (n, d) and ``b`` (m, d), at least two rows each; computed in float64. Small sets are
    never at 0, not even two sets of the same kind: compare with `frechet_floor`.
    """
    a, b = a.double(), b.double()
    cov_a, cov_b = torch.cov(a.T).reshape(a.shape[1], -1), torch.cov(b.T).reshape(a.shape[1], -1)
    # tr (Σ_a Σ_b)^½ from the symmetric Σ_a^½ Σ_b Σ_a^½, whose eigenvalues are the same.
    values, vectors = torch.linalg.eigh(cov_a)
    root_a = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root_a @ cov_b @ root_a).clamp(min=0).sqrt().sum()
    means = (a.mean(0) - b.mean(0)).square().sum()
    return float(means + cov_a.trace() + cov_b.trace() - 2 * cross)


class RealBaseline(NamedTuple):
    """What two fresh sets of real pictures score against each other: mean and spread over draws."""

    mean: float
    spread: float


@guarded(sets=guard.pairs_of_sets)
def frechet_floor(sets: list[Tensor]) -> RealBaseline:
    """The Fréchet distance between fresh real sets: features of at least five pairs of sets.

    ``sets``: 2k tensors (n, d), k ≥ 5; neighbours are compared, so no set is used twice.
    """
    distances = torch.tensor(
        [frechet_distance(a, b) for a, b in zip(sets[::2], sets[1::2], strict=True)]
    )
    return RealBaseline(float(distances.mean()), float(distances.std()))


def frechet_excess(distance: float, floor: RealBaseline) -> float:
    """How far above the floor, in floors: (distance − floor) / floor. 0 is as good as real."""
    return (distance - floor.mean) / floor.mean


@guarded(x=guard.whole_pictures, real=guard.whole_pictures)
def high_frequency_power(x: Tensor, real: Tensor) -> float:
    """Power of the finest detail, relative to real pictures: 1 is right, above 1 is grain.

    Mean squared Fourier amplitude at frequencies above a quarter of a cycle per pixel (details of
    less than four pixels), of ``x`` (n, C, H, W) over that of ``real`` (m, C, H, W).
    """
    return _fine_power(x) / guard.real_detail(_fine_power(real))


def _fine_power(x: Tensor) -> float:
    rows = torch.fft.fftfreq(x.shape[2], dtype=torch.float64)[:, None]
    columns = torch.fft.fftfreq(x.shape[3], dtype=torch.float64)
    fine = (rows**2 + columns**2).sqrt() > 0.25
    parts = [torch.fft.fft2(part.double()).abs().square()[..., fine] for part in x.split(256)]
    return float(torch.cat(parts).mean())


@guarded(end=guard.squares_like("guess"))
def missing_detail(guess: Tensor, end: Tensor, waves: tuple[float, float]) -> float:
    """How much of one size of detail a guess lacks of the finished picture: 0 is nothing.

    Σ |FFT(guess − end)|² / Σ |FFT(end)|² over all waves that have from ``waves[0]`` to
    ``waves[1]`` periods across the picture (rounded to whole ones; 0 is the average brightness).
    Pictures (n, C, H, W) of one shape, square.
    """
    side = torch.fft.fftfreq(end.shape[2], dtype=torch.float64) * end.shape[2]
    periods = torch.hypot(side[:, None], side).round()
    chosen = (periods >= waves[0]) & (periods <= waves[1])

    def power(x: Tensor) -> float:
        return float(torch.fft.fft2(x.double()).abs().square()[..., chosen].sum())

    return power(guess - end) / guard.detail_of(waves, power(end))


class Neighbours(NamedTuple):
    """The nearest picture of a set: how far (root mean square over pixels) and its number."""

    distance: Tensor
    index: Tensor  # type: ignore[assignment]  # a tuple has a method of that name


@guarded(data=guard.pictures_to_search)
def nearest(x: Tensor, data: Tensor) -> Neighbours:
    """For each picture its nearest neighbour in ``data``, by distance over pixels.

    distance = √(mean (x − neighbour)²), 0 for a copy, up to 2 for black against white. ``x``
    (n, …) and ``data`` (m, …) with the same picture shape; memory stays below about 100 MB.
    Returns float64 (n,) and int64 (n,).
    """
    distance, index = _ranked(x.flatten(1), data.flatten(1), 1)
    return Neighbours(distance[:, 0], index[:, 0])


@paced
def _ranked(x: Tensor, data: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k nearest rows of ``data`` for each row of ``x``, nearest first: how far, and which."""
    best = torch.full((len(x), k), torch.inf, dtype=torch.float64)
    index = torch.zeros((len(x), k), dtype=torch.int64)
    for first in range(0, len(data), 1024):
        part = data[first : first + 1024].double()
        for row in range(0, len(x), 1024):
            rows = slice(row, row + 1024)
            here = torch.cdist(x[rows].double(), part)
            where = torch.arange(first, first + len(part)).expand_as(here)
            both = torch.cat([best[rows], here], 1), torch.cat([index[rows], where], 1)
            best[rows], chosen = both[0].topk(k, largest=False)
            index[rows] = both[1].gather(1, chosen)
    # The fast distance above loses digits for near copies: measure the winners exactly.
    exact = torch.empty_like(best)
    for row, (a, winners) in enumerate(zip(x, index, strict=True)):
        exact[row] = (a.double() - data[winners].double()).square().mean(1).sqrt()
    exact, order = exact.sort(dim=1, stable=True)
    return exact, index.gather(1, order)


@guarded(ratio=guard.ratio, data=guard.pictures_to_search)
def copy_rate(x: Tensor, data: Tensor, ratio: float = 1 / 3) -> float:
    """The share of pictures that are copies: far nearer to one picture of ``data`` than to others.

    A copy is a picture whose distance to its nearest neighbour is below ``ratio`` times that to
    the second nearest (Yoon et al. 2023). Pictures that ``data`` holds twice count as one. Shapes
    and memory as in `nearest`; ``data`` needs at least two different pictures.
    """
    # By a digest of their bytes: no table of all pairs, and no second copy if none is there twice.
    flat = data.flatten(1).contiguous()
    apart = {hashlib.sha256(row.numpy()).digest(): i for i, row in enumerate(flat.cpu())}
    guard.two_different(len(apart))
    if len(apart) < len(flat):
        flat = flat[sorted(apart.values())]
    distance, _ = _ranked(x.flatten(1), flat, 2)
    return float((distance[:, 0] < ratio * distance[:, 1]).double().mean())


class Coverage(NamedTuple):
    """Precision, how much of what was drawn looks real, and recall, how much real was drawn."""

    precision: float
    recall: float


@guarded(drawn=guard.points, real=guard.points)
def precision_recall(drawn: Tensor, real: Tensor, k: int = 3) -> Coverage:
    """Precision and recall of features, by neighbourhoods (Kynkäänniemi et al. 2019, eq. 1, 2).

    Around every point of a set lies a ball that reaches to its ``k``-th nearest neighbour in that
    set. Precision: the share of ``drawn`` that lies in a ball of ``real``; recall: the share of
    ``real`` that lies in a ball of ``drawn``. Features (n, d) and (m, d), at least k + 1 of each.
    Numbers depend on n and m: compare with the value for fresh real pictures at the same sizes.
    """
    return Coverage(_inside(drawn, real, k), _inside(real, drawn, k))


def _inside(points: Tensor, centres: Tensor, k: int) -> float:
    """The share of points within the k-th nearest neighbour's distance of some centre."""
    centres, points = centres.double(), points.double()
    # The nearest is the centre itself.
    reach = torch.cat(
        [torch.cdist(part, centres).kthvalue(k + 1, dim=1).values for part in centres.split(1024)]
    )
    inside = [(torch.cdist(part, centres) <= reach).any(1) for part in points.split(1024)]
    return float(torch.cat(inside).double().mean())


@guarded(x=guard.plane)
def power_spectrum(x: Tensor | np.ndarray) -> tuple[Tensor, Tensor]:
    """How strong the coarse and the fine detail of pictures is, averaged over all directions.

    P(k) = mean of |FFT(x)|² / (H·W) over all waves with k ± ½ periods across the shorter side.
    ``x`` floats (…, H, W), averaged over everything before H and W. Returns (k, P), float64, for
    k = 1 … min(H, W) // 2. White noise of spread s has P = s² at every k.
    """
    x = torch.as_tensor(x)
    height, width = x.shape[-2:]
    power = torch.fft.fft2(x.double()).abs().square().reshape(-1, height, width).mean(0)
    radius = torch.hypot(
        torch.fft.fftfreq(height, dtype=torch.float64)[:, None],
        torch.fft.fftfreq(width, dtype=torch.float64),
    )
    ring = (radius * min(height, width)).round().long().flatten()
    totals = torch.bincount(ring, weights=power.flatten() / (height * width))
    k = torch.arange(1, min(height, width) // 2 + 1)
    return k.double(), totals[k] / torch.bincount(ring)[k]
