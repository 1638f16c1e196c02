"""Captioned little pictures, drawn by code, so that a picture can be held against its words.

A picture is a place with somebody in it, or with nobody. Somebody is a list of flat parts (a
colour, a polygon, a joint), and a pose moves the joints. Lengths are in 1/32 of the picture's
width, y runs downwards, and a figure stands at x = 0, y = 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from .world import check_attributes, check_whole, complete

RGB = tuple[int, int, int]

# ---------------------------------------------------------------------------------- shapes


class Part(NamedTuple):
    """One flat piece: the name of its colour, a closed polygon (k, 2), its joint, its outline."""

    color: str
    points: np.ndarray
    joint: str = "head"
    outline: float = 0.0


def _solid(color: str, points: np.ndarray, joint: str = "head") -> Part:
    return Part(color, points, joint, outline=0.75)


def _turn(degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s], [s, c]])


def _oval(x: float, y: float, rx: float, ry: float, turn: float = 0.0) -> np.ndarray:
    angle = np.arange(18) * (2 * np.pi / 18)
    return np.stack([rx * np.cos(angle), ry * np.sin(angle)], axis=1) @ _turn(turn).T + (x, y)


def _corners(*points: tuple[float, float]) -> np.ndarray:
    return np.array(points, dtype=float)


def _curve(*points: tuple[float, float]) -> np.ndarray:
    """A closed Catmull-Rom spline through the points."""
    p = _corners(*points)
    before, after, beyond = (np.roll(p, shift, axis=0) for shift in (1, -1, -2))
    u = np.linspace(0, 1, 4, endpoint=False)[:, None, None]
    bend = 2 * before - 5 * p + 4 * after - beyond + u * (3 * (p - after) + beyond - before)
    return (p + u / 2 * (after - before + u * bend)).transpose(1, 0, 2).reshape(-1, 2)


def _stroke(*points: tuple[float, float], width: float = 0.7) -> np.ndarray:
    """An open line as a thin polygon."""
    p = _corners(*points)
    along = np.gradient(p, axis=0)
    across = along[:, ::-1] * (-0.5, 0.5) * width / np.linalg.norm(along, axis=1, keepdims=True)
    return np.concatenate([p + across, (p - across)[::-1]])


def _grown(points: np.ndarray, by: float) -> np.ndarray:
    """The polygon with every edge pushed outwards (corners stay sharp, up to a limit)."""
    edge = np.roll(points, -1, axis=0) - points
    normal = edge[:, ::-1] * (1, -1) / np.linalg.norm(edge, axis=1, keepdims=True)
    both = normal + np.roll(normal, 1, axis=0)
    x, y = points.T
    clockwise = np.sign(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
    length = np.maximum(np.linalg.norm(both, axis=1, keepdims=True), 0.9)
    return points + both * (2 * by * clockwise / length**2)


def _both(*parts: Part) -> list[Part]:
    """Each part and its mirror image."""
    other_side = {"left": "right"}
    return [
        side
        for p in parts
        for side in (
            p,
            Part(p.color, p.points * (-1, 1), other_side.get(p.joint, p.joint), p.outline),
        )
    ]


# ------------------------------------------------------------------------ who, from what parts


class SubjectParts(NamedTuple):
    """What makes a subject: parts behind and before the body, and where a face and a hat go."""

    behind: list[Part]
    front: list[Part]
    eyes: tuple[float, float]  # x, y of one eye
    mouth: tuple[float, float]  # y, half the width
    hat: tuple[float, float]  # y of the brim, scale


# fmt: off
_BODY = [
    *_both(_solid("coat", _oval(4.6, -5, 1.5, 2.8, -28), "left")),  # arms
    _solid("coat", _curve((-3, -9), (3, -9), (5, -3.4), (3.8, -0.4), (-3.8, -0.4), (-5, -3.4)),
           "body"),
    Part("pale", _oval(0, -3.4, 2.9, 3), "body"),
    *_both(_solid("coat", _oval(2.9, -0.9, 2.2, 1.2), "body")),  # feet
]
_HEAD = _solid("coat", _curve((-5, -20.3), (0, -21.2), (5, -20.3), (8.6, -14.2), (6, -8.6),
                              (0, -7.4), (-6, -8.6), (-8.6, -14.2)))
_SUBJECTS = {
    "cat": SubjectParts(
        behind=[_solid("coat", _stroke((3, -1.5), (7.5, -1.8), (9.2, -4.5), (8.2, -8), (9.2, -10.2),
                                       width=2.2), "body")],
        front=[
            *_both(_solid("coat", _corners((2.6, -19), (7.3, -26), (8.4, -15.5)))),
            _HEAD,
            *_both(Part("pink", _corners((4.6, -20.2), (6.8, -23.6), (7.3, -18.6))),
                   Part("line", _stroke((6.2, -11.6), (10.4, -12.4), width=0.5)),
                   Part("line", _stroke((6.2, -10.4), (10.2, -9.6), width=0.5))),
            Part("pink", _corners((-1, -11.9), (1, -11.9), (0, -10.7))),
        ],
        eyes=(3.7, -14.2), mouth=(-10.4, 1.9), hat=(-20.2, 0.9)),
    "dog": SubjectParts(
        behind=[_solid("coat", _stroke((3, -2.5), (6.8, -4.2), (8.2, -7), width=2.2), "body")],
        front=[
            _HEAD,
            Part("white", _oval(0, -10.8, 4.2, 3.2)),
            *_both(_solid("deep", _curve((4.8, -20.2), (8.6, -18.8), (10.8, -12.5), (9.4, -8.6),
                                         (7.3, -10.8), (6.9, -15.8)))),
            Part("dark", _oval(0, -12.2, 1.7, 1.2)),
            Part("tongue", _curve((-1.2, -9.6), (1.2, -9.6), (1.3, -7), (0, -6.1), (-1.3, -7))),
        ],
        eyes=(3.7, -15), mouth=(-10.2, 2.2), hat=(-20.2, 1)),
    "rabbit": SubjectParts(
        behind=[_solid("white", _oval(5.8, -2, 2, 2), "body")],
        front=[
            *_both(_solid("coat", _oval(5, -23.5, 2.2, 6.4, 20)),
                   Part("pink", _oval(5.2, -23.5, 1, 4.8, 20))),
            _HEAD,
            *_both(Part("blush", _oval(5.9, -11, 1.4, 0.9))),
            Part("pink", _corners((-1, -11.9), (1, -11.9), (0, -10.9))),
            Part("white", _corners((-1.3, -9.9), (1.3, -9.9), (1.2, -7.7), (-1.2, -7.7)),
                 outline=0.3),
        ],
        eyes=(3.8, -14.4), mouth=(-10.2, 2.2), hat=(-20.3, 0.85)),
    "bear": SubjectParts(
        behind=[],
        front=[
            *_both(_solid("coat", _oval(6.6, -19.6, 3.1, 3)),
                   Part("pale", _oval(6.7, -19.6, 1.6, 1.5))),
            _HEAD,
            Part("pale", _oval(0, -10.8, 3.9, 2.9)),
            Part("dark", _oval(0, -12, 1.6, 1.1)),
        ],
        eyes=(3.9, -15), mouth=(-10.1, 1.7), hat=(-20.4, 1)),
    "fox": SubjectParts(
        behind=[
            _solid("coat", _curve((3, -1), (8.5, -1), (12, -5), (11, -11), (7.5, -7.5), (5, -5)),
                   "body"),
            Part("white", _curve((12, -5), (11.6, -8.5), (11, -11), (8.6, -8.8), (9.6, -7.2)),
                 "body"),
        ],
        front=[
            *_both(_solid("coat", _corners((1.8, -19), (7.6, -26.4), (9, -15.5))),
                   Part("dark", _corners((5.2, -23.4), (7.6, -26.4), (8.1, -22.2)))),
            _solid("coat", _curve((-4.5, -20.4), (4.5, -20.4), (8, -16), (9.8, -11.2), (4.2, -8.4),
                                  (0, -6.8), (-4.2, -8.4), (-9.8, -11.2), (-8, -16))),
            *_both(Part("white", _curve((0, -11.8), (3.4, -12.4), (9.2, -11.4), (4.2, -8.6),
                                        (0, -7.2)))),
            Part("dark", _oval(0, -11, 1.3, 1)),
        ],
        eyes=(3.7, -14.6), mouth=(-9.6, 1.5), hat=(-20.2, 0.85)),
    "frog": SubjectParts(
        behind=[],
        front=[
            *_both(_solid("coat", _oval(5.6, -17.7, 3.4, 3.3))),
            _solid("coat", _curve((-4, -18.6), (4, -18.6), (9.6, -13.6), (7, -8.4), (0, -7.2),
                                  (-7, -8.4), (-9.6, -13.6))),
            *_both(Part("blush", _oval(7.2, -11.6, 1.4, 0.9))),
        ],
        eyes=(5.6, -17.8), mouth=(-11.8, 4.8), hat=(-21.6, 0.9)),
    "car": SubjectParts(
        behind=_both(_solid("dark", _oval(6.6, -1.8, 2.2, 2), "body"),  # wheels
                     _solid("coat", _oval(9.6, -11.4, 1.6, 1.2), "body")),  # mirrors
        front=[
            _solid("coat", _curve((-5.6, -18.2), (0, -18.8), (5.6, -18.2), (7.6, -11.5),
                                  (9.8, -8.6), (9.6, -2.4), (0, -1.8), (-9.6, -2.4), (-9.8, -8.6),
                                  (-7.6, -11.5))),
            Part("glass", _curve((-4.9, -16.8), (4.9, -16.8), (6.4, -11), (-6.4, -11)),
                 outline=0.4),
            *_both(Part("lamp", _oval(7, -6.4, 1.7, 1.7), outline=0.4)),
            Part("steel", _corners((-9.4, -3.4), (9.4, -3.4), (9, -2), (-9, -2)), outline=0.3),
        ],
        eyes=(2.7, -13.6), mouth=(-7.2, 2.6), hat=(-18, 0.9)),
}
_HATS = {
    "none": [],
    "top hat": [
        _solid("felt", _corners((-3.6, 0), (-3.9, -7), (3.9, -7), (3.6, 0))),
        Part("red", _corners((-3.6, 0), (-3.7, -2.9), (3.7, -2.9), (3.6, 0))),
        _solid("felt", _curve((-5.6, -0.6), (0, -0.2), (5.6, -0.6), (5.6, 0.8), (0, 1.2),
                              (-5.6, 0.8))),
    ],
    "party hat": [
        _solid("party", _corners((-4.4, 0.8), (0, -8.4), (4.4, 0.8))),
        Part("stripe", _corners((-3.1, -1.6), (2.5, -3.4), (1.6, -5.2), (-2, -4.1))),
        Part("stripe", _corners((-4.4, 0.8), (-3.9, -0.2), (3.7, -0.8), (4.4, 0.8))),
        Part("pompom", _oval(0, -8.6, 1.6, 1.5), outline=0.4),
    ],
}
_SKATEBOARD = [
    *_both(Part("dark", _oval(5.4, 2.5, 1.7, 1.6), "body"),
           Part("wheel", _oval(5.4, 2.6, 0.8, 0.8), "body")),
    _solid("deck", _curve((-10.6, -1.2), (-8, 0), (8, 0), (10.6, -1.2), (10.9, 0.2), (8.4, 1.7),
                          (-8.4, 1.7), (-10.9, 0.2)), "body"),
]


def _eyes(x: float, y: float, happy: bool) -> list[Part]:
    if happy:
        return _both(Part("line", _stroke((x - 2.2, y + 1), (x - 1.3, y - 0.8), (x + 1.3, y - 0.8),
                                          (x + 2.2, y + 1), width=1.6)))
    return [
        *_both(Part("sclera", _oval(x, y, 2.2, 2.5)), Part("dark", _oval(x, y, 1.6, 2), "gaze")),
        *(Part("white", _oval(side * x - 0.55, y - 0.8, 0.75, 0.75), "gaze") for side in (-1, 1)),
    ]


def _sunglasses(x: float, y: float) -> list[Part]:
    w = min(3.3, x - 0.4)
    lens = _corners((-w, -2.1), (w, -2.1), (w - 0.3, 0.9), (w - 1.5, 2.2), (1.3 - w, 2.2),
                    (0.4 - w, 0.9)) + np.array([x, y])
    glint = _corners((-1.6, 1.2), (0.2, -1.4), (1.4, -1.4), (-0.4, 1.2))
    return [
        Part("frame", _corners((-x, y - 1.8), (x, y - 1.8), (x, y - 0.7), (-x, y - 0.7))),
        *_both(Part("frame", _grown(lens, 0.7)), Part("lens", lens)),
        *(Part("glint", glint + np.array([side * x, y])) for side in (-1, 1)),
    ]


def _mouth(y: float, w: float, laughing: bool) -> list[Part]:
    if laughing:
        depth = 0.9 + 0.35 * w
        return [
            Part("mouth", _curve((-w, y - 0.5), (0, y - 0.1), (w, y - 0.5), (0.5 * w, y + depth),
                                 (-0.5 * w, y + depth))),
            Part("tongue", _oval(0, y + 0.75 * depth, 0.5 * w, 0.4 * depth)),
        ]
    return [Part("line", _stroke((-w, y - 0.3), (-0.5 * w, y + 0.6), (0, y + 0.75),
                                 (0.5 * w, y + 0.6), (w, y - 0.3)))]
# fmt: on


class Figure(NamedTuple):
    """All parts of a figure from back to front, their points in one array that a pose moves."""

    points: np.ndarray  # (N, 2)
    joints: np.ndarray  # (N,) indices into _JOINTS
    parts: list[tuple[int, int, str]]  # first point, one past the last, colour


_JOINTS = ("body", "head", "gaze", "left", "right")


@lru_cache(maxsize=1024)
def _figure(
    subject: str, hat: str, sunglasses: str, skateboard: str, happy: bool, laughing: bool
) -> Figure:
    look = _SUBJECTS[subject]
    brim, scale = look.hat
    parts = [
        *look.behind,
        *(_SKATEBOARD if skateboard != "none" else []),
        *(_BODY if subject != "car" else []),
        *look.front,
        *_mouth(*look.mouth, laughing),
        *(p._replace(points=p.points * scale + (0, brim)) for p in _HATS[hat]),
        *(_sunglasses(*look.eyes) if sunglasses != "none" else _eyes(*look.eyes, happy)),
    ]
    layers = []
    for p in parts:
        if p.outline:
            layers.append(("ink", _grown(p.points, p.outline), p.joint))
        layers.append((p.color, p.points, p.joint))
    counts = [len(points) for _, points, _ in layers]
    ends = np.cumsum(counts).tolist()
    return Figure(
        points=np.concatenate([points for _, points, _ in layers]),
        joints=np.repeat([_JOINTS.index(joint) for _, _, joint in layers], counts),
        parts=list(zip([0, *ends[:-1]], ends, [color for color, _, _ in layers], strict=True)),
    )


# ------------------------------------------------------------------------------------ colours

# fmt: off
_COATS: dict[str, dict[str, RGB]] = {  # "line" must show on the coat, "ink" around it
    "black": {"coat": (46, 44, 54), "pale": (112, 110, 124), "deep": (78, 76, 92),
              "ink": (14, 12, 20), "line": (150, 148, 165), "sclera": (255, 238, 130)},
    "white": {"coat": (252, 250, 246), "pale": (255, 236, 214), "deep": (214, 202, 190),
              "ink": (88, 74, 86), "line": (88, 74, 86)},
    "gray": {"coat": (152, 154, 164), "pale": (206, 208, 216), "deep": (104, 106, 118),
             "ink": (52, 52, 64), "line": (52, 52, 64)},
    "orange": {"coat": (248, 150, 44), "pale": (255, 222, 164), "deep": (190, 94, 24),
               "ink": (98, 44, 16), "line": (98, 44, 16)},
    "brown": {"coat": (134, 82, 50), "pale": (212, 170, 128), "deep": (88, 52, 34),
              "ink": (48, 26, 18), "line": (48, 26, 18)},
    "blue": {"coat": (74, 134, 238), "pale": (184, 214, 255), "deep": (44, 86, 178),
             "ink": (20, 40, 100), "line": (20, 40, 100)},
    "green": {"coat": (86, 186, 76), "pale": (206, 240, 166), "deep": (46, 132, 56),
              "ink": (18, 72, 36), "line": (18, 72, 36)},
}
_FIXED: dict[str, RGB] = {
    "white": (255, 255, 255), "dark": (32, 26, 40), "pink": (255, 150, 170),
    "blush": (255, 140, 150), "tongue": (248, 104, 124), "mouth": (132, 28, 52),
    "sclera": (255, 255, 255), "frame": (255, 200, 40), "lens": (22, 20, 34),
    "glint": (120, 200, 255), "felt": (74, 60, 106), "red": (226, 40, 62), "party": (255, 84, 160),
    "stripe": (255, 226, 70), "pompom": (90, 226, 250), "wheel": (255, 236, 190),
    "glass": (206, 236, 252), "lamp": (255, 232, 110), "steel": (196, 200, 210),
}
_DECKS: tuple[RGB, ...] = ((226, 46, 60), (150, 74, 222), (250, 190, 30), (20, 168, 150))
_PASTELS: tuple[RGB, ...] = ((255, 214, 224), (255, 226, 190), (250, 240, 190), (206, 240, 210),
                             (204, 230, 250), (226, 216, 250))
_WHITE = _FIXED["white"]
# fmt: on


def _mix(a: RGB, b: RGB, share: float) -> RGB:
    return tuple(int(p + (q - p) * share) for p, q in zip(a, b, strict=True))


@lru_cache(maxsize=16)
def _gradient(top: RGB, bottom: RGB, bands: int) -> list[RGB]:
    return [_mix(top, bottom, k / bands) for k in range(bands)]


# ------------------------------------------------------------------------------------- places


class _Canvas:
    """A picture drawn larger than it will be, so that averaging makes its edges smooth."""

    def __init__(self, size: int) -> None:
        self.oversampling = 4 if size <= 48 else 3
        self.unit = size * self.oversampling / 32
        self.image = Image.new("RGB", (size * self.oversampling,) * 2)
        self.pen = ImageDraw.Draw(self.image)

    def box(self, color: RGB, x0: float, y0: float, x1: float, y1: float) -> None:
        u = self.unit
        corners = (round(x0 * u), round(y0 * u), round(x1 * u) - 1, round(y1 * u) - 1)
        self.pen.rectangle(corners, fill=color)

    def oval(self, color: RGB, x: float, y: float, rx: float, ry: float) -> None:
        u = self.unit
        ends = ((x - rx) * u, (y - ry) * u, (x + rx) * u - 1, (y + ry) * u - 1)
        self.pen.ellipse(ends, fill=color)

    def polygon(self, color: RGB, *xy: float) -> None:
        self.pen.polygon([v * self.unit for v in xy], fill=color)

    def sky(self, top: RGB, bottom: RGB, height: int) -> None:
        for y, color in enumerate(_gradient(top, bottom, height // 2)):
            self.box(color, 0, 2 * y, 32, 2 * y + 2)


# Each place draws itself from random numbers r in [0, 1) and returns the colour of a shadow on
# its ground.


def _plain(c: _Canvas, r: list[float]) -> RGB:
    wall = _mix(_PASTELS[int(r[0] * 6)], _PASTELS[int(r[1] * 6)], 0.5 * r[2])
    wall = tuple(int(v - 12 * u) for v, u in zip(wall, r[3:6], strict=True))
    c.box(wall, 0, 0, 32, 32)
    c.box(_mix(wall, (90, 70, 110), 0.1), 0, 23 + 2 * r[6], 32, 32)
    return _mix(wall, (60, 50, 80), 0.3)


def _beach(c: _Canvas, r: list[float]) -> RGB:
    c.sky((120, 206, 250), (206, 240, 255), 18)
    side = 1 if r[0] < 0.5 else -1
    horizon, shore = 14.5 + 2 * r[1], 21.5 + 2 * r[2]
    c.oval((255, 226, 80), 16 + side * (8.5 + 3 * r[3]), 3.6 + 2 * r[4], 2.9, 2.9)
    c.box((40, 142, 214), 0, horizon, 32, 24)
    c.box((90, 186, 232), 0, shore - 3, 32, 25)
    x, y = 16 - side * (9.5 + 3 * r[5]), horizon + 0.8  # a boat, far out
    c.polygon(_WHITE, x, y - 5.5, x, y - 0.8, x + side * 3, y - 0.8)
    c.polygon((226, 70, 60), x - 2.4, y - 0.5, x + 2.4, y - 0.5, x + 1.4, y + 0.9, x - 1.4, y + 0.9)
    for y, color in ((shore, _WHITE), (shore + 1.1, (248, 220, 150))):  # foam, sand
        bend = (y + 1.2 * side, 8, y + 0.7 * side, 16, y, 24, y - 0.2 * side, 32, y - 1.2 * side)
        c.polygon(color, 0, *bend, 32, 32, 0, 32)
    return (214, 178, 110)


def _mountains(c: _Canvas, r: list[float]) -> RGB:
    c.sky((150, 206, 246), (226, 242, 252), 20)
    c.oval(_WHITE, 4 + 24 * r[0], 3.4 + r[1], 3.4, 1.2)
    c.oval(_WHITE, 5.5 + 24 * r[0], 2.6 + r[1], 2, 1.4)
    near, far = (122, 130, 178), (158, 166, 204)
    peaks = ((far, 13 + 6 * r[2]), (near, 4 + 4 * r[3]), (near, 28 - 4 * r[4]))
    for k, (rock, x) in enumerate(peaks):
        top = 7 + 3 * r[5 + k]
        foot = 0.8 * (24 - top)
        c.polygon(rock, x - foot, 24, x, top, x + foot, 24)
        snow = (x + 1.6, top + 3.4, x, top + 5, x - 1.6, top + 3.4)
        c.polygon(_WHITE, x - 3.4, top + 4.2, x, top, x + 3.4, top + 4.2, *snow)
    meadow = 21.5 + 1.5 * r[8]
    c.box((140, 206, 96), 0, meadow + 1, 32, 32)
    c.oval((140, 206, 96), 6 + 20 * r[9], meadow + 4, 20, 4.5)
    for x in (1 + 2.5 * r[10], 31 - 2.5 * r[11]):  # a fir on either side
        c.box((120, 84, 60), x - 0.5, meadow + 0.5, x + 0.5, meadow + 2.6)
        for y, w in ((meadow + 1.2, 2.6), (meadow - 1.2, 2.1), (meadow - 3.4, 1.5)):
            c.polygon((44, 122, 84), x - w, y, x, y - 3.2, x + w, y)
    return (98, 160, 68)


def _futuristic_city(c: _Canvas, r: list[float]) -> RGB:
    c.sky((112, 74, 190), (255, 160, 196), 24)
    street, shift = 23 + 1.5 * r[0], 2 * r[1] - 1
    near, far = (58, 62, 122), (128, 94, 184)
    cyan, yellow, dim = (110, 240, 255), (255, 232, 120), (170, 140, 214)
    towers = (
        (9, 2.6, 11, far, dim),
        (23, 2.6, 10, far, dim),
        (16, 3, 8.5, far, dim),
        (3.2, 3.4, 8, near, cyan),
        (28.8, 3.4, 7, near, yellow),
    )
    for k, (x, w, top, wall, light) in enumerate(towers):
        x, top = x + shift, top + 3 * r[2 + k]
        if k % 2:
            c.oval(wall, x, top, w, w)  # a dome
        else:
            c.polygon(wall, x - w, top, x, top - 5, x + w, top)  # a spire
        c.box(wall, x - w, top, x + w, street)
        for y in range(int(top) + 1, int(street) - 1, 3):
            c.box(light, x - 0.65 * w, y, x - 0.15 * w, y + 1.5)
            c.box(light, x + 0.15 * w, y, x + 0.65 * w, y + 1.5)
    side = 1 if r[7] < 0.5 else -1
    x, y = 16 + side * (7 + 3 * r[8]), 3.2 + 2 * r[9]  # somebody is visiting
    c.polygon((196, 140, 226), x - 1.6, y, x + 1.6, y, x + 3.2, y + 6, x - 3.2, y + 6)
    c.oval(cyan, x, y - 0.7, 1.9, 1.9)
    c.oval((60, 48, 110), x, y + 0.5, 4.2, 1.3)
    for lamp in (-2.4, 0, 2.4):
        c.oval(yellow, x + lamp, y + 0.5, 0.6, 0.6)
    c.box((72, 62, 112), 0, street, 32, 32)
    c.box((70, 236, 246), 0, street, 32, street + 0.8)
    return (44, 36, 76)


def _night(c: _Canvas, r: list[float]) -> RGB:
    c.sky((20, 22, 70), (66, 64, 140), 24)
    side = 1 if r[0] < 0.5 else -1
    for k in range(6):  # stars, each in its own sixth of the sky
        x, y, big = 1.2 + 5.3 * k + 3 * r[1 + k], 2 + 13 * r[7 + k], 0.9 if k % 2 else 0.5
        c.polygon((255, 250, 214), x - big, y, x, y - big, x + big, y, x, y + big)
    x, y = 16 + side * (9 + 2.5 * r[13]), 5 + 2 * r[14]
    c.oval((255, 238, 160), x, y, 3, 3)
    c.oval((30, 32, 84), x - side * 1.5, y - 0.7, 2.5, 2.5)  # what is left is a crescent
    c.oval((34, 52, 84), 5 + 4 * r[15], 25, 13, 5.5)
    c.oval((28, 46, 76), 27 - 4 * r[16], 26, 14, 6)
    c.box((32, 68, 80), 0, 24, 32, 32)
    return (16, 40, 52)


_PLACES = {
    "plain": _plain,
    "beach": _beach,
    "mountains": _mountains,
    "futuristic city": _futuristic_city,
    "night": _night,
}

# ------------------------------------------------------------------------------------ drawing


def _about(x: float, y: float, degrees: float) -> np.ndarray:
    """A turn about the point (x, y) as a matrix (2, 3)."""
    turn = _turn(degrees)
    return np.column_stack([turn, (x, y) - turn @ (x, y)])


def _draw_figure(c: _Canvas, a: Mapping[str, str], shade: RGB, r: list[float]) -> None:
    # Closed eyes would be lost in a frog's bulges and in a windscreen.
    happy, laughing = r[0] < 0.12 and a["subject"] not in ("frog", "car"), r[1] < 0.3
    figure = _figure(a["subject"], a["hat"], a["sunglasses"], a["skateboard"], happy, laughing)

    head = _about(0, -8, 0 if a["subject"] == "car" else 10 * r[2] - 5)  # a car has no neck
    gaze = head.copy()
    gaze[:, 2] += (r[3] - 0.5, 0.8 * r[4] - 0.4)
    left = _about(3.6, -7.2, 16 * r[5] - 8)
    right = _about(-3.6, -7.2, 16 * r[6] - 8 + (75 if r[7] < 0.2 else 0))  # now and then it waves
    joints = np.stack([np.eye(2, 3), head, gaze, left, right])[figure.joints]
    x, y = figure.points.T[:, :, None]
    points = joints[:, :, 0] * x + joints[:, :, 1] * y + joints[:, :, 2]

    lean = (16 * r[8] - 8) * (1 if a["skateboard"] != "none" else 0.5)
    points = points @ _turn(lean).T * (1 if r[9] < 0.5 else -1, 1)
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    ground = 27 + 4 * r[10]
    scale = min(
        0.74 + 0.44 * r[11], (ground - 0.6) / (y1 - y0), 30.8 / (x1 - x0)
    )  # all in the frame
    x = min(max(13 + 6 * r[12], 0.6 - scale * x0), 31.4 - scale * x1)
    c.oval(shade, x, ground - 0.6, 9.5 * scale, 1.5)
    flat = ((points * scale + (x, ground - scale * y1)) * c.unit).ravel().tolist()

    palette = _FIXED | _COATS[a["color"]] | {"deck": _DECKS[int(r[13] * len(_DECKS))]}
    palette["coat"] = tuple(min(255, int(v * (0.95 + 0.1 * r[14]))) for v in palette["coat"])
    for start, stop, color in figure.parts:
        c.pen.polygon(flat[2 * start : 2 * stop], fill=palette[color])


def render(a: Mapping[str, str], size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw what all six attributes say, uint8 (size, size, 3); `draw` is the checked way in."""
    r = rng.random(34).tolist()
    canvas = _Canvas(size)
    shade = _PLACES[a["place"]](canvas, r[15:])
    if a["subject"] != "none":
        _draw_figure(canvas, a, shade, r)
    return np.asarray(canvas.image.reduce(canvas.oversampling))


def draw(
    attributes: Mapping[str, str], size: int = 32, rng: np.random.Generator | None = None
) -> np.ndarray:
    """Draw one picture: what `attributes` names, all else chosen by `rng`, which is required.

    Returns (size, size, 3) uint8. Raises ValueError for an unknown name or value, for what is in
    `IMPOSSIBLE`, and for a size outside 16 to 512.
    """
    if rng is None:
        raise TypeError("draw needs rng, for example rng=numpy.random.default_rng(0).")
    check_whole("size", size, 16, 512)
    check_attributes(attributes)
    return render(complete(attributes, rng), size, rng)
