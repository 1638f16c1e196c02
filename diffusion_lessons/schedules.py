"""Noise schedules: how much of the picture is left at each step.

A schedule is one frozen list of numbers, ``alpha_bar``. Entry t is ᾱ_t, the share of the
picture's power that is left after t steps: ``alpha_bar[0] == 1`` is the clean picture, the last
entry is (nearly) pure noise. Everything else is derived from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from . import guard
from .guard import guarded


@dataclass(frozen=True, eq=False)
class Schedule:
    """A noise schedule, the frozen value ᾱ_0 … ᾱ_T.

    ``alpha_bar`` is a one-dimensional array of length T+1 (at least 2): it starts at exactly 1,
    never increases, and every entry is above 0 but the last, which may be 0. It is stored as a
    read-only float64 array. All derived arrays have length T+1 too.

    Raises ``ValueError`` in one sentence for anything else.
    Source: Ho, Jain and Abbeel 2020 (DDPM), section 2, with one entry put in front for t = 0.
    """

    alpha_bar: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "alpha_bar", _frozen(guard.alpha_bar(self.alpha_bar)))

    @property
    def T(self) -> int:
        """The last step: t = 0 is data, t = T is noise."""
        return len(self.alpha_bar) - 1

    @cached_property
    def alpha(self) -> np.ndarray:
        """The share of power that step t keeps, α_t = ᾱ_t / ᾱ_{t−1} (α_0 = 1)."""
        return _frozen(np.append(1.0, self.alpha_bar[1:] / self.alpha_bar[:-1]))

    @cached_property
    def beta(self) -> np.ndarray:
        """The variance of the noise that step t adds, β_t = 1 − α_t (β_0 = 0)."""
        return _frozen(1 - self.alpha)

    @cached_property
    def signal_rate(self) -> np.ndarray:
        """What multiplies the picture, √ᾱ_t."""
        return _frozen(np.sqrt(self.alpha_bar))

    @cached_property
    def noise_rate(self) -> np.ndarray:
        """What multiplies the noise, √(1 − ᾱ_t)."""
        return _frozen(np.sqrt(1 - self.alpha_bar))

    @cached_property
    def sigma(self) -> np.ndarray:
        """Noise relative to signal, σ_t = √((1 − ᾱ_t) / ᾱ_t) (σ_0 = 0, inf where ᾱ_t = 0)."""
        with np.errstate(divide="ignore"):
            return _frozen(np.sqrt((1 - self.alpha_bar) / self.alpha_bar))

    @cached_property
    def snr(self) -> np.ndarray:
        """Signal-to-noise ratio, ᾱ_t / (1 − ᾱ_t) = σ_t⁻² (inf at t = 0)."""
        with np.errstate(divide="ignore"):
            return _frozen(self.alpha_bar / (1 - self.alpha_bar))

    @guarded(n=guard.jumps)
    def timesteps(self, n: int) -> np.ndarray:
        """The n+1 strictly falling steps T … 0 that a sampler visits, round(linspace(T, 0, n + 1)).

        ``n`` is the number of jumps, 1 ≤ n ≤ T. Returns int64 of shape (n+1,). It always starts at
        T and ends at 0; strides of T // n wrap around or stop short.
        """
        return np.linspace(self.T, 0, n + 1).round().astype(np.int64)

    def at(self, t: Tensor | int, x: Tensor) -> Tensor:
        """ᾱ_t, float64 on the CPU, shaped (B, 1, …) or (1, 1, …) to multiply pictures like x."""
        return self._tensor[torch.as_tensor(t).cpu()].reshape(-1, *[1] * (x.ndim - 1))

    def rates(self, t: Tensor | int, x: Tensor) -> tuple[Tensor, Tensor]:
        """√ᾱ_t and √(1 − ᾱ_t) in the dtype and on the device of the pictures x; shapes as `at`."""
        alpha_bar = self.at(t, x)
        return (
            alpha_bar.sqrt().to(x, non_blocking=True),
            (1 - alpha_bar).sqrt().to(x, non_blocking=True),
        )

    @cached_property
    def _tensor(self) -> Tensor:
        return torch.tensor(self.alpha_bar)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Schedule):
            return NotImplemented
        return np.array_equal(self.alpha_bar, other.alpha_bar)

    def __hash__(self) -> int:
        return hash(self.alpha_bar.tobytes())

    def __repr__(self) -> str:
        return f"Schedule(T={self.T}, alpha_bar: 1 … {self.alpha_bar[-1]:.3g})"


@guarded(T=guard.length)
def linear(T: int = 1000) -> Schedule:
    """The linear schedule: β_t runs from 1e-4 at t = 1 to 0.02 at t = T, whatever T is.

    ᾱ_t = ∏_{s ≤ t} (1 − β_s). Source: Ho, Jain and Abbeel 2020 (DDPM), section 4. Because β does
    not depend on T, a short linear schedule stops early: look at ``alpha_bar[-1]``.
    """
    beta = np.linspace(1e-4, 0.02, T)
    return Schedule(np.append(1.0, np.cumprod(1 - beta)))


@guarded(T=guard.length)
def cosine(T: int = 1000) -> Schedule:
    """The cosine schedule: ᾱ follows cos² of a quarter turn, β_t = min(1 − f(t)/f(t−1), 0.999).

    f(t) = cos²(π/2 · (t/T + 0.008) / 1.008). Source: Nichol and Dhariwal 2021, equation 17. The cap
    keeps ᾱ_T just above 0.
    """
    t = np.arange(T + 1)
    f = np.cos(np.pi / 2 * (t / T + 0.008) / 1.008) ** 2
    beta = np.minimum(1 - f[1:] / f[:-1], 0.999)
    return Schedule(np.append(1.0, np.cumprod(1 - beta)))


def _frozen(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array
