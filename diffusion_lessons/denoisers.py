"""Denoisers that need no training: the ideal one, unbeaten on its own data, and lesser ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from . import guard
from .cores import paced
from .guard import guarded, like_the_data, no_words, whole_level
from .schedules import Schedule


class IdealDenoiser:
    """The exact best guess at the clean picture when the data are a known finite set.

    x̂₀ = Σᵢ wᵢ xᵢ,  wᵢ ∝ exp(−‖x_t − √ᾱ_t xᵢ‖² / (2 (1−ᾱ_t))): every picture votes for itself,
    weighted by how well it explains what is seen. The minimiser of the training loss over all
    functions (Karras et al. 2022, EDM, appendix B.3). ``target`` is "x0".

    With a ``spread`` s above 0 the data are soft: any picture of the mixture of Gaussians
    N(xᵢ, s²), and with k = √ᾱ_t s² / (ᾱ_t s² + 1−ᾱ_t) and that denominator as the votes' variance
    x̂₀ = Σᵢ wᵢ (xᵢ + k (x_t − √ᾱ_t xᵢ)). No guesser can do better on new pictures of that mixture.

    ``data``: floats (N, C, H, W) in [−1, 1]. Called like a network; it knows no words, so a
    ``cond`` is an error. At t = 0 it answers with the nearest picture (with a spread: with x_t).
    Both data and batch are worked through in slices: 2,000 pictures against 20,000 of 32×32 take
    about 300 MB.
    """

    target = "x0"

    @guarded(data=guard.known_data(2), spread=guard.spread)
    def __init__(self, data: Tensor, schedule: Schedule, spread: float = 0.0) -> None:
        self.data, self.schedule, self.spread = data, schedule, spread
        self.shape = data.shape[1:]

    @guarded(x_t=like_the_data, t=whole_level)
    def weights(self, x_t: Tensor, t: Tensor | int) -> Tensor:
        """The votes wᵢ: float64 of shape (B, N), each row sums to 1."""
        return torch.cat([self._votes(*part) for part in self._parts(x_t, t)])

    @guarded(cond=no_words("ideal"), x_t=like_the_data, t=whole_level)
    @paced
    def __call__(self, x_t: Tensor, t: Tensor | int, cond: Tensor | None = None) -> Tensor:
        answers = []
        for part, alpha_bar in self._parts(x_t, t):
            # Σ wᵢ (xᵢ + k (x_t − √ᾱ xᵢ)) = (1 − k √ᾱ) Σ wᵢ xᵢ + k x_t, as the votes add up to 1.
            votes = self._votes(part, alpha_bar).to(self.data.dtype)
            k = alpha_bar.sqrt() * self.spread**2 / self._variance(alpha_bar)
            average = votes @ self.data.flatten(1)
            answers.append((1 - k * alpha_bar.sqrt()) * average + k * part.flatten(1))
        return torch.cat(answers).reshape(x_t.shape).to(x_t.dtype)

    def _parts(self, x_t: Tensor, t: Tensor | int) -> Iterator[tuple[Tensor, Tensor]]:
        """The batch in slices of at most four million votes, each with its ᾱ_t as (b, 1)."""
        alpha_bar = _alpha_bar(self.schedule, t, x_t)
        rows = max(1, 4_000_000 // len(self.data))
        return zip(x_t.split(rows), alpha_bar.split(rows), strict=True)

    def _variance(self, alpha_bar: Tensor) -> Tensor:
        """The variance of x_t around √ᾱ_t xᵢ; never 0, so that dividing by it is safe."""
        tiny = torch.finfo(torch.float64).tiny
        return (alpha_bar * self.spread**2 + 1 - alpha_bar).clamp(min=tiny)

    def _votes(self, x_t: Tensor, alpha_bar: Tensor) -> Tensor:
        # float64, in slices: near t = 0 the distances are divided by a tiny number.
        x_t, signal_rate = x_t.flatten(1).double(), alpha_bar.sqrt()
        # Into one block: small pieces kept among large ones that are freed leave holes in memory.
        squared = x_t.new_empty(len(x_t), len(self.data))
        slices = self.data.flatten(1).split(1024)
        for piece, slice_ in zip(squared.split(1024, dim=1), slices, strict=True):
            part = slice_.double()
            piece.copy_(
                (x_t**2).sum(1, keepdim=True)
                - 2 * signal_rate * (x_t @ part.T)
                + signal_rate**2 * (part**2).sum(1)
            )
        squared.clamp_(min=0)
        # The nearest at distance 0 first, so that dividing by no noise at all picks it.
        squared = squared - squared.min(dim=1, keepdim=True).values
        return torch.softmax(-squared / (2 * self._variance(alpha_bar)), dim=1)


class LinearDenoiser:
    """The best guess at the clean picture among all that are linear in what is seen.

    x̂₀ = μ + √ᾱ_t Σ (ᾱ_t Σ + (1−ᾱ_t) I)⁻¹ (x_t − √ᾱ_t μ) with the mean μ and the covariance Σ of
    ``data``: exact if the data were one Gaussian cloud, whose new pictures it would draw (Wiener
    1949; Wang and Vastola 2024). ``target`` is "x0".

    ``data``: floats (N, C, H, W) in [−1, 1]. Called like a network without words. Finding the axes
    of 32×32 colour pictures takes some seconds.
    """

    target = "x0"

    @guarded(data=guard.known_data(2))
    def __init__(self, data: Tensor, schedule: Schedule) -> None:
        self.shape, self.schedule = data.shape[1:], schedule
        self.mean = data.flatten(1).mean(0, dtype=torch.float64)
        # A thousand at a time: all pictures in float64, and without their mean, are large.
        parts = (part.flatten(1).double() - self.mean for part in data.split(1024))
        covariance = sum(part.T @ part for part in parts) / len(data)
        variances, self.axes = torch.linalg.eigh(covariance)
        self.variances = variances.clamp(min=0)

    @guarded(cond=no_words("linear"), x_t=like_the_data, t=whole_level)
    @paced
    def __call__(self, x_t: Tensor, t: Tensor | int, cond: Tensor | None = None) -> Tensor:
        alpha_bar = _alpha_bar(self.schedule, t, x_t)
        seen = (x_t.flatten(1).double() - alpha_bar.sqrt() * self.mean) @ self.axes
        total = alpha_bar * self.variances + 1 - alpha_bar
        # Where there is neither picture nor noise, nothing is to be moved.
        gain = torch.where(total > 0, alpha_bar.sqrt() * self.variances / total, 0)
        return (self.mean + (gain * seen) @ self.axes.T).reshape(x_t.shape).to(x_t.dtype)


class LocalDenoiser:
    """The ideal guess of someone who sees, for each pixel, only a window around it.

    Pixel by pixel x̂₀(p) = Σᵢ wᵢ(p) xᵢ(p), wᵢ(p) ∝ exp(−‖x_t − √ᾱ_t xᵢ‖² / (2 (1−ᾱ_t))) with the
    norm over the window around p: the votes of `IdealDenoiser`, taken in each place by itself, so
    that one picture may vote for the ear and another for the sky. A network of convolutions is
    bound to a window too (Kamb and Ganguli 2025, their "local score machine"; at the border the
    window ends with the picture).

    ``size``: the window's side in pixels, odd; one number, or one for each t from 0 to T, since
    networks look further where there is more noise. A window that always covers the whole picture
    gives `IdealDenoiser`. ``data``: floats (N, C, H, W) in [−1, 1]. ``target`` is "x0".
    """

    target = "x0"

    @guarded(data=guard.known_data(4), size=guard.window_sizes)
    def __init__(self, data: Tensor, schedule: Schedule, size: int | Sequence[int]) -> None:
        self.data, self.schedule, self.shape = data, schedule, data.shape[1:]
        self.sizes: Sequence[int] = size  # type: ignore[assignment]  # one for each t by now

    @guarded(cond=no_words("local"), x_t=like_the_data, t=whole_level)
    @paced
    def __call__(self, x_t: Tensor, t: Tensor | int, cond: Tensor | None = None) -> Tensor:
        alpha_bar = _alpha_bar(self.schedule, t, x_t)[:, 0].tolist()
        levels = torch.as_tensor(t).expand(len(x_t)).tolist()
        answers = [
            self._answer(x, a, self.sizes[level])
            for x, a, level in zip(x_t, alpha_bar, levels, strict=True)
        ]
        return torch.stack(answers).to(x_t.dtype)

    def _answer(self, x: Tensor, alpha_bar: float, size: int) -> Tensor:
        """One picture (C, H, W); the data pass in slices, with a running softmax."""
        variance = max(1 - alpha_bar, torch.finfo(torch.float64).tiny)
        best = x.new_full((1, 1, *x.shape[1:]), torch.inf, dtype=torch.float64)
        total, answer = torch.zeros_like(best), torch.zeros_like(x[None], dtype=torch.float64)
        for part in self.data.split(256):
            part = part.double()
            squared = (x.double() - alpha_bar**0.5 * part).square().sum(1, keepdim=True)
            # An average times its length is the sum, down and then across: as wide as the window
            # may be, that is 2 · size numbers for each pixel. Nothing counts beyond the edge.
            squared = size * F.avg_pool2d(squared, (size, 1), 1, (size // 2, 0))
            squared = size * F.avg_pool2d(squared, (1, size), 1, (0, size // 2))
            nearer = torch.minimum(best, squared.min(0, keepdim=True).values)
            kept = torch.exp(-(best - nearer) / (2 * variance))
            votes = torch.exp(-(squared - nearer) / (2 * variance))
            total = kept * total + votes.sum(0, keepdim=True)
            answer = kept * answer + (votes * part).sum(0, keepdim=True)
            best = nearer
        return (answer / total)[0]


def _alpha_bar(schedule: Schedule, t: Tensor | int, x_t: Tensor) -> Tensor:
    """ᾱ_t as float64 (B, 1), where x_t is."""
    return schedule.at(t, x_t.flatten(1)).expand(len(x_t), 1).to(x_t.device)
