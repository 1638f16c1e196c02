"""How good is a set of pictures? Sample sets in, numbers out, and the judge that looks at them.

No number stands alone: each has the value that fresh real pictures reach beside it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import critters, files

JUDGE_FILE = Path(__file__).resolve().parent.parent / "data" / "checkpoints" / "judge.safetensors"
# Column and value index of each word number; row 0 stands for "nothing said".
_WORD_COLUMN = [0, *(list(critters.ATTRIBUTES).index(name) for name, _ in critters.VOCABULARY)]
_WORD_VALUE = [0, *(critters.ATTRIBUTES[name].index(value) for name, value in critters.VOCABULARY)]


class Judge(nn.Module):
    """A small classifier that says for each attribute which value it sees in a 32×32 critter.

    Pictures are floats (B, 3, 32, 32) in about [−1, 1]. Four times: 3×3 convolution, batch norm,
    bend, and half the size; then the average of the last map, ``width`` numbers that describe the
    picture (its *features*), and one linear layer for each attribute.
    """

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        self.config = {"width": width}
        widths = [width // 4, width // 2, width, width]
        layers: list[nn.Module] = []
        for before, after in zip([3, *widths], widths, strict=False):
            layers += [
                nn.Conv2d(before, after, 3, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
                nn.Conv2d(after, after, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
            ]
        self.body = nn.Sequential(*layers)
        # 2×2 places are kept apart up to here: where something is matters (a hat is above).
        self.squeeze = nn.Linear(4 * width, width)
        self.heads = nn.ModuleList(
            nn.Linear(width, len(values)) for values in critters.ATTRIBUTES.values()
        )
        self.to(memory_format=torch.channels_last)

    def features(self, x: Tensor) -> Tensor:
        """What the judge sees, (B, width), before it makes up its mind."""
        if x.ndim != 4 or x.shape[1:] != (3, 32, 32) or not x.is_floating_point():
            raise ValueError(
                f"The judge looks at floats of shape (B, 3, 32, 32) in [−1, 1], but this has shape "
                f"{tuple(x.shape)} and dtype {x.dtype}."
            )
        x = (
            x.to(self.squeeze.weight.dtype)
            .clamp(-1, 1)
            .contiguous(memory_format=torch.channels_last)
        )
        return self.squeeze(self.body(x).flatten(1))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Scores (logits) for the values of each attribute: six tensors (B, number of values)."""
        features = F.relu(self.features(x))
        return [head(features) for head in self.heads]


class Judgement(NamedTuple):
    """What the judge says of a set of pictures.

    ``attributes`` int64 (n, 6), indices into `critters.ATTRIBUTES`; ``probabilities`` six tensors
    (n, number of values); ``features`` float32 (n, width).
    """

    attributes: Tensor
    probabilities: list[Tensor]
    features: Tensor


@torch.no_grad()
def judge(x: Tensor, judge: Judge, batch: int = 256) -> Judgement:
    """Let the judge look at pictures, floats (n, 3, 32, 32) in about [−1, 1]."""
    if not torch.isfinite(x).all():
        raise ValueError("x holds NaN or infinity: the judge can only look at whole pictures.")
    features = torch.cat([judge.features(part) for part in x.split(batch)])
    hidden = F.relu(features)
    probabilities = [head(hidden).softmax(1) for head in judge.heads]
    attributes = torch.stack([p.argmax(1) for p in probabilities], dim=1)
    return Judgement(attributes, probabilities, features)


def load_judge(path: str | Path = JUDGE_FILE) -> Judge:
    """The judge that is shipped with the course (made by ``tools/train_judge.py``)."""
    tensors, facts = files.load(path, "judge")
    found = Judge(**facts["config"])
    found.load_state_dict(
        {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}
    )
    return found.eval().requires_grad_(False)


def words_found(attributes: Tensor, cond: Tensor) -> Tensor:
    """For each picture: is every word of its prompt true of it? bool (n,).

    ``attributes`` int64 (n, 6), what the judge saw; ``cond`` int64 (n, L), word numbers in any
    order, 0 for nothing said. A prompt that says nothing is true of any picture.
    """
    if len(attributes) != len(cond):
        raise ValueError(
            f"There are {len(attributes)} pictures but {len(cond)} prompts: give one for each."
        )
    if cond.numel() and not 0 <= int(cond.min()) <= int(cond.max()) < len(_WORD_COLUMN):
        raise ValueError(
            f"cond holds word numbers from {int(cond.min())} to {int(cond.max())}, but they run "
            f"from 0 (nothing said) to {len(_WORD_COLUMN) - 1}."
        )
    column = torch.tensor(_WORD_COLUMN)[cond]
    value = torch.tensor(_WORD_VALUE)[cond]
    return ((attributes.gather(1, column) == value) | (cond == 0)).all(dim=1)


def prompt_accuracy(x: Tensor, cond: Tensor, judge_: Judge) -> float:
    """The share of pictures in which the judge finds *every* word that their prompt names."""
    return float(words_found(judge(x, judge_).attributes, cond).float().mean())


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Distance between two clouds of features, as if both were Gaussian.

    ‖μ_a − μ_b‖² + tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½)  (Dowson and Landau 1982; Heusel et al. 2017).
    ``a`` (n, d) and ``b`` (m, d), at least two rows each; computed in float64. Small sets are
    never at 0, not even two sets of the same kind: compare with `frechet_floor`.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(
            "The Fréchet distance compares features (n, d) and (m, d) of at least two pictures "
            f"each, but the shapes are {tuple(a.shape)} and {tuple(b.shape)}."
        )
    if not (torch.isfinite(a).all() and torch.isfinite(b).all()):
        raise ValueError("The features hold NaN or infinity: look at the pictures they are of.")
    a, b = a.double(), b.double()
    cov_a, cov_b = torch.cov(a.T).reshape(a.shape[1], -1), torch.cov(b.T).reshape(a.shape[1], -1)
    # tr (Σ_a Σ_b)^½ from the symmetric Σ_a^½ Σ_b Σ_a^½, whose eigenvalues are the same.
    values, vectors = torch.linalg.eigh(cov_a)
    root_a = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root_a @ cov_b @ root_a).clamp(min=0).sqrt().sum()
    means = (a.mean(0) - b.mean(0)).square().sum()
    return float(means + cov_a.trace() + cov_b.trace() - 2 * cross)


class Floor(NamedTuple):
    """What two fresh sets of real pictures score against each other: mean and spread over draws."""

    mean: float
    spread: float


def frechet_floor(sets: list[Tensor]) -> Floor:
    """The Fréchet distance between fresh real sets: features of at least five pairs of sets.

    ``sets``: 2k tensors (n, d), k ≥ 5; neighbours are compared, so no set is used twice.
    """
    if len(sets) < 10 or len(sets) % 2:
        raise ValueError(
            f"The floor needs at least five pairs of sets of fresh pictures, but got {len(sets)} "
            "sets."
        )
    distances = torch.tensor(
        [frechet_distance(a, b) for a, b in zip(sets[::2], sets[1::2], strict=True)]
    )
    return Floor(float(distances.mean()), float(distances.std()))


def frechet_excess(distance: float, floor: Floor) -> float:
    """How far above the floor, in floors: (distance − floor) / floor. 0 is as good as real."""
    return (distance - floor.mean) / floor.mean


def high_frequency_power(x: Tensor, real: Tensor) -> float:
    """Power of the finest detail, relative to real pictures: 1 is right, above 1 is grain.

    Mean squared Fourier amplitude at frequencies above a quarter of a cycle per pixel (details of
    less than four pixels), of ``x`` (n, C, H, W) over that of ``real`` (m, C, H, W).
    """
    fine, fine_of_real = _fine_power(x), _fine_power(real)
    if fine_of_real == 0:
        raise ValueError("The real pictures have no fine detail at all to compare with.")
    return fine / fine_of_real


def _fine_power(x: Tensor) -> float:
    if x.ndim != 4 or len(x) == 0:
        raise ValueError(f"Pictures (n, C, H, W) are expected, but the shape is {tuple(x.shape)}.")
    if not torch.isfinite(x).all():
        raise ValueError("A picture holds NaN or infinity: check the step that made it.")
    rows = torch.fft.fftfreq(x.shape[2], dtype=torch.float64)[:, None]
    columns = torch.fft.fftfreq(x.shape[3], dtype=torch.float64)
    fine = (rows**2 + columns**2).sqrt() > 0.25
    parts = [torch.fft.fft2(part.double()).abs().square()[..., fine] for part in x.split(256)]
    return float(torch.cat(parts).mean())


def missing_detail(guess: Tensor, end: Tensor, waves: tuple[float, float]) -> float:
    """How much of one size of detail a guess lacks of the finished picture: 0 is nothing.

    Σ |FFT(guess − end)|² / Σ |FFT(end)|² over all waves that have from ``waves[0]`` to
    ``waves[1]`` periods across the picture (rounded to whole ones; 0 is the average brightness).
    Pictures (n, C, H, W) of one shape, square.
    """
    if guess.shape != end.shape or end.ndim != 4 or end.shape[2] != end.shape[3]:
        raise ValueError(
            f"Square pictures (n, C, H, H) of one shape are expected, but the shapes are "
            f"{tuple(guess.shape)} and {tuple(end.shape)}."
        )
    side = torch.fft.fftfreq(end.shape[2], dtype=torch.float64) * end.shape[2]
    periods = torch.hypot(side[:, None], side).round()
    chosen = (periods >= waves[0]) & (periods <= waves[1])
    lacks, has = (
        torch.fft.fft2(x.double()).abs().square()[..., chosen].sum() for x in (guess - end, end)
    )
    if has == 0:
        raise ValueError(f"The finished pictures have no detail of {waves[0]} to {waves[1]} waves.")
    return float(lacks / has)


class Neighbours(NamedTuple):
    """The nearest picture of a set: how far (root mean square over pixels) and its number."""

    distance: Tensor
    index: Tensor


def nearest(x: Tensor, data: Tensor) -> Neighbours:
    """For each picture its nearest neighbour in ``data``, by distance over pixels.

    distance = √(mean (x − neighbour)²), 0 for a copy, up to 2 for black against white. ``x``
    (n, …) and ``data`` (m, …) with the same picture shape; memory stays below about 100 MB.
    Returns float64 (n,) and int64 (n,).
    """
    _check_alike(x, data)
    distance, index = _ranked(x.flatten(1), data.flatten(1), 1)
    return Neighbours(distance[:, 0], index[:, 0])


def _check_alike(x: Tensor, data: Tensor) -> None:
    if x.shape[1:] != data.shape[1:] or len(data) == 0:
        raise ValueError(
            f"x holds pictures of shape {tuple(x.shape[1:])} and data of {tuple(data.shape[1:])}: "
            "they must be the same, and data must not be empty."
        )


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


def copy_rate(x: Tensor, data: Tensor, ratio: float = 1 / 3) -> float:
    """The share of pictures that are copies: far nearer to one picture of ``data`` than to others.

    A copy is a picture whose distance to its nearest neighbour is below ``ratio`` times that to
    the second nearest (Yoon et al. 2023). Pictures that ``data`` holds twice count as one. Shapes
    and memory as in `nearest`; ``data`` needs at least two different pictures.
    """
    if not 0 < ratio < 1:
        raise ValueError(f"ratio is {ratio}, but it must lie between 0 and 1.")
    _check_alike(x, data)
    # By a digest of their bytes: no table of all pairs, and no second copy if none is there twice.
    flat = data.flatten(1).contiguous()
    apart = {hashlib.sha256(row.numpy()).digest(): i for i, row in enumerate(flat.cpu())}
    if len(apart) < 2:
        raise ValueError("data needs at least two different pictures to tell a copy from.")
    if len(apart) < len(flat):
        flat = flat[sorted(apart.values())]
    distance, _ = _ranked(x.flatten(1), flat, 2)
    return float((distance[:, 0] < ratio * distance[:, 1]).double().mean())


class Coverage(NamedTuple):
    """Precision, how much of what was drawn looks real, and recall, how much real was drawn."""

    precision: float
    recall: float


def precision_recall(drawn: Tensor, real: Tensor, k: int = 3) -> Coverage:
    """Precision and recall of features, by neighbourhoods (Kynkäänniemi et al. 2019, equation 1).

    Around every point of a set lies a ball that reaches to its ``k``-th nearest neighbour in that
    set. Precision: the share of ``drawn`` that lies in a ball of ``real``; recall: the share of
    ``real`` that lies in a ball of ``drawn``. Features (n, d) and (m, d), at least k + 1 of each.
    Numbers depend on n and m: compare with the value for fresh real pictures at the same sizes.
    """
    for name, points in (("drawn", drawn), ("real", real)):
        if points.ndim != 2 or len(points) <= k or not torch.isfinite(points).all():
            raise ValueError(
                f"{name} has shape {tuple(points.shape)}, but finite features (n, d) with n above "
                f"k = {k} are expected."
            )
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
