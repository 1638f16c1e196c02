"""The box for wishes and the view of training, without a browser: what they tell it, and when."""

import threading
import time

import numpy as np
import pytest
import torch
from torch import nn

from diffusion_lessons import checkpoints, schedules
from diffusion_lessons.course import live
from diffusion_lessons.critters import datasets, generate, prompts
from diffusion_lessons.train import Record, train
from diffusion_lessons.unet import UNet

CAPTION = "Some pictures."
WIDGET = "application/vnd.jupyter.widget-view+json"


class Flat(nn.Module):
    """Answers with its one weight everywhere; ``gate`` holds up each answer while it is closed."""

    target = "v"
    gate = threading.Event()
    calls = 0

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, x_t, t, cond=None):
        type(self).calls += 1
        assert self.gate.wait(20)
        return self.weight.expand(x_t.shape)


@pytest.fixture
def network():
    Flat.gate.set()
    Flat.calls = 0
    yield Flat()
    Flat.gate.set()


def box(network, **more):
    return live.PromptBox(network, "a blue fox", CAPTION, count=2, steps=6, **more)


def ask(shown, number, text, seed=0, guidance=2):
    shown.request = {"number": number, "text": text, "seed": seed, "guidance": guidance}


def finished(shown):
    thread = shown._thread
    if thread is not None:
        thread.join(30)
        assert not thread.is_alive()


def test_the_box_draws_what_the_command_draws():
    network = checkpoints.load()
    shown = live.PromptBox(network, "a cat", CAPTION, count=2, steps=3, seed=5, guidance=1.5)
    ask(shown, 1, "a frog at night", seed=7, guidance=3)
    finished(shown)
    rows = generate.sample_conditions(prompts.parse("a frog at night"), 2, 7)
    [film] = generate.sample_batches(
        network, rows, generate.initial_noise(2, 7), guidance=3, steps=3
    )
    expected = [datasets.to_pixels(torch.cat([s.x_t, s.x0_hat])) for s in film]
    found = np.frombuffer(shown.film, np.uint8).reshape(4, 4, 32, 32, 3)
    np.testing.assert_array_equal(found, np.stack(expected))
    assert np.array_equal(np.frombuffer(shown.frame, np.uint8), found[-1].ravel())
    assert shown.config["t"] == [s.t for s in film]
    assert shown.response["words"] == [generate.describe(row) for row in rows.tolist()]
    assert shown.response["done"] and shown.response["number"] == 1 and shown.response["seed"] == 7


def test_asking_returns_at_once_and_only_the_newest_wish_is_drawn(network):
    shown = box(network)
    seen = []
    shown.observe(lambda change: seen.append(change["new"]), "response")
    Flat.gate.clear()
    for number, text in enumerate(["cat", "dog", "bear", "frog"], start=1):
        began = time.monotonic()
        ask(shown, number, text)
        assert time.monotonic() - began < 1  # the drawing itself hangs at the gate
    Flat.gate.set()
    finished(shown)
    drawn = {response["text"] for response in seen if "step" in response}
    assert drawn == {"frog"}
    assert shown.response["text"] == "frog" and shown.response["done"]


def test_stopping_ends_the_drawing_and_nothing_more_is_computed(network):
    shown = box(network)
    Flat.gate.clear()
    Flat.calls = 0
    ask(shown, 1, "cat")
    while not Flat.calls:
        time.sleep(0.01)
    shown.request = {"number": 2, "text": None}
    Flat.gate.set()
    finished(shown)
    assert shown.response == {"number": 2, "stopped": True}
    assert Flat.calls <= 2  # the step that was under way, with and without words
    ask(shown, 3, "cat")
    finished(shown)
    assert shown.response["done"]


def test_a_network_in_training_is_copied_when_the_wish_is_made(network):
    shown = box(network)
    Flat.gate.clear()
    ask(shown, 1, "cat")
    with torch.no_grad():
        network.weight.fill_(100)
    Flat.gate.set()
    finished(shown)
    before = shown.frame
    ask(shown, 2, "cat")
    finished(shown)
    assert shown.frame != before
    assert network.weight.requires_grad and network.training


def test_what_cannot_be_drawn_is_said_and_the_pictures_stay(network):
    shown = box(network)
    before = shown.frame
    ask(shown, 1, "x" * 301)
    finished(shown)
    assert shown.response["number"] == 1 and "300" in shown.response["error"]
    assert shown.frame == before
    with pytest.raises(ValueError, match="300"):
        live.PromptBox(network, "x" * 301, CAPTION)


def test_what_was_not_understood_is_said(network):
    shown = box(network)
    ask(shown, 1, "three purple elephants")
    finished(shown)
    assert len(shown.response["notes"]) == 3 and shown.response["done"]


def test_an_error_while_drawing_is_told_and_does_not_kill_the_box(network):
    shown = box(network)
    ask(shown, 1, "cat", seed=-1)
    finished(shown)
    assert "error" in shown.response
    ask(shown, 2, "cat", guidance="loud")
    finished(shown)
    assert "error" in shown.response
    ask(shown, 3, "cat")
    finished(shown)
    assert shown.response["done"]


def shown_by(figure, monkeypatch):
    """What the notebook gets when a figure is displayed, and when it is shown again."""
    got, again = [], []

    class Handle:
        def update(self, bundle, **options):
            again.append((bundle, options))

    def display(bundle, **options):
        got.append((bundle, options))
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    figure._ipython_display_()
    return got, again


def test_without_a_kernel_there_is_a_picture_and_its_caption(network, monkeypatch):
    for figure in (box(network), live.Monitor(100, CAPTION)):
        (bundle, options), (words, _) = shown_by(figure, monkeypatch)[0]
        assert set(bundle) == {WIDGET, "image/png", "text/plain"}
        assert bundle["text/plain"] == f"Figure: {CAPTION}" == repr(figure)
        assert options["metadata"]["image/png"]["alt"] == CAPTION
        assert words["text/markdown"] == f"*{CAPTION}*"


# --- sliders that ask ---


def explorer(show=None, **more):
    def flat(level, name):
        shown = [torch.full((3, 4, 4), level), torch.full((3, 4, 4), -level)]
        return live.View(shown, f"{name} at {level}", ["plus", "minus"])

    controls = {"level": [-1.0, 0.0, 0.5, 1.0], "who:": ["cat", "dog"]}
    return live.Explorer(show or flat, CAPTION, controls=controls, start=[0.5, "dog"], **more)


def test_an_explorer_paints_what_its_function_returns():
    shown = explorer()
    assert shown.request == {"number": 0, "at": [2, 1]}
    assert shown.config["controls"] == [
        {"name": "level", "places": ["−1", "0", "0.5", "1"], "words": False},
        {"name": "who:", "places": ["cat", "dog"], "words": True},
    ]
    for number, (k, level) in enumerate([(0, -1.0), (3, 1.0), (1, 0.0)], start=1):
        shown.request = {"number": number, "at": [k, 0]}
        pixels = np.frombuffer(shown.frame, np.uint8).reshape(2, 4, 4, 3)
        expected = datasets.to_pixels(
            torch.stack([torch.full((3, 4, 4), s * level) for s in (1, -1)])
        )
        np.testing.assert_array_equal(pixels, expected)
        assert shown.response["says"] == f"cat at {level}" and shown.response["number"] == number
        assert shown.response["titles"] == ["plus", "minus"]


def test_the_curves_of_an_explorer_go_with_its_chart():
    chart = live.Chart([0, 1, 2], "x", "y", [(0, "0"), (2, "2")], [(0, "0"), (9, "9")])
    squares = {"squares": np.array([0, 1, 4]), "lines": [0.0, 1, 2]}
    shown = explorer(
        lambda level, who: live.View([torch.zeros(3, 4, 4)], "", curves=squares), chart=chart
    )
    assert shown.response["curves"] == [[0, 1, 4], [0, 1, 2]]
    assert [line["name"] for line in shown.config["chart"]["lines"]] == ["squares", "lines"]
    assert shown.config["chart"]["y"] == [0, 9] and shown.config["chart"]["x"] == [0, 2]


def test_every_view_of_an_explorer_is_as_large_as_the_first():
    sizes = iter([4, 8])
    shown = explorer(lambda level, who: live.View([torch.zeros(3, n := next(sizes), n)], ""))
    shown.request = {"number": 1, "at": [0, 0]}
    assert "failed" in shown.response["says"] and "of the same size" in shown.response["says"]
    with pytest.raises(ValueError, match="one size"):
        explorer(lambda level, who: live.View([torch.zeros(3, 4, 4), torch.zeros(3, 8, 8)], ""))


def test_an_explorer_is_a_picture_without_a_kernel(monkeypatch):
    (bundle, options), (words, _) = shown_by(explorer(), monkeypatch)[0]
    assert set(bundle) == {WIDGET, "image/png", "text/plain"}
    assert options["metadata"]["image/png"]["alt"] == CAPTION == words["text/plain"]


# --- the view of training ---


def records(n, batch=64):
    for k in range(1, n + 1):
        yield Record(k, batch * k, 1 / k, float(n - k))


def test_the_monitor_hands_every_record_on_and_ends_finished():
    monitor = live.Monitor(640, CAPTION)
    assert list(monitor.watch(records(10))) == list(records(10))
    assert monitor.response["state"] == "finished" and monitor.response["pictures"] == 640
    assert monitor.curve == [[64 * k, round(1 / k, 4)] for k in range(1, 11)]


def test_the_monitor_never_tells_of_more_pictures_than_there_are():
    monitor = live.Monitor(600, CAPTION)  # the last batch is shown whole
    list(monitor.watch(records(10)))
    assert monitor.response["pictures"] == 600


def test_a_long_curve_is_averaged_before_it_travels():
    monitor = live.Monitor(64 * 10_000, CAPTION)
    list(monitor.watch(records(10_000)))
    assert len(monitor.curve) <= 260
    assert monitor.curve[0][1] == pytest.approx(np.mean(1 / np.arange(1, 42)), abs=1e-4)


def test_a_stopped_training_says_so_and_is_closed(monkeypatch):
    monitor = live.Monitor(640, CAPTION)
    _, again = shown_by(monitor, monkeypatch)
    source = records(10)
    with pytest.raises(KeyboardInterrupt):
        for record in monitor.watch(source):
            if record.step == 4:
                raise KeyboardInterrupt
    assert monitor.response["state"] == "stopped" and monitor.response["pictures"] == 256
    assert next(source, None) is None
    assert len(again) == 1


def test_the_picture_that_is_stored_is_the_last_one(monkeypatch):
    monitor = live.Monitor(640, CAPTION, titles=["cat", "dog"])
    got, again = shown_by(monitor, monkeypatch)
    for record in monitor.watch(records(10)):
        if record.step in (2, 10):
            monitor.preview(record.samples_seen, torch.full((2, 3, 32, 32), record.step / 10))
    (bundle, _), *_ = again
    assert bundle["image/png"] != got[0][0]["image/png"]
    assert monitor.rows == [128, 640]
    sheet = np.frombuffer(monitor.sheet, np.uint8).reshape(2, 2, 32, 32, 3)
    assert (sheet[0] == 153).all() and (sheet[1] == 255).all()


def test_previews_need_their_titles():
    with pytest.raises(ValueError, match="titles for 1"):
        live.Monitor(10, CAPTION, titles=["cat"]).preview(5, torch.zeros(2, 3, 8, 8))


def test_watching_does_not_change_what_is_learned():
    pictures = torch.rand(32, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    found = []
    for watched in (False, True):
        torch.manual_seed(0)
        model = UNet(widths=(8, 16))
        steps = train(model, pictures, schedules.cosine(), samples=128, batch=16)
        for _ in live.Monitor(128, CAPTION).watch(steps) if watched else steps:
            pass
        found.append(model.state_dict())
    for name, weight in found[0].items():
        assert torch.equal(weight, found[1][name])


def test_a_monitor_says_when_a_training_is_slowed_down(monkeypatch):
    monitor, states = live.Monitor(128, CAPTION), []
    monitor.observe(lambda change: states.append(change["new"]["state"]), "response")
    slowed = iter([False, True, True, False])

    class Slowed:
        def note(self):
            self.slowed = next(slowed)

    monkeypatch.setattr(live, "Watch", Slowed)
    monkeypatch.setattr(live, "_RESPOND_EVERY", -1)
    for _ in monitor.watch(Record(k, 32 * k, 0.5 - k / 100, 9 - k) for k in range(1, 5)):
        pass
    assert states == ["training", "slowed", "slowed", "training", "finished"]
