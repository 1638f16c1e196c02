"""Muon, the optimiser of the matrices inside a network."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from . import cores


class Muon(torch.optim.Optimizer):
    """Momentum whose steps are made equally large in all directions of a weight matrix.

    G ← momentum buffer with look-ahead, then five Newton–Schulz steps X ← aX + (bA + cA²)X,
    A = XXᵀ, push all singular values of G towards 1, and the weight moves by lr · X · √(max(1,
    rows/columns)), after it has shrunk by lr · ``weight_decay``: else its steps become small
    beside it as it grows. Convolutions count as matrices (out, in·3·3).
    Source: Jordan et al. 2024 (Muon); Liu et al. 2025 (Muon is Scalable, section 2.2) for the
    decay. Unlike ``torch.optim.Muon`` it takes convolutions and works in float32.
    """

    def __init__(
        self,
        weights: Iterable[nn.Parameter],
        lr: float = 0.02,
        momentum: float = 0.95,
        weight_decay: float = 0.2,
    ) -> None:
        super().__init__(weights, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            for weight in weights:
                if not self.state[weight]:
                    self.state[weight]["momentum"] = torch.zeros_like(weight)
            shares = [(share,) for share in _even(weights, cores.in_turn())]
            cores.each(partial(self._move, group), shares)

    def _move(self, group: dict[str, Any], weights: list[Tensor]) -> None:
        # Lists in one call each: on a GPU what costs is the number of calls.
        gradients = [cast(Tensor, weight.grad) for weight in weights]
        buffers = [self.state[weight]["momentum"] for weight in weights]
        torch._foreach_lerp_(buffers, gradients, 1 - group["momentum"])
        ahead = torch._foreach_lerp(gradients, buffers, group["momentum"])
        matrices = orthogonalised([matrix.flatten(1) for matrix in ahead])
        torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
        for weight, matrix in zip(weights, matrices, strict=True):
            rows, columns = matrix.shape
            scale = math.sqrt(max(1.0, rows / columns))
            weight.add_(matrix.reshape(weight.shape), alpha=-group["lr"] * scale)


def _even(weights: list[nn.Parameter], n: int) -> list[list[nn.Parameter]]:
    """The weights in n lists that take about equally long to orthogonalise."""
    lists: list[list[nn.Parameter]] = [[] for _ in range(min(n, len(weights)))]
    for weight in sorted(weights, key=_work, reverse=True):
        min(lists, key=lambda some: sum(map(_work, some))).append(weight)
    return lists


def _work(weight: nn.Parameter) -> int:
    """In multiplications: X Xᵀ and the product with X, and five steps on the square side."""
    side, length = sorted((len(weight), weight.numel() // len(weight)))
    return 2 * side**2 * (length + 10 * side)


def orthogonalised(matrices: Sequence[Tensor]) -> list[Tensor]:
    """Newton–Schulz iteration towards the nearest matrix with all singular values equal to 1.

    For each matrix one of its shape, (rows, columns), in float32, with singular values from about
    0.7 to 1.2. The coefficients are those of Jordan et al. 2024.
    """
    wide = [G.float() / (G.norm() + 1e-7) for G in matrices]
    wide = [X if X.shape[0] <= X.shape[1] else X.T for X in wide]
    # All steps are polynomials in A = XXᵀ, so they are multiplied out on the small squares A first,
    # and those of one size in one go.
    sides: dict[int, list[int]] = {}
    for i, X in enumerate(wide):
        sides.setdefault(len(X), []).append(i)
    for which in sides.values():
        products = _newton_schulz(torch.stack([wide[i] @ wide[i].T for i in which]))
        for i, product in zip(which, products, strict=True):
            wide[i] = product @ wide[i]
    return [X if X.shape == G.shape else X.T for X, G in zip(wide, matrices, strict=True)]


def _newton_schulz(A: Tensor, steps: int = 5) -> Tensor:
    """What to multiply X by from the left, for squares A = XXᵀ of shape (n, side, side)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    product = torch.eye(A.shape[1], device=A.device)
    for _ in range(steps):
        step = torch.baddbmm(A, A, A, beta=b, alpha=c)  # bA + cA²
        step.diagonal(dim1=1, dim2=2).add_(a)
        product, A = step @ product, step @ A @ step
    return product


def optimisers(
    model: nn.Module, lr: float, weight_decay: float
) -> list[tuple[torch.optim.Optimizer, float]]:
    """`Muon` for the matrices inside, AdamW for all the rest; each with its full learning rate.

    The first and the last layer, what reads t, and word vectors are not inside.
    """
    inner: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, weight in model.named_parameters():
        layer = name.partition(".")[0]
        outside = layer.endswith(("_in", "_out")) or layer in ("time", "words")
        (rest if outside or weight.ndim < 2 else inner).append(weight)
    both: list[tuple[torch.optim.Optimizer, float]] = []
    if inner:
        both.append((Muon(inner, lr=lr, weight_decay=weight_decay), lr))
    if rest:
        adam_lr = 2e-3
        both.append((torch.optim.AdamW(rest, adam_lr, betas=(0.9, 0.99), fused=True), adam_lr))
    return both
