"""Lesson 06: its figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

from .figures import DASHES, OTHERS, STYLE, Figure, finished

# From broad to fine, dark to light: told apart by brightness as well as by dash.
_BANDS = ("#00204D", "#31446B", "#666970", "#958F78", "#CAB969", "#E8C200")


def bands(t: Any, missing: Mapping[str, Any], settled: Mapping[str, int], caption: str) -> Figure:
    """What a guess still lacks of the finished picture, by size of detail, over the level t.

    ``missing``: up to six names, from broad to fine → percent of that detail's power, for each t;
    ``settled``: the same names → the level from which on it stays below 10 %, marked by a dot.
    """
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(7.6, 4), layout="constrained")
        axes = canvas.subplots()
        for i, (name, y) in enumerate(missing.items()):
            axes.plot(t, y, label=name, color=_BANDS[i], linestyle=DASHES[i], linewidth=2.4)
            axes.plot(settled[name], 10, "o", color=_BANDS[i], markersize=8, markeredgecolor="k")
        axes.axhline(10, color="black", linewidth=1, linestyle=":")
        axes.set(xlim=(0, 1000), ylim=(0, 125), ylabel="still missing, % of its power")
        axes.set_xlabel("level t, from the picture (0) to noise (1000)")
        axes.legend(title="waves across the picture", loc="upper left", ncols=2, fontsize=9)
        return finished(canvas, caption)


def decisions(
    t: Any,
    judged: Mapping[str, Any],
    branch_t: Any,
    branched: Mapping[str, Any],
    caption: str,
) -> Figure:
    """When is it settled what a picture shows: two panels over the level t, both in percent.

    Left, how probable the judge finds the final answer when it looks at the guesses (``judged``,
    name → one number for each of ``t``); right, how many branches end with the same answer
    (``branched``, name → one number for each of ``branch_t``). A name has one colour in both.
    """
    names = list(dict.fromkeys([*judged, *branched]))
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(8.8, 3.8), layout="constrained")
        panels = canvas.subplots(1, 2, sharey=True)
        for axes, x, curves in zip(panels, (t, branch_t), (judged, branched), strict=True):
            for name, y in curves.items():
                i = names.index(name)
                axes.plot(
                    x, y, label=name, color=(*OTHERS[3:], *OTHERS)[i], linestyle=DASHES[i],
                    marker="os^D"[i], markevery=max(1, len(x) // 8), markersize=6,
                )  # fmt: skip
            axes.set(xlim=(0, 1010), ylim=(0, 104))
        canvas.supxlabel("level t, from the picture (0) to noise (1000)", fontsize=10.5)
        panels[0].set(title="what the judge sees in the guess", ylabel="as in the end, %")
        panels[1].set(title="branches that end the same")
        panels[0].legend(loc="lower left")
        return finished(canvas, caption)
