"""The students of lesson 08: what each was shown, and that the script makes and keeps them."""

import json
from dataclasses import asdict, replace

import pytest
import torch
import train_copying
from torch.testing import assert_close

from diffusion_lessons import checkpoints, files, metrics
from diffusion_lessons.course import copying
from diffusion_lessons.critters import datasets

DRAWN = 40


@pytest.fixture
def small(monkeypatch):
    """A world of forty pictures, and students of eight channels."""
    drawn = {seed: torch.rand(DRAWN, 3, 32, 32, generator=torch.Generator().manual_seed(seed))
             for seed in (0, 5)}  # fmt: skip

    def critters(n, seed=0):
        assert n == DRAWN
        return datasets.Critters(drawn[seed], *[None] * 4)

    monkeypatch.setattr(copying, "HALF", DRAWN // 2)
    monkeypatch.setattr(copying, "WIDTHS", (8, 8))
    recipes = {
        name: replace(recipe, count=min(recipe.count, 20), first=min(recipe.first, 20))
        for name, recipe in copying.RECIPES.items()
    }
    monkeypatch.setattr(copying, "RECIPES", recipes)
    monkeypatch.setattr(copying.datasets, "load_critters", critters)
    return drawn


def test_students_differ_in_what_they_are_shown_and_in_nothing_else():
    recipes = copying.RECIPES
    assert [recipes[str(n)].count for n in (1, 10, 100, 1000, 10_000)] == [1, 10, 100, 1000, 10_000]
    half = recipes["10000"]
    assert recipes["other half"] == replace(half, first=copying.HALF)
    assert recipes["other seed"] == replace(half, seed=1)
    assert recipes["convolutions"] == replace(half, attention=False)
    assert recipes["repeated"] == replace(half, times=100)


def test_examples_hold_a_repeated_picture_as_often_as_it_counts(small):
    assert_close(copying.examples("10"), small[0][:10])
    assert_close(copying.examples("other half"), small[0][20:])
    repeated = copying.examples("repeated", data_seed=5)
    assert len(repeated) == 99 + 20
    assert (repeated == small[5][0]).all((1, 2, 3)).sum() == 100


def trained(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["train_copying.py", *arguments])
    train_copying.main()


@pytest.mark.slow
def test_the_script_trains_all_and_the_lesson_loads_them(small, tmp_path, monkeypatch, capsys):
    trained(monkeypatch, "--pictures", "128", "--data-seed", "5", "--out", str(tmp_path))
    students = copying.load(tmp_path)
    assert list(students) == list(copying.RECIPES)
    assert_close(students["other half"].pictures, small[5][20:])
    assert len(students["repeated"].pictures) == 20, "different ones only"
    card = json.loads((tmp_path / "recipes.json").read_text(encoding="utf-8"))
    assert list(card) == list(copying.RECIPES)
    assert card["other seed"]["seed"] == 1 and card["10"]["count"] == 10
    # One student alone is trained again, and the others stay.
    before = copying.file_of("100", tmp_path).read_bytes()
    trained(monkeypatch, "10", "--pictures", "128", "--out", str(tmp_path))
    assert copying.file_of("100", tmp_path).read_bytes() == before
    with pytest.raises(files.FileError, match="different worlds \\(data seeds 0, 5\\)"):
        copying.load(tmp_path)
    with pytest.raises(ValueError, match="no student 'eleven'"):
        trained(monkeypatch, "eleven", "--out", str(tmp_path))


@pytest.mark.slow
def test_the_same_recipe_gives_the_same_student(small, tmp_path, monkeypatch):
    for folder in ("one", "two"):
        trained(monkeypatch, "10", "--pictures", "256", "--out", str(tmp_path / folder))
    one, two = (copying.file_of("10", tmp_path / folder).read_bytes() for folder in ("one", "two"))
    assert one == two


# --- those that are shipped ---


def test_the_shipped_students_fit_their_card_and_their_limit():
    card = json.loads((copying.FOLDER / "recipes.json").read_text(encoding="utf-8"))
    assert list(card) == list(copying.RECIPES)
    for name, recipe in copying.RECIPES.items():
        found = card[name]
        assert {key: found[key] for key in ("count", "first", "times", "attention")} == {
            key: value for key, value in asdict(recipe).items() if key != "seed"
        }
        assert found["pictures"] == card["1"]["pictures"], "all were given as many examples"
        network = checkpoints.load(copying.file_of(name))
        assert network.config["attention"] == recipe.attention
        assert network.config["widths"] == list(copying.WIDTHS)
    assert sum(path.stat().st_size for path in copying.FOLDER.iterdir()) <= 20_000_000


@pytest.mark.slow
def test_the_student_of_one_hundred_copies_and_that_of_ten_thousand_does_not():
    from diffusion_lessons.critters import generate

    students = copying.load()
    static = torch.randn(32, 3, 32, 32, generator=torch.Generator().manual_seed(5))
    unseen, rates = students["other half"].pictures, {}
    for name in ("100", "10000"):
        network, shown = students[name]
        films = generate.sample_batches(network, None, static, batch=32)
        x = torch.cat([film[-1].x_t for film in films])
        rates[name] = metrics.copy_rate(x, torch.cat([shown, unseen]))
    assert rates["100"] > 0.8 and rates["10000"] < 0.1
