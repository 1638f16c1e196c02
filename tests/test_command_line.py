"""The command line from end to end: a small network is trained, drawn with, stopped and judged."""

import csv
import errno
import functools
import io
import json
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from diffusion_lessons import checkpoints, cli, evaluation, files, pace, recipe, sampling
from diffusion_lessons.critters import datasets, drawing, generate, prompts, world
from diffusion_lessons.critters.words import word_ids
from diffusion_lessons.unet import UNet

CAT_SUNGLASSES = (("subject", "cat"), ("sunglasses", "sunglasses"))
FROG_NIGHT = (("subject", "frog"), ("place", "night"))
TRAIN = ("train", "--pictures", "640", "--drawn", "150", "--widths", "8,16")
HOLD_OUT = ("--hold-out", "cat,sunglasses", "--hold-out", "Night, frog")


class Result:
    """What one command did."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def small(monkeypatch, cache):
    """Drawn pictures are kept in a folder of the tests."""
    monkeypatch.setattr(
        datasets, "load_critters", functools.partial(datasets.load_critters, folder=cache)
    )


@pytest.fixture
def run(capsys):
    def run(*arguments):
        capsys.readouterr()
        try:
            code = cli.main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code
        return Result(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def model(tmp_path_factory, cache):
    """A network that was trained by the command, for seconds."""
    path = tmp_path_factory.mktemp("model") / "my.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            datasets, "load_critters", functools.partial(datasets.load_critters, folder=cache)
        )
        assert cli.main([*TRAIN, *HOLD_OUT, "--out", str(path)]) == 0
    return path


def word(value):
    return [value for _, value in world.VOCABULARY].index(value) + 1


def numbers(path):
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


# ------------------------------------------------------------------------------------------- draw


def test_the_raw_pictures_come_with_all_that_made_them(run, model, tmp_path):
    out = tmp_path / "cats.npz"
    done = run("draw", "a cat wearing sunglasses", "--seed", 5, "--steps", 4, "--guidance", 1.5,
               "--model", model, "--out", out)  # fmt: skip
    assert done.code == 0, done.err
    found = numbers(out)
    assert found["pictures"].dtype == np.float32
    assert found["pictures"].shape == (8, 3, 32, 32)
    assert str(found["prompt"]) == "a cat wearing sunglasses"
    assert (found["seed"], found["steps"], found["guidance"]) == (5, 4, 1.5)
    assert (found["cond"][:, :3] == [word("cat"), found["cond"][0, 1], word("sunglasses")])[
        :, [0, 2]
    ].all()
    assert len(np.unique(found["cond"], axis=0)) > 1, "dice chose nothing"
    assert "never saw cat and sunglasses in one picture" in done.out
    assert str(out) in done.out


@pytest.mark.parametrize("ending", ["png", "gif", "webp", "npz"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(run, model, tmp_path, ending):
    written = []
    for k, seed in enumerate((1, 1, 2)):
        out = tmp_path / f"{k}.{ending}"
        done = run("draw", "a dog", "--count", 2, "--steps", 3, "--seed", seed, "--model", model,
                   "--out", out)  # fmt: skip
        assert done.code == 0, done.err
        written.append(out.read_bytes())
    assert written[0] == written[1] != written[2]


def test_a_picture_does_not_depend_on_how_many_are_drawn(run, model, tmp_path):
    found = {}
    for count in (3, 8, 11):
        out = tmp_path / f"{count}.npz"
        run("draw", "", "--count", count, "--steps", 3, "--model", model, "--out", out)
        found[count] = numbers(out)
    for name in ("pictures", "cond"):
        np.testing.assert_array_equal(found[3][name], found[8][name][:3])
        np.testing.assert_array_equal(found[8][name], found[11][name][:8])
    assert not np.array_equal(found[8]["pictures"][0], found[8]["pictures"][1])


def test_static_is_standard_noise_and_the_same_whatever_the_words():
    noise = generate.initial_noise(40, seed=3)
    assert_close(noise.mean(), torch.tensor(0.0), atol=0.02, rtol=0)
    assert_close(noise.std(), torch.tensor(1.0), atol=0.02, rtol=0)
    assert_close(noise[:5], generate.initial_noise(5, seed=3), rtol=0, atol=0)
    # Picture 1 of seed 0 is not picture 0 of seed 1.
    assert not torch.equal(
        generate.initial_noise(2, seed=0)[1], generate.initial_noise(1, seed=1)[0]
    )


def test_a_sheet_shows_the_very_pictures_that_were_drawn(run, model, tmp_path):
    for ending in ("png", "npz"):
        run("draw", "a fox", "--count", 3, "--steps", 3, "--model", model,
            "--out", tmp_path / f"fox.{ending}")  # fmt: skip
    sheet = np.asarray(Image.open(tmp_path / "fox.png").convert("RGB"))
    first = datasets.to_pixels(torch.tensor(numbers(tmp_path / "fox.npz")["pictures"]))[0]
    assert has(sheet, first.repeat(5, axis=0).repeat(5, axis=1))


def has(page, tile):
    """Is this tile somewhere on the page, pixel by pixel?"""
    starts = (page[: 1 - len(tile) or None] == tile[0, 0]).all(-1)
    height, width = tile.shape[:2]
    return any(
        np.abs(page[y : y + height, x : x + width].astype(int) - tile).max() <= 1
        for y, x in zip(*np.nonzero(starts), strict=True)
        if x + width <= page.shape[1]
    )


def test_the_film_shows_every_state_from_the_static_to_the_picture_and_holds_it(
    run, model, tmp_path
):
    for ending in ("webp", "npz"):
        run("draw", "a bear", "--count", 2, "--steps", 5, "--seed", 9, "--model", model,
            "--out", tmp_path / f"bear.{ending}")  # fmt: skip
    with Image.open(tmp_path / "bear.webp") as film:
        assert film.n_frames == 6
        frames, lasts = [], []
        for k in range(6):
            film.seek(k)
            frames.append(np.asarray(film.convert("RGB")))
            film.load()
            lasts.append(film.info["duration"])
    assert lasts[-1] > 5 * lasts[1]
    noise = datasets.to_pixels(generate.initial_noise(2, seed=9))
    drawn = datasets.to_pixels(torch.tensor(numbers(tmp_path / "bear.npz")["pictures"]))
    for frame, pictures in ((0, noise), (5, drawn)):
        for picture in pictures:
            assert has(frames[frame], picture.repeat(6, axis=0).repeat(6, axis=1))


def test_what_is_unwanted_is_never_chosen_by_dice():
    prompt = prompts.parse("a rabbit, no hat, no skateboard")
    rows = generate.sample_conditions(prompt, 100, seed=0)
    assert not {word("top hat"), word("party hat"), word("skateboard")} & set(
        rows.flatten().tolist()
    )
    assert word("sunglasses") in rows[:, 2]


def test_an_empty_prompt_draws_anything():
    rows = generate.sample_conditions(prompts.parse(""), 200, seed=0)
    subjects = {world.VOCABULARY[k - 1] for k in rows[:, 0].tolist()}
    assert subjects == {("subject", value) for value in world.ATTRIBUTES["subject"]}
    somebody = generate.sample_conditions(prompts.parse("no cat"), 200, seed=0)
    assert word("cat") not in somebody[:, 0]


def test_pictures_are_described_in_words():
    assert generate.describe(
        word_ids({"subject": "fox", "color": "blue", "hat": "top hat", "place": "night"})
    ) == ("blue fox, top hat, night")
    assert generate.describe(word_ids({"subject": "none", "place": "plain"})) == (
        "nobody, plain background"
    )


def test_notes_of_the_prompt_are_printed(run, model, tmp_path):
    done = run("draw", "three zebras", "--count", 1, "--steps", 1, "--model", model,
               "--out", tmp_path / "x.png")  # fmt: skip
    assert "three" in done.out
    assert "zebras" in done.out


# ------------------------------------------------------------------------------------- odd input


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (["--model", "nowhere.safetensors"], "nowhere.safetensors"),
        (["--count", "-3"], "'-3' should be a whole number from 1 to 256"),
        (["--count", "0"], "from 1 to 256"),
        (["--count", "two"], "'two' should be"),
        (["--steps", "0"], "from 1 to 1,000"),
        (["--steps", "5000"], "from 1 to 1,000"),
        (["--guidance", "nan"], "'nan' should be a number"),
        (["--guidance", "1e9"], "from 0 to 30"),
        (["--seed", "-1"], "'-1' should be"),
        (["--out", "missing/cats.png"], "no folder missing"),
        (["--out", "cats.jpeg"], ".png (a sheet)"),
        (["--out", "cats"], ".png (a sheet)"),
        (["--out", "folder.png"], "is a folder"),
        (["--out", "a.gif", "--count", "200"], "up to 32 pictures"),
        (["--model", "text.safetensors"], "text.safetensors is damaged"),
        (["--model", "run.safetensors"], "holds a run, but a model"),
        (["--cuont", "3"], "belongs to nothing"),
        (["wearing", "sunglasses"], "put a prompt in quotes"),
    ],
)
def test_bad_options_of_draw(run, monkeypatch, tmp_path, arguments, reason):
    monkeypatch.chdir(tmp_path)
    Path("folder.png").mkdir()
    Path("text.safetensors").write_text("no weights")
    files.save("run.safetensors", "run", {"x": torch.zeros(1)})
    refused(run("draw", "a cat", *arguments), reason)


def refused(done, reason):
    assert done.code == 2
    assert reason in done.err
    assert done.err.count("\n") == 1, "one sentence on one line"
    assert done.out == ""


@pytest.mark.parametrize(
    "prompt, reason",
    [
        ("a cat " * 60, "300 characters"),
        ("x" * 10_000, "300 characters"),
        ("/etc/passwd", "path of a file"),
        ("../pictures/cat.png", "path of a file"),
        ("C:\\cat.png", "path of a file"),
        ("cats.png", "path of a file"),
        ("a cat\x00", "control characters"),
        ("a \x1b[31mred\x1b[0m cat", "control characters"),
        ("a cat \udcff", "control characters"),
    ],
)
def test_bad_prompts(run, model, tmp_path, prompt, reason):
    refused(run("draw", prompt, "--model", model, "--out", tmp_path / "x.png"), reason)


@pytest.mark.parametrize(
    "prompt", ["кошка", "猫", "🐱🕶️", "a cat w/o hat", "a cat\n at night.", "!"]
)
def test_odd_prompts_draw_something(run, model, tmp_path, prompt):
    done = run("draw", prompt, "--count", 1, "--steps", 1, "--model", model,
               "--out", tmp_path / "x.png")  # fmt: skip
    assert done.code == 0, done.err


def test_a_folder_that_cannot_be_written(run, model, tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(files.tempfile, "mkstemp", refuse)
    refused(
        run("draw", "a dog", "--steps", 1, "--model", model, "--out", tmp_path / "x.png"),
        "could not be written",
    )


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ([], "where the trained network should go"),
        (["--out", "my.pt"], "end in .safetensors"),
        (["--out", "missing/my.safetensors"], "no folder missing"),
        (["--hold-out", "cat,sunglases"], "no word 'sunglases'"),
        (["--hold-out", "cat"], "two words of two kinds"),
        (["--hold-out", "cat,dog"], "two words of two kinds"),
        (["--hold-out", "none,cat"], "no word 'none'"),
        (["--minutes", "0"], "should be a number"),
        (["--minutes", "1", "--pictures", "64"], "not allowed with"),
        (["--out", "my.safetensors", "--drawn", "0"], "from 1 to 1,000,000"),
        (["--pictures", "1.5"], "should be a whole number"),
        (["--widths", "16,x"], "whole numbers such as"),
        (["--widths", "16,18"], "multiple of 4"),
        (["--data", "nowhere", "--out", "my.safetensors"], "no folder 'nowhere'"),
        (["--data", ".", "--hold-out", "cat,night", "--out", "my.safetensors"], "leave them out"),
        (["--resume", "nowhere.run.safetensors"], "nowhere.run.safetensors"),
        (["--resume", "x.run.safetensors", "--pictures", "64"], "leave out --pictures"),
        (["--resume", "text.run.safetensors"], "is damaged"),
        (["--out", "text.safetensors"], "unfinished run"),
        (["--out", "taken.safetensors"], "taken.json"),
        (["--hold-out", "cat,plain", "--hold-out", "cat,beach", "--hold-out", "cat,mountains",
          "--hold-out", "cat,futuristic city", "--hold-out", "cat,night",
          "--out", "my.safetensors"], "leave no picture of subject 'cat'"),
    ],
)  # fmt: skip
def test_bad_options_of_train(run, monkeypatch, tmp_path, arguments, reason):
    monkeypatch.chdir(tmp_path)
    Path("text.run.safetensors").write_text("no run")
    Path("taken.json").write_text("[1]")
    short = () if "--pictures" in arguments or "--resume" in arguments else ("--pictures", 64)
    refused(run("train", *arguments, *short), reason)


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (["nowhere.safetensors"], "nowhere.safetensors"),
        (["--pictures", "3"], "from 32 to 100,000"),
    ],
)
def test_bad_options_of_evaluate(run, arguments, reason):
    refused(run("evaluate", *arguments), reason)


def test_a_network_of_other_words_is_refused(run, tmp_path):
    path = tmp_path / "old.safetensors"
    checkpoints.save(UNet(widths=(8, 16), vocabulary=5), path)
    refused(run("draw", "a cat", "--model", path, "--out", tmp_path / "x.png"), "knows 5 words")
    refused(run("evaluate", path), "knows 5 words")


def test_help_teaches(run):
    assert "draw" in run().out
    for name, example in (
        ("draw", '"a blue fox on a skateboard"'),
        ("train", "--minutes 3 --out my.safetensors"),
        ("evaluate", "--pictures 512"),
    ):
        done = run(name, "--help")
        assert done.code == 0
        assert example in done.out


# ------------------------------------------------------------------------------------------ train


@pytest.mark.parametrize(
    ("python", "typed"),
    [
        (".venv/bin/python", ".venv/bin/python"),
        ("my tools/python", "'my tools/python'"),
        ("../elsewhere/python", "python"),
    ],
)
def test_what_it_says_can_be_typed(monkeypatch, tmp_path, python, typed):
    monkeypatch.chdir(tmp_path)
    executable = os.path.normpath(tmp_path / python)
    assert cli.started_by(executable) == f"{typed} -m diffusion_lessons"


def test_training_notes_in_the_file_what_was_done_and_leaves_no_run_behind(model):
    facts = files.load(model, "model")[1]
    assert facts["recipe"] == {
        "batch": 64, "data": "critters", "drawn": 150, "pictures": 640, "seed": 0,
        "precision": facts["recipe"]["precision"], "lr": 0.01,
        "weight_decay": 0.2,
    }  # fmt: skip
    assert facts["guidance"] == recipe.GUIDANCE_AFTER_SHORT
    assert facts["loudness"] == generate.word_weight(640) == 1.4
    card = json.loads(model.with_suffix(".json").read_text())
    assert card["recipe"] == facts["recipe"]
    assert card["held_out"] == ["cat + sunglasses", "night + frog"]
    assert card["seconds"] > 0
    assert [path.name for path in model.parent.iterdir() if "run" in path.name] == []


def test_held_out_pairs_replace_the_courses_and_are_kept_in_the_file(
    run, model, tmp_path, monkeypatch
):
    held_out = generate.held_out(files.load(model, "model")[1])
    assert held_out == (CAT_SUNGLASSES, FROG_NIGHT[::-1])
    # What is trained on holds none of them, but does hold what the course holds out.
    seen, real = [], datasets.load_critters
    monkeypatch.setattr(
        datasets, "load_critters", lambda *a, **k: seen.append(real(*a, **k)) or seen[-1]
    )
    run(*TRAIN[:-4], "--pictures", 64, "--drawn", 900, "--widths", "8,16", *HOLD_OUT,
        "--out", tmp_path / "x.safetensors")  # fmt: skip
    rows = [world.values(row) for row in seen[0].attributes.tolist()]

    def shown(pair):
        return sum(all(row[name] == value for name, value in pair) for row in rows)

    assert [shown(pair) for pair in held_out] == [0, 0]
    assert all(shown(pair) > 0 for pair in world.HELD_OUT if pair != CAT_SUNGLASSES)
    # And dice never put them together.
    rows = generate.sample_conditions(prompts.parse("a frog"), 300, 0, held_out)
    assert word("night") not in rows


def test_the_network_that_is_kept_is_the_running_average(run, tmp_path, monkeypatch):
    made, real = [], cli.make_ema
    monkeypatch.setattr(cli, "make_ema", lambda model: made.append(real(model)) or made[-1])
    path = tmp_path / "x.safetensors"
    run("train", "--pictures", 192, "--drawn", 20, "--widths", "8,16", "--out", path)
    average = generate.upweight_words(made[0], generate.word_weight(192))
    for kept, wanted in zip(checkpoints.load(path).parameters(), average.parameters(), strict=True):
        assert_close(kept, wanted.half().float(), rtol=0, atol=0)


def test_nothing_can_be_held_out(run, tmp_path):
    path = tmp_path / "x.safetensors"
    done = run("train", "--pictures", 64, "--drawn", 20, "--widths", "8,16", "--hold-out",
               "nothing", "--out", path)  # fmt: skip
    assert done.code == 0, done.err
    assert files.load(path, "model")[1]["held_out"] == []


@pytest.mark.parametrize(
    ("more", "widths", "batch"),
    [
        (("--pictures", 199), (32, 64, 128), 64),
        (("--pictures", 200), (48, 96, 160), 128),
        (("--pictures", 200, "--widths", "8,16"), (8, 16), 128),
    ],
)
def test_a_long_run_has_a_larger_network_and_larger_batches(
    run, tmp_path, monkeypatch, more, widths, batch
):
    monkeypatch.setattr(cli, "LONG", 200)
    path = tmp_path / "x.safetensors"
    done = run("train", *more, "--drawn", 20, "--out", path)
    assert done.code == 0, done.err
    facts = files.load(path, "model")[1]
    assert (tuple(facts["config"]["widths"]), facts["recipe"]["batch"]) == (widths, batch)
    assert facts["recipe"]["lr"] == recipe.muon_lr(batch)
    short = facts["recipe"]["pictures"] < 200
    assert facts["guidance"] == (recipe.GUIDANCE_AFTER_SHORT if short else generate.GUIDANCE), (
        "a short training wants more guidance"
    )
    assert facts["loudness"] == (generate.word_weight(199) if short else 1), "and louder words"


def test_after_a_short_training_things_are_said_louder_than_colours_and_places(
    run, tmp_path, monkeypatch
):
    path = tmp_path / "x.safetensors"
    options = ("--pictures", 64, "--drawn", 20, "--widths", "8,16", "--out", path)
    assert run("train", *options).code == 0
    loud = checkpoints.load(path)
    path.unlink()
    monkeypatch.setattr(generate, "word_weight", lambda pictures: 1.0)
    assert run("train", *options).code == 0
    plain = checkpoints.load(path)
    ratio = loud.words.weight[1:].norm(dim=1) / plain.words.weight[1:].norm(dim=1)
    louder = {world.VOCABULARY[k][1] for k in torch.nonzero(ratio > 1.1)[:, 0].tolist()}
    things = set().union(*(world.ATTRIBUTES[name] for name in generate.THINGS))
    assert louder == things - {"none"}
    expected = torch.tensor([1.4 if word in louder else 1.0 for _, word in world.VOCABULARY])
    assert_close(ratio, expected, rtol=2e-3, atol=0)
    for name, weight in plain.named_parameters():
        if name != "words.weight":
            assert torch.equal(weight, loud.get_parameter(name)), name


def test_louder_leaves_the_network_that_it_is_given_as_it_is():
    model = UNet(widths=(8, 16), vocabulary=len(world.VOCABULARY))
    before = model.words.weight.clone()
    assert not torch.equal(generate.upweight_words(model, 1.3).words.weight, before)
    assert torch.equal(model.words.weight, before)
    with pytest.raises(ValueError, match="knows 5 words"):
        generate.upweight_words(UNet(widths=(8, 16), vocabulary=5), 1.3)


def test_the_longer_the_training_the_less_loud():
    loud = [generate.word_weight(n) for n in (64, 45_000, 61_056, 182_976, 400_000)]
    assert loud == sorted(loud, reverse=True) and loud[0] == 1.4 and loud[-1] < 1.15


def test_minutes_are_turned_into_pictures(run, tmp_path):
    path = tmp_path / "x.safetensors"
    done = run("train", "--minutes", 0.02, "--drawn", 20, "--widths", "8,16", "--out", path)
    assert done.code == 0, done.err
    assert files.load(path, "model")[1]["recipe"]["pictures"] >= 64


def test_stopped_with_ctrl_c_and_resumed_equals_never_stopped(run, model, tmp_path, monkeypatch):
    path, run_file = tmp_path / "my.safetensors", tmp_path / "my.run.safetensors"

    class Impatient(cli.tqdm):
        def update(self, n=1):
            if self.n >= 320:
                raise KeyboardInterrupt
            return super().update(n)

    with monkeypatch.context() as patch:
        patch.setattr(cli, "tqdm", Impatient)
        done = run(*TRAIN, *HOLD_OUT, "--out", path)
    assert done.code == 130
    assert f"train --resume {run_file}" in done.err
    assert 0 < files.load(run_file, "run")[1]["step"] < 10
    # What it has learned so far draws, and makes way for the whole.
    so_far, drawing = tmp_path / "my.so-far.safetensors", tmp_path / "x.png"
    assert str(so_far) in done.err
    assert files.load(so_far, "model")[1]["recipe"]["pictures"] == 384
    assert run("draw", "a cat", "--steps", 2, "--model", so_far, "--out", drawing).code == 0
    assert not path.exists()
    refused(run(*TRAIN, "--out", path), "unfinished run")

    done = run("train", "--resume", run_file)
    assert done.code == 0, done.err
    assert path.read_bytes() == model.read_bytes()
    assert not run_file.exists() and not so_far.exists()


def test_a_training_that_is_slowed_down_says_so_and_how_long_it_takes_now(
    run, tmp_path, monkeypatch
):
    told = {3: (True, 0.5), 6: (False, 0.1)}

    class Slowed:
        def __init__(self, usual):
            assert usual is None, "no minutes were promised"
            self.steps, self.usual, self.slowed, self.now = 0, 0.1, False, 0.1

        def note(self):
            self.steps += 1
            self.slowed, self.now = told.get(self.steps, (self.slowed, self.now))
            return self.steps in told

    monkeypatch.setattr(cli, "Watch", Slowed)
    done = run(*TRAIN, "--out", tmp_path / "my.safetensors")
    assert done.code == 0
    assert "Slowed down, by other programs or by heat: 128 pictures a second, where 640" in done.err
    assert "about 1 minute to go. Ctrl-C stops, and keeps what it has learned" in done.err
    assert "Back at 640 pictures a second: about 1 minute to go." in done.err
    assert "training, slowed down:" in done.err


def test_what_was_promised_in_minutes_is_the_pace_to_keep(run, tmp_path, monkeypatch):
    promised = []
    monkeypatch.setattr(cli, "pictures_in", lambda *_, **__: 640)
    monkeypatch.setattr(cli, "Watch", lambda usual: promised.append(usual) or pace.Watch(usual))
    arguments = "--drawn", 20, "--widths", 8, "--out", tmp_path / "x.safetensors"
    assert run("train", "--minutes", 0.5, *arguments).code == 0
    assert promised == [pytest.approx(3)], "seconds a step: 30 for ten of them"


def test_a_run_of_version_0_1_goes_on_and_ends_where_one_of_today_does(run, tmp_path, monkeypatch):
    """Its settings and layers had other names; six of its ten steps were made then."""
    run_file = tmp_path / "old.run.safetensors"
    run_file.write_bytes((Path(__file__).parent / "data" / "run_of_0_1.safetensors").read_bytes())
    path, fresh = tmp_path / "old.safetensors", tmp_path / "fresh.safetensors"
    with warnings.catch_warnings(action="ignore"):  # another number of threads, perhaps
        done = run("train", "--resume", run_file, "--out", path)
    assert done.code == 0, done.err
    recipe = files.load(path, "model")[1]["recipe"]
    assert (recipe["lr"], recipe["weight_decay"], "rate" in recipe) == (0.01, 0.2, False)
    monkeypatch.setattr(cli, "precision_for", lambda model: "float32")  # as it was trained
    run("train", "--pictures", 640, "--drawn", 20, "--widths", 4, "--out", fresh)
    ours, theirs = (dict(checkpoints.load(p).named_parameters()) for p in (fresh, path))
    for name, weight in ours.items():
        assert_close(theirs[name], weight, rtol=0, atol=2e-4)


@pytest.mark.slow
def test_killed_and_resumed_equals_never_killed(run, model, tmp_path, cache):
    path, run_file = tmp_path / "my.safetensors", tmp_path / "my.run.safetensors"
    life = """
import functools, os, signal, sys, torch
from diffusion_lessons import cli, runs
from diffusion_lessons.critters import datasets
torch.set_num_threads(int(sys.argv[2]))
runs.SAVE_EVERY_SECONDS = 0
datasets.load_critters = functools.partial(datasets.load_critters, folder=sys.argv[1])

class Fatal(cli.tqdm):
    def update(self, n=1):
        if self.n >= 320:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().update(n)

cli.tqdm = Fatal
cli.main(sys.argv[3:])
"""
    threads = str(torch.get_num_threads())
    done = subprocess.run(
        [sys.executable, "-c", life, cache, threads, *TRAIN, *HOLD_OUT, "--out", path],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, search_path()))},
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not path.exists()
    assert 0 < files.load(run_file, "run")[1]["step"] < 10
    done = run("train", "--resume", run_file)
    assert done.code == 0, done.err
    assert path.read_bytes() == model.read_bytes()


def search_path():
    earlier = os.environ.get("PYTHONPATH", "")
    return [part for part in earlier.split(os.pathsep) if part] + [Path(cli.__file__).parents[1]]


# ------------------------------------------------------------------------------- your own pictures


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "photos"
    path.mkdir()
    for name, color in (("a", "black"), ("b", "white"), ("c", "orange")):
        Image.new("RGB", (40, 30), color).save(path / f"{name}.png")
    return path


def captions_for(folder, *rows):
    text = io.StringIO()
    csv.writer(text).writerows([("file", "caption"), *rows])
    (folder / "captions.csv").write_text(text.getvalue(), encoding="utf-8")


def test_a_folder_trains_without_words(run, folder, tmp_path):
    path, out = tmp_path / "my.safetensors", tmp_path / "x.npz"
    done = run("train", "--data", folder, "--pictures", 64, "--widths", "8,16", "--out", path)
    assert done.code == 0, done.err
    assert files.load(path, "model")[1]["recipe"]["data"] == "photos"
    assert str(tmp_path) not in json.dumps(files.load(path, "model")[1])
    assert run("draw", "--count", 2, "--steps", 2, "--model", path, "--out", out).code == 0
    assert numbers(out)["cond"].shape == (2, 0)
    refused(run("draw", "a cat", "--model", path, "--out", out), "trained without words")
    refused(run("evaluate", path), "judge knows critters only")


def test_a_folder_with_captions_trains_with_what_they_say(run, folder, tmp_path, monkeypatch):
    captions_for(folder, ("c.png", "an orange cat, with shades"), ("a.png", "a black dog"))
    told, real = [], cli.train
    monkeypatch.setattr(cli, "train", lambda m, d, *a, **k: told.append(d) or real(m, d, *a, **k))
    path, out = tmp_path / "my.safetensors", tmp_path / "x.npz"
    done = run("train", "--data", folder, "--pictures", 64, "--widths", "8,16", "--out", path)
    assert done.code == 0, done.err
    pictures, words = told[0]
    assert pictures[0].max() == -1  # black, the first by name
    assert [set(row) - {0} for row in words.tolist()] == [
        {word("black"), word("dog")},
        set(),
        {word("orange"), word("cat"), word("sunglasses")},
    ]
    # A prompt is not filled up by dice, as the captions were not.
    assert run("draw", "a dog", "--count", 2, "--steps", 2, "--model", path, "--out", out).code == 0
    assert set(numbers(out)["cond"].flatten().tolist()) == {0, word("dog")}


@pytest.mark.parametrize(
    "rows, reason",
    [
        ([("z.png", "a cat")], "Row 1 of captions.csv names 'z.png'"),
        ([("a.png", "a cat"), ("b.png",)], "Row 2 of captions.csv has no file or no caption"),
        ([("a.png", "x" * 400)], "300 characters"),
        ([("a.png", "ghjk")], "says no word that this course knows"),
    ],
)
def test_bad_captions(run, folder, tmp_path, rows, reason):
    captions_for(folder, *rows)
    done = run("train", "--data", folder, "--out", tmp_path / "my.safetensors")
    assert done.code == 2
    assert reason in done.err.splitlines()[-1]
    (folder / "captions.csv").write_bytes(b"file,caption\na.png,\xff\xfe")
    refused(run("train", "--data", folder, "--out", tmp_path / "my.safetensors"), "cannot be read")


# --------------------------------------------------------------------------------------- evaluate

KEYS = {
    "seen_accuracy", "held_out_accuracy", "held_out_worst", "judge_accuracy", "frechet",
    "frechet_floor", "frechet_excess", "high_frequency_power", "pictures_judged",
    "nearest_median", "nearest_median_fresh", "seconds_per_picture", "seed", "guidance", "steps",
}  # fmt: skip


def test_evaluate_prints_the_numbers_and_notes_them_beside_the_network(run, model):
    options = ("--pictures", 32, "--steps", 2, "--guidance", 1)
    done = run("evaluate", model, *options, "--json", "--save")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found.keys() >= KEYS
    assert found["pictures_judged"] == 32
    assert (found["guidance"], found["steps"], found["seed"]) == (1, 2, 0)
    assert set(found["held_out_pairs"]) == {"cat + sunglasses", "night + frog"}
    assert found["judge_accuracy"] > 0.99
    card = json.loads(model.with_suffix(".json").read_text())
    assert card["scores"]["frechet"] == pytest.approx(found["frechet"], rel=1e-4)
    assert card["held_out"] == ["cat + sunglasses", "night + frog"]
    assert card["seconds"] > 0
    # The same again, in words.
    done = run("evaluate", model, *options)
    assert f"{found['frechet']:.2f}" in done.out
    assert "cat + sunglasses" in done.out


def test_a_network_is_drawn_with_and_judged_with_the_guidance_that_its_file_names(
    run, model, tmp_path
):
    out = tmp_path / "cats.npz"
    assert run("draw", "a cat", "--steps", 1, "--model", model, "--out", out).code == 0
    assert numbers(out)["guidance"] == recipe.GUIDANCE_AFTER_SHORT
    found = json.loads(run("evaluate", model, "--pictures", 32, "--steps", 1, "--json").out)
    assert found["guidance"] == recipe.GUIDANCE_AFTER_SHORT
    assert run("draw", "a cat", "--steps", 1, "--out", out).code == 0
    assert numbers(out)["guidance"] == generate.GUIDANCE, "the shipped network's"


class Artist:
    """Stands for a network: draws by code what each row says, without the words it cannot do."""

    vocabulary = len(world.VOCABULARY)

    def __init__(self, cannot=()):
        self.cannot = cannot

    def films(self, model, cond, x_T, **_):
        rng, drawn = np.random.default_rng(0), []
        for row in cond.tolist():
            said = dict(world.VOCABULARY[k - 1] for k in row if k)
            if said.get("subject") == "none":
                said["color"] = "none"
            if self.cannot and dict(self.cannot).items() <= said.items():
                said["sunglasses"] = "none"
            drawn.append(drawing.draw(said, rng=rng))
        x = datasets.to_floats(np.stack(drawn))
        yield [sampling.State(0, x, x)]


@pytest.mark.slow
@pytest.mark.parametrize("cannot", [(), CAT_SUNGLASSES])
def test_a_perfect_artist_gets_perfect_scores_and_one_with_a_gap_is_found_out(monkeypatch, cannot):
    artist = Artist(cannot)
    monkeypatch.setattr(generate, "sample_batches", artist.films)
    held_out = (CAT_SUNGLASSES, FROG_NIGHT)
    found = evaluation.scores(artist, held_out, pictures=300, drawn=400)
    assert found["seen_accuracy"] == 1
    assert found["held_out_worst"] == (0 if cannot else 1)
    assert found["held_out_accuracy"] == (0.5 if cannot else 1)
    assert found["held_out_pairs"]["frog + night"] == 1
    # Dice choose what captions leave open otherwise than the drawing code does: mostly nothing.
    assert found["frechet"] < 3 * found["frechet_floor"]
    assert found["high_frequency_power"] == pytest.approx(1, abs=0.1)
    assert found["nearest_median"] == pytest.approx(found["nearest_median_fresh"], abs=0.05)


def test_held_out_captions_say_both_words_and_are_as_many_as_asked_for():
    said = evaluation._captions_of(FROG_NIGHT, 40, [0])
    assert len(said) == 40
    assert (said == word("frog")).any(1).all()
    assert (said == word("night")).any(1).all()
    assert len(said.unique(dim=0)) > 3


def test_a_copyist_is_found_out(monkeypatch, cache):
    held_out = (CAT_SUNGLASSES,)
    owned = datasets.load_critters(100, held_out=held_out).x0

    def films(model, cond, x_T, **_):
        x = owned[torch.arange(len(x_T)) % 100]
        yield [sampling.State(0, x, x)]

    monkeypatch.setattr(generate, "sample_batches", films)
    found = evaluation.scores(Artist(), held_out, pictures=64, drawn=100)
    assert found["nearest_median"] == 0
    assert found["nearest_median_fresh"] > 0.1
    assert found["seen_accuracy"] < 0.5


# ---------------------------------------------------------------------------------------- for real


@pytest.mark.slow
def test_the_command_runs_as_python_m(model, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "diffusion_lessons", "draw", "a cat wearing sunglasses", "--count",
         "1", "--steps", "2", "--model", model, "--out", "cat.png"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, search_path()))},
        capture_output=True,
        text=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert Image.open(tmp_path / "cat.png").width > 160
