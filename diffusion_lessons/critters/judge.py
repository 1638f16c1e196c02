"""The judge: a small classifier that says whether a critter matches its words."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import files
from . import world

SHIPPED = Path(__file__).resolve().parents[1] / "weights" / "judge.safetensors"
# Column and value index of each word number; row 0 stands for "nothing said".
_WORD_COLUMN = [0, *(list(world.ATTRIBUTES).index(name) for name, _ in world.VOCABULARY)]
_WORD_VALUE = [0, *(world.ATTRIBUTES[name].index(value) for name, value in world.VOCABULARY)]


class Classifier(nn.Module):
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
            nn.Linear(width, len(values)) for values in world.ATTRIBUTES.values()
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

    ``attributes`` int64 (n, 6), indices into `world.ATTRIBUTES`; ``probabilities`` six tensors
    (n, number of values); ``features`` float32 (n, width).
    """

    attributes: Tensor
    probabilities: list[Tensor]
    features: Tensor


@torch.no_grad()
def classify(x: Tensor, classifier: Classifier, batch: int = 256) -> Judgement:
    """Let the judge look at pictures, floats (n, 3, 32, 32) in about [−1, 1]."""
    if not torch.isfinite(x).all():
        raise ValueError("x holds NaN or infinity: the judge can only look at whole pictures.")
    features = torch.cat([classifier.features(part) for part in x.split(batch)])
    hidden = F.relu(features)
    probabilities = [head(hidden).softmax(1) for head in classifier.heads]
    attributes = torch.stack([p.argmax(1) for p in probabilities], dim=1)
    return Judgement(attributes, probabilities, features)


def load_judge(path: str | Path = SHIPPED) -> Classifier:
    """The judge that is shipped with the course (made by ``tools/train_judge.py``)."""
    tensors, facts = files.load(path, "judge")
    found = Classifier(**facts["config"])
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


def prompt_accuracy(x: Tensor, cond: Tensor, judge_: Classifier) -> float:
    """The share of pictures in which the judge finds *every* word that their prompt names."""
    return float(words_found(classify(x, judge_).attributes, cond).float().mean())
