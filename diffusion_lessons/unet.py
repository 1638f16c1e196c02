"""The networks, the ideal denoiser that no network can beat on its own data, and lesser ones.

A network is called as ``output = model(x_t, t, cond=None)`` and has an attribute ``target`` that
says what the output means: "eps", "v" or "x0" (see `forward.prediction`).
"""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .guard import TARGETS


class Block(nn.Module):
    """Twice norm → scale and shift by time and words → bend → 3×3 convolution, on top of its input.

    Words enter at both places (Dhariwal and Nichol 2021 have one): after a minute's training that
    draws pairs that never met right more often, .74 against .62 (two runs each).
    """

    def __init__(self, width: int, context: int) -> None:
        super().__init__()
        self.norm1 = _norm(width)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.norm2 = _norm(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.modulate = nn.Linear(context, 4 * width)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, h: Tensor, context: Tensor) -> Tensor:
        scale1, shift1, scale2, shift2 = self.modulate(context)[:, :, None, None].chunk(4, dim=1)
        # addcmul(a, b, c) is a + b · c, in one go over the memory.
        inner = self.conv1(F.silu(torch.addcmul(shift1, self.norm1(h), 1 + scale1)))
        return h + self.conv2(F.silu(torch.addcmul(shift2, self.norm2(inner), 1 + scale2)))


class Attention(nn.Module):
    """Every place looks at every other place (self-attention), on top of its input."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = _norm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        nn.init.zeros_(self.out.weight)

    def forward(self, h: Tensor) -> Tensor:
        B, C, H, W = h.shape
        tokens = self.norm(h).flatten(2).transpose(1, 2)  # (B, H·W, C)
        q, k, v = (
            self.query_key_value(tokens)
            .reshape(B, H * W, 3, self.heads, C // self.heads)
            .permute(2, 0, 3, 1, 4)  # (3, B, heads, H·W, C/heads)
        )
        # (B, heads, H·W, H·W); written out, since the fused call is slower for so few places.
        looks = (q @ k.transpose(2, 3) / math.sqrt(C // self.heads)).softmax(dim=3)
        seen = (looks @ v).transpose(1, 2).reshape(B, H * W, C)
        return h + self.out(seen).transpose(1, 2).reshape(B, C, H, W)


class UNet(nn.Module):
    """A small U-Net that a laptop trains in a minute: down, think, up, with bridges across.

    2×2 pixels are folded into channels first, so that the widest pictures the network sees are
    half as large. Source: Ronneberger et al. 2015; Ho, Jain and Abbeel 2020, appendix B; scale and
    shift after Dhariwal and Nichol 2021; without concatenation, bridges are added.

    ``widths``: channels at each size, each half the one before. ``vocabulary``: how many words
    (0: none); ``cond`` is then int64 (B, L) of word numbers 1 … vocabulary, 0 for "nothing said",
    and the vectors of a picture's words are summed. ``uses_time=False`` hides t from the network,
    ``attention=False`` leaves convolutions, and norms over the whole picture, to connect places.
    Pictures are (B, channels, H, W) with H and W divisible by 2 ** len(widths).
    """

    def __init__(
        self,
        channels: int = 3,
        widths: tuple[int, ...] = (48, 96, 160),
        vocabulary: int = 0,
        target: str = "v",
        uses_time: bool = True,
        attention: bool = True,
    ) -> None:
        super().__init__()
        if target not in TARGETS:
            raise ValueError(f"target is {target!r}, but it must be one of {', '.join(TARGETS)}.")
        self.config = {
            "channels": channels,
            "widths": list(widths),
            "vocabulary": vocabulary,
            "target": target,
            "uses_time": uses_time,
            "attention": attention,
        }
        self.target, self.uses_time, self.vocabulary = target, uses_time, vocabulary
        context = 4 * widths[0]
        self.time = nn.Sequential(nn.Linear(64, context), nn.SiLU(), nn.Linear(context, context))
        self.words = nn.Embedding(vocabulary + 1, context, padding_idx=0)
        nn.init.normal_(self.words.weight, std=0.3)
        with torch.no_grad():
            self.words.weight[0] = 0
        self.enter = nn.Conv2d(4 * channels, widths[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(Block(width, context) for width in widths)
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in itertools.pairwise(widths)
        )
        self.attention = Attention(widths[-1]) if attention else nn.Identity()
        self.up_blocks = nn.ModuleList(Block(width, context) for width in widths)
        self.up = nn.ModuleList(nn.Conv2d(b, 4 * a, 1) for a, b in itertools.pairwise(widths))
        self.leave = nn.Sequential(
            _norm(widths[0]),
            nn.SiLU(),
            nn.Conv2d(widths[0], 4 * channels, 3, padding=1),
        )
        nn.init.zeros_(self.leave[-1].weight)
        nn.init.zeros_(self.leave[-1].bias)
        self.to(memory_format=torch.channels_last)

    def forward(self, x_t: Tensor, t: Tensor, cond: Tensor | None = None) -> Tensor:
        fold = 2 ** len(self.down_blocks)
        if (
            x_t.ndim != 4
            or not x_t.is_floating_point()
            or x_t.shape[1] != self.config["channels"]
            or any(side % fold for side in x_t.shape[2:])
        ):
            raise ValueError(
                f"x_t has shape {tuple(x_t.shape)} and dtype {x_t.dtype}, but this network takes "
                f"floats (B, {self.config['channels']}, H, W) with H and W divisible by {fold}."
            )
        context = self.context(t, cond, len(x_t))
        # A film may be float64 or float16; the network answers in the precision of its weights.
        h = F.pixel_unshuffle(x_t.to(self.enter.weight.dtype), 2).contiguous(
            memory_format=torch.channels_last
        )
        h = self.enter(h)
        bridges = []
        for i, block in enumerate(self.down_blocks):
            h = block(h, context)
            if i < len(self.down):
                bridges.append(h)
                h = self.down[i](h)
        h = self.attention(h)
        for i in reversed(range(len(self.up_blocks))):
            h = self.up_blocks[i](h, context)
            if i > 0:
                h = F.pixel_shuffle(self.up[i - 1](h), 2) + bridges[i - 1]
        return F.pixel_shuffle(self.leave(h), 2)

    def context(self, t: Tensor, cond: Tensor | None, batch: int) -> Tensor:
        """What the blocks are told, (B, context): the vector of t plus the sum of the words'."""
        t = torch.as_tensor(t if self.uses_time else 0)
        if t.ndim > 1 or (t.ndim == 1 and len(t) not in (1, batch)):
            raise ValueError(
                f"t has shape {tuple(t.shape)}, but it must be one number or one for each of the "
                f"{batch} pictures."
            )
        context = F.silu(self.time(time_features(t.expand(batch), 64).to(self.words.weight)))
        if cond is not None:
            if cond.ndim != 2 or len(cond) != batch or cond.is_floating_point():
                raise ValueError(
                    f"cond has shape {tuple(cond.shape)}, but whole numbers (B, L) with one row "
                    f"for each of the {batch} pictures are expected."
                )
            if cond.numel() and not 0 <= int(cond.min()) <= int(cond.max()) <= self.vocabulary:
                raise ValueError(
                    f"cond holds word numbers up to {int(cond.max())}, but this model knows "
                    f"{self.vocabulary} words (0 means nothing said)."
                )
            # After the bend: so a word scales and shifts in its own way whatever the others say,
            # which is what lets words go together that never met in training.
            context = context + self.words(cond).sum(1)
        return context


def time_features(t: Tensor, width: int) -> Tensor:
    """t as waves of many lengths, so that near steps look alike and far ones differ.

    [cos(t fᵢ), sin(t fᵢ)], fᵢ from 1 down to 1/10,000 (Vaswani et al. 2017, section 3.5). t int64
    (B,); returns float32 (B, width).
    """
    half = width // 2
    frequency = torch.exp(-math.log(10_000) * torch.arange(half, device=t.device) / half)
    angle = t[:, None].float() * frequency
    return torch.cat([angle.cos(), angle.sin()], dim=1)


def count_weights(model: nn.Module) -> int:
    """How many numbers the network learns."""
    return sum(weight.numel() for weight in model.parameters())


def _norm(width: int) -> nn.GroupNorm:
    """One group: with eight, this layer took a third of all training time on a CPU."""
    return nn.GroupNorm(1, width)
