"""Cores: how many there are, shares of a batch, and the number of threads that is faster now."""

import os
import threading
import time

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from diffusion_lessons import cores, runs
from diffusion_lessons.cores import Deal, Faster, deal
from diffusion_lessons.denoisers import IdealDenoiser
from diffusion_lessons.schedules import cosine
from diffusion_lessons.train import make_ema, train
from diffusion_lessons.unet import UNet

SCHEDULE = cosine(100)
PICTURES = torch.rand(40, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture
def two(monkeypatch):
    """A machine with two cores on which nobody has set a number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    monkeypatch.setattr(cores, "_USUAL", 2)
    monkeypatch.setattr(cores, "count", lambda: 2)
    faster = Faster(2)
    monkeypatch.setattr(cores, "_faster", lambda: faster)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cores._workers.cache_clear()
    yield
    cores._workers.cache_clear()
    torch.set_num_threads(before)


def network(**options):
    torch.manual_seed(0)
    return UNet(widths=(8, 16), vocabulary=4, **options)


def trained(model, batch=32, samples=128):
    words = torch.randint(0, 5, (40, 2), generator=torch.Generator().manual_seed(1))
    data = PICTURES, words
    return list(train(model, data, SCHEDULE, samples=samples, batch=batch, precision="float32"))


def weights(model):
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


# ------------------------------------------------------------------------------- how many there are


@pytest.mark.parametrize(
    "files, expected",
    [
        ({}, float("inf")),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "150000 100000"}, 1.5),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "max 100000"}, float("inf")),
        (
            {
                "proc/self/cgroup": "0::/user.slice/a.scope",
                "sys/fs/cgroup/user.slice/cpu.max": "200000 100000",
                "sys/fs/cgroup/user.slice/a.scope/cpu.max": "max 100000",
            },
            2,
        ),
        (  # version 1, seen from outside: the path is not there
            {
                "proc/self/cgroup": "3:memory:/docker/x\n2:cpu,cpuacct:/docker/x",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "100000",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "50000",
            },
            2,
        ),
        (
            {
                "proc/self/cgroup": "1:cpu:/hub/k7\n0::/",
                "sys/fs/cgroup/cpu/hub/k7/cpu.cfs_quota_us": "50000",
                "sys/fs/cgroup/cpu/hub/k7/cpu.cfs_period_us": "100000",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            0.5,
        ),
    ],
)
def test_the_limit_of_a_control_group_is_found(tmp_path, files, expected):
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    assert cores.limit(tmp_path) == expected


@pytest.mark.parametrize(
    "allowed, expected", [(0.2, 1), (1, 1), (1.4, 1), (1.5, 2), (2, 2), (3.9, 4)]
)
def test_no_more_cores_are_used_than_a_limit_allows_to_the_nearest_whole(
    monkeypatch, allowed, expected
):
    monkeypatch.setattr(cores, "_USUAL", 8)
    monkeypatch.setattr(cores, "limit", lambda: allowed)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    assert cores.count.__wrapped__() == expected
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(1), raising=False)
    assert cores.count.__wrapped__() == 1


# ------------------------------------------------------------------------------ shares of a batch


def test_a_batch_is_dealt_out_where_each_picture_is_answered_alone(two, monkeypatch):
    model = network()
    assert deal(model, PICTURES, 32) == Deal(2, 1)
    assert deal(model, PICTURES, 8) == Deal(2, 1)
    assert deal(model, PICTURES, 7) == Deal(1, 1), "too few to be shared"
    assert deal(model, torch.zeros(40, 2), 512) == Deal(1, 1), "dots"
    for layer in (nn.BatchNorm2d(3), nn.Dropout(0.1)):
        assert deal(nn.Sequential(nn.Conv2d(3, 3, 3), layer), PICTURES, 32) == Deal(1, None)
    hook = model.conv_in.register_forward_hook(lambda *_: None)
    assert deal(model, PICTURES, 32) == Deal(1, None), "somebody watches whole batches"
    hook.remove()
    with cores.turn(Deal(2, 1), "x"):
        assert deal(model, PICTURES, 32) == Deal(1, 1), "within a share nothing is shared again"


def test_a_number_of_threads_that_was_set_by_hand_stays(two, monkeypatch):
    model = network()
    torch.set_num_threads(1)
    assert deal(model, PICTURES, 32) == Deal(1, 1)
    torch.set_num_threads(2)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert deal(model, PICTURES, 32) == Deal(1, 2)
    used = []
    cores.paced(lambda: used.append((torch.get_num_threads(), cores._dealt())))()
    assert used == [(2, None)]


def test_shares_train_as_one_piece_does(two, monkeypatch):
    """Apart from rounding; and the loss of a record is that of the whole batch."""
    for batch in (32, 33):  # shares need not be equal
        in_shares, whole = network(), network()
        shares = trained(in_shares, batch)
        with monkeypatch.context() as patch:
            patch.setattr(cores, "deal", lambda *_: Deal(1, 2))
            pieces = trained(whole, batch)
        assert len(shares) == len(pieces)
        for mine, theirs in zip(shares, pieces, strict=True):
            assert mine.loss == pytest.approx(theirs.loss, rel=1e-4)
        assert_close(weights(in_shares), weights(whole), rtol=0, atol=1e-4)
        assert (weights(in_shares) - weights(network())).abs().max() > 0.005


def test_shares_end_in_the_same_weights_bit_for_bit_however_busy_the_machine_is(two):
    """Done one after another in any order, or at once, beside a process that takes a core."""
    ends = []
    for hold_back in (0, 0, 0.003):
        model, slow = network(), iter(range(1000))
        forward = model.forward

        def held(*args, forward=forward, slow=slow, hold_back=hold_back):
            if next(slow) % 2:
                time.sleep(hold_back)
            return forward(*args)

        model.forward = held
        trained(model)
        ends.append(weights(model))
    assert torch.equal(ends[0], ends[1]) and torch.equal(ends[0], ends[2])


def test_each_runs_at_once_and_answers_in_order(two):
    meet = threading.Barrier(2, timeout=20)
    with torch.no_grad(), cores.turn(Deal(2, 1), None):
        told = cores.each(
            lambda k: (k, meet.wait() >= 0, torch.get_num_threads(), torch.is_grad_enabled()),
            [(0,), (1,)],
        )
    assert told == [(0, True, 1, False), (1, True, 1, False)]
    assert torch.get_num_threads() == 2


def test_what_fails_in_a_share_is_said_as_it_is(two):
    def fail(k):
        raise ValueError(f"share {k}")

    with pytest.raises(ValueError, match="share 0"), cores.turn(Deal(2, 1), None):
        cores.each(fail, [(0,), (1,)])
    assert torch.get_num_threads() == 2 and cores._dealt() is None


def test_one_turn_at_a_time(two):
    inside, most = [], []

    def work():
        for _ in range(20):
            with cores.turn(Deal(2, 1), None):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.001)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert max(most) == 1 and len(most) == 60


def test_a_function_that_keeps_its_pace_answers_the_same_and_restores_what_was_set(two):
    ideal, x = IdealDenoiser(PICTURES, SCHEDULE), torch.randn(3, 3, 8, 8)
    bare = IdealDenoiser.__call__.__wrapped__.__wrapped__
    for _ in range(30):
        assert_close(ideal(x, 50), bare(ideal, x, 50))
        assert torch.get_num_threads() == cores._faster().now
    torch.set_num_threads(2)
    with pytest.raises(ZeroDivisionError):
        cores.paced(lambda: 1 / 0)()
    assert torch.get_num_threads() == 2 and cores._dealt() is None


def test_a_network_that_keeps_its_pace_is_compiled_as_one_piece(two):
    """On a GPU a training is compiled, and nothing of this is for a GPU."""
    x, t = torch.randn(2, 3, 8, 8), torch.tensor([5, 5])
    told = torch._dynamo.explain(network())(x, t)
    assert (told.graph_break_count, told.graph_count) == (0, 1)


def test_the_number_that_was_found_faster_stays_for_what_comes_next(two):
    """So that a learner's own lines keep their pace beside others, too."""
    cores._faster().now = 1
    x, seen = torch.zeros(3), []
    paced = cores.paced(lambda x: seen.append(torch.get_num_threads()))
    paced(x)
    assert torch.get_num_threads() == 1
    cores._faster().now = 2  # the machine is free again
    torch.set_num_threads(1)
    paced(x)
    assert seen == [1, 1] and torch.get_num_threads() == 1, "set by hand, it stays"
    torch.set_num_threads(2)
    paced(x)
    assert seen == [1, 1, 2] and torch.get_num_threads() == 2


# ---------------------------------------------------------------- the number that is faster now


class Machine:
    """Calls of one kind on a simulated machine, and how long they take on each number of threads.

    Alone, or beside so many busy processes: measured on two cores, in seconds.
    """

    def __init__(self, seconds, most=2):
        self.seconds, self.time = seconds, 0.0
        self.faster = Faster(most, lambda: self.time)
        self.used = []

    def run(self, until, noise=0.05):
        spread = torch.Generator().manual_seed(int(self.time))
        began, done = self.time, 0
        while self.time < until:
            threads = self.faster.threads("call")
            jitter = 1 + noise * float(torch.rand(1, generator=spread))
            took = self.seconds[threads] * jitter
            self.time += took
            self.faster.note("call", took)
            self.used.append((self.time, threads))
            done += 1
        return (self.time - began) / done

    def settled(self, since, threads):
        """How long after ``since`` this number was first chosen, trials aside."""
        chosen = [(when, now) for when, now in self.used if when > since]
        runs = zip(chosen, chosen[1:], chosen[2:], chosen[3:], chosen[4:], strict=False)
        return next(five[0][0] for five in runs if {n for _, n in five} == {threads}) - since


@pytest.mark.parametrize("alone", [{2: 0.112, 1: 0.155}, {2: 0.004, 1: 0.005}, {2: 0.9, 1: 1.4}])
def test_trials_cost_two_per_cent(alone):
    machine = Machine(alone)
    machine.run(30)
    assert machine.run(200) < 1.05 * alone[2]  # 2.5 % is the mean of the noise


def test_it_notices_within_two_seconds_and_goes_back_when_the_machine_is_free():
    alone, busy = {2: 0.021, 1: 0.029}, {2: 0.070, 1: 0.029}
    machine = Machine(alone)
    machine.run(20)
    machine.seconds = busy
    mean = machine.run(80)
    assert machine.settled(20, 1) < 2
    assert mean < 1.15 * busy[1]
    machine.seconds = alone
    mean = machine.run(140)
    assert machine.settled(80, 2) < 12
    assert mean < 1.15 * alone[2]


@pytest.mark.parametrize("when", [30, 31.7, 33.3, 35, 36.4])
def test_a_slow_call_is_noticed_even_where_trials_are_far_apart(when):
    machine = Machine({2: 0.1, 1: 0.16})
    machine.run(when)
    machine.seconds = {2: 0.35, 1: 0.16}
    machine.run(when + 20)
    assert machine.settled(when, 1) < 2


def test_one_slow_call_is_no_busy_machine():
    machine = Machine({2: 0.1, 1: 0.16})
    for end in range(30, 90, 7):
        machine.run(end)
        machine.seconds = {2: 0.4, 1: 0.4}
        machine.run(machine.time + 0.1)
        machine.seconds = {2: 0.1, 1: 0.16}
        machine.run(machine.time + 1)
        assert machine.faster.now == 2


def test_a_machine_that_was_busy_from_the_start_is_noticed_too():
    machine = Machine({2: 0.070, 1: 0.029})
    machine.run(5)
    assert machine.settled(0, 1) < 2


def test_where_a_trial_is_terribly_slow_it_is_given_up_and_seldom_repeated():
    """Thirty kernels on two cores."""
    machine = Machine({2: 3.0, 1: 0.3})
    machine.run(20)
    assert machine.run(600) < 1.15 * 0.3


def test_of_many_threads_it_finds_the_number_that_is_best():
    machine = Machine({8: 0.05, 4: 0.03, 2: 0.04, 1: 0.07}, most=8)
    machine.run(30)
    assert machine.faster.now == 4


def test_after_a_pause_it_looks_anew():
    """Heavy calls: while the machine was busy, trials were far apart."""
    machine = Machine({2: 2.0, 1: 0.6})
    machine.run(60)
    assert machine.faster.now == 1
    machine.seconds, machine.time = {2: 0.35, 1: 0.6}, 64
    machine.run(80)
    assert machine.settled(64, 2) < 6


def test_with_one_core_nothing_is_tried():
    machine = Machine({1: 0.01}, most=1)
    machine.run(5)
    assert {threads for _, threads in machine.used} == {1}


def test_calls_of_other_kinds_are_not_compared():
    """A kind that is slower by nature is no sign of a busy machine."""
    faster = Faster(2, clock := iter(range(10**6)).__next__)
    for _ in range(50):
        for kind, took in (("small", 0.001), ("large", 1.0)):
            on_two = faster.threads(kind) == 2
            faster.note(kind, took if on_two else 1.4 * took)
    assert faster.now == 2 and clock() > 0


# -------------------------------------------------------------------------------- what a run says


def with_norm():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3))
    model.target, call = "v", model.forward
    model.forward = lambda x_t, t, cond=None: call(x_t)
    return model


def test_a_run_file_says_which_steps_used_how_many_threads(two, tmp_path, monkeypatch):
    path, numbers = tmp_path / "x.run.safetensors", iter([2, 2, 1, 2])
    faster = Faster(2)
    monkeypatch.setattr(faster, "threads", lambda kind: next(numbers))
    monkeypatch.setattr(cores, "_faster", lambda: faster)
    list(train(with_norm(), PICTURES, SCHEDULE, samples=128, batch=32, checkpoint=path))
    assert runs.load(path)[1]["threads"] == [[0, 1, 2], [2, 1, 1], [3, 1, 2]]
    with pytest.warns(UserWarning, match="on 2 threads and then on 1 thread, and now on a var"):
        list(train(with_norm(), PICTURES, SCHEDULE, samples=128, batch=32, resume=path))


def test_a_run_in_shares_goes_on_on_one_thread_and_says_so(two, tmp_path, monkeypatch):
    path, model = tmp_path / "x.run.safetensors", network()
    ema = make_ema(model)
    words = torch.zeros(40, 2, dtype=torch.int64)
    options = {"samples": 128, "batch": 32, "checkpoint": path}
    records = train(model, (PICTURES, words), SCHEDULE, ema=ema, **options)
    next(records)
    next(records)
    records.close()
    assert runs.load(path)[1]["threads"] == [[0, 2, 1]]
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    with pytest.warns(UserWarning, match="trained in 2 shares, and now on 1 thread: the last"):
        list(train(network(), (PICTURES, words), SCHEDULE, resume=path, **options))
    assert runs.load(path)[1]["threads"] == [[0, 2, 1], [2, 1, 1]]
