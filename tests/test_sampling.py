"""The reverse process: the trajectories of `diffusers`, and what each step promises."""

import functools
import itertools

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler
from torch.testing import assert_close

from diffusion_lessons.denoisers import IdealDenoiser
from diffusion_lessons.forward import Prediction, posterior, prediction
from diffusion_lessons.sampling import (
    State,
    ddim_step,
    ddpm_step,
    dpm_solver_2m,
    guided,
    sample,
)
from diffusion_lessons.schedules import Schedule, cosine, linear
from diffusion_lessons.unet import UNet

SCHEDULES = {"linear": linear, "squaredcos_cap_v2": cosine}
THEIR_TARGET = {"eps": "epsilon", "v": "v_prediction", "x0": "sample"}


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


class Network:
    """Stands in for a network: smooth, bent, different at every t; counts its calls."""

    def __init__(self, target):
        self.target, self.calls = target, []

    def __call__(self, x_t, t, cond=None):
        self.calls.append(t.tolist())
        share = (t / 1000).reshape(-1, *[1] * (x_t.ndim - 1)).to(x_t)
        if self.target == "eps":
            return 0.95 * x_t * (1 - (1 - share) ** 2) + 0.1 * torch.tanh(3 * x_t) * (1 - share)
        return 0.8 * torch.tanh(2 * x_t + share) + 0.1 * torch.sin(9 * share)


def last(states):
    return list(states)[-1].x_t


def their_trajectory(scheduler, network, x, n, **options):
    scheduler.set_timesteps(n)
    pictures = [x]
    for t in scheduler.timesteps:
        # Their t counts from 0, ours from 1: at ours, t = 0 is the picture.
        output = network(x, torch.full((len(x),), int(t) + 1))
        x = scheduler.step(output, t, x, **options).prev_sample
        pictures.append(x)
    return pictures


SETTINGS = {"clip_sample": False, "timestep_spacing": "trailing"}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("target", THEIR_TARGET)
@pytest.mark.parametrize("n", [10, 50])
def test_ddpm_equals_diffusers(name, target, n):
    x_T, T = noise(2, 3, 4, 4), 200
    scheduler = DDPMScheduler(
        T, beta_schedule=name, prediction_type=THEIR_TARGET[target], **SETTINGS
    )
    theirs = their_trajectory(scheduler, Network(target), x_T, n, generator=seeded())
    states = sample(Network(target), SCHEDULES[name](T), x_T, n, step=ddpm_step, generator=seeded())
    compare([state.x_t for state in states], theirs)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("target", THEIR_TARGET)
@pytest.mark.parametrize(("n", "eta"), [(20, 0.0), (20, 0.6), (50, 1.0), (5, 0.0)])
def test_ddim_equals_diffusers(name, target, n, eta):
    x_T, T = noise(2, 3, 4, 4), 1000
    scheduler = DDIMScheduler(
        T, beta_schedule=name, prediction_type=THEIR_TARGET[target], **SETTINGS
    )
    theirs = their_trajectory(scheduler, Network(target), x_T, n, eta=eta, generator=seeded())
    step = functools.partial(ddim_step, eta=eta)
    states = sample(Network(target), SCHEDULES[name](T), x_T, n, step=step, generator=seeded())
    compare([state.x_t for state in states], theirs)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("target", THEIR_TARGET)
@pytest.mark.parametrize("n", [1, 2, 8, 20])
def test_dpm_solver_2m_equals_diffusers(name, target, n):
    x_T, T = noise(2, 3, 4, 4), 1000
    scheduler = DPMSolverMultistepScheduler(
        T,
        beta_schedule=name,
        prediction_type=THEIR_TARGET[target],
        timestep_spacing="trailing",
        final_sigmas_type="zero",
    )
    theirs = their_trajectory(scheduler, Network(target), x_T, n)
    states = sample(Network(target), SCHEDULES[name](T), x_T, n, step=dpm_solver_2m())
    compare([state.x_t for state in states], theirs)


def compare(ours, theirs):
    assert len(ours) == len(theirs)
    for i, (our, their) in enumerate(zip(ours, theirs, strict=True)):
        # Their ᾱ is a float32 product, ours is float64: at the end of the cosine schedule it is
        # 2e-4 off.
        scale = max(1.0, float(their.abs().max()))
        assert_close(
            our / scale, their.double() / scale, rtol=0, atol=5e-4, msg=lambda m, i=i: f"{i}: {m}"
        )


@pytest.mark.parametrize(
    "schedule", [linear(1000), cosine(50), Schedule([1, 0.7, 0.3, 0])], ids=repr
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ddim_with_eta_1_is_the_posterior(schedule, dtype):
    T = schedule.T
    for t, s in [(T, T - 1), (T, 1), (T, 0), (T - 1, T - 2), (1, 0)]:
        x_t, output = noise(2, 3, 4, 4, dtype=dtype), noise(2, 3, 4, 4, seed=1, dtype=dtype)
        said = prediction(schedule, x_t, t, output, "v")
        mean, std = posterior(schedule, x_t, said.x0_hat, t, s)
        z = noise(2, 3, 4, 4, seed=2, dtype=dtype)
        exact = {"rtol": 0, "atol": 1e-12 if dtype == torch.float64 else 3e-6}
        zero = torch.zeros_like(z)
        assert_close(ddim_step(schedule, x_t, t, s, said, eta=1, z=zero), mean, **exact)
        assert_close(ddim_step(schedule, x_t, t, s, said, eta=1, z=z), mean + std * z, **exact)
        assert_close(ddpm_step(schedule, x_t, t, s, said, z=z), mean + std * z, **exact)


@pytest.mark.parametrize("eta", [0, 0.3, 1])
def test_a_step_with_the_truth_lands_on_the_forward_marginal(eta):
    """With the true x0 and ε the step's result is √ᾱ_s x₀ plus noise of variance 1 − ᾱ_s."""
    schedule, t, s = cosine(50), 40, 31
    truth = Prediction(torch.full((1,), 0.7), torch.ones(1))
    nothing = Prediction(truth.x0_hat, torch.zeros(1))
    zero, one = torch.zeros(1), torch.ones(1)
    step = functools.partial(ddim_step, schedule, zero, t, s, eta=eta)
    mean = step(nothing, z=zero)
    old, fresh = step(truth, z=zero) - mean, step(nothing, z=one) - mean
    assert mean.item() == pytest.approx(0.7 * schedule.signal_rate[s], rel=1e-6)
    assert (old**2 + fresh**2).item() == pytest.approx(1 - schedule.alpha_bar[s], rel=1e-5)
    _, std = posterior(schedule, zero, zero, t, s)
    assert fresh.item() == pytest.approx(eta * std.item(), rel=1e-5)


@pytest.mark.parametrize("schedule", [linear(100), cosine(100)], ids=repr)
def test_the_last_step_adds_no_noise(schedule):
    x_t, z = noise(2, 1, 4, 4), noise(2, 1, 4, 4, seed=1) * 1e6
    for t in (1, 50, 100):
        said = prediction(schedule, x_t, t, noise(2, 1, 4, 4, seed=2), "v")
        for step in (ddpm_step, ddim_step, functools.partial(ddim_step, eta=1), dpm_solver_2m()):
            assert_close(step(schedule, x_t, t, 0, said, z=z), said.x0_hat, rtol=0, atol=1e-12)
            if not hasattr(step, "__closure__") or step.__closure__ is None:
                assert_close(step(schedule, x_t, t, 0, said), said.x0_hat, rtol=0, atol=1e-12)


def test_noise_may_be_left_out_only_where_there_is_none():
    schedule, x_t = linear(10), noise(2, 1, 2, 2)
    said = prediction(schedule, x_t, 5, noise(2, 1, 2, 2, seed=1), "v")
    for step in (ddpm_step, functools.partial(ddim_step, eta=0.1)):
        with pytest.raises(ValueError, match="needs z"):
            step(schedule, x_t, 5, 4, said)
        with pytest.raises(ValueError, match="z has shape"):
            step(schedule, x_t, 5, 4, said, z=x_t[:1])
        assert step(schedule, x_t, 5, 0, said).shape == x_t.shape
    assert ddim_step(schedule, x_t, 5, 4, said).shape == x_t.shape
    with pytest.raises(ValueError, match=r"needs z.*generator"):
        list(sample(Network("v"), schedule, x_t, 5, step=ddpm_step))
    list(sample(Network("v"), schedule, x_t, 1, step=ddpm_step))  # one jump to 0 needs none


@pytest.mark.parametrize(("t", "s"), [(5, 5), (5, 7), (11, 3), (5, -1), (0, 0)])
def test_steps_only_go_down(t, s):
    schedule, x = linear(10), torch.zeros(1, 1, 2, 2)
    for step in (ddpm_step, ddim_step, dpm_solver_2m()):
        with pytest.raises(ValueError, match=r"must be smaller|outside this schedule"):
            step(schedule, x, t, s, Prediction(x, x), z=x)


@pytest.mark.parametrize("eta", [-0.1, 1.1, float("nan")])
def test_eta_is_a_share(eta):
    x = torch.zeros(1, 1, 2, 2)
    with pytest.raises(ValueError, match="eta is"):
        ddim_step(linear(10), x, 5, 4, Prediction(x, x), eta=eta, z=x)


def test_a_step_takes_a_t_for_each_picture():
    schedule, x_t = cosine(20), noise(3, 1, 2, 2)
    t, s, z = torch.tensor([3, 9, 20]), torch.tensor([1, 8, 5]), noise(3, 1, 2, 2, seed=2)
    said = prediction(schedule, x_t, t, noise(3, 1, 2, 2, seed=1), "v")
    for step in (ddpm_step, ddim_step, functools.partial(ddim_step, eta=0.5)):
        together = step(schedule, x_t, t, s, said, z=z)
        for i in range(3):
            part = slice(i, i + 1)
            mine = Prediction(said.x0_hat[part], said.eps_hat[part])
            alone = step(schedule, x_t[part], int(t[i]), int(s[i]), mine, z=z[part])
            assert_close(together[part], alone, rtol=0, atol=1e-12)


def test_the_film_has_one_frame_for_each_t_and_one_call_for_each_jump():
    schedule, x_T, network = linear(10), noise(2, 3, 4, 4), Network("v")
    states = list(sample(network, schedule, x_T, 4, step=ddim_step))
    steps = schedule.timesteps(4).tolist()
    assert [state.t for state in states] == steps
    assert network.calls == [[t, t] for t in steps[:-1]]
    assert_close(states[0].x_t, x_T, rtol=0, atol=0)
    for now, after in itertools.pairwise(states):
        output = Network("v")(now.x_t, torch.tensor([now.t] * 2))
        said = prediction(schedule, now.x_t, now.t, output, "v")
        assert_close(now.x0_hat, said.x0_hat, rtol=0, atol=0)
        expected = ddim_step(schedule, now.x_t, now.t, after.t, said)
        assert_close(after.x_t, expected, rtol=0, atol=0)
    assert isinstance(states[-1], State)
    assert_close(states[-1].x0_hat, states[-1].x_t, rtol=0, atol=0)
    assert_close(states[-1].x_t, states[-2].x0_hat, rtol=0, atol=1e-12)


def test_the_generator_is_the_only_randomness():
    schedule, x_T = linear(10), noise(1, 1, 4, 4)
    film = functools.partial(sample, Network("v"), schedule, x_T, 5, step=ddpm_step)
    first, again, other = (last(film(generator=seeded(seed))) for seed in (3, 3, 4))
    assert_close(first, again, rtol=0, atol=0)
    assert (first - other).abs().max() > 0.01
    before = torch.get_rng_state()
    last(film(generator=seeded()))
    assert_close(torch.get_rng_state(), before, rtol=0, atol=0)
    # What was started with is not changed under the learner's hands.
    assert_close(x_T, noise(1, 1, 4, 4), rtol=0, atol=0)


def test_leaves_the_callers_grad_mode_alone():
    weight = torch.ones(1, dtype=torch.float64, requires_grad=True)

    def network(x_t, t, cond=None):
        return weight * x_t

    network.target = "v"
    for enabled in (True, False):
        with torch.set_grad_enabled(enabled):
            for state in sample(network, linear(10), noise(1, 1, 2, 2), 3, step=ddim_step):
                assert torch.is_grad_enabled() == enabled
                assert not state.x_t.requires_grad
                assert not state.x0_hat.requires_grad
            assert torch.is_grad_enabled() == enabled


def test_each_film_needs_a_fresh_multistep_step():
    step, x_T = dpm_solver_2m(), noise(1, 1, 2, 2)
    last(sample(Network("v"), linear(100), x_T, 5, step=step))
    with pytest.raises(ValueError, match="fresh one"):
        last(sample(Network("v"), linear(100), x_T, 5, step=step))
    with pytest.raises(ValueError, match="one t for the whole batch"):
        dpm_solver_2m()(
            linear(10),
            noise(2, 1, 2, 2),
            torch.tensor([3, 4]),
            2,
            Prediction(noise(2, 1, 2, 2), noise(2, 1, 2, 2)),
        )


def test_the_first_multistep_step_is_ddim_also_from_pure_noise():
    for schedule in (linear(100), Schedule([*np.linspace(1, 0, 11)])):
        x_T, T = noise(1, 1, 2, 2), schedule.T
        said = prediction(schedule, x_T, T, noise(1, 1, 2, 2, seed=1), "v")
        step = dpm_solver_2m()
        once = step(schedule, x_T, T, T - 2, said)
        assert_close(once, ddim_step(schedule, x_T, T, T - 2, said), rtol=0, atol=1e-12)
        assert torch.isfinite(step(schedule, once, T - 2, T - 4, said)).all()


@pytest.mark.parametrize("make", [linear, cosine])
@pytest.mark.parametrize("kind", ["ddpm", "ddim", "2m"])
def test_ten_lines_of_reverse_sampling_end_on_training_pictures(make, kind):
    schedule = make(1000)
    data = noise(6, 3, 4, 4).clamp(-1, 1)
    step = {"ddpm": ddpm_step, "ddim": ddim_step, "2m": dpm_solver_2m()}[kind]
    x_T = noise(32, 3, 4, 4, seed=1)
    film = sample(IdealDenoiser(data, schedule), schedule, x_T, 20, step=step, generator=seeded())
    apart = (last(film)[:, None] - data[None]).flatten(2).abs().amax(-1)
    assert apart.amin(1).max() < 1 / 255
    # Not all on one picture: where the noise started decides.
    assert len(apart.argmin(1).unique()) >= 3


def words(x_t, t, cond=None):
    """A conditional model: its output depends on the picture, the step and the words."""
    said = 0 if cond is None else cond.sum(1).to(x_t)[:, None, None, None]
    return torch.sin(x_t) + said


words.target = "v"
CAT, NOTHING = torch.tensor([[2], [3]]), torch.tensor([[0], [0]])


def test_guidance_one_is_the_conditional_model_and_zero_the_unconditional():
    x_t, t = noise(2, 1, 2, 2), torch.tensor([3, 3])
    with_words, without = words(x_t, t, CAT), words(x_t, t, NOTHING)
    for scale in (-1, 0, 0.5, 1, 2, 7.5):
        expected = without + scale * (with_words - without)
        assert_close(guided(words, CAT, NOTHING, scale)(x_t, t), expected, rtol=0, atol=1e-12)
    assert_close(guided(words, CAT, NOTHING, 1)(x_t, t), with_words, rtol=0, atol=0)
    assert_close(guided(words, CAT, NOTHING, 0)(x_t, t), without, rtol=0, atol=0)
    assert_close(guided(words, CAT, None, 0)(x_t, t), words(x_t, t), rtol=0, atol=0)
    assert guided(words, CAT, NOTHING, 2).target == words.target


def test_guidance_may_be_kept_to_the_levels_between_two():
    x_t = noise(2, 1, 2, 2)
    for scale, above in ((3, 1), (1, 1), (0.5, 0.5), (0, 0)):
        model = guided(words, CAT, NOTHING, scale, between=(200, 960))
        for t, expected in ((960, scale), (200, scale), (199, above), (961, above)):
            t = torch.tensor([t, t])
            wanted = guided(words, CAT, NOTHING, expected)(x_t, t)
            assert_close(model(x_t, t), wanted, rtol=0, atol=0)
    assert_close(model(x_t, 1000), guided(words, CAT, NOTHING, 0)(x_t, 1000), rtol=0, atol=0)


def test_sampling_honours_guidance_and_words():
    schedule, x_T = linear(20), noise(2, 1, 2, 2)
    film = functools.partial(sample, schedule=schedule, x_T=x_T, n=5, step=ddim_step)
    plain = last(film(words))
    with_words = last(film(words, cond=CAT))
    assert (plain - with_words).abs().max() > 0.1
    one, two = (last(film(guided(words, CAT, NOTHING, scale))) for scale in (1, 2))
    assert_close(one, with_words, rtol=0, atol=0)
    assert (two - one).abs().max() > 0.1
    # At a single jump the picture itself is linear in the scale.
    jump = functools.partial(film, n=1)
    zero, one, three = (last(jump(guided(words, CAT, NOTHING, scale))) for scale in (0, 1, 3))
    assert_close(three, zero + 3 * (one - zero), rtol=0, atol=1e-12)


def test_guidance_refuses_words_twice_and_scales_that_are_no_numbers():
    model = guided(words, CAT, NOTHING, 2)
    with pytest.raises(ValueError, match="already carries its words"):
        model(noise(2, 1, 2, 2), torch.tensor([3, 3]), CAT)
    with pytest.raises(ValueError, match="finite"):
        guided(words, CAT, NOTHING, float("nan"))


@pytest.mark.parametrize(
    ("x_T", "n", "why"),
    [
        (torch.full((1, 1, 2, 2), float("nan")), 5, "NaN"),
        (torch.zeros(1, 1, 2, 2, dtype=torch.uint8), 5, "float tensor"),
        (np.zeros((1, 1, 2, 2)), 5, "float tensor"),
        (torch.zeros(1, 1, 2, 2), 11, "from 1 to 10"),
        (torch.zeros(1, 1, 2, 2), 0, "from 1 to 10"),
    ],
)
def test_bad_input_is_an_error_at_the_call_not_at_the_first_frame(x_T, n, why):
    with pytest.raises(ValueError, match=why):
        sample(Network("v"), linear(10), x_T, n, step=ddim_step)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ["ddpm", "ddim", "2m"])
def test_a_film_keeps_the_dtype_that_it_started_with(dtype, kind):
    step = {"ddpm": ddpm_step, "ddim": functools.partial(ddim_step, eta=0.5), "2m": dpm_solver_2m()}
    x_T, seen = noise(2, 3, 4, 4).to(dtype), []

    def network(x_t, t, cond=None):
        seen.append(x_t.dtype)
        return 0.3 * x_t

    network.target = "v"
    states = list(sample(network, linear(10), x_T, 4, step=step[kind], generator=seeded()))
    assert [state.x_t.dtype for state in states] == [dtype] * 5
    assert seen == [dtype] * 4
    z = noise(2, 3, 4, 4, seed=1)  # also where the fresh noise comes in another one
    said = prediction(linear(10), x_T, 5, x_T, "v")
    assert ddpm_step(linear(10), x_T, 5, 4, said, z=z).dtype == dtype


def test_a_multistep_step_crosses_levels_where_the_noise_stands_still():
    schedule, x_T = Schedule([1, 0.9, 0.8, 0.8, 0.8, 0.3, 0.1]), noise(1, 1, 2, 2)
    states = list(sample(Network("v"), schedule, x_T, 6, step=dpm_solver_2m()))
    assert all(torch.isfinite(state.x_t).all() for state in states)
    assert_close(states[3].x_t, states[2].x_t, rtol=0, atol=1e-12)


def test_a_film_in_float64_of_a_network_in_float32():
    network = UNet(widths=(8, 16))
    with torch.no_grad():
        network.conv_out[-1].weight.normal_(std=0.1, generator=seeded())
    x_T = noise(1, 3, 8, 8)
    wide = last(sample(network, linear(10), x_T, 3, step=ddim_step))
    narrow = last(sample(network, linear(10), x_T.float(), 3, step=ddim_step))
    assert wide.dtype == torch.float64
    assert_close(wide.float(), narrow, rtol=0, atol=1e-4)
