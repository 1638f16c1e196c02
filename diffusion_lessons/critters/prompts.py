"""Free text in plain English → the words that the network knows, and notes on all the rest.

Everything that is known about English stands in the tables below, plain strings only, so that
another reader (the browser page) can use the very same ones: see `tables`. Reading is done in
small steps: split into words, find the longest phrases, walk along them once, say what was left
out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from . import world

LONGEST = 300  # characters
# fmt: off
# What else a word of the vocabulary may be called (plurals are understood anyway).
SYNONYMS: dict[str, str] = {
    "cat": "kitty, kitten, kittycat, kitty cat, pussycat, pussy cat, tomcat, tabby, moggy, feline",
    "dog": "doggy, doggie, doggo, puppy, pup, pooch, hound, puppy dog",
    "rabbit": "bunny, bunny rabbit, hare",
    "bear": "teddy, teddy bear, bear cub, grizzly, grizzly bear",
    "fox": "vixen, fox cub",
    "frog": "froggy, toad",
    "car": "automobile, auto, motorcar, motor car",
    "gray": "greyish, grayish",
    "black": "blackish",
    "white": "whitish",
    "orange": "ginger, orangey",
    "brown": "brownish",
    "blue": "bluish",
    "green": "greenish",
    "sunglasses": "sunglass, sun glasses, shades, sunnies, dark glasses, pair of sunglasses, pair "
                  "of shades, pair of sunnies, pair of sun glasses",
    "top hat": "tophat, topper, silk hat, magician hat, magicians hat",
    "party hat": "partyhat, birthday hat, birthday cap, party cap, cone hat",
    "skateboard": "skate board, skateboarding, skateboarder, skating, skater, skates, skate",
    "plain": "plain backdrop, no background, without background, without a background, empty "
             "background, blank background, simple background, plain wall",
    "beach": "seaside, shore, seashore, sea shore, sea side, coast, sand, sandy beach, by the "
             "sea, at the sea",
    "mountains": "mountain, mountain top, mountaintop, alps, snowy mountain, snowy mountains",
    "futuristic city": "futuristic town, future city, city of the future, city in the future, sci "
                       "fi city, scifi city, science fiction city, cyberpunk city, neon city",
    "night": "nighttime, night time, midnight, in the dark, after dark, starry night, night sky",
}
# What is not quite the same, but near enough to be drawn, with a note.
CLOSEST: dict[str, str] = {
    "cat": "big cat",
    "rabbit": "easter bunny",
    "bear": "polar bear, panda bear, koala bear",
    "car": "race car, racing car, sports car, police car, taxi, cab, truck, lorry, van, bus, "
           "jeep, vehicle",
    "gray": "silver, silvery",
    "orange": "golden, gold, amber",
    "brown": "beige, tan, chocolate",
    "blue": "navy, cyan, turquoise, teal, azure",
    "green": "lime, olive, emerald",
    "sunglasses": "glasses, eyeglasses, spectacles, specs, goggles, pair of glasses, pair of "
                  "goggles",
    "skateboard": "longboard, board, hoverboard",
    "plain": "white background, black background, gray background, grey background, orange "
             "background, brown background, blue background, green background, red background, "
             "pink background, yellow background, purple background",
    "beach": "sea, ocean, island, desert island",
    "mountains": "hill, peak, cliff, snow, meadow",
    "futuristic city": "city, town, downtown, skyline, skyscraper, future, cyberpunk",
    "night": "evening, dusk, moonlight, under the moon, under the stars, starry sky, dark "
             "background, darkness",
}
# One word for several of ours: when it is wanted the first is drawn, when not wanted all go.
EITHER: dict[str, str] = {"hat": "top hat, party hat"}
# Words that say by themselves what somebody does not wear.
BARE: dict[str, str] = {
    "hatless": "top hat, party hat",
    "bareheaded": "top hat, party hat",
    "bare headed": "top hat, party hat",
    "nothing on its head": "top hat, party hat",
    "nothing on his head": "top hat, party hat",
    "nothing on her head": "top hat, party hat",
    "wearing nothing": "sunglasses, top hat, party hat",
    "wears nothing": "sunglasses, top hat, party hat",
    "naked": "sunglasses, top hat, party hat",
}
GRAMMAR: dict[str, str] = {
    # Nothing is lost when these are passed over.
    "small": "i, you, he, she, it, we, they, me, him, her, us, them, my, your, his, their, our, "
             "im, lets, let, this, these, those, there, here, who, whose, what, whats, where, "
             "when, draw, drawing, drawn, paint, painting, painted, sketch, make, create, "
             "generate, show, render, give, get, see, want, would, could, can, will, like, love, "
             "need, please, pls, thanks, thank, hello, hi, hey, ok, okay, yes, picture, pic, "
             "photo, photograph, image, portrait, scene, illustration, cartoon, background, "
             "foreground, front, back, top, wear, wears, wearing, dressed, has, have, having, "
             "got, holding, holds, carrying, using, uses, put, puts, ride, rides, riding, rode, "
             "standing, stands, stand, sitting, sits, sit, stood, sat, going, goes, being, "
             "living, lives, having fun, chilling, hanging out, hanging, on top of, in front of, "
             "in the background, in front, out, up, down, of, in, on, at, to, for, from, by, "
             "with, while, whilst, as, into, onto, inside, near, around, through, during, along, "
             "together, just, only, also, too, so, then, plus, well, some, one, 1, single, "
             "another, other, else, somebody, someone, something, anybody, anyone, anything, "
             "everybody, animal, creature, critter, pet, character, maybe, surprise, whatever, "
             "thing, stuff, do, does, doing, did, look, looks, looking, called, named, head, "
             "face, fur, hair, w, a lot, very, really, quite, rather, all, alone, wearing nothing "
             "else, not only, nothing but, nothing else, don't forget, do not forget, dont "
             "forget, not sure, don't care, do not care, don't know, do not know, don't mind, no "
             "idea, no matter, why not, if, than, because, about, place, each, every, both, put "
             "on, try, now, today, having a good time, after, again, almost, already, always, am, "
             "are you, before, been, come, comes, came, done, even, ever, find, first, go, had, "
             "how, its, itself, himself, herself, myself, yourself, kind of, kinda, sort of, type "
             "of, made, may, might, mine, much, name, off, often, once, own, plz, thx, ur, u, r, "
             "lol, omg, hmm, um, uh, oh, wow, same, still, style, such, take, takes, tell, think, "
             "time, until, use, used, version, via, why, within, whole, work, world, featuring, "
             "including, sporting, rocking, imagine, visualize, visualise, display, design, art, "
             "artwork, art of, upon, across, toward, towards, wanna, gonna, gotta, hold, help, "
             "finally, simply, actually, who is",
    "article": "a, an, the, any",
    # May stand between a colour and what it colours.
    "adjective": "little, cute, lovely, nice, cool, pretty, beautiful, sweet, adorable, charming, "
                 "colored, coloured, color, colour, good, great, awesome, amazing, fine, "
                 "favorite, favourite, stylish, perfect, shade of, shades of, typical, normal, "
                 "ordinary, simple, new, more",
    "but": "but, however, though, although, yet",
    "relation": "under, over, behind, beside, next to, next, above, below, beneath, between, "
                "underneath, against, opposite",
    "copula": "is, are, was, were, be, that, which, thats, should, must",
    "no": "no, not, never, neither, none, zero, 0, isn't, isnt, aren't, arent, wasn't, wasnt, "
          "doesn't, doesnt, don't, dont, hasn't, hasnt, haven't, havent, can't, cant, cannot, "
          "won't, wont, shouldn't, shouldnt, instead of, rather than, hate, hates, hating, "
          "dislike, dislikes, refuse, refuses, avoid, avoids, remove, removes, nothing like",
    "without": "without, w/o, minus, except, excluding, lacking",
    "and": "and, n",
    "or": "or, nor",
    "count": "pair, pair of, two, three, four, five, six, seven, eight, nine, ten, eleven, "
             "twelve, dozen, twenty, hundred, thousand, million, many, several, few, couple, "
             "couple of, lots, lots of, a lot of, group, group of, bunch of, pack of, herd of, "
             "family of, twin, triplet, crowd of, army of, dozens of, hundreds of, loads of, "
             "double",
    "nobody": "nobody, no one, noone, no body, no people, no animals, no animal, without people, "
              "without animals, without anyone, without anybody, empty, deserted, nothing, nobody "
              "else, no one else",
}
# Words that we know we cannot draw, so that a note can say what there is instead.
UNKNOWN: dict[str, str] = {
    "color": "red, yellow, purple, pink, violet, magenta, scarlet, crimson, maroon, lilac, "
             "indigo, rainbow, multicolored, multicoloured, colorful, colourful, transparent, "
             "invisible, blonde, blond, reddish, yellowish, pinkish, lavender, bronze, cream",
    "subject": "mouse, mice, rat, hamster, bird, duck, chicken, hen, penguin, owl, eagle, parrot, "
               "fish, shark, whale, dolphin, octopus, snake, lizard, turtle, tortoise, crocodile, "
               "dinosaur, dragon, unicorn, horse, pony, donkey, cow, bull, pig, sheep, lamb, "
               "goat, lion, tiger, leopard, cheetah, elephant, giraffe, zebra, hippo, rhino, "
               "monkey, ape, gorilla, panda, koala, kangaroo, wolf, wolves, deer, reindeer, "
               "moose, squirrel, hedgehog, raccoon, badger, otter, beaver, bat, bee, ant, spider, "
               "butterfly, snail, worm, insect, crab, llama, alpaca, camel, sloth, seal, goose, "
               "swan, boar, man, men, woman, women, boy, girl, child, children, kid, baby, "
               "babies, person, people, human, teacher, student, dad, mum, mom, mother, father, "
               "friend, brother, sister, grandma, grandpa, king, queen, princess, prince, knight, "
               "wizard, witch, pirate, ninja, astronaut, robot, alien, monster, ghost, zombie, "
               "vampire, superhero, doll, clown, train, plane, airplane, aeroplane, ship, boat, "
               "rocket, tractor, helicopter, tree, flower, pizza, cake, apple, banana",
    "thing": "cap, beanie, crown, helmet, bonnet, beret, bow, bow tie, tie, scarf, shirt, t "
             "shirt, jacket, coat, dress, suit, skirt, trousers, pants, shoe, boot, sock, "
             "sneaker, glove, necklace, earring, collar, bag, backpack, umbrella, ball, guitar, "
             "balloon, book, phone, laptop, computer, sword, flag, bone, carrot, cup, drink, ice "
             "cream, bike, bicycle, motorbike, motorcycle, scooter, roller skates, surfboard, "
             "snowboard, ski, sled, mask, wig, headphones, beard, moustache, mustache, wing, "
             "cape, cigar, watch, uniform, armor, armour, sombrero, bandana, ribbon",
    "place": "house, castle, moon, space, outer space, mars, planet, galaxy, universe, forest, "
             "wood, woods, jungle, desert, park, garden, field, farm, river, lake, pond, "
             "waterfall, volcano, cave, street, road, home, room, kitchen, bedroom, bathroom, "
             "bed, sofa, couch, chair, table, school, classroom, office, shop, store, restaurant, "
             "library, museum, stadium, party, village, london, paris, new york, berlin, tokyo, "
             "bridge, tower, sky, cloud, rain, storm, underwater, water, pool, heaven, hell, "
             "roof, sunset, sunrise, morning, noon, day, daytime, daylight, spring, summer, "
             "autumn, winter, sun, sunshine, grass, skatepark, skate park, outside, outdoors, "
             "indoors, bench, box, boxes",
    "part": "eye, nose, tail, ear, whisker, paw, leg, arm, tooth, teeth, tongue, foot, feet, "
            "belly, wheel, window, mouth, nail, claw",
    "chance": "small, tiny, big, large, huge, giant, gigantic, enormous, mini, short, long, fat, "
              "thin, slim, chubby, old, young, ancient, modern, fluffy, furry, hairy, striped, "
              "spotted, shiny, dirty, clean, fast, slow, quick, lazy, lonely, happy, sad, angry, "
              "mad, grumpy, scared, scary, sleepy, tired, bored, crying, laughing, laugh, "
              "smiling, smile, funny, sunny, silly, crazy, evil, friendly, famous, rich, poor, "
              "sleeping, asleep, sleep, running, run, jumping, jump, jumps, jumped, dancing, "
              "dance, flying, fly, swimming, swim, eating, eats, eat, drinking, playing, play, "
              "plays, singing, reading, waving, walk, walks, walking, driving, drive, fighting, "
              "talking, upside down, sideways, left, right, dark, light, bright, pale, deep, "
              "vivid, fancy, weird, strange, magic, magical, realistic, detailed, blurry, pixel, "
              "3d, hot, cold, wet, snowy, sandy, starry, rainy, cloudy, stormy, foggy, windy, "
              "strong, tall, high, low, fierce, brave, smart, clever, elegant, wooden, wild, "
              "real, best, doing tricks",
}
# Everyday words one letter away from a known word that are no slips of the pen.
NO_SLIPS = (
    "amble, beech, block, blank, broad, brow, brawn, bonny, cost, dodgy, greet, greed, greek, "
    "kitted, nigh, plan, plait, pain, pouch, poach, porch, rabbi, shade, shape, share, shave, "
    "shake, shaded, spade, shone, shove, shire, score, sore, snore, swore, spore, sliver, solver, "
    "state, slate, skated, spate, stating, tubby, tapper, tipper, topped, trick, track, trunk, "
    "tuck, write, whine"
)
# fmt: on
# {words} is what was written, {known} and {choice} what is known instead (a, b and c; a, b or c).
NOTES: dict[str, str] = {
    "color": "I do not know {words}, so the picture is drawn without {it}; colours I know are "
    "{known}.",
    "subject": "I do not know {words}, so the picture is drawn without {it}; I can draw {choice}.",
    "thing": "I do not know {words}, so the picture is drawn without {it}; to wear or to ride "
    "there is {choice}.",
    "place": "I do not know {words}, so the picture is drawn without {it}; places I know are "
    "{known}.",
    "part": "I have no word for {words}, so how that looks is left to chance.",
    "chance": "I have no word for {words}, so the picture is drawn without {it}: size, mood, pose "
    "and shade are left to chance.",
    "relation": "I have no word for {words}: a hat goes on the head, a skateboard under the feet, "
    "and the place is all around.",
    "near": "I do not know {words}, so the picture is drawn without {it}; did you mean {choice}?",
    "far": "I do not know {words}, so the picture is drawn without {it}; besides colours I know "
    "{known}.",
    "foreign": "I read plain English only, so the picture is drawn without {words}.",
    "unwanted": "I do not know {words}, so I would not have drawn {it} anyway.",
    "slip": "I read {words} as “{known}”.",
    "closest": "I draw “{known}” for {words}: that is the closest I know.",
    "either": "{words} can mean {choice}: I draw the first; write out the other to get it.",
    "two of subject": "Only one animal or car fits in: “{known}” came first, so {words} {be} left "
    "out.",
    "two of color": "The whole animal or car has one colour: “{known}” came first, so {words} {be} "
    "left out.",
    "two of hat": "Only one hat fits on a head: “{known}” came first, so {words} {be} left out.",
    "two of place": "There is room for one place: “{known}” came first, so {words} {be} left out.",
    "color of": "You can choose the colour of the animal or car only, so {words} for “{known}” "
    "{be} left out.",
    "count": "I draw one of everything, so {words} {be} left out.",
    "both": "You want {words} and you do not want it: what you wrote first counts.",
    "nobody": "{words} cannot go with {known}, so I draw somebody all the same.",
    "nowhere": "I have no word for {words}: name a place alone, as in “an empty beach”, for a "
    "picture of nobody.",
}


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
    """Read a wish in plain English; what is not said is left free, what is not taken is in notes.

    ``tokens`` and ``negative`` are sorted, each id once. Empty text wishes for anything. Raises
    TypeError for what is no string, ValueError for more than 300 characters.
    """
    return _read(text)[0]


def stages(text: str) -> tuple[Stage, ...]:
    """What `parse` made of every word, in order of the text (errors as there)."""
    return _read(text)[1]


def words(ids: tuple[int, ...] | list[int]) -> tuple[str, ...]:
    """The words with these ids; 0, nothing said, is passed over. ValueError for any other."""
    return tuple(_value(k) for k in ids if k != 0)


def cond(ids: tuple[int, ...] | list[int], n: int = 1) -> Tensor:
    """These words n times over, as a network takes them: int64 (n, L), 0 for nothing said.

    L is 6, as in `datasets.load_critters`, or more for more words (their order does not matter).
    """
    words(ids)
    row = [*ids, *[0] * (len(world.ATTRIBUTES) - len(ids))]
    return torch.tensor([row] * n, dtype=torch.int64).reshape(n, len(row))


def tables() -> dict[str, object]:
    """All that this module knows about English, ready for JSON (the vocabulary in order of ids)."""
    return {
        "vocabulary": [list(word) for word in world.VOCABULARY],
        "caption_words": {value: list(said) for (_, value), said in world.WORDS.items()},
        "synonyms": SYNONYMS,
        "closest": CLOSEST,
        "either": EITHER,
        "bare": BARE,
        "grammar": GRAMMAR,
        "unknown": UNKNOWN,
        "no_slips": NO_SLIPS,
        "notes": NOTES,
        "token": _TOKEN.pattern,
        "letter": _LETTER,
        "plurals": _PLURALS,
        "marks": _MARKS,
        "items": sorted(_ITEMS),
        "adjectives": sorted(_ADJECTIVES),
        "nouns": sorted(_NOUNS),
        "longest": LONGEST,
    }


# --------------------------------------------------------------------------- from text to pieces


class _Piece(NamedTuple):
    written: str
    start: int
    stop: int
    role: str  # a table or a row of one: "synonyms", "closest", …, "article", "and", "color", …
    values: tuple[str, ...] = ()  # the words of the vocabulary that it may stand for


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
_PLURALS = (("s", ""), ("xes", "x"), ("ses", "s"), ("ches", "ch"), ("shes", "sh"), ("ies", "y"))
_MARKS = {",": "comma", "&": "and", "+": "and", "/": "or"}
_NAME = {value: name for name, value in world.WORDS}
_ID = {value: world.VOCABULARY.index((name, value)) + 1 for name, value in world.WORDS}
_ITEMS = {"synonyms", "closest", "either", "slip"}  # roles that stand for something to draw
_ADJECTIVES = {"adjective", "chance", "color", "count"}  # may stand before what a colour colours
_NOUNS = {"subject", "thing", "place", "part", "near", "far", "foreign"}  # unknown ones

Known = dict[str, tuple[str, tuple[str, ...]]]


@lru_cache(maxsize=1)
def _lexicon() -> Known:
    """Every known phrase → its role, and the words of the vocabulary that it may stand for."""
    known: Known = {}
    for value in _ID:
        said = [value, *world.WORDS[_NAME[value], value], *SYNONYMS.get(value, "").split(", ")]
        known |= {phrase: ("synonyms", (value,)) for phrase in said}
        known |= {phrase: ("closest", (value,)) for phrase in CLOSEST.get(value, "").split(", ")}
    for role, table in (("either", EITHER), ("bare", BARE)):
        known |= {phrase: (role, tuple(values.split(", "))) for phrase, values in table.items()}
    for role, said in (GRAMMAR | UNKNOWN).items():
        known |= {phrase: (role, ()) for phrase in said.split(", ")}
    del known[""]
    return known


def _pieces(text: str) -> list[_Piece]:
    """Split a text into the longest known phrases, unknown words and marks."""
    lexicon = _lexicon()
    tokens = [(_plain(m.group()), m.start(), m.end()) for m in _TOKEN.finditer(text)]
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
    ends = _PLURALS if len(word) > 3 else ()
    return [word, *(word.removesuffix(end) + new for end, new in ends if word.endswith(end))]


def _unknown(word: str) -> tuple[str, tuple[str, ...]]:
    """The role of what no table holds, and what it may have meant."""
    if word in _MARKS:
        return _MARKS[word], ()
    if word[0] in "0123456789":
        return "count", ()
    if word[0] < "A":
        return "stop", ()
    if not re.match(f"[{_LETTER}]", word):
        return "foreign", ()
    near = _nearest(word)
    slips = {values for phrase, values, slips in near if slips == 1 and _may_slip(word, phrase)}
    if len(slips) == 1:
        return "slip", slips.pop()
    return ("near", tuple(phrase for phrase, _, _ in near[:3])) if near else ("far", ())


def _may_slip(word: str, phrase: str) -> bool:
    """Is the phrase so much like the word that it must have been meant? ("knight" is no "night")"""
    everyday = set(_singulars(word)) & set(NO_SLIPS.split(", "))
    return len(phrase) > 4 and phrase[0] == word[0] and not everyday


@lru_cache(maxsize=1)
def _items() -> dict[str, tuple[str, ...]]:
    return {phrase: values for phrase, (role, values) in _lexicon().items() if role in _ITEMS}


@lru_cache(maxsize=4096)
def _nearest(word: str) -> list[tuple[str, tuple[str, ...], int]]:
    """Known phrases like the word, the nearest first: (phrase, its values, slips of the pen)."""
    items, forms = _items(), _singulars(word)
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
            slips = min(_slips(form, phrase, limit) for form in forms)
            if slips <= limit:
                near.append((phrase, values, slips))
    near.sort(key=lambda found: found[2])
    said = set()  # each meaning once
    return [found for found in near if not (found[1] in said or said.add(found[1]))]


def _slips(a: str, b: str, limit: int) -> int:
    """How many letters were added, dropped, changed or swapped (Damerau 1964); stops at limit."""
    before, row = [], list(range(len(b) + 1))
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
        colored = _colored_thing(self.pieces, i)
        if colored:
            values = self.leave_out("color of", piece, colored)
        elif piece.role == "bare" or (piece.role in _ITEMS and self.negation):
            values = self.refuse(piece)
        elif piece.role in _ITEMS:
            values = self.want(piece)
        elif piece.role in UNKNOWN or piece.role in ("near", "far", "foreign"):
            note = "unwanted" if self.negation else piece.role
            values = self.leave_out(note, piece, *(piece.values or _instead(note)))
            self.negation = self.negation and "hit"
        elif piece.role == "relation":
            values = self.leave_out("relation", piece)
            self.pass_over(i)
        elif piece.role == "count" and not self.negation:
            values = self.leave_out("count", piece)
        else:
            self.pass_over(i)
            return Stage(*piece[:3], "small word", ())
        meaning = (
            "left out" if not values else "unwanted" if values[0] in self.unwanted else "wanted"
        )
        return Stage(*piece[:3], meaning, _ids(values))

    def want(self, piece: _Piece) -> tuple[str, ...]:
        name = _NAME[piece.values[0]]
        first = self.wanted.get(name)
        if first in piece.values:
            return (first,)
        if first:
            return self.leave_out(f"two of {name}", piece, first)
        free = [value for value in piece.values if value not in self.unwanted]
        if not free:
            return self.leave_out("both", piece)
        if piece.role != "synonyms" and len(free) == len(piece.values):
            self.note(piece.role, piece, *free)
        self.wanted[name] = free[0]
        return (free[0],)

    def refuse(self, piece: _Piece) -> tuple[str, ...]:
        self.negation = self.negation and "hit"
        fresh = tuple(v for v in piece.values if self.wanted.get(_NAME[v]) != v)
        if len(fresh) < len(piece.values):
            self.note("both", piece)
        elif piece.role in ("slip", "closest"):
            self.note("slip", piece, *fresh)
        self.unwanted += fresh
        return fresh

    def pass_over(self, i: int) -> None:
        """Small words: what they do to a "no" before them."""
        piece = self.pieces[i]
        if piece.role in ("no", "without"):
            self.negation, self.over_and = "open", piece.role == "without"
        elif piece.role == "nobody":
            self.nobody = self.nobody or piece.written
        elif piece.role in ("stop", "but") or (piece.role == "comma" and self.negation == "open"):
            self.negation = ""
        elif self.negation == "hit" and piece.role in ("and", "or", "comma"):
            self.negation = "open" if _goes_on(self.pieces, i, self.over_and) else ""
        elif self.negation == "hit" and piece.role in ("small", "article", "copula", "relation"):
            self.negation = ""

    def leave_out(self, note: str, piece: _Piece, *known: str) -> tuple[str, ...]:
        self.note(note, piece, *known)
        return ()

    def note(self, note: str, piece: _Piece, *known: str) -> None:
        written = self.noted.setdefault((note, known), [])
        if piece.written.lower() not in (word.lower() for word in written):
            written.append(piece.written)

    def prompt(self) -> Prompt:
        notes = [_sentence(note, known, said) for (note, known), said in self.noted.items()]
        if self.nobody and "subject" not in self.wanted:
            theirs = tuple(value for name, value in self.wanted.items() if name != "place")
            if theirs:
                notes.append(_sentence("nobody", theirs, [self.nobody]))
            elif not self.wanted:
                notes.append(_sentence("nowhere", (), [self.nobody]))
        return Prompt(_ids(self.wanted.values()), _ids(self.unwanted), tuple(notes))


def _name(piece: _Piece) -> str:
    return _NAME[piece.values[0]] if piece.role in _ITEMS else ""


def _colored_thing(pieces: list[_Piece], i: int) -> str:
    """What the colour at i colours if that has no colour to choose ("a hat that is blue")."""
    if _name(pieces[i]) != "color" or (i and _name(pieces[i - 1]) == "subject"):
        return ""
    unknown = ""
    for j, piece in enumerate(pieces[i + 1 :], start=i + 1):
        name, role = _name(piece), piece.role
        if role in ("and", "or", "comma") and j + 1 < len(pieces):
            name, role = _name(pieces[j + 1]), pieces[j + 1].role
            if name != "color" and role not in _ADJECTIVES:
                break
        elif name == "subject":
            return ""
        elif role in _NOUNS:
            unknown = piece.written
        elif role not in _ADJECTIVES and name != "color":
            if name:
                return piece.written
            break
    if unknown:
        return unknown if any(_name(piece) == "subject" for piece in pieces) else ""
    j = i - 1
    while j > 0 and pieces[j].role == "copula":
        j -= 1
    return (
        pieces[j].written if j < i - 1 and _name(pieces[j]) not in ("", "subject", "color") else ""
    )


def _goes_on(pieces: list[_Piece], i: int, over_and: bool) -> bool:
    """Does a "no" reach beyond this "or", "and" or comma? ("no hat, glasses or skateboard")"""
    if pieces[i].role == "or":
        return True
    animals = _name(pieces[i - 1]) == "subject"
    for j, piece in enumerate(pieces[i + 1 :], start=i + 1):
        if piece.role == "article":
            animals = False  # "not a cat, a dog" wants a dog
            continue
        thing = piece.role in _ITEMS | _NOUNS | _ADJECTIVES
        if pieces[i].role == "and":
            return over_and and thing
        if piece.role in ("and", "or"):
            return _goes_on(pieces, j, over_and)
        if piece.role != "comma" and (not thing or (_name(piece) == "subject" and not animals)):
            return False
    return False


def _ids(values: Iterable[str]) -> tuple[int, ...]:
    return tuple(sorted({_ID[value] for value in values}))


def _value(k: int) -> str:
    if k not in range(1, len(world.VOCABULARY) + 1):
        raise ValueError(
            f"There is no word {k!r}: words have the numbers 1 to {len(world.VOCABULARY)}."
        )
    name, value = world.VOCABULARY[k - 1]
    return value if value != "none" else {"subject": "nobody"}.get(name, f"no {name}")


def _instead(note: str) -> tuple[str, ...]:
    """The words to offer for an unknown one of this kind."""
    names = {
        "subject": {"subject"},
        "color": {"color"},
        "thing": {"sunglasses", "hat", "skateboard"},
        "place": {"place"},
        "far": set(world.ATTRIBUTES) - {"color"},
    }.get(note, set())
    return tuple(value for name, value in world.WORDS if name in names)


def _sentence(note: str, known: tuple[str, ...], written: list[str]) -> str:
    known = tuple("plain background" if value == "plain" else value for value in known)
    quoted = [f"“{word[:40]}{'…' if len(word) > 40 else ''}”" for word in written]
    return NOTES[note].format(
        words=listed(quoted, "and"),
        known=listed(known, "and"),
        choice=listed(known, "or"),
        it="it" if len(written) == 1 else "them",
        be="is" if len(written) == 1 else "are",
    )


def listed(words: Sequence[str], last: str) -> str:
    """Words as one speaks them: "a, b and c" (``last`` is "and")."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
