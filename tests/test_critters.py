import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from diffusion_lessons.critters import datasets, drawing, words, world
from diffusion_lessons.critters.words import caption, spell_out, word_ids
from diffusion_lessons.critters.world import ATTRIBUTES, HELD_OUT, IMPOSSIBLE

CAT_IN_SUNGLASSES = (("subject", "cat"), ("sunglasses", "sunglasses"))


@pytest.fixture(scope="module")
def train():
    return datasets.draw_dataset(2000, seed=5)


@pytest.fixture(scope="module")
def everything():
    return datasets.draw_dataset(3000, size=16, seed=1, split="all")


def dicts(dataset):
    return [world.values(row) for row in dataset.attributes]


def shows(a, pair):
    return all(a[name] == value for name, value in pair)


def rng(seed=0):
    return np.random.default_rng(seed)


def sky(picture):
    return picture[: len(picture) // 4].astype(float)


def test_the_promised_names():
    assert list(ATTRIBUTES) == ["subject", "color", "sunglasses", "hat", "skateboard", "place"]
    assert ATTRIBUTES["subject"] == ("none", "cat", "dog", "rabbit", "bear", "fox", "frog", "car")
    assert ATTRIBUTES["hat"] == ("none", "top hat", "party hat")
    assert ATTRIBUTES["place"] == ("plain", "beach", "mountains", "futuristic city", "night")
    assert ATTRIBUTES["color"][0] == "none" and len(ATTRIBUTES["color"]) >= 7
    assert HELD_OUT[0] == CAT_IN_SUNGLASSES and len(set(HELD_OUT)) >= 5
    for pair in HELD_OUT + IMPOSSIBLE:
        assert all(value in ATTRIBUTES[name] for name, value in pair)
    assert not set(HELD_OUT) & set(IMPOSSIBLE)


def test_shapes_and_dtypes(train):
    assert train.pictures.shape == (2000, 32, 32, 3) and train.pictures.dtype == np.uint8
    assert train.attributes.shape == (2000, 6) and train.attributes.dtype == np.int64
    assert len(train.captions) == 2000 and all(train.captions)
    empty = datasets.draw_dataset(0)
    assert empty.pictures.shape == (0, 32, 32, 3) and empty.captions == []


def test_no_two_alike(train):
    assert len({picture.tobytes() for picture in train.pictures}) == 2000


@pytest.mark.parametrize("split", world.SPLITS)
def test_a_picture_does_not_depend_on_how_many_are_drawn(split):
    few = datasets.draw_dataset(7, seed=3, split=split)
    many = datasets.draw_dataset(30, seed=3, split=split)
    np.testing.assert_array_equal(few.pictures, many.pictures[:7])
    np.testing.assert_array_equal(few.attributes, many.attributes[:7])
    assert few.captions == many.captions[:7]


def test_seed_split_and_held_out_pairs_change_the_pictures():
    first = datasets.draw_dataset(20)
    for other in (
        datasets.draw_dataset(20, seed=1),
        datasets.draw_dataset(20, split="all"),
        datasets.draw_dataset(20, held_out=HELD_OUT[:1]),
    ):
        same = [np.array_equal(p, q) for p, q in zip(first.pictures, other.pictures, strict=True)]
        assert not any(same)


def test_another_process_draws_the_same_pictures():
    code = (
        "import hashlib; from diffusion_lessons.critters.datasets import draw_dataset;"
        "d = draw_dataset(20, seed=9);"
        "print(hashlib.sha256(d.pictures.tobytes() + repr(d.captions).encode()).hexdigest())"
    )
    here = datasets.draw_dataset(20, seed=9)
    expected = hashlib.sha256(here.pictures.tobytes() + repr(here.captions).encode()).hexdigest()
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": "12345"},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == expected


def test_twice_the_size_is_the_same_picture():
    small, large = datasets.draw_dataset(40, size=32), datasets.draw_dataset(40, size=64)
    np.testing.assert_array_equal(small.attributes, large.attributes)
    assert small.captions == large.captions
    halved = large.pictures.reshape(40, 32, 2, 32, 2, 3).mean(axis=(2, 4))
    error = np.abs(halved - small.pictures).mean(axis=(1, 2, 3))
    others = np.abs(halved - np.roll(small.pictures, 1, axis=0)).mean(axis=(1, 2, 3))
    assert error.max() < 8 < 20 < others.min()


def test_train_holds_no_held_out_pair(train):
    assert not any(shows(a, pair) for a in dicts(train) for pair in HELD_OUT)


def test_no_subject_is_rare_in_train_and_all_values_appear(train):
    for k, (name, known) in enumerate(ATTRIBUTES.items()):
        count = Counter(train.attributes[:, k].tolist())
        assert len(count) == len(known), name
        if name == "subject":  # 250 expected, standard deviation 15
            assert all(250 - 75 < c < 250 + 75 for c in count.values())


def test_held_out_shows_a_held_out_pair_and_each_about_equally_often():
    pairs = HELD_OUT[:3]  # three subjects, so that a picture shows only one of them
    drawn = dicts(datasets.draw_dataset(600, size=16, split="held_out", held_out=pairs))
    count = Counter(pair for a in drawn for pair in pairs if shows(a, pair))
    assert sum(count.values()) == 600
    assert all(200 - 60 < c < 200 + 60 for c in count.values())  # standard deviation 11.5


def test_split_all_shows_what_is_held_out_and_nothing_impossible(everything):
    drawn = dicts(everything)
    assert all(any(shows(a, pair) for a in drawn) for pair in HELD_OUT)
    assert not any(shows(a, pair) for a in drawn for pair in IMPOSSIBLE)
    assert any(a["subject"] == "none" for a in drawn)


def test_no_held_out_pairs_is_allowed():
    drawn = dicts(datasets.draw_dataset(400, size=16, held_out=()))
    assert any(shows(a, CAT_IN_SUNGLASSES) for a in drawn)


def test_draw_keeps_what_is_given_and_chooses_the_rest():
    a = {"subject": "fox", "color": "blue", "hat": "party hat", "place": "night"}
    pictures = {drawing.draw(a, 32, rng(k)).tobytes() for k in range(20)}
    assert len(pictures) == 20
    first, again = (drawing.draw(a, size=48, rng=rng(1)) for _ in range(2))
    assert first.shape == (48, 48, 3) and first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("pair", IMPOSSIBLE)
def test_the_impossible_is_refused_and_never_chosen(pair):
    with pytest.raises(ValueError, match="cannot go with"):
        drawing.draw(dict(pair), rng=rng())
    for name, value in pair:
        for seed in range(10):
            a = world.complete({name: value}, rng(seed))
            assert not any(shows(a, other) for other in IMPOSSIBLE)


@pytest.mark.parametrize("size", [16, 23, 32, 64, 128, 256])
def test_many_sizes(size):
    assert drawing.draw({"subject": "car"}, size, rng()).shape == (size, size, 3)


# What a picture shows can be seen in its pixels: the same pose with and without one attribute.
POSE = {"subject": "bear", "color": "gray", "sunglasses": "none", "hat": "none"} | {
    "skateboard": "none",
    "place": "plain",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(n, v) for n, known in ATTRIBUTES.items() for v in known if v not in ("none", POSE[n])],
)
def test_every_value_changes_the_picture(name, value):
    for seed in range(10):
        without = drawing.draw(POSE, 32, rng(seed)).astype(int)
        with_it = drawing.draw(POSE | {name: value}, 32, rng(seed)).astype(int)
        assert (np.abs(with_it - without).max(axis=-1) > 40).sum() >= 20


@pytest.mark.parametrize("color", ATTRIBUTES["color"][1:])
@pytest.mark.parametrize("place", ATTRIBUTES["place"])
def test_the_coat_is_the_commonest_color_of_the_figure(color, place):
    coats = {name: np.array(coat["coat"]) for name, coat in drawing._COATS.items()}
    for seed in range(5):
        a = POSE | {"color": color, "place": place}
        picture = drawing.draw(a, 32, rng(seed)).astype(int)
        empty = drawing.draw({"subject": "none", "place": place}, 32, rng(seed)).astype(int)
        figure = picture[np.abs(picture - empty).max(axis=-1) > 12]
        near = {n: (np.abs(figure - coat).max(axis=1) < 14).sum() for n, coat in coats.items()}
        assert max(near, key=near.get) == color


def test_the_night_is_dark_and_no_other_place_is():
    for seed in range(30):
        skies = {
            place: sky(drawing.draw({"subject": "none", "place": place}, 32, rng(seed))).mean()
            for place in ATTRIBUTES["place"]
        }
        assert skies.pop("night") < 80 < 110 < min(skies.values())


def test_the_whole_figure_is_in_the_frame():
    """In front of an empty place of the same numbers, nothing but ground differs at the rim."""
    for seed in range(40):
        a = {"subject": "rabbit", "hat": "party hat", "skateboard": "skateboard", "place": "plain"}
        picture = drawing.draw(a, 64, rng(seed)).astype(int)
        empty = drawing.draw({"subject": "none", "place": "plain"}, 64, rng(seed)).astype(int)
        changed = np.abs(picture - empty).max(axis=-1) > 12
        assert changed.sum() > 400
        assert not changed[0].any() and not changed[:40, 0].any() and not changed[:40, -1].any()


def test_captions_say_only_what_is_there_and_every_value_is_said(everything):
    said = Counter()
    r = rng(2)
    for a in dicts(everything) + dicts(everything)[:2000]:
        text = caption(a, r)
        named = words.named(text)
        assert text and named.items() <= a.items(), text
        assert not text.startswith(" ") and "  " not in text
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", text)
        said.update(named.items())
    sayable = {(n, v) for n, known in ATTRIBUTES.items() for v in known if v != "none"}
    assert set(said) == sayable
    assert min(said.values()) > 50


def test_captions_vary_and_leave_things_out():
    a = {"subject": "cat", "color": "orange", "sunglasses": "sunglasses", "hat": "top hat"} | {
        "skateboard": "skateboard",
        "place": "beach",
    }
    r = rng(4)
    texts = [caption(a, r) for _ in range(500)]
    assert len(set(texts)) > 200
    left_out = Counter(name for text in texts for name in ATTRIBUTES.keys() - words.named(text))
    assert set(left_out) == set(ATTRIBUTES)
    assert left_out["subject"] < 100


def test_a_dataset_s_captions_fit_its_pictures(train):
    for a, text in zip(dicts(train), train.captions, strict=True):
        assert words.named(text).items() <= a.items()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a cat", {"subject": "cat"}),
        ("An Orange cat in sunglasses", dict([*CAT_IN_SUNGLASSES, ("color", "orange")])),
        ("a grey bunny at night", {"subject": "rabbit", "color": "gray", "place": "night"}),
        ("mountains", {"place": "mountains"}),
        ("a picture", {}),
        ("a scar and a carpet", {}),
    ],
)
def test_named(text, expected):
    assert words.named(text) == expected


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"animal": "cat"}, "no attribute 'animal'; known are subject"),
        ({"subject": "horse"}, "subject cannot be 'horse'; known are none, cat"),
    ],
)
def test_unknown_names_and_values_list_the_known_ones(attributes, words):
    with pytest.raises(ValueError, match=words):
        drawing.draw(attributes, rng=rng())


def test_word_ids_number_what_is_said():
    assert len(set(world.VOCABULARY)) == len(world.VOCABULARY)
    said = {"subject": "cat", "place": "night"}
    first, *between, last = word_ids(said | {"hat": "none"})
    no_hat = world.VOCABULARY.index(("hat", "none")) + 1
    assert between == [0, 0, no_hat, 0]
    assert [world.VOCABULARY[k - 1] for k in (first, last)] == list(said.items())
    assert word_ids({}) == [0] * len(ATTRIBUTES)
    nobody = word_ids({name: "none" for name in ATTRIBUTES if name != "place"})
    assert [k > 0 for k in nobody] == [True, False, True, True, True, False]


def numbers(**said):
    return word_ids(said)


@pytest.mark.slow
def test_chance_chooses_as_the_training_captions_do(train):
    """By brute force: what pictures with such a caption show, and what is chosen for it."""
    r, shown, chosen = rng(7), Counter(), Counter()
    drawn = datasets.draw_dataset(6000, size=16, seed=5)
    for a, text in zip(dicts(drawn), drawn.captions, strict=True):
        ids = word_ids(words.named(text))
        shown.update(word_ids(a))
        chosen.update(spell_out(ids, r))
    for k in shown | chosen:
        assert abs(shown[k] - chosen[k]) < 4.5 * max(shown[k], 10) ** 0.5, k


def test_chance_leaves_what_is_said_and_never_chooses_what_is_not_wanted():
    hats = [numbers(hat=hat)[3] for hat in ("top hat", "party hat")]
    r, seen = rng(8), set()
    for _ in range(300):
        row = spell_out(numbers(subject="cat"), r, hats)
        assert row[0] == numbers(subject="cat")[0]
        assert row[3] == numbers(hat="none")[3]
        assert row[2] == numbers(sunglasses="none")[2], "a held-out pair by chance"
        seen.add(tuple(row))
    assert len(seen) > 30, "what is left open should vary"
    requested = numbers(subject="cat", sunglasses="sunglasses")
    rows = [spell_out(requested, r) for _ in range(50)]
    assert all(row[:1] == requested[:1] and row[2] == requested[2] for row in rows)
    free = [spell_out(numbers(subject="cat"), r, held_out=()) for _ in range(300)]
    assert any(row[2] == requested[2] for row in free)
    assert spell_out(requested, rng(3)) == spell_out(requested[::-1], rng(3))


def test_what_cannot_be_is_refused():
    two = [numbers(subject="cat")[0], numbers(subject="dog")[0]]
    with pytest.raises(ValueError, match="one thing of a kind"):
        spell_out(two, rng())
    for wrong in (28, -1):
        with pytest.raises(ValueError, match=f"no word number {wrong}"):
            spell_out([wrong], rng())
    nobody = numbers(subject="none")[0]
    with pytest.raises(ValueError, match="cannot go with"):
        spell_out([nobody, numbers(hat="top hat")[3]], rng())
    everybody = [k for k, (name, _) in enumerate(world.VOCABULARY, 1) if name == "subject"]
    with pytest.raises(ValueError, match="Nothing is left to draw"):
        spell_out([], rng(), everybody)


def test_clear_errors():
    with pytest.raises(ValueError, match="no attribute 'animal'"):
        caption({"animal": "cat"}, rng())
    with pytest.raises(TypeError, match="needs rng"):
        drawing.draw({})
    for size in (8, 1000, 32.5):
        with pytest.raises(ValueError, match="size must be a whole number from 16 to 512"):
            drawing.draw({}, size, rng())
        with pytest.raises(ValueError, match="size must be"):
            datasets.draw_dataset(1, size=size)
    with pytest.raises(ValueError, match="n must be a whole number of 0 or more, not -1"):
        datasets.draw_dataset(-1)
    with pytest.raises(ValueError, match="seed must be"):
        datasets.draw_dataset(1, seed=-1)
    with pytest.raises(ValueError, match="no split 'test'; take one of train, held_out, all"):
        datasets.draw_dataset(1, split="test")
    with pytest.raises(ValueError, match="needs at least one held-out pair"):
        datasets.draw_dataset(1, split="held_out", held_out=())
    with pytest.raises(ValueError, match="cannot go with"):
        datasets.draw_dataset(1, held_out=IMPOSSIBLE[:1])
    for bad in ("subject", ("subject", "cat"), (("subject", "cat"), ("subject", "dog"))):
        with pytest.raises(ValueError, match="held-out pair looks like"):
            datasets.draw_dataset(1, held_out=[bad])
    no_cats = [(("subject", "cat"), ("place", place)) for place in ATTRIBUTES["place"]]
    with pytest.raises(ValueError, match="leave no picture of subject 'cat'"):
        datasets.draw_dataset(50, size=16, held_out=no_cats)


def test_the_code_digest_is_that_of_the_files_that_draw():
    files = [Path(module.__file__).read_bytes() for module in (world, words, drawing, datasets)]
    assert datasets.code_digest() == hashlib.sha256(b"".join(files)).hexdigest()
