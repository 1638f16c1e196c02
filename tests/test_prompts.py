"""Free text: what is wanted, what is not, and a friendly note on everything else."""

import json
import random
import time

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from diffusion_lessons.critters import prompts, world
from diffusion_lessons.critters.judge import words_found
from diffusion_lessons.critters.words import caption, named, word_ids
from diffusion_lessons.unet import UNet

HATS = "top hat, party hat"
# text | wanted | not wanted | words that must stand in the notes (none: there is no note)
ROWS = r"""
draw a cat wearing sunglasses | cat, sunglasses | |
blue fox | blue, fox | |
a frog in a top hat on a skateboard at night | frog, top hat, skateboard, night | |
a futuristic city | futuristic city | |
a black white cat | black, cat | | white, black, first
three cats | cat | | three, one
a cat without a hat | cat | HATS |
a cat, no sunglasses | cat | sunglasses |

cat | cat | |
CAT | cat | |
cat!!!! | cat | |
my cat | cat | |
the cat's sunglasses | cat, sunglasses | |
the cats’ sunglasses | cat, sunglasses | |
cats | cat | |
FOXES! | fox | |
some bunnies | rabbit | |
kitty | cat | |
a kitten with shades | cat, sunglasses | |
puppies | dog | |
a PUPPY, please | dog | |
a hare | rabbit | |
my teddy | bear | |
a teddy bear | bear | |
a toad | frog | |
an automobile | car | |
sunnies on a dog | dog, sunglasses | |
sun-glasses on a dog | dog, sunglasses | |
a pair of sunglasses | sunglasses | |
a pair of shades for my cat | cat, sunglasses | |
a grey cat | gray, cat | |
a gray cat | gray, cat | |
a ginger cat | orange, cat | |
a blue-coloured cat | blue, cat | |
a blue colored cat | blue, cat | |
a cute little brown bear | brown, bear | |
shades of blue | blue | |
a TOP-HAT | top hat | |
a tophat | top hat | |
top hats | top hat | |
a birthday hat on a cat | cat, party hat | |
a skate board | skateboard | |
a skateboarding dog | dog, skateboard | |
a bear who skates | bear, skateboard | |
a frog riding its skateboard | frog, skateboard | |
the city of the future | futuristic city | |
a sci-fi city | futuristic city | |
futuristic cities | futuristic city | |
a mountain | mountains | |
at the seaside | beach | |
at midnight | night | |
at night-time | night | |
in the dark | night | |
an orange cat by the sea | orange, cat, beach | |
a plain background | plain | |
a cat with no background | cat, plain | |
a cat with mountains in the background | cat, mountains | |
something blue | blue | |
somebody in a party hat | party hat | |
sunglasses, cat | cat, sunglasses | |
at night on a skateboard with a top hat a frog | frog, top hat, skateboard, night | |
the cat is blue | blue, cat | |
a cat that's blue | blue, cat | |
a cat, blue, with sunglasses | blue, cat, sunglasses | |
cat blue sunglasses | blue, cat, sunglasses | |
a cat with black fur | black, cat | |
a cat\nand sunglasses | cat, sunglasses | |
a cat & sunglasses + a skateboard | cat, sunglasses, skateboard | |
Could you draw me a picture of a dog in the mountains, please? | dog, mountains | |
I would love to see a rabbit wearing a party hat | rabbit, party hat | |
nothing but the night | night | |
an empty beach | beach | |
nobody on the beach | beach | |
a cat on an empty beach | cat, beach | |
not only a cat | cat | |
one cat, 1 skateboard | cat, skateboard | |
| | |
draw anything | | |
... !!! | | |

a cat with a hat | cat, top hat | | hat, top hat, party hat
cats in hats | cat, top hat | | hats, party hat
a cat with glasses | cat, sunglasses | | glasses, sunglasses
a dog in the city | dog, futuristic city | | city, futuristic city
a golden dog | orange, dog | | golden, orange
a polar bear | bear | | polar bear
a truck | car | | truck, car
snow | mountains | | snow, mountains
a cat with a white background | cat, plain | | white background, plain background

a cat and a dog | cat | | dog, cat, first
a dog or a cat | dog | | cat, first
cat/dog | cat | | dog, first
a dog, a fox and a frog | dog | | fox, frog, first
beach at night | beach | | night, beach, first
a blue and white cat | blue, cat | | white, blue, first
a cat with a party hat and a top hat | cat, party hat | | top hat, party hat, first
a cat and a kitty | cat | |
a gray, grey cat | gray, cat | |

3 cats | cat | | 3, one
two dogs on a skateboard | dog, skateboard | | two, one
a pair of cats | cat | | pair of, one
lots of frogs | frog | | lots of, one
a dozen bears | bear | | dozen, one
2 hats and 100 cats | cat, top hat | | 2, 100, one, party hat

a cat with a blue hat | cat, top hat | | blue, hat, colour
a white cat with black sunglasses | white, cat, sunglasses | | black, sunglasses, colour
a cat with a hat that is blue | cat, top hat | | blue, colour
a cat, the top hat should be green | cat, top hat | | green, top hat, colour
a cat under the stars | cat, night | | under the stars, night
a cat with a blue sky | cat | | blue, sky, night
a cat with green eyes | cat | | green, eyes
a green beach | beach | | green, beach
a blue dragon | blue | | dragon, fox
a black sad cat | black, cat | | sad
a dark blue cat | blue, cat | | dark
blue red cat | blue, cat | | red

no sunglasses | | sunglasses |
not blue | | blue |
a cat that is not blue | cat | blue |
a cat that isn’t blue | cat | blue |
a cat but not black or white | cat | black, white |
a cat without sunglasses or a hat | cat | sunglasses, HATS |
a cat without a hat and sunglasses | cat | sunglasses, HATS |
a cat without a hat and with sunglasses | cat, sunglasses | HATS |
a cat without a hat and on a skateboard | cat, skateboard | HATS |
a cat with no hat on the beach | cat, beach | HATS |
a cat with no hat at night | cat, night | HATS |
a cat without a hat next to skateboards | cat, skateboard | HATS | next to, feet
a cat that is not on a skateboard | cat | skateboard |
a cat not in the mountains but on the beach | cat, beach | mountains |
neither hat nor sunglasses | | sunglasses, HATS |
a dog, neither blue nor green, in sunglasses | dog, sunglasses | blue, green |
a dog without hat, sunglasses or skateboard at night | dog, night | sunglasses, HATS, skateboard |
a dog without hat, sunglasses and skateboard | dog | sunglasses, HATS, skateboard |
no hat, sunglasses | sunglasses | HATS |
no cats, dogs or cars | | cat, dog, car |
not a cat, a dog or a fox | dog | cat | fox, first
no hat, a dog or two | dog | HATS | two
a cat that hates hats | cat | HATS |
no hat. sunglasses | sunglasses | HATS |
no hat, a skateboard and a cat | cat, skateboard | HATS |
no hat, no sunglasses, no skateboard | | sunglasses, HATS, skateboard |
a cat who doesn't wear sunglasses and rides a skateboard | cat, skateboard | sunglasses |
a cat who never wears sunglasses | cat | sunglasses |
a cat that can't skate | cat | skateboard |
a dog instead of a cat | dog | cat |
a cat, not a dog | cat | dog |
not a cat, a dog | dog | cat |
No, a cat. | cat | |
a dog w/o hat | dog | HATS |
a dog w/ sunglasses | dog, sunglasses | |
a hatless cat at night | cat, night | HATS |
a cat wearing nothing | cat | sunglasses, HATS |
a cat with nothing on its head | cat | HATS |
a cat without glasses | cat | sunglasses | glasses, sunglasses
no top hat but a hat | party hat | top hat |
don't forget the sunglasses | sunglasses | |
zero hats | | HATS |
a cat without two hats | cat | HATS |
no more sunglasses | | sunglasses |
a blue cat, not blue | blue, cat | | blue, first
no cat, a cat | | cat | cat, first
a cat in a top hat without a hat | cat, top hat | party hat | hat, first
no blue hat | | HATS | blue, hat
without a dragon | | | dragon, anyway
no dragons on the beach | beach | | dragons, anyway
a cat without a bike, sunglasses or a hat | cat | sunglasses, HATS | bike, anyway

nobody | | | nobody, empty beach
draw nothing | | | nothing, empty beach
nobody with sunglasses | sunglasses | | nobody, sunglasses, somebody
an empty beach with a top hat | top hat, beach | | empty, top hat, somebody
no people at the beach | beach | |
a beach without people | beach | |

a cat on the moon | cat | | moon, beach, night
a red cat | cat | | red, orange, brown
big red fox | fox | | big, size, red, colours, orange
sad cat | cat | | sad, mood
catdog | | | catdog, cat or dog
un chat | | | un, chat, cat
a unicorn | | | unicorn, rabbit, without it
a horse and a cow | | | horse, cow, without them
a dog with a scarf | dog | | scarf, sunglasses, party hat
a cat on a bike | cat | | bike, skateboard
a cat under a skateboard | cat, skateboard | | under, feet
a cat with a long tail | cat | | long, tail
a quick brown fox jumps over the lazy dog | brown, fox | | quick, jumps, lazy, over, dog, first
a forg | | | forg, frog
a catt | | | catt, cat
a cat without boxes | cat | | boxes, anyway
a ct | | | ct, cat
a fountain | | | fountain, did you mean mountain
who cares | | | cares, did you mean
a bule car | car | | bule, blue
a skatebord | skateboard | | skatebord, skateboard
sunglases and skatebords | sunglasses, skateboard | | sunglases, skatebords
a oragne rabit | orange, rabbit | | oragne, rabit, rabbit
a cat with no skatebord | cat | skateboard | skatebord, skateboard
a knight | | | knight, cat
a light truck | car | | light, truck
while a cat writes | cat | | writes, without it
a block of plants | | | block, plants
a futuristic car | car | | futuristic, did you mean futuristic city
party | | | party, beach
qwertyuiop | | | qwertyuiop, cat, skateboard, colours
кот в очках | | | кот, очках, English
猫 | | | 猫, English
cat😀 | cat | | 😀, English
/home/cat.png | cat | | home, png
"""


def ids(listed):
    known = [value for _, value in world.VOCABULARY]
    values = [value for value in listed.replace("HATS", HATS).split(", ") if value]
    return tuple(sorted(known.index(value) + 1 for value in values))


def rows():
    for line in ROWS.strip().split("\n"):
        if line:
            text, *rest = (part.strip() for part in line.split("|"))
            yield pytest.param(text.replace("\\n", "\n"), *rest, id=text or "empty")


def test_there_are_enough_rows():
    assert len(list(rows())) >= 180


@pytest.mark.parametrize("text,wanted,unwanted,noted", rows())
def test_what_is_made_of_a_sentence(text, wanted, unwanted, noted):
    prompt = prompts.parse(text)
    assert prompt.tokens == ids(wanted)
    assert prompt.negative == ids(unwanted)
    notes = " ".join(prompt.notes)
    assert bool(noted) == bool(prompt.notes), notes
    for word in noted.split(", "):
        assert word in notes
    for note in prompt.notes:
        assert note.endswith((".", "?")) and note[0] in "“IOTNYW" and "{" not in note


def test_the_number_of_notes():
    assert len(prompts.parse("a red, pink and purple cat").notes) == 1  # one for all colours
    assert len(prompts.parse("a red unicorn on the moon").notes) == 3
    (note,) = prompts.parse("red red RED pink").notes
    assert note.startswith("I do not know “red” and “pink”, so the picture is drawn without them;")


def test_every_caption_is_read_as_it_was_meant():
    drawn = np.random.default_rng(0)
    for _ in range(5000):
        sentence = caption(world.complete({}, drawn), drawn)
        meant = [k for k in word_ids(named(sentence)) if k]
        assert prompts.parse(sentence) == (tuple(meant), (), ()), sentence


def test_every_word_and_every_synonym_alone():
    for name, value in world.WORDS:
        said = [
            value,
            *world.WORDS[name, value],
            *prompts.ENGLISH["synonyms"].get(value, []),
        ]
        for phrase in said:
            for text in (
                phrase,
                phrase.upper(),
                f"the {phrase}, please!",
                phrase.replace(" ", "-"),
            ):
                assert prompts.parse(text) == (ids(value), (), ()), text
        for phrase in prompts.ENGLISH["closest"].get(value, []):
            prompt = prompts.parse(phrase)
            assert prompt.tokens == ids(value) and phrase in prompt.notes[0]


def generated(n):
    """Sentences of known phrases in any order, with what they should mean."""
    rng = random.Random(0)
    said = {
        "subject": (("a {}", "the {}s", "{}"), ("cat", "dog", "rabbit", "bear", "frog", "car")),
        "sunglasses": (("with {}", "wearing {}", "in cool {}"), ("sunglasses",)),
        "hat": (("in a {}", "with {}s", "wearing the {}"), ("top hat", "party hat")),
        "skateboard": (("on a {}", "riding {}s"), ("skateboard",)),
        "place": (("at the {}", "in a {}"), ("beach", "mountains", "futuristic city", "night")),
    }
    colors = ("black", "white", "gray", "orange", "brown", "blue", "green")
    for _ in range(n):
        names = rng.sample(sorted(said), rng.randint(1, len(said)))
        parts, wanted, unwanted = [], [], []
        for name in names:
            forms, values = said[name]
            value = rng.choice(values)
            if name != "subject" and rng.random() < 0.3:
                parts.append(rng.choice(("without {}", "not in a {}", "no {}")).format(value))
                unwanted.append(value)
                continue
            wanted.append(value)
            if name == "subject" and rng.random() < 0.5:
                wanted.append(rng.choice(colors))
                value = f"{wanted[-1]} {value}"
            parts.append(rng.choice(forms).format(value))
        text = rng.choice((", ", " , ", "; ", "\n")).join(parts)
        yield rng.choice((str.upper, str.lower, str.title))(text), wanted, unwanted


def test_generated_sentences_mean_what_they_say():
    for text, wanted, unwanted in generated(3000):
        expected = (ids(", ".join(wanted)), ids(", ".join(unwanted)), ())
        assert prompts.parse(text) == expected, text


def odd_texts(n):
    rng = random.Random(1)
    signs = [chr(i) for i in range(128)] + list("éÉü’“”…—😀猫кт\u202e\ud800\udc00\ufeff\u00a0") * 2
    phrases = list(prompts._lexicon())
    for i in range(n):
        if i % 10 == 0:
            yield "".join(rng.choice(signs) for _ in range(rng.randrange(301)))
        elif i % 10 < 5:
            yield "".join(chr(rng.randrange(0x110000)) for _ in range(rng.randrange(100)))
        elif i % 10 < 9:
            yield " ".join(rng.choice(phrases) for _ in range(rng.randrange(40)))[:300]
        else:
            yield "".join(rng.choice("catdogblue hat,s'") for _ in range(rng.randrange(301)))


@pytest.mark.slow
def test_whatever_is_typed_is_read():
    for text in odd_texts(10_000):
        prompt = prompts.parse(text)
        assert set(prompt.tokens + prompt.negative) <= set(range(1, 24))
        names = [world.VOCABULARY[k - 1][0] for k in prompt.tokens]
        assert len(set(names)) == len(names)
        assert not set(prompt.tokens) & set(prompt.negative)
        for note in prompt.notes:
            note.encode()
            assert not any(ord(sign) < 32 for sign in note)
        again = prompts.parse(", ".join(prompts.words(prompt.tokens)))
        assert again == (prompt.tokens, (), ())
        refused = prompts.parse("".join(f"not {word}." for word in prompts.words(prompt.negative)))
        assert refused == ((), prompt.negative, ())


def test_the_longest_text_does_not_keep_anybody_waiting():
    rng = random.Random(2)
    text = " ".join("".join(rng.choice("sklnight") for _ in range(6)) for _ in range(42))
    start = time.process_time()
    prompts.parse(text)
    assert time.process_time() - start < 1  # 0.02 s; a loop gone quadratic takes many seconds


@pytest.mark.parametrize("text", ["a" * 301, "cat " * 2500, " " * 301])
def test_too_long(text):
    with pytest.raises(ValueError, match=f"300 characters, but this one has {len(text)}"):
        prompts.parse(text)
    prompts.parse(text[:300])


@pytest.mark.parametrize("text", [None, 3, b"cat", ["cat"], {}])
def test_no_text(text):
    for read in (prompts.parse, prompts.stages):
        with pytest.raises(TypeError, match="A prompt is text"):
            read(text)


def test_the_stages_of_a_sentence():
    text = "Draw 2 Kitties in shades without a hat!"
    found = [
        (stage.written, stage.meaning, prompts.words(stage.ids)) for stage in prompts.stages(text)
    ]
    assert found == [
        ("Draw", "small word", ()),
        ("2", "left out", ()),
        ("Kitties", "wanted", ("cat",)),
        ("in", "small word", ()),
        ("shades", "wanted", ("sunglasses",)),
        ("without", "small word", ()),
        ("a", "small word", ()),
        ("hat", "unwanted", ("top hat", "party hat")),
        ("!", "small word", ()),
    ]


def test_the_stages_and_the_prompt_are_one():
    for text in [*odd_texts(1000), *(text for text, _, _ in generated(300))]:
        prompt, read = prompts.parse(text), prompts.stages(text)
        for meaning, expected in (("wanted", prompt.tokens), ("unwanted", prompt.negative)):
            found = {k for stage in read if stage.meaning == meaning for k in stage.ids}
            assert found == set(expected)
        assert all(not stage.ids for stage in read if stage.meaning in ("left out", "small word"))
        ends = [0, *(edge for stage in read for edge in (stage.start, stage.stop))]
        assert ends == sorted(ends) and ends[-1] <= len(text)
        if max(text, default="") < "\ud800":
            assert all(text[stage.start : stage.stop] == stage.written for stage in read)


def test_words_of_ids_and_back():
    assert prompts.words(prompts.parse("sunglasses on a blue cat").tokens) == (
        "cat",
        "blue",
        "sunglasses",
    )
    assert prompts.words([0, 1, 0]) == ("cat",)
    assert prompts.words([24, 26]) == ("nobody", "no hat")
    for wrong in (-1, 28, "cat"):
        with pytest.raises(ValueError, match="There is no word"):
            prompts.words([wrong])
        with pytest.raises(ValueError, match="There is no word"):
            prompts.cond([wrong])


def test_cond_is_what_the_network_takes():
    prompt = prompts.parse("a blue cat, no hat")
    assert_close(prompts.cond(prompt.tokens, 2), torch.tensor([[1, 13, 0, 0, 0, 0]] * 2))
    assert prompts.cond((), 3).tolist() == [[0] * 6] * 3
    assert prompts.cond(range(1, 9)).shape == (1, 8)
    assert prompts.cond((1,), 0).shape == (0, 6)

    network = UNet(widths=(8, 8), vocabulary=len(world.VOCABULARY)).eval()
    row = torch.tensor([word_ids({"subject": "cat", "color": "blue"})])
    t = torch.tensor([5])
    assert_close(network.context(t, prompts.cond(prompt.tokens), 1), network.context(t, row, 1))
    blue_cat = torch.tensor([[1, 6, 0, 0, 0, 0], [1, 5, 0, 0, 0, 0]])
    found = words_found(blue_cat, prompts.cond(prompt.tokens, 2))
    assert found.tolist() == [True, False]


def test_no_phrase_has_two_meanings():
    found = [value for _, value in world.WORDS]
    for table in ("synonyms", "closest", "grammar", "unknown"):
        found += [phrase for phrases in prompts.ENGLISH[table].values() for phrase in phrases]
    found += [*prompts.ENGLISH["either"], *prompts.ENGLISH["bare"]]
    assert sorted({phrase for phrase in found if found.count(phrase) > 1}) == []
    assert max(len(phrase.split()) for phrase in found) <= 5, "longer ones are never looked up"


def test_every_table_speaks_of_known_words():
    english, values = prompts.ENGLISH, {value for _, value in world.WORDS}
    assert english["synonyms"].keys() | english["closest"].keys() <= values
    for meant in [*english["either"].values(), *english["bare"].values()]:
        assert set(meant) <= values
    assert english["unknown"].keys() | english["offers"].keys() <= english["notes"].keys()
    for names in english["offers"].values():
        assert set(names) <= set(world.ATTRIBUTES)


def test_every_table_says_what_it_is():
    names = [name for name in prompts.ENGLISH if not name.startswith("#")]
    assert list(prompts.ENGLISH) == [key for name in names for key in (f"# {name}", name)]
    assert prompts.tables().keys() >= set(names)
    assert not any(name.startswith("#") for name in prompts.tables())


def test_everyday_words_are_no_slips():
    for word in prompts.ENGLISH["no_slips"]:
        assert prompts.parse(word).tokens == (), word
        assert word not in prompts._lexicon(), word


def test_slips_are_counted():
    pairs = (
        ("skatebord", "skateboard", 1),
        ("brwon", "brown", 1),
        ("a", "b", 1),
        ("cat", "cat", 0),
    )
    for a, b, slips in (*pairs, ("kitten", "sitting", 3), ("", "abc", 3), ("abcd", "badc", 2)):
        assert prompts._slips(a, b, 9) == prompts._slips(b, a, 9) == slips
    assert prompts._slips("qqqqqq", "abcdef", 2) == 3  # and not 6: it stops early


def test_the_rules_can_be_written_as_json():
    written = json.loads(json.dumps(prompts.tables()))
    assert written["vocabulary"][0] == ["subject", "cat"] and written["longest"] == 300
    assert written["synonyms"]["cat"][0] == "kitty"
    assert len(written["vocabulary"]) == 27
