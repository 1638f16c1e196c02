"""What there is in the world of the critters: attributes, pairs that go together, and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from .. import guard

Pair = tuple[tuple[str, str], tuple[str, str]]

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "subject": ("none", "cat", "dog", "rabbit", "bear", "fox", "frog", "car"),
    "color": ("none", "black", "white", "gray", "orange", "brown", "blue", "green"),
    "sunglasses": ("none", "sunglasses"),
    "hat": ("none", "top hat", "party hat"),
    "skateboard": ("none", "skateboard"),
    "place": ("plain", "beach", "mountains", "futuristic city", "night"),
}
HELD_OUT: tuple[Pair, ...] = (
    (("subject", "cat"), ("sunglasses", "sunglasses")),
    (("subject", "rabbit"), ("skateboard", "skateboard")),
    (("subject", "fox"), ("color", "blue")),
    (("subject", "frog"), ("hat", "top hat")),
    (("subject", "dog"), ("place", "futuristic city")),
    (("hat", "party hat"), ("place", "night")),
)
IMPOSSIBLE: tuple[Pair, ...] = (
    *(
        (("subject", "none"), (name, value))  # nobody has no colour and wears nothing
        for name in ("color", "sunglasses", "hat", "skateboard")
        for value in ATTRIBUTES[name]
        if value != "none"
    ),
    *((("subject", somebody), ("color", "none")) for somebody in ATTRIBUTES["subject"][1:]),
)
SPLITS = ("train", "held_out", "all")
INDEX = {name: {v: k for k, v in enumerate(known)} for name, known in ATTRIBUTES.items()}

_SYNONYMS = {
    "gray": ("gray", "grey"),
    "rabbit": ("rabbit", "bunny"),
    "plain": ("plain background",),
}
WORDS: dict[tuple[str, str], tuple[str, ...]] = {  # (name, value) → what a caption calls it
    (name, value): _SYNONYMS.get(value, (value,))
    for name, known in ATTRIBUTES.items()
    for value in known
    if value != "none"
}
# Word k of a network's vocabulary is VOCABULARY[k - 1]; number 0 stands for "nothing said". The
# last four say that there is no such thing: nobody, no sunglasses, no hat, no skateboard.
VOCABULARY: tuple[tuple[str, str], ...] = (
    *WORDS,
    *((name, "none") for name in ("subject", "sunglasses", "hat", "skateboard")),
)
WORD_IDS = {word: k for k, word in enumerate(VOCABULARY, start=1)}

_POSSIBLE = {  # subject → name → the values that go with that subject
    subject: {
        name: [v for v in known if (("subject", subject), (name, v)) not in IMPOSSIBLE]
        for name, known in ATTRIBUTES.items()
        if name != "subject"
    }
    for subject in ATTRIBUTES["subject"]
}


@lru_cache(maxsize=1024)
def _subjects_allowing(given: tuple[tuple[str, str], ...]) -> list[str]:
    return [
        subject
        for subject, possible in _POSSIBLE.items()
        if all(value in possible.get(name, [subject]) for name, value in given)
    ]


def complete(given: Mapping[str, str], rng: np.random.Generator) -> dict[str, str]:
    """All six attributes: what is given, a subject that allows it, and values that this allows."""
    r = rng.random(len(ATTRIBUTES)).tolist()
    subjects = _subjects_allowing(tuple(given.items()))
    subject = subjects[int(r[0] * len(subjects))]
    free = zip(_POSSIBLE[subject].items(), r[1:], strict=True)
    chosen = {name: known[int(u * len(known))] for (name, known), u in free}
    return {"subject": subject} | chosen | dict(given)


def values(row: Sequence[int]) -> dict[str, str]:
    """Names and values of a row of indices, as in `datasets.Critters.attributes`."""
    return {name: known[int(k)] for (name, known), k in zip(ATTRIBUTES.items(), row, strict=True)}


def choose_attributes(
    split: str, held_out: tuple[Pair, ...], rng: np.random.Generator
) -> dict[str, str]:
    """The attributes of one picture of a split; every subject is as frequent as any other.

    ``split`` is one of `SPLITS`, see `datasets.draw_dataset`. Raises ValueError where the held-out
    pairs leave no picture of a subject.
    """
    if split == "held_out":
        return complete(dict(held_out[rng.integers(len(held_out))]), rng)
    a = complete({}, rng)
    for _ in range(1000):
        if split == "all" or not any(a[p] == v and a[q] == w for (p, v), (q, w) in held_out):
            return a
        a = complete({"subject": a["subject"]}, rng)  # the same one, so that none becomes rare
    raise ValueError(f"The held-out pairs leave no picture of subject {a['subject']!r}; drop one.")


def check_whole(name: str, value: int, low: int, high: int | None = None) -> None:
    """Raise ``ValueError`` unless value is a whole number from low to high."""
    if not guard.whole(value, low) or (high is not None and value > high):
        wanted = f"from {low} to {high}" if high is not None else f"of {low} or more"
        raise ValueError(f"{name} must be a whole number {wanted}, not {value!r}.")


def check_attributes(attributes: Mapping[str, str]) -> None:
    """Raise ``ValueError`` for an unknown name or value, and for what is `IMPOSSIBLE`."""
    for name, value in attributes.items():
        if name not in ATTRIBUTES:
            raise ValueError(f"There is no attribute {name!r}; known are {', '.join(ATTRIBUTES)}.")
        if value not in ATTRIBUTES[name]:
            known = ", ".join(ATTRIBUTES[name])
            raise ValueError(f"{name} cannot be {value!r}; known are {known}.")
    for (p, v), (q, w) in IMPOSSIBLE:
        if attributes.get(p) == v and attributes.get(q) == w:
            raise ValueError(f"{p} {v!r} cannot go with {q} {w!r}; leave out one of the two.")


def checked_pairs(held_out: Sequence[Pair]) -> tuple[Pair, ...]:
    """Held-out pairs as plain tuples, or a ``ValueError`` that says what a pair looks like."""
    pairs = []
    for pair in held_out:
        try:
            (p, v), (q, w) = pair
            if p == q:
                raise ValueError
        except (TypeError, ValueError):
            raise ValueError(
                "A held-out pair looks like (('subject', 'cat'), ('sunglasses', 'sunglasses')), "
                f"with two different names, not like {pair!r}."
            ) from None
        check_attributes({p: v, q: w})
        pairs.append(((p, v), (q, w)))
    return tuple(pairs)
