"""The network: a small U-Net that is given the level and, where there are any, the words.

A network is called as ``output = model(x_t, t, cond=None)`` and has an attribute ``target`` that
says what the output means: "eps", "v" or "x0" (see `forward.prediction`).
"""

from __future__ import annotations

import itertools
import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import guard
from .cores import paced
from .guard import guarded


class Block(nn.Module):
    """Twice norm → scale and shift by time and words → SiLU → 3×3 convolution, on top of its input.

    After Dhariwal and Nichol 2021, who scale and shift once. (B, width, H, W) stays that shape.
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
        attn = (q @ k.transpose(2, 3) / math.sqrt(C // self.heads)).softmax(dim=3)
        out = (attn @ v).transpose(1, 2).reshape(B, H * W, C)
        return h + self.out(out).transpose(1, 2).reshape(B, C, H, W)


class UNet(nn.Module):
    """A small U-Net that a laptop trains in a minute: down, think, up, with skips across.

    2×2 pixels are folded into channels first, so that the widest pictures the network sees are
    half as large. Source: Ronneberger et al. 2015; Ho, Jain and Abbeel 2020, appendix B; scale and
    shift after Dhariwal and Nichol 2021; without concatenation, skips are added.

    ``widths``: channels at each size, each half the one before. ``vocabulary``: how many words
    (0: none); ``cond`` is then int64 (B, L) of word numbers 1 … vocabulary, 0 for "nothing said",
    and the vectors of a picture's words are summed. ``uses_time=False`` hides t from the network,
    ``attention=False`` leaves convolutions, and norms over the whole picture, to connect places.
    Pictures are (B, channels, H, W) with H and W divisible by 2 ** len(widths).
    """

    @guarded(target=guard.target)
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
        self.conv_in = nn.Conv2d(4 * channels, widths[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(Block(width, context) for width in widths)
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in itertools.pairwise(widths)
        )
        self.attention = Attention(widths[-1]) if attention else nn.Identity()
        self.up_blocks = nn.ModuleList(Block(width, context) for width in widths)
        self.up = nn.ModuleList(nn.Conv2d(b, 4 * a, 1) for a, b in itertools.pairwise(widths))
        last = nn.Conv2d(widths[0], 4 * channels, 3, padding=1)
        self.conv_out = nn.Sequential(_norm(widths[0]), nn.SiLU(), last)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(cast(Tensor, last.bias))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @paced
    def forward(self, x_t: Tensor, t: Tensor, cond: Tensor | None = None) -> Tensor:
        guard.network_input(self, x_t, t, cond)
        context = self.context(t, cond, len(x_t))
        # A trajectory may be float64 or float16; the network answers in its weights' precision.
        h = F.pixel_unshuffle(x_t.to(self.conv_in.weight.dtype), 2)  # (B, 4 channels, H/2, W/2)
        h = self.conv_in(h.contiguous(memory_format=torch.channels_last))
        skips = []
        for i, block in enumerate(self.down_blocks):
            h = block(h, context)
            if i < len(self.down):
                skips.append(h)
                h = self.down[i](h)
        h = self.attention(h)
        for i in reversed(range(len(self.up_blocks))):
            h = self.up_blocks[i](h, context)
            if i > 0:
                h = F.pixel_shuffle(self.up[i - 1](h), 2) + skips[i - 1]
        return F.pixel_shuffle(self.conv_out(h), 2)

    def context(self, t: Tensor, cond: Tensor | None, batch: int) -> Tensor:
        """What the blocks are told, (B, context): the vector of t plus the sum of the words'."""
        t = torch.as_tensor(t if self.uses_time else 0)
        context = F.silu(self.time(time_features(t.expand(batch), 64).to(self.words.weight)))
        # Words come after the SiLU, so a word scales and shifts in its own way whatever the others
        # say: that is what lets words go together that never met in training.
        return context if cond is None else context + self.words(cond).sum(1)


def time_features(t: Tensor, width: int) -> Tensor:
    """t as waves of many lengths, so that near steps look alike and far ones differ.

    [cos(t fᵢ), sin(t fᵢ)], fᵢ = 10,000^(−i/half), i = 0 … half − 1 (Vaswani et al. 2017, 3.5).
    t int64 (B,); returns float32 (B, width).
    """
    half = width // 2
    frequency = torch.exp(-math.log(10_000) * torch.arange(half, device=t.device) / half)
    angle = t[:, None].float() * frequency
    return torch.cat([angle.cos(), angle.sin()], dim=1)


def count_weights(model: nn.Module) -> int:
    """How many numbers the network learns."""
    return sum(weight.numel() for weight in model.parameters())


def _norm(width: int) -> nn.GroupNorm:
    """All channels in one group: more groups take much longer on a CPU."""
    return nn.GroupNorm(1, width)
