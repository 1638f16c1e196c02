"""The judge: a small classifier that says whether a critter matches its words."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import files
from ..cores import paced
from . import world

SHIPPED = Path(__file__).resolve().parents[1] / "weights" / "judge.safetensors"
# Column and value index of each word number; entry 0 stands for "nothing said".
_COLUMN = torch.tensor([0, *(list(world.ATTRIBUTES).index(name) for name, _ in world.VOCABULARY)])
_VALUE = torch.tensor([0, *(world.INDEX[name][value] for name, value in world.VOCABULARY)])


class Classifier(nn.Module):
    """A small classifier that says for each attribute which value it sees in a 32×32 critter.

    Pictures are floats (B, 3, 32, 32) in about [−1, 1]. Four times: two 3×3 convolutions with
    batch norm and ReLU, the second of which halves the size; then a linear layer on the last map,
    to ``width`` numbers that describe the picture (its *features*), and one more for each
    attribute.
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
            nn.Linear(width, len(values)) for values in world.ATTRIBUTES.values()
        )
        for weight in self.parameters():
            if weight.ndim == 4:
                weight.data = weight.data.contiguous(memory_format=torch.channels_last)

    @paced
    def features(self, x: Tensor) -> Tensor:
        """What describes each picture, (B, width); ValueError for another shape or no floats."""
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
    """What a `Classifier` says of a set of pictures.

    ``attributes`` int64 (n, 6), indices into `world.ATTRIBUTES`; ``probabilities`` six tensors
    (n, number of values); ``features`` float32 (n, width).
    """

    attributes: Tensor
    probabilities: list[Tensor]
    features: Tensor


@torch.no_grad()
def classify(x: Tensor, classifier: Classifier, batch: int = 256) -> Judgement:
    """What the classifier says of pictures, floats (n, 3, 32, 32) in about [−1, 1].

    Raises ValueError for another shape, and for NaN or infinity.
    """
    if not torch.isfinite(x).all():
        raise ValueError("x holds NaN or infinity: the judge can only look at whole pictures.")
    features = torch.cat([classifier.features(part) for part in x.split(batch)])
    hidden = F.relu(features)
    probabilities = [head(hidden).softmax(1) for head in classifier.heads]
    attributes = torch.stack([p.argmax(1) for p in probabilities], dim=1)
    return Judgement(attributes, probabilities, features)


def load_judge(path: str | Path = SHIPPED) -> Classifier:
    """The judge that is shipped with the course (made by ``tools/train_judge.py``).

    Raises FileNotFoundError and `files.FileError` as `files.load` does.
    """
    tensors, metadata = files.load(path, "judge")
    classifier = Classifier(**metadata["config"])
    classifier.load_state_dict(
        {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}
    )
    return classifier.eval().requires_grad_(False)


def words_found(attributes: Tensor, cond: Tensor) -> Tensor:
    """For each picture: is every word of its prompt true of it? bool (n,).

    ``attributes`` int64 (n, 6), what the judge saw; ``cond`` int64 (n, L), word numbers in any
    order, 0 for nothing said. A prompt that says nothing is true of any picture. Raises ValueError
    for unequal lengths and for other numbers.
    """
    if len(attributes) != len(cond):
        raise ValueError(
            f"There are {len(attributes)} pictures but {len(cond)} prompts: give one for each."
        )
    if cond.numel() and not 0 <= int(cond.min()) <= int(cond.max()) < len(_COLUMN):
        raise ValueError(
            f"cond holds word numbers from {int(cond.min())} to {int(cond.max())}, but they run "
            f"from 0 (nothing said) to {len(_COLUMN) - 1}."
        )
    is_there = attributes.gather(1, _COLUMN[cond]) == _VALUE[cond]
    return (is_there | (cond == 0)).all(dim=1)


def prompt_accuracy(x: Tensor, cond: Tensor, classifier: Classifier) -> float:
    """The share of pictures in which the judge finds *every* word that their prompt names.

    ``x`` floats (n, 3, 32, 32) in about [−1, 1], ``cond`` as in `words_found`.
    """
    return float(words_found(classify(x, classifier).attributes, cond).float().mean())
