"""Captions: pictures into sentences, sentences into word numbers, and what they leave open."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from .world import (
    ATTRIBUTES,
    HELD_OUT,
    IMPOSSIBLE,
    VOCABULARY,
    WORDS,
    Pair,
    check_attributes,
    values,
)

_WHERE = {
    "plain": ("on a plain background", "in front of a plain background"),
    "beach": ("at the beach", "on the beach", "on a beach"),
    "mountains": ("in the mountains", "in front of mountains"),
    "futuristic city": ("in a futuristic city", "in the futuristic city"),
    "night": ("at night", "in the night"),
}
_PLACE_ALONE = {
    "plain": ("a plain background", "nothing but a plain background"),
    "beach": ("a beach", "the beach", "an empty beach"),
    "mountains": ("mountains", "the mountains"),
    "futuristic city": ("a futuristic city", "an empty futuristic city"),
    "night": ("the night", "nothing but the night"),
}


# How often a caption says what there is to say; the rest is left open.
MENTION_PROBABILITY = {
    "subject": 0.93,
    "color": 0.7,
    "sunglasses": 0.8,
    "hat": 0.8,
    "skateboard": 0.8,
    "place": 0.6,
}


def caption(attributes: Mapping[str, str], rng: np.random.Generator) -> str:
    """Describe a picture in a sentence that varies; what it leaves out is left free.

    Names missing from `attributes` are never said. Raises ValueError as `draw` does.
    """
    check_attributes(attributes)
    r = iter(rng.random(20).tolist())

    def said(name: str) -> str:
        value = attributes.get(name, "none")
        return value if next(r) < MENTION_PROBABILITY[name] and value != "none" else ""

    def pick(*choices: str) -> str:
        return choices[int(next(r) * len(choices))]

    subject, color, sunglasses, hat, skateboard, place = map(said, MENTION_PROBABILITY)
    opening = pick("", "", "", "", "a picture of ", "a drawing of ")
    if not (subject or color or sunglasses or hat or skateboard):
        return opening + pick(*_PLACE_ALONE[place]) if place else pick("a picture", "a drawing")

    if subject:
        color = pick(*WORDS["color", color]) if color else ""
        words = [pick("", "", "", "little"), color, pick(*WORDS["subject", subject])]
        text = _with_article(" ".join(word for word in words if word))
    else:
        text = f"something {color}" if color else "somebody"
    worn = [thing for thing in (sunglasses, hat and _with_article(hat)) if thing]
    if next(r) < 0.3:
        worn.reverse()
    if worn:
        text += pick(" wearing ", " in ", " with ") + " and ".join(worn)
    if skateboard:
        text += pick(" on a skateboard", " riding a skateboard")
    if place:
        where = pick(*_WHERE[place])
        if next(r) < 0.15:
            return f"{where}, {opening}{text}"
        text += pick(" ", " ", ", ") + where
    return opening + text


def _with_article(noun: str) -> str:
    return ("an " if noun[0] in "aeiou" else "a ") + noun


_PATTERNS = {
    (name, value): re.compile(rf"\b({'|'.join(words)})\b") for (name, value), words in WORDS.items()
}


def named(caption: str) -> dict[str, str]:
    """Read a caption: the attributes that it names and their values, and no others."""
    text = caption.lower()
    return {name: value for (name, value), found in _PATTERNS.items() if found.search(text)}


def word_ids(attributes: Mapping[str, str]) -> list[int]:
    """The numbers of the words that say these attributes, one place for each of `ATTRIBUTES`.

    Missing names become 0, nothing said, and so does the colour of nobody. A list of
    len(ATTRIBUTES) ints.
    """
    said = [(name, attributes.get(name)) for name in ATTRIBUTES]
    return [VOCABULARY.index(word) + 1 if word in VOCABULARY else 0 for word in said]


def spell_out(
    said: Sequence[int],
    rng: np.random.Generator,
    unwanted: Sequence[int] = (),
    held_out: Sequence[Pair] = HELD_OUT,
) -> list[int]:
    """Let dice choose all that a prompt leaves open; what it says stays as it is.

    Each way to go on is as likely as a training picture with such a caption is made that way (so
    what is not said is mostly not there). ``said`` and ``unwanted`` are word numbers in any order,
    zeros are passed over; what is unwanted is never chosen, nor a held-out pair unless both of its
    words are said. Returns the numbers of all words that fit, as `word_ids` orders them.
    """
    chosen, chance = _ways_to_go_on(frozenset(said), frozenset(unwanted), tuple(held_out))
    row = chosen[np.searchsorted(chance, rng.random() * chance[-1], side="right")]
    return word_ids(values(row))


@lru_cache(maxsize=1024)
def _ways_to_go_on(
    said: frozenset[int], unwanted: frozenset[int], held_out: tuple[Pair, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of attributes that fit, and the running sum of their chances."""
    for k in said | unwanted:
        if not 0 <= k <= len(VOCABULARY):
            raise ValueError(
                f"There is no word number {k}: they run from 1 to {len(VOCABULARY)}, and 0 says "
                "nothing."
            )
    words = dict(VOCABULARY[k - 1] for k in sorted(said - {0}))
    if len(words) < len(said - {0}):
        raise ValueError("A prompt can say one thing of a kind: one subject, one colour, one hat.")
    check_attributes(words)
    rows = _all_rows()
    # Every subject is as frequent as any other, and so is every way to go on for a subject.
    fits = np.ones(len(rows), dtype=bool)
    for first, second in held_out:
        if not {first, second} <= words.items():
            fits &= ~(_has(rows, first) & _has(rows, second))
    of_subject = np.bincount(rows[:, 0], weights=fits)
    chance = fits / np.maximum(of_subject, 1)[rows[:, 0]]
    for name in ATTRIBUTES:
        if name in words:
            chance = chance * _has(rows, (name, words[name]))
        else:
            is_sayable = ~_has(rows, (name, "none"))
            chance = chance * np.where(is_sayable, 1 - MENTION_PROBABILITY[name], 1)
    for k in unwanted - said - {0}:
        chance = chance * ~_has(rows, VOCABULARY[k - 1])
    if not chance.any():
        raise ValueError("Nothing is left to draw: leave out one of the things you do not want.")
    rows, chance = rows[chance > 0], chance[chance > 0]
    return rows, np.cumsum(chance)


@lru_cache(maxsize=1)
def _all_rows() -> np.ndarray:
    """Every possible row of `Dataset.attributes`."""
    rows = np.array(list(itertools.product(*(range(len(known)) for known in ATTRIBUTES.values()))))
    impossible = [_has(rows, first) & _has(rows, second) for first, second in IMPOSSIBLE]
    return rows[~np.any(impossible, axis=0)]


def _has(rows: np.ndarray, word: tuple[str, str]) -> np.ndarray:
    name, value = word
    known = ATTRIBUTES[name]
    if value not in known:
        return np.zeros(len(rows), dtype=bool)
    return rows[:, list(ATTRIBUTES).index(name)] == known.index(value)
