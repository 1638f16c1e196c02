"""Figures that talk to Python: a box for prompts, sliders that ask, and a view of training.

Each is an anywidget with one small JavaScript module (folder ``js``), and a still picture with its
caption for wherever no kernel runs: a stored notebook, a print-out, an exported page. What the
browser wants is a ``request``, what Python has to say a ``response``; ``config`` never changes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import anywidget
import numpy as np
import torch
import traitlets

from ..critters import datasets, generate, prompts, world
from ..pace import Watch
from ..train import Record, make_ema
from ..unet import UNet
from . import figures, interactive

_RESPOND_EVERY = 0.25  # seconds: often enough to look alive; more would only keep the browser busy
_POINTS = 240  # of the loss curve, on its way to the browser


class _Live(anywidget.AnyWidget):
    """What all of them are: a widget, beside a still picture with its caption."""

    _css = interactive.style()

    response = traitlets.Dict().tag(sync=True)
    config = traitlets.Dict().tag(sync=True)

    _still: figures.Figure

    def still(self) -> figures.Figure:
        """What a viewer without a kernel shows."""
        return self._still

    def __repr__(self) -> str:
        return repr(self.still())

    def _bundle(self) -> tuple[dict[str, Any], dict[str, Any]]:
        picture, metadata = self.still()._repr_mimebundle_()
        view, _ = super()._repr_mimebundle_() or ({}, {})
        return view | picture, metadata

    def _ipython_display_(self) -> None:
        from IPython.display import display

        bundle, metadata = self._bundle()
        words = self.still().caption
        self._handles = [
            display(bundle, metadata=metadata, raw=True, display_id=True),
            display(
                {"text/markdown": f"*{words}*", "text/plain": words}, raw=True, display_id=True
            ),
        ]


class PromptBox(_Live):
    """A box to type prompts into, and the pictures that develop out of noise, as they are computed.

    ``model``: the network that draws, with the course's words. A copy is taken for each prompt, so
    it may be in training. ``prompt``: what is drawn first, here and now, with ``seed`` and
    ``guidance`` as in `generate`. Later prompts are drawn in a thread of their own: the notebook
    stays free, a new one takes the place of one that is being drawn, and stopping is immediate.
    Raises ValueError as `prompts.parse` and `generate.sample_conditions` do.
    """

    # config: count, size, steps, start, t; response: number, step, words, notes, ...
    request = traitlets.Dict().tag(sync=True)  # number, text (None: stop), seed, guidance
    frame = traitlets.Bytes().tag(sync=True)  # the pictures now: x_t, then x̂₀, (2, n, H, W, 3)
    film = traitlets.Bytes().tag(sync=True)  # all frames of what is finished

    def __init__(
        self,
        model: UNet,
        prompt: str,
        caption: str,
        *,
        count: int = 4,
        seed: int = 0,
        guidance: float = generate.GUIDANCE,
        steps: int = generate.STEPS,
        held_out: Sequence[world.Pair] = world.HELD_OUT,
    ) -> None:
        self._model, self._held_out = model, held_out
        self._copy = make_ema(model)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._next: Mapping[str, Any] | None = None
        self._current = 0
        first = {"number": 0, "text": prompt, "seed": seed, "guidance": guidance}
        config = {"count": count, "size": 32, "steps": steps, "start": first}
        self._esm = interactive.module("prompt")
        super().__init__(config=config, request=first)
        times = self._draw(first)
        if "error" in self.response:
            raise ValueError(self.response["error"])
        self.config = config | {"t": times}
        held = np.frombuffer(self.frame, np.uint8).reshape(2, count, 32, 32, 3)[0]
        self._still = figures.captioned(list(held), self.response["words"], caption)
        self.observe(self._on_request, "request")

    def _on_request(self, change: Mapping[str, Any]) -> None:
        """Note the newest request, and see that a thread is at work; never wait for it."""
        with self._lock:
            self._current, self._next = change["new"].get("number", 0), change["new"]
            # Nothing else runs on this thread now, so the weights are not in the middle of a step.
            # One still under way is stale from here on: what it draws of the mixture is dropped.
            for copied, now in zip(
                self._copy.state_dict().values(), self._model.state_dict().values(), strict=True
            ):
                copied.copy_(now)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if self._next is None:
                    self._thread = None
                    return
                request, self._next = self._next, None
            try:
                self._draw(request)
            except Exception as error:  # a thread's error would go unseen
                self._respond(request["number"], error=f"{type(error).__name__}: {error}")

    def _draw(self, request: Mapping[str, Any]) -> list[int]:
        """Draw a request unless another comes in between; returns the levels t it went through."""
        number, text, seed = request["number"], request.get("text"), request.get("seed", 0)
        if text is None:
            self._respond(number, stopped=True)
            return []
        count, steps = self.config["count"], self.config["steps"]
        try:
            prompt = prompts.parse(text)
            rows = generate.sample_conditions(prompt, count, seed, self._held_out)
        except ValueError as error:
            self._respond(number, error=str(error))
            return []
        response = {
            "text": " ".join(text.split()), "seed": seed, "notes": list(prompt.notes),
            "words": [generate.describe(row) for row in rows.tolist()],
        }  # fmt: skip
        began = time.perf_counter()
        frames, times = [], []
        x_T = generate.initial_noise(count, seed)
        states = generate.trajectory(
            self._copy, rows, x_T, guidance=request["guidance"], steps=steps
        )
        for step, (t, x_t, x0_hat) in enumerate(states):
            if number != self._current:
                self._respond(number, stopped=True)
                break
            frame = datasets.to_pixels(torch.cat([x_t, x0_hat])).tobytes()
            frames.append(frame)
            times.append(int(t))
            response |= {"step": step, "done": step == steps}
            if response["done"]:
                response["seconds"] = round(time.perf_counter() - began, 2)
            with self.hold_sync():
                self.frame = frame
                self._respond(number, **response)
                if response["done"]:
                    self.film = b"".join(frames)
            if step == 0:
                # With every core at work on the next step, the first would be seen only after it.
                time.sleep(0.02)
        return times

    def _respond(self, number: int, **response: Any) -> None:
        self.response = {"number": number} | response


class View(NamedTuple):
    """What an `Explorer` shows: pictures with titles (or none), a sentence, curves by name."""

    pictures: Sequence[Any]
    says: str
    titles: Sequence[str] = ()
    curves: Mapping[str, Sequence[float]] = {}


class Chart(NamedTuple):
    """The axes of an `Explorer`'s curves: where their numbers stand, and ticks (place, words)."""

    at: Sequence[float]
    xlabel: str
    ylabel: str
    xticks: Sequence[tuple[float, str]]
    yticks: Sequence[tuple[float, str]]


class Explorer(_Live):
    """Sliders that ask Python: ``show(*values)`` computes a `View`, and it is painted at once.

    ``controls``: name → the values that it can have, numbers for a slider, words for a choice, in
    the order in which ``show`` takes them; ``start``: the values to open with. Every view has as
    many pictures, of one size, in rows of ``columns``, each row with its label, and the same
    curves, drawn in ``chart``. ``show`` should take a few hundredths of a second; while it works,
    only the newest request waits. Its still picture is ``still`` if given, else the pictures of
    the first view.
    """

    # config: controls, the grid of pictures, chart; response: number, says, titles, curves.
    request = traitlets.Dict().tag(sync=True)  # number, at (a place in each control)
    frame = traitlets.Bytes().tag(sync=True)  # the pictures, (n, H, W, 3)

    def __init__(
        self,
        show: Callable[..., View],
        caption: str,
        *,
        controls: Mapping[str, Sequence[float] | Sequence[str]],
        start: Sequence[float | str],
        columns: int | None = None,
        labels: Sequence[str] = (),
        chart: Chart | None = None,
        size: int = 96,
        still: figures.Figure | None = None,
    ) -> None:
        self._show = show
        self._values: list[list[Any]] = [list(values) for values in controls.values()]
        at = [values.index(value) for values, value in zip(self._values, start, strict=True)]
        view = show(*self._at(at))
        self._shapes = [interactive.as_bytes(picture).shape for picture in view.pictures]
        if len(set(self._shapes)) != 1:
            raise ValueError(f"The pictures of a view need one size, but have {self._shapes}.")
        height, width, _ = self._shapes[0]
        columns = columns or len(view.pictures)
        self._esm = interactive.module("explorer")
        super().__init__(
            request={"number": 0, "at": at},
            config={
                "controls": [
                    {
                        "name": name,
                        "places": [_written(value) for value in values],
                        "words": isinstance(values[0], str),
                    }
                    for name, values in zip(controls, self._values, strict=True)
                ],
                "columns": columns, "labels": list(labels), "count": len(view.pictures),
                "width": width, "height": height, "size": size,
                "chart": chart and _axes(chart, list(view.curves)),
            },
        )  # fmt: skip
        self._paint(0, view)
        self._still = still or figures.pictures(
            list(view.pictures), caption, columns=columns, titles=list(view.titles[:columns]),
            labels=labels, inches=size / 100,
        )  # fmt: skip
        self.observe(self._on_request, "request")

    def _at(self, at: Sequence[int]) -> list[Any]:
        return [values[k] for values, k in zip(self._values, at, strict=True)]

    def _on_request(self, change: Mapping[str, Any]) -> None:
        request = change["new"]
        try:
            self._paint(request["number"], self._show(*self._at(request["at"])))
        except Exception as error:  # else it would go into the kernel's log, where nobody looks
            says = f"At these places it failed: {type(error).__name__}: {error}"
            self.response = self.response | {"number": request["number"], "says": says}

    def _paint(self, number: int, view: View) -> None:
        count = len(self._shapes)
        pixels = [interactive.as_bytes(picture) for picture in view.pictures]
        if [picture.shape for picture in pixels] != self._shapes:
            raise ValueError("Every view of an explorer needs as many pictures, of the same size.")
        curves = [[float(f"{v:.4g}") for v in numbers] for numbers in view.curves.values()]
        with self.hold_sync():
            self.frame = b"".join(picture.tobytes() for picture in pixels)
            self.response = {
                "number": number, "says": view.says, "curves": curves,
                "titles": list(view.titles) or [""] * count,
            }  # fmt: skip


def _written(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}".replace("-", "−")


def _axes(chart: Chart, names: Sequence[str]) -> dict[str, Any]:
    return {
        "at": [float(f"{v:.5g}") for v in chart.at], "x": [min(chart.at), max(chart.at)],
        "y": [chart.yticks[0][0], chart.yticks[-1][0]], "xlabel": chart.xlabel,
        "ylabel": chart.ylabel, "xticks": list(map(list, chart.xticks)),
        "yticks": list(map(list, chart.yticks)),
        "lines": [{"name": name} | interactive.look(i) for i, name in enumerate(names)],
    }  # fmt: skip


class Monitor(_Live):
    """Training in view: the loss, the time left, and what the network draws by then.

    ``total``: how many pictures the training will see; ``titles``: a word for each picture of a
    preview, if there are any. Show it (``display``, or last in a cell) before the loop::

        for record in monitor.watch(train(...)):
            if record.samples_seen >= next_preview:
                monitor.preview(record.samples_seen, draw(ema))
    """

    # config: total, titles, size; response: pictures, loss, left (seconds), state.
    curve: traitlets.List = traitlets.List().tag(sync=True)  # [pictures, mean loss], ...
    rows: traitlets.List = traitlets.List().tag(sync=True)  # pictures seen at each preview
    sheet = traitlets.Bytes().tag(sync=True)  # the previews, (rows, n, H, W, 3)

    def __init__(self, total: int, caption: str, *, titles: Sequence[str] = ()) -> None:
        self._caption = caption
        self._losses: list[tuple[int, float]] = []
        self._previews: dict[int, Any] = {}
        self._esm = interactive.module("monitor")
        super().__init__(
            config={"total": total, "titles": list(titles), "size": 32},
            response={"pictures": 0, "state": "waiting"},
        )

    def still(self) -> figures.Figure:
        """The loss so far and the previews, one row each."""
        return figures.training_so_far(
            self.curve, self._previews, self.config["titles"], self.config["total"], self._caption
        )

    def watch(self, records: Iterable[Record]) -> Iterator[Record]:
        """Hand the records of `train.train` on, one by one, and show how far it is."""
        state, last, pace = "stopped", -1.0, Watch()
        try:
            for record in records:
                self._losses.append((record.samples_seen, record.loss))
                pace.note()
                if time.monotonic() - last > _RESPOND_EVERY:
                    last = time.monotonic()
                    self._respond("slowed" if pace.slowed else "training", record.seconds_left)
                yield record
            state = "finished"
        finally:
            # At ■, too: what has been learned stays, and so does what was seen of it.
            close = getattr(records, "close", None)
            if close is not None:
                close()
            self._respond(state, 0)
            self._show_again()

    def preview(self, pictures: int, drawn: Any) -> None:
        """Add a row to the previews: what it draws after so many ``pictures``, (n, 3, H, W)."""
        if len(drawn) != len(self.config["titles"]):
            raise ValueError(
                f"The monitor has titles for {len(self.config['titles'])} pictures in a row, not "
                f"{len(drawn)}: give one title for each."
            )
        self._previews[pictures] = drawn
        with self.hold_sync():
            self.rows = list(self._previews)
            self.sheet = b"".join(
                datasets.to_pixels(row).tobytes() for row in self._previews.values()
            )

    def _respond(self, state: str, left: float) -> None:
        seen, losses = zip(*self._losses, strict=True) if self._losses else ((0,), (0,))
        window = max(1, len(losses) // _POINTS)
        whole = len(losses) // window * window
        means = np.reshape(losses[:whole], (-1, window)).mean(1)
        places = seen[window - 1 : whole : window]
        with self.hold_sync():
            if self._losses:
                self.curve = [[p, round(float(v), 4)] for p, v in zip(places, means, strict=True)]
            self.response = {
                "pictures": min(seen[-1], self.config["total"]), "state": state,
                "loss": round(float(np.mean(losses[-20:])), 3), "left": round(left),
            }  # fmt: skip

    def _show_again(self) -> None:
        """Put the finished picture into the notebook, for when there is no kernel."""
        if handles := getattr(self, "_handles", None):
            bundle, metadata = self._bundle()
            handles[0].update(bundle, metadata=metadata, raw=True)
