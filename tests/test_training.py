"""Training: what is yielded is true, what is drawn is what the formula says, bad input is named."""

import itertools
import math
import signal
import time

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode

from diffusion_lessons import checkpoints, files, guard, recipe, runs
from diffusion_lessons.cores import Deal
from diffusion_lessons.forward import add_noise, velocity
from diffusion_lessons.muon import Muon, orthogonalised
from diffusion_lessons.pace import pictures_in
from diffusion_lessons.recipe import lr_share
from diffusion_lessons.schedules import Schedule, linear
from diffusion_lessons.train import draw_t, loss_target, make_ema, train, two_scale_loss
from diffusion_lessons.unet import UNet

SCHEDULE = Schedule([1, 0.8, 0.5, 0.1])
DATA = torch.randn(20, 3, 8, 8, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
WORDS = torch.arange(1, 41).reshape(20, 2) % 5 + 1


@pytest.fixture(autouse=True)
def set_by_hand(monkeypatch):
    """The number of threads is fixed: bits are compared here. Shares are tested in test_cores."""
    monkeypatch.setenv("OMP_NUM_THREADS", str(torch.get_num_threads()))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def network(vocabulary=0):
    torch.manual_seed(0)
    return UNet(widths=(8, 16), vocabulary=vocabulary)


class Watched(nn.Module):
    """One convolution that remembers what it was shown, and which gradient it received."""

    def __init__(self, target="v"):
        super().__init__()
        torch.manual_seed(1)
        self.target, self.seen, self.gradients = target, [], []
        self.inner = nn.Conv2d(3, 3, 3, padding=1)
        self.inner.weight.register_hook(lambda gradient: self.gradients.append(gradient.clone()))

    def forward(self, x_t, t, cond=None):
        self.seen.append((x_t.clone(), t.clone(), None if cond is None else cond.clone()))
        return self.inner(x_t)


def weights_of(model):
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


def run(model, **options):
    options = {"samples": 40, "batch": 8, "precision": "float32"} | options
    return train(model, options.pop("data", DATA), options.pop("schedule", SCHEDULE), **options)


@pytest.mark.parametrize("target", ["eps", "v", "x0"])
def test_the_loss_compares_with_what_the_network_should_say(target):
    x0, t = DATA[:4].double(), torch.tensor([1, 2, 3, 1])
    eps = torch.randn(x0.shape, generator=seeded(), dtype=torch.float64)
    expected = {"eps": eps, "v": velocity(SCHEDULE, x0, t, eps), "x0": x0}[target]
    assert_close(loss_target(SCHEDULE, x0, t, eps, target), expected, rtol=0, atol=0)


@pytest.mark.parametrize("target", ["eps", "v", "x0"])
def test_the_gradient_is_that_of_the_error_of_pixels_and_of_squares(target):
    """Computed again from what the network was shown: with one picture, the noise follows."""
    model, only = Watched(target), DATA[:1].double()
    fresh = Watched(target)  # as the model was before each step
    for record in run(model, data=DATA[:1], samples=24, batch=8):
        x_t, t, _ = model.seen[-1]
        signal_rate = torch.tensor(SCHEDULE.signal_rate)[t][:, None, None, None]
        noise_rate = torch.tensor(SCHEDULE.noise_rate)[t][:, None, None, None]
        eps = (x_t.double() - signal_rate * only) / noise_rate
        assert eps.std().item() == pytest.approx(1, abs=0.1)
        wanted = loss_target(SCHEDULE, only.expand_as(eps), t, eps, target)
        error = fresh.inner(x_t) - wanted.float()
        loss = (error**2).mean()
        counts = {1: 4, 2: 8 / 3, 3: 4 / 3}[record.step]  # less and less
        (loss + counts * (squares(error) ** 2).mean()).backward()
        assert_close(model.gradients[-1], fresh.gradients[-1], rtol=1e-4, atol=1e-6)
        assert record.loss == pytest.approx(loss.item(), rel=1e-4)
        fresh.load_state_dict(model.state_dict())
    assert len(model.gradients) == 3


def squares(x):
    """The average of each 2×2 pixels, by looking at each of the four in turn."""
    return sum(x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)) / 4


def test_static_counts_alike_in_pixels_and_in_squares_and_a_shape_counts_more():
    static = torch.randn(64, 3, 16, 16, generator=seeded())
    fine = static.square().mean()
    assert two_scale_loss(static, 4).item() == pytest.approx(2 * fine.item(), rel=0.05)
    # A shape errs alike on all four pixels, a chequerboard cancels out.
    shape = torch.ones(1, 3, 4, 4)
    for weight in (0, 2, 4):
        assert two_scale_loss(shape, weight).item() == pytest.approx(1 + weight)
    chequered = shape * torch.tensor([1.0, -1.0] * 2) * torch.tensor([1.0, -1.0] * 2)[:, None]
    assert two_scale_loss(chequered, 4).item() == pytest.approx(1)
    # What is no picture has no squares.
    for error in (torch.randn(5, 2), torch.randn(5, 3, 1, 8)):
        plain = error.square().mean()
        assert_close(two_scale_loss(error, 4), plain, rtol=0, atol=0)


def test_squares_count_less_and_less_and_not_at_all_in_long_trainings():
    weight = recipe.coarse_weight
    assert [weight(60_000, progress) for progress in (0, 0.25, 0.5, 1)] == [4, 3, 2, 0]
    assert weight(200_000, 0) == 4 and weight(300_000, 0) == 2
    assert weight(400_000, 0) == weight(1_400_000, 0) == 0


def test_the_best_answer_stays_the_mean_of_all_that_could_be_asked_for():
    """The lessons say that training aims at the average: squares must not move it."""
    wanted = torch.randn(6, 3, 4, 4, dtype=torch.float64, generator=seeded())
    answer = wanted.mean(0).requires_grad_()
    two_scale_loss(answer.expand_as(wanted) - wanted, 3).backward()
    assert_close(answer.grad, torch.zeros_like(answer), rtol=0, atol=1e-12)


def test_a_record_is_yielded_after_the_step():
    model = network()
    ema = make_ema(model)
    before, mean_before = weights_of(model), weights_of(ema)
    assert_close(before, mean_before, rtol=0, atol=0)
    for number, record in enumerate(run(model, ema=ema, samples=40, batch=8), start=1):
        now, mean = weights_of(model), weights_of(ema)
        assert (record.step, record.samples_seen) == (number, 8 * number)
        assert record.loss > 0
        assert record.seconds_left >= 0
        assert (now - before).abs().max() > 1e-6, "the weights have already moved"
        # The average has followed: everywhere the same share of the way to the weights of now.
        moved = (now - mean_before).abs() > 1e-5
        share = ((mean - mean_before) / (now - mean_before))[moved]
        assert_close(share, share.median().expand_as(share), rtol=0, atol=0.02)
        assert 0 < share.median() < 1
        before, mean_before = now, mean
    assert number == 5
    assert record.seconds_left == 0


def test_pictures_are_rounded_up_to_whole_batches():
    records = list(run(network(), samples=17, batch=8))
    assert [record.samples_seen for record in records] == [8, 16, 24]


def test_the_loss_falls():
    """With one picture there is one right answer, and the network learns to give it."""
    torch.manual_seed(0)
    model = UNet(widths=(8, 16), target="x0")
    losses = [record.loss for record in run(model, data=DATA[:1], samples=960, batch=16)]
    assert sum(losses[-10:]) < 0.3 * sum(losses[:10])


def test_the_seed_decides_everything_and_touches_nothing_else():
    models = [network() for _ in range(3)]
    before = torch.get_rng_state()
    for model, seed in zip(models, (5, 5, 6), strict=True):
        list(run(model, seed=seed))
    assert_close(torch.get_rng_state(), before, rtol=0, atol=0)
    same, again, other = map(weights_of, models)
    assert_close(same, again, rtol=0, atol=0)
    assert (same - other).abs().max() > 1e-3


def test_the_average_changes_nothing_in_training():
    with_average, without = network(), network()
    list(run(with_average, ema=make_ema(with_average)))
    list(run(without))
    assert_close(weights_of(with_average), weights_of(without), rtol=0, atol=0)
    assert not any(weight.requires_grad for weight in make_ema(without).parameters())


@pytest.mark.parametrize("T", [1, 2, 10, 1000])
def test_all_noise_levels_are_drawn_the_first_and_the_last_too(T):
    n = 400_000
    t = draw_t(linear(T), n, seeded())
    assert (t.dtype, t.shape) == (torch.int64, (n,))
    assert (t.min(), t.max()) == (1, T)
    share = t.bincount(minlength=T + 1)[1:] / n
    # A good part is uniform: no level, not even an end, gets less than a tenth of an even share
    # (and of the counting, three standard deviations are forgiven).
    even = 1 / T
    assert share.min() > 0.1 * even - 3 * (0.1 * even / n) ** 0.5
    if T == 1000:
        for end in (share[:10], share[-10:]):
            assert end.sum() > 0.15 * 10 * even
        assert share[400:600].mean() > even, "most are drawn where most is learned"


def test_the_levels_of_a_batch_are_spread_evenly():
    dice = seeded()
    batches = [draw_t(linear(1000), 64, dice) for _ in range(200)]
    # Drawn independently, the mean of 64 levels would have a spread of 30.
    assert torch.stack([t.double().mean() for t in batches]).std() < 10
    assert all((t == 1000).any() for t in batches)
    # One at a time they follow the same law.
    alone = torch.cat([draw_t(linear(1000), 1, dice) for _ in range(4000)]).double()
    together = torch.cat(batches).double()
    for share in (0.1, 0.5, 0.9):
        assert abs(alone.quantile(share) - together.quantile(share)) < 30


def test_training_shows_the_last_level_and_the_first():
    model = Watched()
    list(run(model, samples=400, batch=40))
    seen = torch.cat([t for _, t, _ in model.seen])
    assert seen.unique().tolist() == [1, 2, 3]


def test_each_example_is_one_picture_with_fresh_noise():
    model = Watched()
    list(run(model, data=torch.zeros_like(DATA), samples=80, batch=40))
    x_t, t = (torch.cat([seen[i] for seen in model.seen]) for i in (0, 1))
    noise = x_t / torch.tensor(SCHEDULE.noise_rate)[t][:, None, None, None]
    assert all(cond is None for _, _, cond in model.seen)
    assert noise.std().item() == pytest.approx(1, abs=0.03)
    assert noise.flatten(1).std(0).min() > 0.5, "not the same noise for every picture"


def test_all_words_of_a_picture_are_hidden_together_and_as_often_as_asked():
    model = Watched()
    list(run(model, data=(DATA, WORDS), samples=4000, batch=400, cond_drop_prob=0.2))
    cond = torch.cat([cond for _, _, cond in model.seen])
    hidden = (cond == 0).all(1)
    assert ((cond == 0).any(1) == hidden).all()
    assert hidden.float().mean().item() == pytest.approx(0.2, abs=0.03)
    assert all(row in WORDS.tolist() for row in cond[~hidden].tolist())
    for drop, expected in ((0, 0), (1, 1)):
        model = Watched()
        list(run(model, data=(DATA, WORDS), samples=80, batch=80, cond_drop_prob=drop))
        assert (model.seen[0][2] == 0).float().mean() == expected


def test_words_stay_with_their_pictures():
    model, x0 = Watched(), torch.linspace(-1, 1, 20)[:, None, None, None].expand(20, 3, 8, 8)
    words = torch.arange(1, 21)[:, None]
    schedule = Schedule([1, 1 - 1e-6])  # hardly any noise, so that pictures can be recognised
    list(run(model, data=(x0, words), schedule=schedule, samples=100, batch=100, cond_drop_prob=0))
    x_t, _, cond = model.seen[0]
    assert_close(x0[cond[:, 0] - 1, 0, 0, 0], x_t.mean((1, 2, 3)), rtol=0, atol=0.01)


def test_the_learners_data_are_not_changed():
    data, words = DATA.clone(), WORDS.clone()
    list(run(network(vocabulary=5), data=(data, words), cond_drop_prob=0.5))
    assert_close(data, DATA, rtol=0, atol=0)
    assert_close(words, WORDS, rtol=0, atol=0)


def test_gradients_left_over_from_before_do_not_count():
    clean, left_over = network(), network()
    (left_over(DATA[:2], torch.tensor([1, 2])) - 1).square().sum().backward()
    for model in (clean, left_over):
        list(run(model))
    assert_close(weights_of(left_over), weights_of(clean), rtol=0, atol=0)


def test_bfloat16_learns_nearly_the_same():
    losses = {
        precision: [record.loss for record in run(network(), precision=precision)]
        for precision in ("float32", "bfloat16")
    }
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.05)
    assert recipe.precision_for(network()) in losses


@pytest.mark.parametrize(
    ("avx512", "amx", "seconds", "expected"),
    [
        (True, False, 0.5, "bfloat16"),
        (False, True, 0.5, "bfloat16"),
        (True, False, 1.6, "float32"),  # it has the instructions, and they are slow
        (False, False, 0.5, "float32"),  # it has none: not even tried
    ],
)
def test_bfloat16_is_taken_where_it_is_faster(monkeypatch, avx512, amx, seconds, expected):
    tried, seconds_of = [], recipe._seconds
    model, dice = network(), torch.get_rng_state()

    def needs(x, weight):
        assert seconds_of(x, weight) > 0 and x.dtype == weight.dtype
        tried.append(x.dtype)
        return seconds if x.dtype == torch.bfloat16 else 1.0

    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(recipe, "_seconds", needs)
    recipe._bfloat16_is_faster.cache_clear()
    try:
        assert recipe.precision_for(model) == expected
        assert_close(torch.get_rng_state(), dice, rtol=0, atol=0)
        assert set(tried) == ({torch.float32, torch.bfloat16} if avx512 or amx else set())
        tried.clear()
        assert recipe.precision_for(model) == expected
        assert not tried, "once is enough"
    finally:
        recipe._bfloat16_is_faster.cache_clear()


def test_the_learning_rate_warms_up_stays_and_falls():
    rates = [lr_share(step / 1000) for step in range(1000)]
    assert 0 < rates[0] < 0.05
    assert rates[100:600] == [1] * 500
    assert all(a <= b for a, b in itertools.pairwise(rates[:31]))
    assert all(a >= b for a, b in itertools.pairwise(rates[600:]))
    assert 0 < rates[-1] < 0.01


def test_the_rate_of_big_weights_grows_with_the_root_of_the_batch_and_can_be_given():
    assert [recipe.muon_lr(n) for n in (16, 64, 256, 1024)] == [0.005, 0.01, 0.02, 0.02]
    moved = {}
    for rate in (None, recipe.muon_lr(8), 0.02):
        model = network()
        before = weights_of(model)
        for _ in train(model, DATA, SCHEDULE, samples=24, batch=8, lr=rate):
            pass  # in the first step the last layer is 0, and nothing before it moves
        moved[rate] = (weights_of(model) - before).abs()
    ours, given, larger = moved.values()
    assert_close(ours, given, rtol=0, atol=0)
    assert larger.sum() > ours.sum()


def test_the_decay_of_big_weights_is_the_same_share_of_trainings_of_any_length():
    for steps, rate in ((954, 0.01), (3000, 0.01), (10_938, 0.014)):
        decay = recipe.muon_weight_decay(64 * steps - 1, 64, rate)
        assert decay <= 0.2
        left = math.prod(1 - decay * rate * lr_share(step / steps) for step in range(steps))
        assert left == pytest.approx(0.2, rel=0.1)
    assert recipe.muon_weight_decay(640, 64, 0.01) == 0.2
    # A weight that no gradient moves does nothing but shrink.
    for given, decay in ((None, 0.2), (0.0, 0.0), (2.0, 2.0)):
        model = network()
        before = model.down_blocks[0].conv1.weight.detach().clone()
        next(iter(run(model, samples=8, batch=8, lr=0.01, weight_decay=given)))
        shrunk = 1 - 0.01 * decay * lr_share(0)
        assert_close(model.down_blocks[0].conv1.weight.detach(), shrunk * before)


@pytest.mark.parametrize("shape", [(16, 16), (8, 72), (48, 12), (3, 1)])
def test_a_muon_step_is_equally_large_in_all_directions(shape):
    G = torch.randn(shape, generator=seeded())
    other = torch.randn(min(shape), 80, generator=seeded(1))  # goes together with G
    X = orthogonalised([other, G, 3 * other])[1]
    assert (X.shape, X.dtype) == (G.shape, torch.float32)
    sizes = torch.linalg.svdvals(X)
    assert 0.6 < sizes.min() <= sizes.max() < 1.3
    # Only the sizes change, the directions stay.
    u, _, vh = torch.linalg.svd(G, full_matrices=False)
    inner = u.T @ X @ vh.T
    assert_close(inner, torch.diag(inner.diagonal()), rtol=0, atol=2e-2)
    assert (inner.diagonal() > 0).all()
    assert_close(orthogonalised([1e-3 * G])[0], X, rtol=0, atol=1e-2)


def test_minutes_become_pictures_by_a_measured_speed():
    # Half a second a step, but the machine was busy with something else for the first ten.
    ticks = iter([100 + 3.0 * min(k, 10) + 0.5 * max(k - 10, 0) for k in range(26)])
    model = network()
    before = weights_of(model)
    n = pictures_in(0.5, model, DATA, SCHEDULE, batch=8, clock=lambda: next(ticks))
    assert n == 30 * 2 * 8
    assert_close(weights_of(model), before, rtol=0, atol=0)
    ticks = iter([500.0 * k for k in range(26)])
    assert pictures_in(0.01, model, DATA, SCHEDULE, batch=8, clock=lambda: next(ticks)) == 8
    for minutes in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="minutes is"):
            pictures_in(minutes, model, DATA, SCHEDULE)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"data": (DATA * 255).to(torch.uint8)}, "datasets.to_floats"),
        ({"data": DATA * 255}, r"\[−1, 1\]"),
        ({"data": DATA / 0}, "NaN"),
        ({"data": DATA[:0]}, "at least one picture"),
        ({"data": DATA.numpy()}, "data must be floats"),
        ({"data": (DATA, WORDS[:3])}, "one row for each of the 20 pictures"),
        ({"data": (DATA, WORDS.float())}, "whole numbers"),
        ({"samples": 0}, "samples is 0"),
        ({"samples": 1.5}, "samples is 1.5"),
        ({"batch": -1}, "batch is -1"),
        ({"cond_drop_prob": 1.5}, "cond_drop_prob is 1.5"),
        ({"lr": 0.0}, "lr is 0.0"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1"),
        ({"weight_decay": float("inf")}, "weight_decay is inf"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"seed": "one"}, "seed is 'one'"),
        ({"batch": True}, "batch is True"),
        ({"data": (DATA, WORDS.tolist())}, "cond must be a torch tensor"),
        ({"precision": "float8"}, "precision is 'float8'"),
    ],
)
def test_bad_input_is_an_error_at_the_call_not_at_the_first_step(change, why):
    with pytest.raises(ValueError, match=why):
        run(network(), **change)


def checkpointed(tmp_path, monkeypatch, seconds=1e9):
    monkeypatch.setattr(runs, "SAVE_EVERY_SECONDS", seconds)
    return tmp_path / "run.safetensors"


def finished():
    model = network()
    ema = make_ema(model)
    list(run(model, ema=ema))
    return weights_of(model), weights_of(ema)


def resumed(path, model=None):
    model = model if model is not None else network()
    ema = make_ema(model)
    records = list(run(model, ema=ema, resume=path))
    return (weights_of(model), weights_of(ema)), records


def test_a_break_keeps_what_was_learned(tmp_path, monkeypatch):
    path, model = checkpointed(tmp_path, monkeypatch), network()
    for record in run(model, checkpoint=path):
        if record.step == 3:
            break
    tensors, facts = files.load(path, "run")
    assert facts["step"] == 3
    saved = torch.cat([tensors[f"model.{name}"].flatten() for name, _ in model.named_parameters()])
    assert_close(saved, weights_of(model), rtol=0, atol=0)
    ends, records = resumed(path)
    assert [record.step for record in records] == [4, 5]
    assert_close(ends, finished(), rtol=0, atol=0)
    assert not model.training


def test_close_keeps_what_was_learned(tmp_path, monkeypatch):
    path = checkpointed(tmp_path, monkeypatch)
    records = run(network(), checkpoint=path)
    next(records)
    assert files.load(path, "run")[1]["step"] == 0
    records.close()
    assert files.load(path, "run")[1]["step"] == 1
    assert_close(resumed(path)[0], finished(), rtol=0, atol=0)


class Stops:
    """Presses Ctrl-C (or fails) in the middle of a step: in the third forward or backward pass."""

    def __init__(self, model, place, what):
        self.calls = 0
        module = model.conv_out if place == "forward" else model.conv_in.weight
        register = module.register_forward_hook if place == "forward" else module.register_hook
        self.what, self.handle = what, register(self)

    def __call__(self, *args):
        self.calls += 1
        if self.calls == 3:
            self.handle.remove()
            self.what()


@pytest.fixture
def ctrl_c():
    """Ctrl-C as in a terminal; a shell that runs the tests in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("place", ["forward", "backward"])
def test_ctrl_c_in_the_middle_of_a_step_keeps_what_was_learned(
    tmp_path, monkeypatch, place, ctrl_c
):
    path, model = checkpointed(tmp_path, monkeypatch), network()
    ema, seen = make_ema(model), []
    Stops(model, place, lambda: signal.raise_signal(signal.SIGINT))
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        for record in run(model, ema=ema, checkpoint=path):
            seen.append(record.step)
    assert signal.getsignal(signal.SIGINT) is before
    assert seen == [1, 2]
    # The step that was begun is finished first, so nothing of it is lost.
    assert files.load(path, "run")[1]["step"] == 3
    # Going on with the same network or with a new one ends where an unstopped run ends.
    assert_close(resumed(path)[0], finished(), rtol=0, atol=0)
    assert_close(resumed(path, model)[0], finished(), rtol=0, atol=0)


@pytest.mark.parametrize("place", ["forward", "backward"])
def test_a_failure_in_the_middle_of_a_step_keeps_the_last_whole_one(tmp_path, monkeypatch, place):
    path, model = checkpointed(tmp_path, monkeypatch, seconds=0), network()

    def fail():
        raise RuntimeError("out of memory")

    Stops(model, place, fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        list(run(model, checkpoint=path))
    assert files.load(path, "run")[1]["step"] == 2
    assert_close(resumed(path, model)[0], finished(), rtol=0, atol=0)


def test_a_loss_that_is_no_number_stops_before_the_weights_and_the_file_are_spoilt(
    tmp_path, monkeypatch
):
    path, model = checkpointed(tmp_path, monkeypatch, seconds=0), network()
    answer, calls = model.forward, itertools.count(1)
    model.forward = lambda *a: answer(*a) * (float("nan") if next(calls) == 3 else 1)
    with pytest.raises(FloatingPointError, match="loss of step 3 is nan"):
        list(run(model, checkpoint=path))
    assert torch.isfinite(weights_of(model)).all()
    assert files.load(path, "run")[1]["step"] == 2
    assert_close(resumed(path)[0], finished(), rtol=0, atol=0)


def test_a_finished_run_has_nothing_left_to_do(tmp_path, monkeypatch):
    path = checkpointed(tmp_path, monkeypatch)
    list(run(network(), checkpoint=path))
    ends, records = resumed(path)
    assert records == []
    assert_close(ends, finished(), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"batch": 4}, "batch = 8, but now it is 4"),
        ({"samples": 400}, "total = 5, but now it is 50"),
        ({"seed": 1}, "seed = 0, but now it is 1"),
        ({"cond_drop_prob": 0.5}, "cond_drop_prob = 0.1, but now it is 0.5"),
        ({"lr": 0.5}, "lr = .*, but now it is 0.5"),
        ({"weight_decay": 0.5}, "weight_decay = 0.2, but now it is 0.5"),
        ({"precision": "bfloat16"}, "precision = float32, but now it is bfloat16"),
        ({"schedule": linear(10)}, "was trained with .* resume with the same settings"),
        ({"schedule": Schedule([1, 0.7, 0.5, 0.1])}, "was trained with .* the same settings"),
        ({"data": DATA[:10]}, "was trained with .* resume with the same settings"),
        ({"data": -DATA}, "was trained with .* resume with the same settings"),
    ],
)
def test_resuming_with_other_settings_is_refused(tmp_path, monkeypatch, change, why):
    path, model = checkpointed(tmp_path, monkeypatch), network()
    next(run(network(), checkpoint=path))
    before, saved = weights_of(model), path.read_bytes()
    with pytest.raises(ValueError, match=why):
        list(run(model, resume=path, checkpoint=path, **change))
    assert_close(weights_of(model), before, rtol=0, atol=0)
    assert path.read_bytes() == saved


def test_resuming_with_another_network_is_refused(tmp_path, monkeypatch):
    path = checkpointed(tmp_path, monkeypatch)
    next(run(network(), checkpoint=path))
    saved = path.read_bytes()
    for other in (UNet(widths=(8, 24)), UNet(widths=(8, 16), target="eps"), Watched()):
        before = weights_of(other)
        with pytest.raises(ValueError, match=r"run\.safetensors"):
            list(run(other, resume=path, checkpoint=path))
        assert_close(weights_of(other), before, rtol=0, atol=0)
    assert path.read_bytes() == saved


def test_resuming_from_what_is_no_run_is_refused(tmp_path):
    model = network()
    path = tmp_path / "x.safetensors"
    with pytest.raises(FileNotFoundError, match=r"no file x\.safetensors"):
        list(run(model, resume=path))
    files.save(path, "model", model.state_dict(), config=model.config)
    with pytest.raises(files.FileError, match="holds a model, but a run is needed"):
        list(run(model, resume=path))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(files.FileError, match="damaged"):
        list(run(model, resume=path))


def test_a_full_disk_keeps_the_run_that_was_saved(tmp_path, monkeypatch):
    path = checkpointed(tmp_path, monkeypatch, seconds=0)
    records = run(network(), checkpoint=path)
    next(records)
    saved, save = path.read_bytes(), files.write_atomic

    def full(path, content):
        raise files.FileError("There is no room on the disk.")

    monkeypatch.setattr(files, "write_atomic", full)
    with pytest.raises(files.FileError, match="no room"):
        next(records)
    assert path.read_bytes() == saved
    monkeypatch.setattr(files, "write_atomic", save)
    assert_close(resumed(path)[0], finished(), rtol=0, atol=0)


def test_the_example_of_the_docstring():
    """x_t of training is add_noise of the data: the same rates as everywhere else."""
    model = Watched()
    list(run(model, data=DATA[:1], samples=8, batch=8, seed=3))
    x_t, t, _ = model.seen[0]
    for row in range(8):
        signal_only = add_noise(SCHEDULE, DATA[:1], int(t[row]), torch.zeros_like(DATA[:1]))
        apart = (x_t[row] - signal_only[0]).std().item()
        assert apart == pytest.approx(SCHEDULE.noise_rate[t[row]], rel=0.3)


def test_a_loaded_model_can_be_trained_on(tmp_path):
    checkpoints.save(network(), tmp_path / "model.safetensors")
    loaded = checkpoints.load(tmp_path / "model.safetensors")
    before = loaded.conv_in.weight.clone()
    list(train(loaded, DATA, SCHEDULE, samples=8, batch=4))
    assert not torch.equal(before, loaded.conv_in.weight)


def test_an_unknown_target_is_an_error():
    model = network()
    model.target = "noise"
    said = "target is 'noise', but it must be one of eps, v, x0"
    with pytest.raises(ValueError, match=said):
        run(model)
    x = torch.zeros(1, 1, 2, 2)
    with pytest.raises(ValueError, match=said):
        loss_target(SCHEDULE, x, torch.tensor([1]), x, "noise")


def test_resuming_with_another_number_of_threads_says_so(tmp_path):
    run = tmp_path / "run.safetensors"
    records = train(network(), DATA, SCHEDULE, samples=8, batch=4, checkpoint=run)
    next(records)
    records.close()
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(threads + 1)
        with pytest.warns(UserWarning, match="last digits"):
            list(train(network(), DATA, SCHEDULE, samples=8, batch=4, resume=run))
    finally:
        torch.set_num_threads(threads)


def test_what_is_counted_and_not_learned_is_taken_over_into_the_average():
    model = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3))
    model.target, call = "v", model.forward
    model.forward = lambda x_t, t, cond=None: call(x_t)
    ema = make_ema(model)
    list(run(model, ema=ema))
    assert ema[1].num_batches_tracked == 5
    for mean, now in zip(ema.buffers(), model.buffers(), strict=True):
        assert_close(mean, now, rtol=0, atol=0)


def test_a_clock_that_stands_still_stops_nothing(monkeypatch):
    monkeypatch.setattr(time, "monotonic", lambda: 3.0)
    assert [record.seconds_left for record in run(network())] == [0] * 5


def test_settings_may_come_out_of_numpy_and_data_in_any_float(tmp_path):
    path, expected = tmp_path / "run.safetensors", network()
    list(run(expected, samples=16, seed=3))
    numbers = {"samples": np.int64(16), "batch": np.int32(8), "seed": np.int64(3)}
    for dtype in (torch.float32, torch.float64):
        model = network()
        options = numbers | {"cond_drop_prob": np.float32(0.1), "checkpoint": path}
        list(run(model, data=DATA.to(dtype), **options))
        assert_close(weights_of(model), weights_of(expected), rtol=0, atol=0)
    wide = network().double()
    list(run(wide, samples=16, seed=3))
    assert_close(weights_of(wide).float(), weights_of(expected), rtol=0, atol=0.02)


def test_a_run_that_was_left_waiting_does_not_undo_the_one_that_went_on(tmp_path, monkeypatch):
    path = checkpointed(tmp_path, monkeypatch)
    waiting = run(network(), checkpoint=path)
    next(waiting)
    monkeypatch.setattr(runs, "SAVE_EVERY_SECONDS", 0)
    next(waiting)
    list(run(network(), resume=path, checkpoint=path))
    ended = path.read_bytes()
    waiting.close()
    assert path.read_bytes() == ended
    # The same where quite another run was started on the same file.
    waiting = run(network(), checkpoint=path)
    next(waiting)
    list(run(network(), seed=9, samples=8, checkpoint=path))
    ended = path.read_bytes()
    waiting.close()
    assert path.read_bytes() == ended
    # And where the file was thrown away, what was learned is saved.
    waiting = run(network(), checkpoint=path)
    next(waiting)
    path.unlink()
    waiting.close()
    assert files.load(path, "run")[1]["step"] == 1


def test_the_average_follows_fast_at_first_and_slowly_later():
    """It keeps min(0.999, (1 + n) / (10 + n)) of itself at step n."""
    model = network()
    ema = make_ema(model)
    mean = weights_of(ema).double()
    for record in run(model, ema=ema):
        keep = (1 + record.step) / (10 + record.step)
        mean = keep * mean + (1 - keep) * weights_of(model).double()
        assert_close(weights_of(ema).double(), mean, rtol=0, atol=1e-6)
    late = runs.Run(model, ema, recipe.TrainConfig(8, 8, 0, "float32", 0.1, 0.01, 0.2), Deal(1, 1))
    late.step = 1_000_000
    before = weights_of(ema)
    late._average()
    assert_close(weights_of(ema), before.lerp(weights_of(model), 0.001), rtol=0, atol=1e-7)


@pytest.mark.parametrize("decay", [0.0, 0.2, 5.0])
@pytest.mark.parametrize("shape", [(8, 2), (2, 8), (6, 2, 3, 3)])
def test_muon_steps_are_those_of_its_docstring(shape, decay):
    start, *gradients = (torch.randn(shape, generator=seeded(k)) for k in range(4))
    weight = nn.Parameter(start.clone())
    optimiser = Muon([weight], lr=0.02, momentum=0.95, weight_decay=decay)
    rows, columns = start.flatten(1).shape
    expected, buffer = start.clone(), torch.zeros(shape)
    for gradient in gradients:
        weight.grad = gradient.clone()
        optimiser.step()
        buffer = 0.95 * buffer + 0.05 * gradient
        ahead = 0.95 * buffer + 0.05 * gradient
        step = orthogonalised([ahead.flatten(1)])[0].reshape(shape)
        expected = (1 - 0.02 * decay) * expected - 0.02 * max(1, rows / columns) ** 0.5 * step
        assert_close(weight.detach(), expected, rtol=0, atol=1e-5)


def test_what_was_learned_since_the_last_save_is_kept_too(tmp_path, monkeypatch):
    path = checkpointed(tmp_path, monkeypatch, seconds=0)
    records = run(network(), checkpoint=path)
    next(records), next(records)
    monkeypatch.setattr(runs, "SAVE_EVERY_SECONDS", 1e9)
    next(records)
    assert files.load(path, "run")[1]["step"] == 2
    records.close()
    assert files.load(path, "run")[1]["step"] == 3


class HostReads(TorchDispatchMode):
    """Counts how often Python asks a tensor for a value: on a GPU it would wait each time."""

    count = 0

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        self.count += operator is torch.ops.aten._local_scalar_dense.default
        return operator(*args, **(kwargs or {}))


def test_a_step_reads_nothing_back_but_its_loss():
    records = run(network())
    next(records)
    with HostReads() as reads:
        next(records)
    assert reads.count == 1


def test_what_a_network_is_given_is_read_on_a_cpu_only():
    x_t, t, cond = torch.zeros(2, 3, 8, 8), torch.ones(2).long(), torch.full((2, 1), 9)
    model = network(vocabulary=5)
    with pytest.raises(ValueError, match="knows 5 words"):
        guard.network_input(model, x_t, t, cond)
    # A tensor with no values stands in for one on a GPU: looking at them would be an error.
    guard.network_input(model, *(x.to("meta") for x in (x_t, t, cond)))
