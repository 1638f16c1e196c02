"""Defects of published courses, each with a test that goes red if it is ever ours.

Where each was found stands in its docstring. Most are one character long, and none of them stops
a notebook from running: the pictures are only worse than they should be.
"""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from diffusion_lessons import forward, sampling, schedules
from diffusion_lessons.critters import datasets
from diffusion_lessons.denoisers import IdealDenoiser
from diffusion_lessons.forward import Prediction
from diffusion_lessons.train import draw_t, make_ema, train
from diffusion_lessons.unet import UNet


def exact(*values):
    return torch.tensor(values, dtype=torch.float64)


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_forward_noise_has_its_square_root():
    """``ab.sqrt() * x + (1 - ab) * noise``: at t = 10 a noise of 0.003 instead of 0.057."""
    beta = torch.linspace(1e-4, 0.02, 500, dtype=torch.float64)
    schedule = schedules.Schedule([1, *torch.cumprod(1 - beta, 0)])
    adds = forward.add_noise(schedule, exact(0.0), 10, exact(1.0)).item()
    assert adds == pytest.approx((1 - schedule.alpha_bar[10]) ** 0.5, rel=1e-12)
    assert adds > 10 * (1 - schedule.alpha_bar[10])
    # Power is shared, never lost: signal² + noise² = 1.
    for t in range(501):
        keeps = forward.add_noise(schedule, exact(1.0), t, exact(0.0)).item()
        adds = forward.add_noise(schedule, exact(0.0), t, exact(1.0)).item()
        assert keeps**2 + adds**2 == pytest.approx(1, rel=1e-12)
    turned = forward.velocity(schedule, exact(1.0), 10, exact(0.0)).item()
    assert turned == pytest.approx(-((1 - schedule.alpha_bar[10]) ** 0.5), rel=1e-12)


def test_the_spread_of_a_step_is_a_standard_deviation_not_a_variance():
    """Noise variance and standard deviation confused: far too little noise in every step."""
    schedule = schedules.linear(1000)
    x, x0_hat = exact(0.0), exact(0.0)
    for t in (2, 300, 1000):
        ab, ab_before = schedule.alpha_bar[t], schedule.alpha_bar[t - 1]
        variance = (1 - ab_before) / (1 - ab) * (1 - ab / ab_before)
        _, std = forward.posterior(schedule, x, x0_hat, t)
        assert std.item() == pytest.approx(math.sqrt(variance), rel=1e-9)
        said = Prediction(x0_hat, exact(0.0))
        for step in (
            lambda z, t=t, said=said: sampling.ddpm_step(schedule, x, t, t - 1, said, z=z),
            lambda z, t=t, said=said: sampling.ddim_step(schedule, x, t, t - 1, said, 1.0, z),
        ):
            added = step(exact(1.0)) - step(exact(0.0))
            assert added.item() == pytest.approx(math.sqrt(variance), rel=1e-9)


def test_a_step_uses_the_beta_of_its_own_t():
    """β of the wrong step, a shift by one: here β jumps, so that a neighbour's would be seen."""
    schedule = schedules.Schedule([1, 0.99, 0.5, 0.49, 0.1])
    assert_close(torch.tensor(schedule.beta), exact(0, 0.01, 1 - 0.5 / 0.99, 0.02, 1 - 0.1 / 0.49))
    for t in range(2, 5):
        alpha = schedule.alpha_bar[t] / schedule.alpha_bar[t - 1]
        # Ho et al. 2020, equation 11: the mean in terms of the noise, with β and ᾱ of t.
        x_t, eps_hat = exact(0.4), exact(-1.3)
        mean = (x_t - (1 - alpha) / math.sqrt(1 - schedule.alpha_bar[t]) * eps_hat) / alpha**0.5
        said = forward.prediction(schedule, x_t, t, eps_hat, "eps")
        step = sampling.ddpm_step(schedule, x_t, t, t - 1, said, z=exact(0.0))
        assert_close(step, mean, rtol=0, atol=1e-12)


def test_steps_reach_both_ends_whatever_n_is():
    """A stride of T // n stops short, or wraps around, whenever n does not divide T."""
    for T, n in itertools.product((10, 500, 1000), (1, 3, 7, 10)):
        steps = schedules.linear(T).timesteps(n)
        assert (steps[0], steps[-1], len(steps)) == (T, 0, n + 1)
        assert (steps[:-1] > steps[1:]).all()
        assert abs((steps[:-1] - steps[1:]) - T / n).max() <= 1, "no long jump makes up for it"
        states = sampling.sample(
            Plain(), schedules.linear(T), noise(1, 1, 2, 2), n, step=sampling.ddim_step
        )
        assert [state.t for state in states] == steps.tolist()


def test_an_index_below_zero_never_wraps_around_to_the_other_end():
    """``alpha_bar[t - 1]`` at t = 0 is silently the last entry, pure noise."""
    schedule, x = schedules.linear(10), noise(1, 1, 2, 2)
    with pytest.raises(ValueError, match="outside this schedule"):
        forward.add_noise(schedule, x, -1, x)
    with pytest.raises(ValueError, match="no noise to take away"):
        forward.posterior(schedule, x, x, 0)


class Plain(nn.Module):
    """A network of one weight that answers with its input."""

    target = "v"

    def __init__(self):
        super().__init__()
        self.inner = nn.Parameter(torch.full((1,), 0.5))

    def forward(self, x_t, t, cond=None):
        return self.inner.to(x_t) * x_t


def test_the_last_reverse_step_adds_no_noise():
    """Noise in the last step leaves grain in every picture."""
    schedule = schedules.linear(20)
    only = noise(1, 3, 4, 4).clamp(-1, 1)
    film = sampling.sample(
        IdealDenoiser(only, schedule),
        schedule,
        noise(5, 3, 4, 4, seed=1),
        20,
        step=sampling.ddpm_step,
        generator=torch.Generator().manual_seed(0),
    )
    *_, last = film
    assert_close(last.x_t, only.expand(5, -1, -1, -1), rtol=0, atol=1e-12)
    # Even noise that is handed in is not used.
    said = Prediction(only, noise(1, 3, 4, 4))
    for eta in (0, 1):
        step = sampling.ddim_step(schedule, only, 1, 0, said, eta=eta, z=torch.full_like(only, 9e9))
        assert_close(step, only, rtol=0, atol=1e-12)


def test_all_other_steps_of_the_random_sampler_do_add_noise():
    schedule, x = schedules.linear(20), noise(1, 1, 2, 2)
    said = forward.prediction(schedule, x, 2, x, "v")
    for s, t in itertools.pairwise(range(1, 21)):
        a, b = (
            sampling.ddpm_step(schedule, x, t, s, said, z=z * torch.ones_like(x)) for z in (0, 1)
        )
        assert (b - a).min() > 0


def test_bright_pixels_are_clipped_before_the_cast_and_never_wrap():
    """260 as uint8 is 4: black speckles in the brightest places."""
    x = exact(260, 256, 255, 0, -1, -5, 1000, -1000) / 127.5 - 1
    assert datasets.to_pixels(x.reshape(1, 2, 4)).flatten().tolist() == [
        255,
        255,
        255,
        0,
        0,
        0,
        255,
        0,
    ]


class Talks:
    """A conditional network whose answer is its words, so that guidance is plain arithmetic."""

    target = "v"

    def __call__(self, x_t, t, cond=None):
        return cond.to(x_t).sum(1)[:, None, None, None].expand_as(x_t)


def test_guidance_1_means_no_guidance():
    """7.5 in one convention is 8.5 in the other: here 1 is the conditional model, 0 the plain."""
    x, t = noise(1, 1, 2, 2), torch.tensor([3])
    words, nothing = torch.tensor([[5]]), torch.tensor([[2]])
    for scale, expected in [(0, 2.0), (1, 5.0), (2, 8.0), (7.5, 2 + 7.5 * 3)]:
        said = sampling.guided(Talks(), words, nothing, scale)(x, t)
        assert_close(said, torch.full_like(x, expected), rtol=0, atol=1e-12)


def test_guidance_and_words_are_not_forgotten_at_sampling():
    """Words dropped 10 % of the time in training, and then no guidance at sampling."""
    schedule, x_T = schedules.linear(10), noise(1, 1, 2, 2)
    words, nothing = torch.tensor([[1]]), torch.tensor([[0]])

    def ends(model, cond=None):
        *_, last = sampling.sample(model, schedule, x_T, 1, step=sampling.ddim_step, cond=cond)
        return last.x_t

    # In one jump from T: x_0 = √ᾱ x_T − √(1−ᾱ) v, and v is the guided words.
    for scale in (0, 1, 3):
        expected = schedule.signal_rate[10] * x_T - schedule.noise_rate[10] * scale
        assert_close(ends(sampling.guided(Talks(), words, nothing, scale)), expected)
    assert_close(ends(Talks(), words), ends(sampling.guided(Talks(), words, nothing, 1)))


def test_training_drops_the_words_that_guidance_needs_dropped():
    model, cond = Plain(), torch.ones(8, 1, dtype=torch.int64)
    seen = []
    model.register_forward_pre_hook(lambda _, given: seen.append(given[2].clone()))
    x0 = noise(8, 1, 2, 2, dtype=torch.float32).clamp(-1, 1)
    records = train(
        model, (x0, cond), schedules.linear(10), pictures=2000, batch=500, precision="float32"
    )
    assert len(list(records)) == 4
    assert 0.05 < (torch.cat(seen) == 0).float().mean() < 0.15


@pytest.mark.parametrize("options", [{}, {"vocabulary": 4}, {"uses_time": False}], ids=str)
def test_every_layer_exists_before_the_first_call_and_learns(options):
    """A convolution created inside ``forward`` is new, and untrained, at every call."""
    torch.manual_seed(0)
    model = UNet(widths=(8, 16), **options)
    with torch.no_grad():  # a fresh network starts silent; here every part has to speak
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    modules, before = list(model.modules()), {k: v.clone() for k, v in model.state_dict().items()}
    x_t, t = noise(2, 3, 8, 8, dtype=torch.float32), torch.tensor([3, 900])
    cond = torch.tensor([[1, 2], [3, 4]]) if model.vocabulary else None
    first = model(x_t, t, cond)
    torch.manual_seed(99)  # what is created in a call would start elsewhere
    assert_close(model(x_t, t, cond), first, rtol=0, atol=0)
    assert list(model.modules()) == modules
    assert model.state_dict().keys() == before.keys()
    for name, tensor in model.state_dict().items():
        assert_close(tensor, before[name], rtol=0, atol=0)
    (first - 1).square().mean().backward()
    for name, weight in model.named_parameters():
        if name.startswith("words") and not model.vocabulary:
            continue
        assert weight.grad is not None and weight.grad.abs().max() > 0, name
    # Every layer that was called belongs to the network: all that is convolved is also learned.
    learned = {id(weight) for weight in model.parameters()}
    called, convolve, linear = [], F.conv2d, F.linear
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(F, "conv2d", lambda x, w, *a: (called.append(w), convolve(x, w, *a))[1])
        patch.setattr(F, "linear", lambda x, w, *a: (called.append(w), linear(x, w, *a))[1])
        model(x_t, t, cond)
    assert len(called) > 10
    assert all(id(weight) in learned for weight in called)


@pytest.mark.parametrize("target", ["eps", "v", "x0"])
def test_the_gradient_is_not_scaled_by_the_loss(target):
    """``loss.backward(loss)`` multiplies every gradient by the loss itself."""
    schedule = schedules.Schedule([1, 0.8, 0.5, 0.1])
    model, gradients, shown = Plain(), [], []
    model.target = target
    model.inner.register_hook(lambda gradient: gradients.append(gradient.clone()))
    model.register_forward_pre_hook(lambda _, given: shown.append(given[:2]))
    only = noise(1, 3, 8, 8, dtype=torch.float32).sign()
    records = train(model, only, schedule, pictures=16, batch=16, precision="float32")
    (record,) = records
    # With one picture the noise follows from what the network was shown.
    ((x_t, t),) = shown
    t_of = t.reshape(-1, 1, 1, 1)
    signal_rate = torch.tensor(schedule.signal_rate)[t_of].float()
    noise_rate = torch.tensor(schedule.noise_rate)[t_of].float()
    eps = (x_t - signal_rate * only) / noise_rate
    wanted = {
        "eps": eps,
        "v": signal_rate * eps - noise_rate * only,
        "x0": only.expand_as(x_t),
    }[target]
    weight = torch.full((1,), 0.5, requires_grad=True)
    error = weight * x_t - wanted
    squares = sum(error[..., i::2, j::2] for i in (0, 1) for j in (0, 1)) / 4
    loss = error.square().mean()
    followed = loss + 4 * squares.square().mean()
    followed.backward()
    for value in (loss.item(), followed.item()):
        assert abs(value - 1) > 0.05, "or the defect could not be seen"
    assert_close(gradients[0], weight.grad, rtol=1e-4, atol=1e-5)
    assert record.loss == pytest.approx(loss.item(), rel=1e-4)


def test_the_last_noise_level_is_trained():
    """t = T never drawn: the very level that sampling starts from is one it has never seen."""
    for T in (3, 50, 1000):
        t = draw_t(schedules.linear(T), 100_000, torch.Generator().manual_seed(0))
        assert (t.max(), t.min()) == (T, 1)
        assert (t > 0.99 * T).float().mean() > 0.0005


def test_the_forward_process_ends_in_what_sampling_starts_from():
    """At T = 200 a linear schedule keeps 36 % of the amplitude: ours says so, and cosine ends."""
    assert schedules.linear(200).signal_rate[200] == pytest.approx(0.36, abs=0.01)
    assert schedules.linear(1000).signal_rate[1000] < 0.01
    for T in (10, 200, 1000):
        assert schedules.cosine(T).signal_rate[T] < 0.01


def test_the_ideal_answer_belongs_to_the_noised_data_at_every_t():
    """The density of the clean data used at every t: votes must widen as the noise grows."""
    schedule = schedules.cosine(100)
    ideal = IdealDenoiser(torch.tensor([[1.0], [-1.0]], dtype=torch.float64), schedule)
    x_t = torch.tensor([[0.3]], dtype=torch.float64)
    for t in (20, 50, 90):
        rate, spread = schedule.signal_rate[t], schedule.noise_rate[t] ** 2
        assert ideal(x_t, t).item() == pytest.approx(math.tanh(rate * 0.3 / spread), rel=1e-9)


def test_the_network_moves_before_its_record_is_yielded():
    """A record before the step shows the loss of one network and the pictures of another."""
    model = Plain()
    ema = make_ema(model)
    x0 = noise(8, 1, 2, 2, dtype=torch.float32).clamp(-1, 1)
    records = train(model, x0, schedules.linear(10), pictures=16, batch=8, ema=ema)
    next(records)
    assert model.inner.item() != 0.5
    assert ema.inner.item() != 0.5
