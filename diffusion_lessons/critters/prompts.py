"""Free text in plain English → the words that the network knows, and notes on all the rest.

All that is known of English stands in ``english.json``, for the browser's page too (`tables`).
Reading is done in small steps: split into words, find the longest known phrases, walk along them
once, say what was left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any, NamedTuple

import torch
from torch import Tensor

from . import world

LONGEST = 300  # characters
ENGLISH: dict[str, Any] = json.loads(
    resources.files("diffusion_lessons.critters").joinpath("english.json").read_text("utf-8")
)
# Runs of Latin letters, of digits, marks, and runs of what else is no space, sign or control
# character. No flags, and no classes such as \w, which differ between Python and JavaScript.
_LETTER = r"A-Za-z\u00c0-\u024f\u0300-\u036f"
_TOKEN = re.compile(
    r"[Ww]/[Oo](?![A-Za-z])"
    rf"|[{_LETTER}]+(?:['\u2019][{_LETTER}]+)*"
    r"|[0-9]+"
    r"|[,;:.!?()/&+\n\r]"
    rf"|[^\u0000-\u00bf{_LETTER}\u1680\u2000-\u206f\u3000-\u303f\ufe00-\ufe0f\ufeff]+"
)
_NAME = {value: name for name, value in world.WORDS}
_ID = {value: world.WORD_IDS[name, value] for name, value in world.WORDS}
# Roles of phrases: what stands for something to draw, what may stand before what a colour colours,
# and what is unknown.
_ITEMS = {"synonyms", "closest", "either", "slip"}
_ADJECTIVES = {"adjective", "chance", "color", "count"}
_NOUNS = {"subject", "thing", "place", "part", "near", "far", "foreign"}
_UNKNOWN = {*ENGLISH["unknown"], "near", "far", "foreign"}


class Prompt(NamedTuple):
    """What is wanted, what is not (ids into `world.VOCABULARY`, from 1), and friendly notes."""

    tokens: tuple[int, ...]
    negative: tuple[int, ...]
    notes: tuple[str, ...]


class Stage(NamedTuple):
    """One word or phrase of a text, ``text[start:stop]``, and what was made of it.

    ``meaning`` is "wanted", "unwanted", "left out" or "small word"; ``ids`` are its numbers.
    """

    written: str
    start: int
    stop: int
    meaning: str
    ids: tuple[int, ...]


def parse(text: str) -> Prompt:
    """Read a prompt in plain English; what is not said is left free, what is not taken is in notes.

    ``tokens`` and ``negative`` are sorted, each id once. Empty text asks for anything. Raises
    TypeError for what is no string, ValueError for more than `LONGEST` characters.
    """
    return _read(text)[0]


def stages(text: str) -> tuple[Stage, ...]:
    """What `parse` made of every word, in order of the text (errors as there)."""
    return _read(text)[1]


def words(ids: Iterable[int]) -> tuple[str, ...]:
    """The words with these ids; 0, nothing said, is passed over. ValueError for any other."""
    said = []
    for k in ids:
        if k not in range(len(world.VOCABULARY) + 1):
            raise ValueError(
                f"There is no word {k!r}: words have the numbers 1 to {len(world.VOCABULARY)}."
            )
        if k:
            name, value = world.VOCABULARY[k - 1]
            nothing = "nobody" if name == "subject" else f"no {name}"
            said.append(nothing if value == "none" else value)
    return tuple(said)


def cond(ids: Sequence[int], n: int = 1) -> Tensor:
    """These words n times over, as a network takes them: int64 (n, L), 0 for nothing said.

    L is 6, as in `datasets.load_critters`, or more for more words (their order does not matter).
    ValueError for an id that there is not.
    """
    words(ids)
    row = [*ids, *[0] * (len(world.ATTRIBUTES) - len(ids))]
    return torch.tensor([row] * n, dtype=torch.int64).reshape(n, len(row))


def tables() -> dict[str, object]:
    """All that this module goes by, ready for JSON (the vocabulary in order of ids)."""
    return {name: table for name, table in ENGLISH.items() if not name.startswith("#")} | {
        "vocabulary": [list(word) for word in world.VOCABULARY],
        "caption_words": {value: list(called) for (_, value), called in world.WORDS.items()},
        "token": _TOKEN.pattern,
        "letter": _LETTER,
        "items": sorted(_ITEMS),
        "adjectives": sorted(_ADJECTIVES),
        "nouns": sorted(_NOUNS),
        "longest": LONGEST,
    }


# --------------------------------------------------------------------------- from text to pieces


class _Piece(NamedTuple):
    """A known phrase, an unknown word or a mark: ``text[start:stop]``."""

    written: str
    start: int
    stop: int
    role: str  # a table or a row of one: "synonyms", "closest", …, "article", "and", "color", …
    values: tuple[str, ...]  # the words of the vocabulary that it may stand for

    @property
    def name(self) -> str:
        """The attribute that it speaks of if it stands for something to draw, else ""."""
        return _NAME[self.values[0]] if self.role in _ITEMS else ""


Meaning = tuple[str, tuple[str, ...]]  # role and values of a piece


@lru_cache(maxsize=1)
def _lexicon() -> dict[str, Meaning]:
    """Every known phrase → its role, and the words of the vocabulary that it may stand for."""
    known: dict[str, Meaning] = {}
    for value in _ID:
        called = [value, *world.WORDS[_NAME[value], value], *ENGLISH["synonyms"].get(value, [])]
        known |= dict.fromkeys(called, ("synonyms", (value,)))
        known |= dict.fromkeys(ENGLISH["closest"].get(value, []), ("closest", (value,)))
    for role in ("either", "bare"):
        known |= {phrase: (role, tuple(values)) for phrase, values in ENGLISH[role].items()}
    for role, phrases in (ENGLISH["grammar"] | ENGLISH["unknown"]).items():
        known |= dict.fromkeys(phrases, (role, ()))
    return known


def _pieces(text: str) -> list[_Piece]:
    """Split a text into the longest known phrases, unknown words and marks."""
    lexicon = _lexicon()
    tokens = [(_plain(token.group()), *token.span()) for token in _TOKEN.finditer(text)]
    pieces, i = [], 0
    while i < len(tokens):
        for k in range(min(5, len(tokens) - i), 0, -1):
            *before, last = [word for word, _, _ in tokens[i : i + k]]
            phrases = [" ".join([*before, form]) for form in _singulars(last)]
            found = [lexicon[phrase] for phrase in phrases if phrase in lexicon]
            if found:
                break
        role, values = found[0] if found else _unknown(tokens[i][0])
        start, stop = tokens[i][1], tokens[i + k - 1][2]
        pieces.append(_Piece(text[start:stop], start, stop, role, values))
        i += k
    return pieces


def _plain(word: str) -> str:
    """Lower case, without 's, 'm, 'd, 'll, 're and 've at the end ("don't" stays)."""
    return re.sub("'(s|m|d|ll|re|ve)$", "", word.lower().replace("\u2019", "'"))


def _singulars(word: str) -> list[str]:
    """The word itself, then what it may be the plural of."""
    ends = ENGLISH["plurals"] if len(word) > 3 else ()
    return [word, *(word.removesuffix(end) + new for end, new in ends if word.endswith(end))]


def _unknown(word: str) -> Meaning:
    """The role of what no table holds, and what it may have meant."""
    if word in ENGLISH["marks"]:
        return ENGLISH["marks"][word], ()
    if word[0] in "0123456789":
        return "count", ()
    if word[0] < "A":
        return "stop", ()
    if not re.match(f"[{_LETTER}]", word):
        return "foreign", ()
    near = _nearest(word)
    # A slip of the pen is so much like a phrase that this must have been meant.
    meant = {
        values
        for phrase, values, slips in near
        if slips == 1 and len(phrase) > 4 and phrase[0] == word[0]
    }
    if len(meant) == 1 and set(_singulars(word)).isdisjoint(ENGLISH["no_slips"]):
        return "slip", meant.pop()
    return ("near", tuple(phrase for phrase, _, _ in near[:3])) if near else ("far", ())


@lru_cache(maxsize=4096)
def _nearest(word: str) -> list[tuple[str, tuple[str, ...], int]]:
    """Known phrases like the word, the nearest first: (phrase, its values, slips of the pen)."""
    items = {phrase: values for phrase, (role, values) in _lexicon().items() if role in _ITEMS}
    limit = 0 if len(word) < 2 else 1 if len(word) < 6 else 2
    near = []
    for phrase, values in items.items():
        rest = word.removeprefix(phrase)
        if word in phrase.split() and phrase in _ID:
            near.append((phrase, values, 0))  # "party" → "party hat"
        elif rest != word and rest in items:
            near += [(phrase, values, 0), (rest, items[rest], 0)]  # "catdog" → "cat", "dog"
        elif len(set(word) ^ set(phrase)) <= 2 * limit + 1 and " " not in phrase:
            # A slip changes at most two letters of the set, an "s" of a plural one more.
            slips = min(_slips(form, phrase, limit) for form in _singulars(word))
            if slips <= limit:
                near.append((phrase, values, slips))
    meanings: dict[tuple[str, ...], tuple[str, tuple[str, ...], int]] = {}  # each once
    for found in sorted(near, key=lambda found: found[2]):
        meanings.setdefault(found[1], found)
    return list(meanings.values())


def _slips(a: str, b: str, limit: int) -> int:
    """How many letters were added, dropped, changed or swapped (Damerau 1964); stops at limit."""
    older: list[int] = []
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        older, before, row = before, row, [i]
        for j, y in enumerate(b, start=1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (x != y)))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                row[-1] = min(row[-1], older[j - 2] + 1)
        if min(row) > limit:
            return limit + 1
    return row[-1]


# ------------------------------------------------------------------------- from pieces to a prompt


def _read(text: str) -> tuple[Prompt, tuple[Stage, ...]]:
    if not isinstance(text, str):
        raise TypeError(f"A prompt is text, such as 'a blue cat', but this is {repr(text)[:80]}.")
    if len(text) > LONGEST:
        raise ValueError(
            f"A prompt may have up to {LONGEST} characters, but this one has {len(text)}: say it "
            "in fewer words."
        )
    # Half a surrogate pair could not even be printed in a note.
    reader = _Reader(_pieces(re.sub("[\ud800-\udfff]", "\ufffd", text)))
    read = tuple(reader.stage(i) for i in range(len(reader.pieces)))
    return reader.prompt(), read


class _Reader:
    """Walks along the pieces once and gathers what is wanted, what is not, and what to say."""

    def __init__(self, pieces: list[_Piece]) -> None:
        self.pieces = pieces
        self.wanted: dict[str, str] = {}  # name → value
        self.unwanted: list[str] = []
        self.nobody = ""
        self.noted: dict[tuple[str, tuple[str, ...]], list[str]] = {}  # (note, known) → written
        # "open" after "no" until it has hit something, then "hit" until more than "or" follows.
        self.negation, self.over_and = "", False

    def stage(self, i: int) -> Stage:
        piece = self.pieces[i]
        role, colored = piece.role, _colored_thing(self.pieces, i)
        if colored:
            values = self.note("color of", piece, colored)
        elif role == "bare" or (piece.name and self.negation):
            values = self.refuse(piece)
        elif piece.name:
            values = self.want(piece)
        elif role in _UNKNOWN:
            note = "unwanted" if self.negation else role
            offered = ENGLISH["offers"].get(note, ())
            known = piece.values or [value for name, value in world.WORDS if name in offered]
            values = self.note(note, piece, *known)
            self.negation = self.negation and "hit"
        elif role == "relation" or (role == "count" and not self.negation):
            values = self.note(role, piece)
            self.pass_over(i)
        else:
            self.pass_over(i)
            return Stage(*piece[:3], "small word", ())
        heard = "left out" if not values else "unwanted" if values[0] in self.unwanted else "wanted"
        return Stage(*piece[:3], heard, _ids(values))

    def want(self, piece: _Piece) -> tuple[str, ...]:
        first = self.wanted.get(piece.name)
        free = [value for value in piece.values if value not in self.unwanted]
        if first in piece.values:
            return (first,)
        if first:
            return self.note(f"two of {piece.name}", piece, first)
        if not free:
            return self.note("both", piece)
        if piece.role != "synonyms" and len(free) == len(piece.values):
            self.note(piece.role, piece, *free)
        self.wanted[piece.name] = free[0]
        return (free[0],)

    def refuse(self, piece: _Piece) -> tuple[str, ...]:
        self.negation = self.negation and "hit"
        fresh = tuple(v for v in piece.values if v not in self.wanted.values())
        if len(fresh) < len(piece.values):
            self.note("both", piece)
        elif piece.role in ("slip", "closest"):
            self.note("slip", piece, *fresh)
        self.unwanted += fresh
        return fresh

    def pass_over(self, i: int) -> None:
        """Small words: what they do to a "no" before them."""
        role, hit = self.pieces[i].role, self.negation == "hit"
        if role in ("no", "without"):
            self.negation, self.over_and = "open", role == "without"
        elif role == "nobody":
            self.nobody = self.nobody or self.pieces[i].written
        elif role in ("stop", "but") or (role == "comma" and not hit):
            self.negation = ""
        elif hit and role in ("and", "or", "comma"):
            self.negation = "open" if _goes_on(self.pieces, i, self.over_and) else ""
        elif hit and role in ("small", "article", "copula", "relation"):
            self.negation = ""

    def note(self, note: str, piece: _Piece, *known: str) -> tuple[str, ...]:
        """Keep in mind what to say of a piece; returns the values that are drawn for it: none."""
        written = self.noted.setdefault((note, known), [])
        if piece.written.lower() not in (word.lower() for word in written):
            written.append(piece.written)
        return ()

    def prompt(self) -> Prompt:
        notes = [_sentence(note, known, written) for (note, known), written in self.noted.items()]
        if self.nobody and "subject" not in self.wanted:
            theirs = [value for name, value in self.wanted.items() if name != "place"]
            if theirs or not self.wanted:
                notes.append(_sentence("nobody" if theirs else "nowhere", theirs, [self.nobody]))
        return Prompt(_ids(self.wanted.values()), _ids(self.unwanted), tuple(notes))


def _colored_thing(pieces: list[_Piece], i: int) -> str:
    """What the colour at i colours if that has no colour to choose ("a hat that is blue")."""
    if pieces[i].name != "color" or (i and pieces[i - 1].name == "subject"):
        return ""
    unknown = ""
    for piece, after in zip(pieces[i + 1 :], [*pieces[i + 2 :], None], strict=False):
        if piece.role in ("and", "or", "comma") and after:
            if after.name != "color" and after.role not in _ADJECTIVES:
                break
        elif piece.name == "subject":
            return ""
        elif piece.role in _NOUNS:
            unknown = piece.written
        elif piece.name and piece.name != "color":
            return piece.written
        elif not piece.name and piece.role not in _ADJECTIVES:
            break
    if unknown:
        return unknown if any(piece.name == "subject" for piece in pieces) else ""
    j = i - 1
    while j > 0 and pieces[j].role == "copula":
        j -= 1
    is_thing = j < i - 1 and pieces[j].name not in ("", "subject", "color")
    return pieces[j].written if is_thing else ""


def _goes_on(pieces: list[_Piece], i: int, over_and: bool) -> bool:
    """Does a "no" reach beyond this "or", "and" or comma? ("no hat, glasses or skateboard")"""
    if pieces[i].role == "or":
        return True
    animals = pieces[i - 1].name == "subject"
    for j, piece in enumerate(pieces[i + 1 :], start=i + 1):
        is_thing = piece.role in _ITEMS | _NOUNS | _ADJECTIVES
        if piece.role == "article":
            animals = False  # "not a cat, a dog" wants a dog
        elif pieces[i].role == "and":
            return over_and and is_thing
        elif piece.role in ("and", "or"):
            return _goes_on(pieces, j, over_and)
        elif piece.role != "comma" and (not is_thing or (piece.name == "subject" and not animals)):
            return False
    return False


def _ids(values: Iterable[str]) -> tuple[int, ...]:
    return tuple(sorted({_ID[value] for value in values}))


def _sentence(note: str, known: Sequence[str], written: Sequence[str]) -> str:
    known = ["plain background" if value == "plain" else value for value in known]
    quoted = [f"“{word[:40]}{'…' if len(word) > 40 else ''}”" for word in written]
    return ENGLISH["notes"][note].format(
        words=listed(quoted, "and"),
        known=listed(known, "and"),
        choice=listed(known, "or"),
        it="it" if len(written) == 1 else "them",
        be="is" if len(written) == 1 else "are",
    )


def listed(words: Sequence[str], last: str) -> str:
    """Words as one speaks them: "a, b and c" (``last`` is "and")."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
