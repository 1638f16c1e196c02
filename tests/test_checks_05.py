"""Lesson 05: its checks name every planted mistake, and its course versions are the package's."""

import numpy as np
import pytest
import torch
from planted import assert_says, cases

from diffusion_lessons import checks, forward, sampling, schedules
from diffusion_lessons.course import figures

GENERAL = "not yet. Its answer is up to"


def stub(*_):
    raise NotImplementedError


def fresh_noise(x_t, x0, eps, a):
    return a**0.5 * x0 + (1 - a) ** 0.5 * torch.randn_like(x0)


def seeded_noise(x_t, x0, eps, a):
    z = torch.randn(x0.shape, generator=torch.Generator().manual_seed(0))
    return a**0.5 * x0 + (1 - a) ** 0.5 * z


def in_place(x_t, x0, eps, a):
    x0 *= a**0.5
    x0 += (1 - a) ** 0.5 * eps
    return x0


STEP_BACK = {
    "right": [
        lambda x_t, x0, eps, a: a**0.5 * x0 + (1 - a) ** 0.5 * eps,
        lambda x_t, x0, eps, a: a.sqrt() * x0 + (1 - a).sqrt() * eps,
        lambda x_t, x0, eps, a: float(a) ** 0.5 * x0 + float(1 - a) ** 0.5 * eps,
        lambda x_t, x0, eps, a: (
            np.sqrt(float(a)) * x0.numpy() + np.sqrt(1 - float(a)) * eps.numpy()
        ),
        lambda x_t, x0, eps, a: (a**0.5 * x0.double() + (1 - a) ** 0.5 * eps.double()).tolist(),
    ],
    "the noise lacks its square root": [lambda x_t, x0, eps, a: a**0.5 * x0 + (1 - a) * eps],
    "the picture lacks its square root": [lambda x_t, x0, eps, a: a * x0 + (1 - a) ** 0.5 * eps],
    "both square roots": [lambda x_t, x0, eps, a: a * x0 + (1 - a) * eps],
    "yours is all noise": [lambda x_t, x0, eps, a: (1 - a) ** 0.5 * x0 + a**0.5 * eps],
    "both lack their": [lambda x_t, x0, eps, a: (1 - a) * x0 + a * eps],
    "noise is subtracted": [lambda x_t, x0, eps, a: a**0.5 * x0 - (1 - a) ** 0.5 * eps],
    "gives x_t back": [lambda x_t, x0, eps, a: x_t, lambda x_t, x0, eps, a: x_t.clone()],
    "returns x̂₀": [lambda x_t, x0, eps, a: x0],
    "no noise is put back": [lambda x_t, x0, eps, a: a**0.5 * x0],
    "the noise alone": [lambda x_t, x0, eps, a: (1 - a) ** 0.5 * eps],
    "it mixes x_t with noise": [lambda x_t, x0, eps, a: a**0.5 * x_t + (1 - a) ** 0.5 * eps],
    "it mixes x̂₀ with x_t": [lambda x_t, x0, eps, a: a**0.5 * x0 + (1 - a) ** 0.5 * x_t],
    "factors add to 1": [lambda x_t, x0, eps, a: a**0.5 * x0 + (1 - a**0.5) * eps],
    "picture is at full strength:": [lambda x_t, x0, eps, a: x0 + (1 - a) ** 0.5 * eps],
    "lacks its root": [lambda x_t, x0, eps, a: x0 + (1 - a) * eps],
    "comes back at full strength": [lambda x_t, x0, eps, a: a**0.5 * x0 + eps],
    "only adds": [lambda x_t, x0, eps, a: x0 + eps],
    "all the predicted noise": [lambda x_t, x0, eps, a: x_t - eps],
    "takes noise away from x_t": [lambda x_t, x0, eps, a: x_t - (1 - a) ** 0.5 * eps],
    "formula for x̂₀": [lambda x_t, x0, eps, a: (x_t - (1 - a) ** 0.5 * eps) / a**0.5],
    "blends x_t and x̂₀": [
        lambda x_t, x0, eps, a: a * x_t + (1 - a) * x0,
        lambda x_t, x0, eps, a: a * x0 + (1 - a) * x_t,
    ],
    "takes ᾱ for what": [lambda x_t, x0, eps, a: a * x0 + (1 - a**2) ** 0.5 * eps],
    "squares where": [lambda x_t, x0, eps, a: a**2 * x0 + (1 - a) ** 2 * eps],
    "it halves": [
        lambda x_t, x0, eps, a: a**1 / 2 * x0 + (1 - a) ** 1 / 2 * eps,
        lambda x_t, x0, eps, a: a**1 / 2 * x0 + (1 - a) ** 0.5 * eps,
        lambda x_t, x0, eps, a: a**0.5 * x0 + (1 - a) ** 1 / 2 * eps,
    ],
    "^ is no power": [lambda x_t, x0, eps, a: a ^ 0.5],
    "brackets are missing": [lambda x_t, x0, eps, a: a**0.5 * x0 + 1 - a**0.5 * eps],
    "x̂₀ is nowhere": [lambda x_t, x0, eps, a: a**0.5 * eps + (1 - a) ** 0.5 * x_t],
    "x̂₀ is clipped": [
        lambda x_t, x0, eps, a: a**0.5 * x0.clamp(-1, 1) + (1 - a) ** 0.5 * eps,
    ],
    "result is clipped": [
        lambda x_t, x0, eps, a: (a**0.5 * x0 + (1 - a) ** 0.5 * eps).clamp(-1, 1),
    ],
    "changes from call to call": [fresh_noise],
    "in place": [in_place],
    "returns nothing": [lambda x_t, x0, eps, a: None],
    "shape": [lambda x_t, x0, eps, a: (a**0.5 * x0 + (1 - a) ** 0.5 * eps)[None]],
    "stopped with AttributeError": [lambda x_t, x0, eps, a: x_t.alpha_bar],
    "not written yet": [stub],
    GENERAL: [
        seeded_noise,
        lambda x_t, x0, eps, a: 0.999 * (a**0.5 * x0 + (1 - a) ** 0.5 * eps),
        lambda x_t, x0, eps, a: a**0.5 * x0 + (1 - a) ** 0.5 * eps.abs(),
        lambda x_t, x0, eps, a: (x_t + x0) / 2,
    ],
}


def posterior(x_t, x0, beta, alpha_bar, t):
    before, now = alpha_bar[t - 1], alpha_bar[t]
    first = (1 - beta[t]) ** 0.5 * (1 - before) / (1 - now)
    return first * x_t + before**0.5 * beta[t] / (1 - now) * x0


def from_noise(x_t, x0, beta, alpha_bar, t):
    eps = (x_t - alpha_bar[t] ** 0.5 * x0) / (1 - alpha_bar[t]) ** 0.5
    return (x_t - beta[t] / (1 - alpha_bar[t]) ** 0.5 * eps) / (1 - beta[t]) ** 0.5


def root_of_beta(x_t, x0, beta, alpha_bar, t):
    eps = (x_t - alpha_bar[t] ** 0.5 * x0) / (1 - alpha_bar[t]) ** 0.5
    return (x_t - beta[t] ** 0.5 * eps) / (1 - beta[t]) ** 0.5


def ddim(x_t, x0, beta, alpha_bar, t):
    eps = (x_t - alpha_bar[t] ** 0.5 * x0) / (1 - alpha_bar[t]) ** 0.5
    return alpha_bar[t - 1] ** 0.5 * x0 + (1 - alpha_bar[t - 1]) ** 0.5 * eps


def other_beta(by):
    return lambda x_t, x0, b, a, t: posterior(x_t, x0, b.roll(-by), a, t)


def shifted(by):
    return lambda x_t, x0, b, a, t: posterior(x_t, x0, b, a, t + by)


def with_factors(of_x_t, of_x0):
    def answer(x_t, x0, beta, alpha_bar, t):
        numbers = beta[t], alpha_bar[t], alpha_bar[t - 1]
        return of_x_t(*numbers) * x_t + of_x0(*numbers) * x0

    return answer


def keep(b, now, before):
    return (1 - b) ** 0.5 * (1 - before) / (1 - now)


def pull(b, now, before):
    return before**0.5 * b / (1 - now)


POSTERIOR_MEAN = {
    "right": [
        posterior,
        from_noise,
        lambda x, x0, b, a, t: posterior(x.double(), x0.double(), b, a, t),
        lambda x, x0, b, a, t: posterior(x.numpy(), x0.numpy(), b.numpy(), a.numpy(), t),
        lambda x, x0, b, a, t: posterior(x, x0, 1 - a / torch.cat([a[:1], a[:-1]]), a, t),
    ],
    "β is of the wrong step": [
        other_beta(-1),
        other_beta(1),
        lambda x, x0, b, a, t: keep(b[t], a[t], a[t - 1]) * x + pull(b[t - 1], a[t], a[t - 1]) * x0,
    ],
    "it halves": [
        with_factors(
            lambda b, n, p: (1 - b) ** 1 / 2 * (1 - p) / (1 - n),
            lambda b, n, p: p**1 / 2 * b / (1 - n),
        )
    ],
    "brackets are missing": [
        with_factors(
            lambda b, n, p: (1 - b) ** 0.5 * (1 - p) / 1 - n,
            lambda b, n, p: p**0.5 * b / 1 - n,
        ),
        lambda x, x0, b, a, t: (
            (1 - b[t]) ** 0.5 * (1 - a[t - 1]) / 1
            - a[t] * x
            + a[t - 1] ** 0.5 * b[t] / 1
            - a[t] * x0
        ),
    ],
    "what this one step keeps": [with_factors(lambda b, n, p: n**0.5 * (1 - p) / (1 - n), pull)],
    "x0 is clipped": [lambda x, x0, b, a, t: posterior(x, x0.clamp(-1, 1), b, a, t)],
    "result is clipped": [lambda x, x0, b, a, t: posterior(x, x0, b, a, t).clamp(-1, 1)],
    "ᾱ is one step late": [
        lambda x, x0, b, a, t: posterior(x, x0, b, a.roll(-1), t),
    ],
    "everything is one step late": [shifted(1)],
    "everything is one step early": [shifted(-1)],
    "ᾱ_t and ᾱ_{t−1} are swapped": [
        lambda x, x0, b, a, t: (
            (1 - b[t]) ** 0.5 * (1 - a[t]) / (1 - a[t - 1]) * x
            + a[t] ** 0.5 * b[t] / (1 - a[t - 1]) * x0
        )
    ],
    "takes ᾱ_t where": [
        lambda x, x0, b, a, t: (1 - b[t]) ** 0.5 * x + a[t] ** 0.5 * b[t] / (1 - a[t]) * x0
    ],
    "multiplied by √ᾱ_t, but": [with_factors(keep, lambda b, n, p: n**0.5 * b / (1 - n))],
    "are swapped: the last step": [
        lambda x, x0, b, a, t: posterior(x0, x, b, a, t),
        with_factors(pull, keep),
    ],
    "a square root is missing": [
        with_factors(lambda b, n, p: (1 - b) * (1 - p) / (1 - n), pull),
        with_factors(keep, lambda b, n, p: p * b / (1 - n)),
        with_factors(lambda b, n, p: (1 - b) * (1 - p) / (1 - n), lambda b, n, p: p * b / (1 - n)),
    ],
    "√(1 − β_t) is missing": [with_factors(lambda b, n, p: (1 - p) / (1 - n), pull)],
    "√ᾱ_{t−1} is missing": [with_factors(keep, lambda b, n, p: b / (1 - n))],
    "missing, in both terms": [
        with_factors(lambda b, n, p: (1 - b) ** 0.5 * (1 - p), lambda b, n, p: p**0.5 * b)
    ],
    "missing in the second term": [with_factors(keep, lambda b, n, p: p**0.5 * b)],
    "missing in the first term": [
        with_factors(lambda b, n, p: (1 - b) ** 0.5 * (1 - p), pull),
    ],
    "second term is subtracted": [with_factors(keep, lambda b, n, p: -pull(b, n, p))],
    "β and 1 − β are swapped": [
        with_factors(
            lambda b, n, p: b**0.5 * (1 - p) / (1 - n),
            lambda b, n, p: p**0.5 * (1 - b) / (1 - n),
        )
    ],
    "second term has no root": [with_factors(keep, lambda b, n, p: (p * b) ** 0.5 / (1 - n))],
    "no root in the first term": [
        with_factors(lambda b, n, p: ((1 - b) * (1 - p) / (1 - n)) ** 0.5, pull)
    ],
    "part of x0 is missing": [with_factors(keep, lambda *_: 0)],
    "part of x_t is missing": [with_factors(lambda *_: 0, pull)],
    "takes away √β_t of the noise": [root_of_beta],
    "deterministic step of the core": [ddim],
    "it returns x0": [lambda x, x0, b, a, t: x0],
    "variance of the step back": [lambda x, x0, b, a, t: (1 - a[t - 1]) / (1 - a[t]) * b[t]],
    "in place": [lambda x, x0, b, a, t: x.mul_(2)],
    "returns nothing": [lambda x, x0, b, a, t: None],
    "shape": [lambda x, x0, b, a, t: posterior(x, x0, b, a, t).sum()],
    "stopped with IndexError": [lambda x, x0, b, a, t: b[t + 100]],
    "not written yet": [stub],
    GENERAL: [
        lambda x, x0, b, a, t: (x + x0) / 2,
        lambda x, x0, b, a, t: 1.001 * posterior(x, x0, b, a, t),
        lambda x, x0, b, a, t: x,
    ],
}

TIMESTEPS = {
    "right": [
        lambda T, n: np.linspace(T, 0, n + 1).round().astype(int),
        lambda T, n: [round(T - i * T / n) for i in range(n + 1)],
        lambda T, n: [T - i * T // n for i in range(n + 1)],
        lambda T, n: torch.linspace(T, 0, n + 1, dtype=torch.float64).round().long(),
        lambda T, n: tuple(int(i) for i in np.linspace(0, T, n + 1).round())[::-1],
        lambda T, n: schedules.linear(T).timesteps(n).tolist(),
    ],
    "T // n = 62": [
        lambda T, n: range(T, -1, -(T // n)),
        lambda T, n: list(range(T, 0, -(T // n))),
        lambda T, n: [T - i * (T // n) for i in range(n + 1)],
        lambda T, n: [T - i * (T // n) for i in range(n)],
        lambda T, n: list(reversed(range(0, T, T // n))),
    ],
    "end of the list, which is noise": [
        lambda T, n: [t - T // n for t in range(T, 0, -(T // n))],
        lambda T, n: np.linspace(T, -1, n + 1).round().astype(int),
    ],
    "starts at 999": [
        lambda T, n: np.linspace(T - 1, 0, n + 1).round().astype(int),
        lambda T, n: np.linspace(T - 1, 0, n).round().astype(int),
    ],
    "but pure noise is T": [lambda T, n: np.linspace(n, 0, n + 1).astype(int)],
    "ends at 1,": [lambda T, n: np.linspace(T, 1, n + 1).round().astype(int)],
    "n jumps have n + 1 ends. The last": [
        lambda T, n: np.linspace(T, 0, n + 1).round().astype(int)[:-1],
        lambda T, n: np.linspace(T, 0, n, endpoint=False).round().astype(int),
    ],
    "has 16 places": [lambda T, n: np.linspace(T, 0, n).round().astype(int)],
    "it rises": [
        lambda T, n: np.linspace(0, T, n + 1).round().astype(int),
        lambda T, n: range(0, T, T // n),
    ],
    "so round them": [lambda T, n: np.linspace(T, 0, n + 1)],
    "they come as text": [lambda T, n: [str(round(T - i * T / n)) for i in range(n + 1)]],
    "they come as floats": [lambda T, n: np.linspace(T, 0, n + 1).round()],
    "stands still": [lambda T, n: [T, *[T // 2] * (n - 1), 0] if n > 1 else [T, 0]],
    "make them even": [lambda T, n: [*range(T, T - n, -1), 0]],
    "finished picture is t = 0": [lambda T, n: [T - i for i in range(n + 1)]],
    "returns nothing": [lambda T, n: None],
    "shape": [lambda T, n: n, lambda T, n: [], lambda T, n: [[T, 0]]],
    "a list of whole numbers is expected": [lambda T, n: "T to 0"],
    "NaN": [lambda T, n: [T] + [float("nan")] * n],
    "stopped with TypeError": [lambda T, n: range(T, 0, T / n)],
    "not written yet": [stub],
}


@pytest.mark.parametrize(
    ("check", "says", "answer"),
    cases(checks.step_back, STEP_BACK)
    + cases(checks.posterior_mean, POSTERIOR_MEAN)
    + cases(checks.timesteps, TIMESTEPS),
)
def test_a_check_says_what_is_wrong_and_hands_back_a_right_function(check, says, answer, capsys):
    assert_says(check, says, answer, capsys)


def test_the_course_versions_are_what_the_package_does(capsys):
    schedule = schedules.cosine(20)
    draw = torch.Generator().manual_seed(0)
    x_t, x0_hat = torch.randn(2, 2, 3, 4, 5, generator=draw, dtype=torch.float64)
    t, s = 13, 9
    eps_hat = (x_t - schedule.signal_rate[t] * x0_hat) / schedule.noise_rate[t]
    guess = forward.Prediction(x0_hat, eps_hat)
    alpha_bar, beta = torch.tensor(schedule.alpha_bar), torch.tensor(schedule.beta)
    torch.testing.assert_close(
        checks.step_back(stub)(x_t, x0_hat, eps_hat, alpha_bar[s]),
        sampling.ddim_step(schedule, x_t, t, s, guess),
    )
    torch.testing.assert_close(
        checks.posterior_mean(stub)(x_t, x0_hat, beta, alpha_bar, t),
        forward.posterior(schedule, x_t, x0_hat, t)[0],
    )
    for n in (1, 7, 20):
        assert list(checks.timesteps(stub)(20, n)) == list(schedule.timesteps(n))


def test_a_film_strip_is_the_same_each_time_and_shows_the_order_of_time():
    draw = torch.Generator().manual_seed(0)
    film = [(t, *torch.randn(2, 3, 8, 8, generator=draw)) for t in (1000, 500, 0)]
    strip = figures.film_strip(film, "From noise to a picture.")
    assert strip.png == figures.film_strip(film, "From noise to a picture.").png
    assert strip.png != figures.film_strip(film[::-1], "From noise to a picture.").png
