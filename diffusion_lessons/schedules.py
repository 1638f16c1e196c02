"""Noise schedules: how much of the picture is left at each step.

A schedule is one frozen list of numbers, ``alpha_bar``. Entry t is ᾱ_t, the share of the
picture's power that is left after t steps: ``alpha_bar[0] == 1`` is the clean picture, the last
entry is (nearly) pure noise. Everything else is derived from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


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
        try:
            alpha_bar = np.array(self.alpha_bar)
            if np.iscomplexobj(alpha_bar):  # the cast would only warn and drop a part
                raise TypeError("it holds complex numbers")
            alpha_bar = alpha_bar.astype(np.float64)
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(
                f"alpha_bar must be a list of numbers, but it could not be read as one: {error}"
            ) from None
        if alpha_bar.ndim != 1 or len(alpha_bar) < 2:
            raise ValueError(
                "alpha_bar must be a flat list of at least two numbers (t = 0 and t = 1), "
                f"but its shape is {alpha_bar.shape}."
            )
        if not np.isfinite(alpha_bar).all():
            where = int(np.flatnonzero(~np.isfinite(alpha_bar))[0])
            raise ValueError(
                f"alpha_bar[{where}] is {alpha_bar[where]}; every entry must be a finite number "
                "between 0 and 1."
            )
        if alpha_bar[0] != 1:
            raise ValueError(
                f"alpha_bar[0] is {alpha_bar[0]:.6g}, but t = 0 is the clean picture, so it must "
                "be exactly 1: put a 1 in front."
            )
        rises = np.flatnonzero(np.diff(alpha_bar) > 0)
        if len(rises):
            t = int(rises[0]) + 1
            raise ValueError(
                f"alpha_bar rises from {alpha_bar[t - 1]:.6g} to {alpha_bar[t]:.6g} at t = {t}, "
                "but noise is only ever added, so it must never increase."
            )
        if alpha_bar[-1] < 0 or alpha_bar[-2] <= 0:
            where = int(np.flatnonzero(alpha_bar <= 0)[0])
            raise ValueError(
                f"alpha_bar[{where}] is {alpha_bar[where]:.6g}, but only the last entry may be 0 "
                "and all others must be above it."
            )
        alpha_bar.setflags(write=False)
        object.__setattr__(self, "alpha_bar", alpha_bar)

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

    def timesteps(self, n: int) -> np.ndarray:
        """The n+1 strictly falling steps T … 0 that a sampler visits, round(linspace(T, 0, n + 1)).

        ``n`` is the number of jumps, 1 ≤ n ≤ T. Returns int64 of shape (n+1,). It always starts at
        T and ends at 0; strides of T // n wrap around or stop short.
        """
        if not isinstance(n, int | np.integer) or isinstance(n, bool) or not 1 <= n <= self.T:
            raise ValueError(
                f"n is {n!r}, but the number of steps must be a whole number from 1 to "
                f"{self.T} (the schedule's T)."
            )
        return np.linspace(self.T, 0, int(n) + 1).round().astype(np.int64)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Schedule):
            return NotImplemented
        return np.array_equal(self.alpha_bar, other.alpha_bar)

    def __hash__(self) -> int:
        return hash(self.alpha_bar.tobytes())

    def __repr__(self) -> str:
        return f"Schedule(T={self.T}, alpha_bar: 1 … {self.alpha_bar[-1]:.3g})"


def linear(T: int = 1000) -> Schedule:
    """The linear schedule: β_t runs from 1e-4 at t = 1 to 0.02 at t = T, whatever T is.

    ᾱ_t = ∏_{s ≤ t} (1 − β_s). Source: Ho, Jain and Abbeel 2020 (DDPM), section 4. Because β does
    not depend on T, a short linear schedule stops early: look at ``alpha_bar[-1]``.
    """
    beta = np.linspace(1e-4, 0.02, _checked(T))
    return Schedule(np.append(1.0, np.cumprod(1 - beta)))


def cosine(T: int = 1000) -> Schedule:
    """The cosine schedule: ᾱ follows cos² of a quarter turn, β_t = min(1 − f(t)/f(t−1), 0.999).

    f(t) = cos²(π/2 · (t/T + 0.008) / 1.008). Source: Nichol and Dhariwal 2021, equation 17. The cap
    keeps ᾱ_T just above 0.
    """
    t = np.arange(_checked(T) + 1)
    f = np.cos(np.pi / 2 * (t / T + 0.008) / 1.008) ** 2
    beta = np.minimum(1 - f[1:] / f[:-1], 0.999)
    return Schedule(np.append(1.0, np.cumprod(1 - beta)))


def _checked(T: int) -> int:
    if not isinstance(T, int | np.integer) or isinstance(T, bool) or T < 1:
        raise ValueError(f"T is {T!r}, but the number of steps must be a whole number from 1 up.")
    return int(T)


def _frozen(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array
