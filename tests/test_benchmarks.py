"""The benchmarks' own arithmetic: turns, resuming, interpolation, pages. Nothing is timed here."""

import dataclasses
import importlib.util
import json
import math
import re
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from benchmarks import peers, quality, report
from benchmarks.__main__ import BENCHMARKS


class Small(peers.Peer):
    """A peer that needs no library."""

    def __init__(self):
        network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Dropout(0.2), nn.Conv2d(8, 3, 1))
        network = network.to(memory_format=torch.channels_last)
        self.average = peers.Average(network, 0.9)
        self.parts = {"network": network, "average": self.average.mean}
        self.optimiser = torch.optim.AdamW(network.parameters(), lr=1e-2)

    def loss(self, x0):
        return (self.parts["network"](x0 + torch.randn_like(x0)) - x0).square().mean()

    def after_step(self):
        self.average.update()


def go_on(peer, x0, steps):
    for _ in range(steps):
        peer.advance(x0[torch.randint(len(x0), (8,))])


def test_a_peer_that_was_saved_goes_on_as_if_it_had_not_been():
    x0 = torch.randn(32, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(0)
    whole = Small()
    go_on(whole, x0, 7)
    torch.manual_seed(0)
    half = Small()
    go_on(half, x0, 3)
    saved = {name: value.clone() for name, value in quality._state(half).items()}
    torch.manual_seed(5)
    other = Small()
    quality._restore(other, saved)
    go_on(other, x0, 4)
    for part in whole.parts:
        for name, value in whole.parts[part].state_dict().items():
            assert_close(other.parts[part].state_dict()[name], value, rtol=0, atol=0)


@pytest.mark.parametrize(("bfloat16", "expected"), [(1.0, True), (3.0, False)])
def test_a_peer_trains_in_the_format_that_is_faster_for_it(bfloat16, expected):
    seen, now = [], [0.0]

    class Watched(Small):
        def loss(self, x0):
            seen.append(torch.is_autocast_enabled("cpu"))
            # The first call of each sets something up, which says nothing about those that follow.
            now[0] += 9.0 if len(seen) <= 2 else bfloat16 if seen[-1] else 2.0
            return super().loss(x0)

    peer = Watched()
    peer.choose_format(torch.zeros(4, 3, 8, 8), clock=lambda: now[0])
    assert seen == [False, True] * 3
    peer.advance(torch.zeros(4, 3, 8, 8))
    assert seen[-1] is expected


def test_the_average_follows_the_weights():
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 0.0)
    average = peers.Average(network, 0.45)
    expected = 0.0
    for n in range(1, 8):
        nn.init.constant_(network.weight, float(n))
        average.update()
        keep = min(0.45, (1 + n) / (10 + n))
        expected = keep * expected + (1 - keep) * n
    assert_close(average.mean.weight, torch.full((1, 1), expected))


@pytest.fixture
def no_trace_of_torchvision():
    """What stands for it in a test must not be there for the next."""
    before = set(sys.modules)
    yield
    for name in {name for name in sys.modules if name.split(".")[0] == "torchvision"} - before:
        del sys.modules[name]


@pytest.mark.slow
@pytest.mark.parametrize("who", peers.PEERS)
def test_every_peer_trains_draws_and_is_kept_whole(who, no_trace_of_torchvision):
    library = re.match(r"[\w-]+", who)[0]
    if importlib.util.find_spec(library.replace("-", "_")) is None:
        pytest.skip(f"{library} is not set up: it comes with the extra peers")
    peers.without_torchvision()
    torch.manual_seed(0)
    peer = peers.PEERS[who]()
    before = {name: value.clone() for name, value in peer.parts["network"].named_parameters()}
    for _ in range(2):
        peer.advance(torch.rand(2, 3, 32, 32) * 2 - 1)
    assert peer.setting and peer.batch > 1
    moved = [
        not torch.equal(value, before[name])
        for name, value in peer.parts["network"].named_parameters()
        if value.requires_grad
    ]
    assert sum(moved) > 0.5 * len(moved)
    other = peers.PEERS[who]()
    quality._restore(other, quality._state(peer))
    torch.manual_seed(1)
    drawn = peer.draw(2)
    torch.manual_seed(1)
    assert drawn.shape == (2, 3, 32, 32)
    assert_close(other.draw(2), drawn, rtol=0, atol=0)


def test_everybody_takes_turns_and_draws_when_it_should():
    jobs = quality.jobs(quality.LONG)
    assert len({job.name for job in jobs}) == len(jobs)
    halfway = [job for job in jobs if not job.full]
    assert [job.until for job in halfway] == sorted(job.until for job in halfway)
    for who in (quality.OURS, *peers.PEERS):
        mine = [job for job in halfway if job.who == who]
        judged = quality.LONG.ours if who == quality.OURS else quality.LONG.judged
        if who != quality.OURS and not peers.PEERS[who].decays:
            judged = tuple(moment for moment in judged if moment in quality.LONG.stops)
        assert tuple(job.until for job in mine if job.drawn) == judged
    assert all(job.until == 600 for job in jobs if job.full)
    assert {job.who for job in jobs if job.full} == set(quality.FULL)


def test_what_was_measured_under_other_conditions_is_measured_again(tmp_path, monkeypatch):
    monkeypatch.setattr(quality, "PACKAGES", ("torch", "diffusers"))  # the peers are not set up
    job = quality.Job("diffusers, tuned", 10, 4)
    told = {"cpu": 1.0, "conditions": quality.conditions(job.who)}
    assert quality.finished(job, tmp_path) is None
    (tmp_path / f"{job.name}.json").write_text(json.dumps(told))
    assert quality.finished(job, tmp_path) == told
    monkeypatch.setattr(quality.recipe, "LONG", 1)  # our recipe is no business of a peer
    assert quality.finished(job, tmp_path) == told
    monkeypatch.setattr(quality, "SEED", 7)
    assert quality.finished(job, tmp_path) is None


def test_one_more_peer_leaves_what_others_were_measured_as(monkeypatch):
    monkeypatch.setattr(quality, "PACKAGES", ("torch",))
    before = {who: quality.conditions(who) for who in peers.PEERS}
    assert len({told["code"] for told in before.values()}) == len(before)

    class Wider(peers.Diffusers):
        rate = 1e-3

    monkeypatch.setitem(peers.PEERS, "diffusers, wider", Wider)
    assert {who: quality.conditions(who) for who in before} == before
    assert quality.conditions("diffusers, wider") not in before.values()
    # What it builds on is its business, too.
    monkeypatch.setitem(peers.PEERS, "diffusers, HF course", Wider)
    assert quality.conditions("diffusers, HF course") != before["diffusers, HF course"]


def curves_of(**others):
    return {quality.OURS: {10: (11.0, 16.0), 30: (29.0, 8.0), 60: (60.0, 4.0)}} | others


def test_the_table_tells_real_seconds_and_where_a_ratio_says_little():
    plan = dataclasses.replace(quality.LONG, judged=(10, 60), ours=(10, 30, 60))
    curves = curves_of(good={10: (10.2, 12.0), 60: (61.0, 8.0)}, static={60: (64.0, 16.0)})
    ours = quality._quality(quality.OURS, plan, curves)
    assert ours["10 s"] == "16.00 (11 s)" and ours["30 s"] == "8.00"
    assert ours["times sooner"] == ""
    good = quality._quality("good", plan, curves)
    assert good["10 s"] == "12.00" and good["30 s"] == ""
    assert good["ours is there after"] == "29 s" and good["times sooner"] == "2"
    static = quality._quality("static", plan, curves)
    assert static["60 s"] == "16.00 (64 s)"
    assert static["ours is there after"] == "less than 11 s"
    assert static["times sooner"] == "(more than 6)"


def test_what_was_measured_with_another_recipe_of_ours_is_measured_again(tmp_path, monkeypatch):
    monkeypatch.setattr(quality, "PACKAGES", ("torch",))
    job = quality.Job(quality.OURS, 10, 4)
    told = {"cpu": 1.0, "conditions": quality.conditions(job.who)}
    (tmp_path / f"{job.name}.json").write_text(json.dumps(told))
    assert quality.finished(job, tmp_path) == told
    monkeypatch.setattr(quality.recipe, "SMALL", ((16, 32, 64), 32))
    assert quality.finished(job, tmp_path) is None


def test_a_job_that_is_killed_without_a_word_stops_the_measurement(tmp_path, monkeypatch):
    monkeypatch.setattr(quality, "PACKAGES", ("torch",))
    monkeypatch.setattr(quality.datasets, "load_critters", lambda n: None)
    killed = subprocess.CompletedProcess([], -9, "", "")
    monkeypatch.setattr(quality.subprocess, "run", lambda *_, **__: killed)
    plan = dataclasses.replace(quality.SHORT, who=("diffusers, tuned",))
    with pytest.raises(RuntimeError, match="exit code -9"):
        quality.run(plan, tmp_path)


@pytest.mark.parametrize(
    ("excess", "seconds"),
    [(9.0, 0.0), (8.0, 0.0), (4.0, 20.0), (math.sqrt(8), math.sqrt(800)), (2.0, 40.0), (1.9, None)],
)
def test_seconds_to_an_excess_on_log_log_paper(excess, seconds):
    found = quality.seconds_to(excess, [(10, 8.0), (20, 4.0), (40, 2.0)])
    assert found == (None if seconds is None else pytest.approx(seconds))


def test_a_page_holds_all_tables_and_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    tables = [
        report.Table("First", [{"a": 1, "b": "x"}], "Notes.", ("numpy",), {"seed": 3}),
        report.Table("Second", [{"c": 2}], "More.", picture=b"png"),
    ]
    text = report.write("some", tables)
    assert (tmp_path / "some.md").read_text(encoding="utf-8") == text
    assert text.startswith("# First\n\n| a | b |\n|---|---|\n| 1 | x |\n")
    assert "## Second" in text and "![Second](some-2.png)" in text and "numpy 2" in text
    assert (tmp_path / "some-2.png").read_bytes() == b"png"
    told = json.loads((tmp_path / "some.json").read_text(encoding="utf-8"))
    assert [table["title"] for table in told["tables"]] == ["First", "Second"]
    assert told["tables"][0]["settings"] == {"seed": 3}
    report.write("some", tables, short=True)
    assert (tmp_path / "short" / "some.md").exists()


def test_every_page_of_results_is_one_that_can_be_made_again():
    names = {path.stem for path in report.RESULTS.glob("*.md")}
    assert names <= set(BENCHMARKS)


def test_what_stands_for_a_missing_torchvision_can_be_built_on():
    class Child(peers.Nothing.models.inception.InceptionA):
        pass

    assert issubclass(Child, peers.Nothing)
    peers.Nothing.transforms.Compose([peers.Nothing.transforms.Lambda(print)])
