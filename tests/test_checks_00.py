"""Lesson 00: the machine check says what is wrong and what to do, and the map is complete."""

import importlib.metadata
import math
import re
from pathlib import Path

import pytest
import torch

from diffusion_lessons import checkpoints, checks, files
from diffusion_lessons.critters.judge import SHIPPED, load_judge

ROOT = Path(__file__).parents[1]
LISTED = ["numpy>=2.1,<3", "pillow>=11,<14", "jupyterlab>=4.4,<5"]


def versions(**found):
    """Say which version of a package is installed, where only these are."""

    def version_of(name):
        if name not in found:
            raise importlib.metadata.PackageNotFoundError(name)
        return found[name]

    return version_of


def looks(monkeypatch, **troubles):
    fine = dict.fromkeys(checks._LOOKS, lambda: None)
    monkeypatch.setattr(checks, "_LOOKS", fine | troubles)


def test_a_fine_machine_prints_the_same_everywhere(monkeypatch, capsys):
    looks(monkeypatch)
    checks.machine()
    *lines, last = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines] == ["fine"] * 7
    assert last == "Your machine is fine. Go on."


def test_a_trouble_is_printed_and_the_rest_is_still_looked_at(monkeypatch, capsys):
    def breaks():
        raise OSError("no such device")

    looks(monkeypatch, Python=lambda: "too old: get another.", memory=breaks)
    checks.machine()
    said = capsys.readouterr().out
    assert "Python         too old: get another." in said
    assert "could not be looked at (OSError: no such device)" in said
    assert said.count(" fine\n") == 5 and "Go on" not in said
    assert "Restart Kernel" in said.splitlines()[-1]


def test_this_machine_can_be_looked_at():
    for name, look in checks._LOOKS.items():
        if name != "training speed":  # how fast it is is no matter of right and wrong
            assert look() is None, name


@pytest.mark.slow
def test_the_trial_training_takes_time_and_leaves_the_learners_dice_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    assert 0 < checks._seconds_a_picture() < math.inf
    torch.testing.assert_close(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("version", "fits"), [((3, 10), 0), ((3, 11), 1), ((3, 14), 1), ((3, 15), 0)]
)
def test_python_must_lie_in_the_range_of_the_project(version, fits):
    trouble = checks._python_trouble(version, ">=3.11,<3.15")
    if fits:
        assert trouble is None
    else:
        assert f"this is Python {version[0]}.{version[1]}" in trouble
        assert ">=3.11 and <3.15" in trouble and "Change Kernel" in trouble


def test_packages_that_fit_are_fine():
    fits = versions(numpy="2.1.0", pillow="13.9.1", jupyterlab="4.6.0a2")
    assert checks._package_trouble(LISTED, fits) is None
    every = checks._project()["dependencies"]
    assert len(every) > 5 and all(checks._bounds(requirement)[0] for requirement in every)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ({"pillow": "12"}, ["numpy is missing", "jupyterlab is missing"]),
        ({"numpy": "1.26.4"}, ["numpy is 1.26.4, but >=2.1 and <3 is needed"]),
        ({"numpy": "3.0+local"}, ["numpy is 3.0+local, but"]),
        ({"numpy": "2.10"}, []),
    ],
)
def test_a_package_that_is_missing_or_of_another_version_is_named(found, says):
    trouble = checks._package_trouble(LISTED, versions(**found)) or ""
    assert all(part in trouble for part in says) and "make lab" in trouble
    assert ("numpy" in trouble) == bool(says)


def test_a_package_that_is_there_but_broken_is_named(monkeypatch):
    def broken(name):
        if name == "PIL":
            raise ImportError("DLL load failed")

    monkeypatch.setattr(checks.importlib, "import_module", broken)
    trouble = checks._package_trouble(LISTED, versions(numpy="2.2", pillow="12", jupyterlab="4.4"))
    assert trouble.startswith("pillow does not start (ImportError: DLL load failed): ")


@pytest.mark.parametrize(("seconds", "minutes"), [(60, None), (180, None), (181, 4), (1200, 20)])
def test_a_slow_machine_hears_how_long_a_training_takes(seconds, minutes):
    trouble = checks._training_trouble(seconds / 57_344)
    if minutes is None:
        assert trouble is None
    else:
        assert trouble.startswith("slow") and f"about {minutes} minutes;" in trouble


def test_a_training_without_numbers_is_a_trouble():
    assert "no numbers any more" in checks._training_trouble(math.nan)


def test_too_little_room_is_told_with_a_cure():
    assert checks._room_trouble("disk", 0.5e9, 0.5, "free some") is None
    assert (
        checks._room_trouble("disk", 0.31e9, 0.5, "free some")
        == "0.3 GB of disk are free, and 0.5 GB are needed: free some."
    )


def test_a_folder_that_keeps_nothing_is_told(tmp_path, monkeypatch):
    assert checks._keeping_trouble(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "taken").touch()  # no folder can be made in a file
    assert "folder of your own" in checks._keeping_trouble(tmp_path / "taken")
    full = type("Usage", (), {"free": 1e8})
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: full)
    assert "0.1 GB of disk" in checks._keeping_trouble(tmp_path)


def test_sliders_need_their_part_in_jupyterlab(tmp_path):
    folders = [str(tmp_path / "a"), str(tmp_path / "b")]
    assert "draws sliders" in checks._slider_trouble(folders)
    (tmp_path / "b" / "@jupyter-widgets" / "jupyterlab-manager").mkdir(parents=True)
    assert checks._slider_trouble(folders) is None


def test_a_missing_and_a_damaged_file_are_told(tmp_path):
    assert "no file model.safetensors" in checks._file_trouble(
        tmp_path / "model.safetensors", SHIPPED
    )
    damaged = tmp_path / "judge.safetensors"
    content = bytearray(SHIPPED.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(files.FileError):
        load_judge(damaged)
    trouble = checks._file_trouble(checkpoints.SHIPPED, damaged)
    assert "checksum does not match" in trouble and "fresh copy" in trouble


def test_the_map_of_the_tour_leads_to_every_other_lesson():
    tour = (ROOT / "notebooks" / "src" / "00_tour.py").read_text(encoding="utf-8")
    linked = re.findall(r"^# \|.*\]\(([^)]+)\.ipynb\)", tour, re.MULTILINE)
    lessons = sorted(path.stem for path in (ROOT / "notebooks" / "src").glob("[0-9]*.py"))
    assert linked == [name for name in lessons if name != "00_tour"]
