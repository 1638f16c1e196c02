"""Figures that talk to Python: a box for wishes, sliders that ask, and a view of training.

Each is an anywidget with one small JavaScript module (folder ``js``), and a still picture with its
caption for wherever no kernel runs: a stored notebook, a print-out, an exported page.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import anywidget
import numpy as np
import torch
import traitlets
from torch import nn

from ..critters import datasets, generate, prompts, world
from ..train import make_ema
from . import figures, interactive

_TELL_EVERY_SECONDS = 0.25  # often enough to look alive; more would only keep the browser busy
_POINTS = 240  # of the loss curve, on its way to the browser
R = TypeVar("R")


class _Live(anywidget.AnyWidget):
    """What all of them are: a widget, beside a still picture with its caption."""

    def still(self) -> figures.Figure:
        """What a viewer without a kernel shows."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return repr(self.still())

    def _bundle(self) -> tuple[dict[str, Any], dict[str, Any]]:
        picture, metadata = self.still()._repr_mimebundle_()
        view, _ = super()._repr_mimebundle_()
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
    """A box to type wishes into, and the pictures that develop out of static, as they are computed.

    ``model``: the network that draws, with the course's words. A copy of it is taken at each wish,
    so it may be in training. ``wish``: what is drawn first, here and now; ``seed`` and ``guidance``
    as in `wishes`. Later wishes are drawn in a thread of their own: the notebook stays free, a new
    wish takes the place of one that is being drawn, and stopping is immediate. Raises ValueError
    as `prompts.parse` and `generate.sample_conditions` do.
    """

    _css = interactive.style()

    asked = traitlets.Dict().tag(sync=True)  # by the browser: number, text (None: stop), seed, ...
    told = traitlets.Dict().tag(sync=True)  # what is being drawn: number, step, words, notes
    frame = traitlets.Bytes().tag(sync=True)  # the pictures now: x_t, then x̂₀, (2, n, H, W, 3)
    film = traitlets.Bytes().tag(sync=True)  # all frames of what is finished
    about = traitlets.Dict().tag(sync=True)  # what does not change: count, size, steps, t

    def __init__(
        self,
        model: nn.Module,
        wish: str,
        caption: str,
        *,
        count: int = 4,
        seed: int = 0,
        guidance: float = generate.GUIDANCE,
        steps: int = generate.STEPS,
        held_out: Sequence[world.Pair] = world.HELD_OUT,
    ) -> None:
        self._model, self._held_out, self._caption = model, held_out, caption
        self._copy = make_ema(model)
        self._lock, self._thread = threading.Lock(), None
        self._current, self._next = 0, None
        first = {"number": 0, "text": wish, "seed": seed, "guidance": guidance}
        about = {"count": count, "size": 32, "steps": steps, "start": first}
        self._esm = interactive.module("prompt")
        super().__init__(about=about, asked=first)
        times = self._draw(first)
        if "trouble" in self.told:
            raise ValueError(self.told["trouble"])
        self.about = about | {"t": times}
        self._still = self._picture()
        self.observe(self._on_asked, "asked")

    def still(self) -> figures.Figure:
        """The pictures of the first wish, with the words that each was told."""
        return self._still

    def _picture(self) -> figures.Figure:
        held = np.frombuffer(self.frame, np.uint8).reshape(2, self.about["count"], 32, 32, 3)[0]
        return figures.captioned(list(held), self.told["words"], self._caption)

    def _on_asked(self, change: Mapping[str, Any]) -> None:
        """Note the newest wish, and see that a thread is at work; never wait for it."""
        with self._lock:
            self._current, self._next = change["new"].get("number", 0), change["new"]
            # Nothing else runs on this thread now, so the weights are not in the middle of a step.
            # A wish still under way is stale from here on: what it draws of the mixture is dropped.
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
                asked, self._next = self._next, None
            try:
                self._draw(asked)
            except Exception as error:  # a thread's error would go unseen
                self._tell(asked["number"], trouble=f"{type(error).__name__}: {error}")

    def _draw(self, asked: Mapping[str, Any]) -> list[int]:
        """Draw a wish unless another comes in between; returns the levels t it went through."""
        number, text, seed = asked["number"], asked.get("text"), asked.get("seed", 0)
        if text is None:
            self._tell(number, stopped=True)
            return []
        count, steps = self.about["count"], self.about["steps"]
        try:
            prompt = prompts.parse(text)
            rows = generate.sample_conditions(prompt, count, seed, self._held_out)
        except ValueError as trouble:
            self._tell(number, trouble=str(trouble))
            return []
        said = {
            "text": " ".join(text.split()), "seed": seed, "notes": list(prompt.notes),
            "words": [generate.describe(row) for row in rows.tolist()],
        }  # fmt: skip
        began, frames, times = time.perf_counter(), [], []
        states = generate.trajectory(
            self._copy,
            rows,
            generate.initial_noise(count, seed),
            guidance=asked["guidance"],
            steps=steps,
        )
        for step, (t, x_t, x0_hat) in enumerate(states):
            if number != self._current:
                self._tell(number, stopped=True)
                break
            frame = datasets.to_pixels(torch.cat([x_t, x0_hat])).tobytes()
            frames.append(frame)
            times.append(int(t))
            done = step == steps
            told = said | {"step": step, "done": done}
            if done:
                told["seconds"] = round(time.perf_counter() - began, 2)
            with self.hold_sync():
                self.frame = frame
                self._tell(number, **told)
                if done:
                    self.film = b"".join(frames)
            if step == 0:
                # With every core at work on the next step, the first would be seen only after it.
                time.sleep(0.02)
        return times

    def _tell(self, number: int, **what: Any) -> None:
        self.told = {"number": number} | what


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

    _css = interactive.style()

    asked = traitlets.Dict().tag(sync=True)  # by the browser: number, at (a place in each control)
    told = traitlets.Dict().tag(sync=True)  # number, says, titles, curves
    frame = traitlets.Bytes().tag(sync=True)  # the pictures, (n, H, W, 3)
    about = traitlets.Dict().tag(sync=True)  # what does not change

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
        self._values = [list(values) for values in controls.values()]
        at = [values.index(value) for values, value in zip(self._values, start, strict=True)]
        view = show(*self._at(at))
        self._shapes = [interactive.as_bytes(picture).shape for picture in view.pictures]
        if len(set(self._shapes)) != 1:
            raise ValueError(f"The pictures of a view need one size, but have {self._shapes}.")
        height, width, _ = self._shapes[0]
        columns = columns or len(view.pictures)
        self._esm = interactive.module("explorer")
        super().__init__(
            asked={"number": 0, "at": at},
            about={
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
        self.observe(self._on_asked, "asked")

    def still(self) -> figures.Figure:
        """What a viewer without a kernel shows."""
        return self._still

    def _at(self, at: Sequence[int]) -> list[Any]:
        return [values[k] for values, k in zip(self._values, at, strict=True)]

    def _on_asked(self, change: Mapping[str, Any]) -> None:
        asked = change["new"]
        try:
            self._paint(asked["number"], self._show(*self._at(asked["at"])))
        except Exception as error:  # else it would go into the kernel's log, where nobody looks
            says = f"At these places it failed: {type(error).__name__}: {error}"
            self.told = self.told | {"number": asked["number"], "says": says}

    def _paint(self, number: int, view: View) -> None:
        count = len(self._shapes)
        pixels = [interactive.as_bytes(picture) for picture in view.pictures]
        if [picture.shape for picture in pixels] != self._shapes:
            raise ValueError("Every view of an explorer needs as many pictures, of the same size.")
        curves = [[float(f"{v:.4g}") for v in numbers] for numbers in view.curves.values()]
        with self.hold_sync():
            self.frame = b"".join(picture.tobytes() for picture in pixels)
            self.told = {
                "number": number, "says": view.says, "curves": curves,
                "titles": list(view.titles) or [""] * count,
            }  # fmt: skip


def _written(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}".replace("-", "−")


def _axes(chart: Chart, names: Sequence[str]) -> dict[str, Any]:
    colors = (figures.SIGNAL, figures.NOISE, figures.PREDICTION)
    return {
        "at": [float(f"{v:.5g}") for v in chart.at], "x": [min(chart.at), max(chart.at)],
        "y": [chart.yticks[0][0], chart.yticks[-1][0]], "xlabel": chart.xlabel,
        "ylabel": chart.ylabel, "xticks": list(map(list, chart.xticks)),
        "yticks": list(map(list, chart.yticks)),
        "lines": [
            {"name": name, "color": colors[i], "dash": ("-", "--", "-.")[i]}
            for i, name in enumerate(names)
        ],
    }  # fmt: skip


class Monitor(_Live):
    """Training in view: the loss, the time left, and what the network draws by then.

    ``total``: how many pictures the training will see; ``titles``: a word for each picture of a
    preview, if there are any. Show it (`display`, or as the last line of a cell) before the loop::

        for record in monitor.watch(training.train(...)):
            if record.pictures >= next_preview:
                monitor.preview(record.pictures, draw(ema))
    """

    _css = interactive.style()

    told = traitlets.Dict().tag(sync=True)  # pictures, loss, left (seconds), state
    curve = traitlets.List().tag(sync=True)  # [pictures, mean loss], ...
    rows = traitlets.List().tag(sync=True)  # how many pictures it had seen at each preview
    sheet = traitlets.Bytes().tag(sync=True)  # the previews, (rows, n, H, W, 3)
    about = traitlets.Dict().tag(sync=True)  # total, titles, size

    def __init__(self, total: int, caption: str, *, titles: Sequence[str] = ()) -> None:
        self._caption, self._records, self._previews = caption, [], {}
        self._esm = interactive.module("monitor")
        super().__init__(
            about={"total": total, "titles": list(titles), "size": 32},
            told={"pictures": 0, "state": "waiting"},
        )

    def still(self) -> figures.Figure:
        """The loss so far and the previews, one row each."""
        return figures.training_so_far(
            self.curve, self._previews, self.about["titles"], self.about["total"], self._caption
        )

    def watch(self, records: Iterable[R]) -> Iterator[R]:
        """Hand the records of `train.train` on, one by one, and show how far it is."""
        state, last = "stopped", -1.0
        try:
            for record in records:
                self._records.append((record.pictures, record.loss))
                if time.monotonic() - last > _TELL_EVERY_SECONDS:
                    last = time.monotonic()
                    self._tell("training", record.seconds_left)
                yield record
            state = "finished"
        finally:
            # At ■, too: what has been learned stays, and so does what was seen of it.
            close = getattr(records, "close", None)
            if close is not None:
                close()
            self._tell(state, 0)
            self._show_again()

    def preview(self, pictures: int, drawn: Any) -> None:
        """Add a row to the previews: what it draws after so many ``pictures``, (n, 3, H, W)."""
        if len(drawn) != len(self.about["titles"]):
            raise ValueError(
                f"The monitor has titles for {len(self.about['titles'])} pictures in a row, not "
                f"{len(drawn)}: give one title for each."
            )
        self._previews[pictures] = drawn
        with self.hold_sync():
            self.rows = list(self._previews)
            self.sheet = b"".join(
                datasets.to_pixels(row).tobytes() for row in self._previews.values()
            )

    def _tell(self, state: str, left: float) -> None:
        seen, losses = zip(*self._records, strict=True) if self._records else ((0,), (0,))
        window = max(1, len(losses) // _POINTS)
        whole = len(losses) // window * window
        means = np.reshape(losses[:whole], (-1, window)).mean(1)
        places = seen[window - 1 : whole : window]
        with self.hold_sync():
            if self._records:
                self.curve = [[p, round(float(v), 4)] for p, v in zip(places, means, strict=True)]
            self.told = {
                "pictures": min(seen[-1], self.about["total"]), "state": state,
                "loss": round(float(np.mean(losses[-20:])), 3), "left": round(left),
            }  # fmt: skip

    def _show_again(self) -> None:
        """Put the finished picture into the notebook, for when there is no kernel."""
        if handles := getattr(self, "_handles", None):
            bundle, metadata = self._bundle()
            handles[0].update(bundle, metadata=metadata, raw=True)
