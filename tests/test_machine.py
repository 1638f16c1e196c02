"""Lesson 00: the machine check says what is wrong and what to do."""

import importlib.metadata
import math

import pytest
import torch

from diffusion_lessons import checkpoints, files
from diffusion_lessons.course import machine
from diffusion_lessons.critters.judge import SHIPPED, load_judge

LISTED = ["numpy>=2.1,<3", "pillow>=11,<14", "jupyterlab>=4.4,<5"]
FITTING = {"numpy": "2.1.0", "pillow": "13.9.1", "jupyterlab": "4.6.0a2"}


def package_problem(found):
    """What is said where only these versions of packages are installed."""

    def version_of(name):
        if name not in found:
            raise importlib.metadata.PackageNotFoundError(name)
        return found[name]

    return machine._package_problem(LISTED, version_of)


def looks(monkeypatch, **problems):
    fine = dict.fromkeys(machine._LOOKS, lambda: None)
    monkeypatch.setattr(machine, "_LOOKS", fine | problems)


def test_a_fine_machine_prints_the_same_everywhere(monkeypatch, capsys):
    looks(monkeypatch)
    machine.check()
    *lines, last = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines] == ["fine"] * 7
    assert last == "Your machine is fine. Go on."


def test_a_problem_is_printed_and_the_rest_is_still_looked_at(monkeypatch, capsys):
    def breaks():
        raise OSError("no such device")

    looks(monkeypatch, Python=lambda: "too old: get another.", memory=breaks)
    machine.check()
    said = capsys.readouterr().out
    assert "Python         too old: get another." in said
    assert "could not be looked at (OSError: no such device)" in said
    assert said.count(" fine\n") == 5 and "Go on" not in said
    assert "Restart Kernel" in said.splitlines()[-1]


def test_this_machine_can_be_looked_at():
    for name, look in machine._LOOKS.items():
        if name != "training speed":  # how fast it is is no matter of right and wrong
            assert look() is None, name


def test_the_trial_training_takes_time_and_leaves_the_learners_dice_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    assert 0 < machine._seconds_a_picture() < math.inf
    torch.testing.assert_close(torch.rand(3), expected)


@pytest.mark.parametrize("version", [(3, 11), (3, 14)])
def test_a_python_in_the_range_of_the_project_is_fine(version):
    assert machine._python_problem(version, ">=3.11,<3.15") is None


@pytest.mark.parametrize("version", [(3, 10), (3, 15)])
def test_a_python_out_of_the_range_of_the_project_is_told(version):
    problem = machine._python_problem(version, ">=3.11,<3.15")
    assert f"this is Python 3.{version[1]}, and the course needs >=3.11 and <3.15: " in problem


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (FITTING, None),
        (FITTING | {"numpy": "2.10"}, None),
        (
            {"pillow": "12"},
            "numpy is missing; jupyterlab is missing: set the course up again (make",
        ),
        (FITTING | {"numpy": "1.26.4"}, "numpy is 1.26.4, but >=2.1 and <3 is needed: set"),
        (FITTING | {"numpy": "3.0+local"}, "numpy is 3.0+local, but"),
        (FITTING | {"jupyterlab": "5.0a1"}, "jupyterlab is 5.0a1, but"),
    ],
)
def test_a_package_that_is_missing_or_of_another_version_is_named(found, says):
    problem = package_problem(found)
    assert problem is None if says is None else problem.startswith(says)


def test_a_package_that_is_there_but_broken_is_named(monkeypatch):
    def broken(name):
        if name == "PIL":
            raise ImportError("DLL load failed")

    monkeypatch.setattr(machine.importlib, "import_module", broken)
    said = package_problem(FITTING)
    assert said.startswith("pillow does not start (ImportError: DLL load failed): ")


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(180, None), (181, "about 4 minutes;"), (1200, "about 20 minutes;"), (math.nan, "no numbers")],
)
def test_a_slow_machine_hears_how_long_a_training_takes(seconds, says):
    problem = machine._training_problem(seconds / 57_344)
    assert problem is None if says is None else says in problem


def test_too_little_room_is_told_with_a_cure():
    assert machine._room_problem("disk", 0.5e9, 0.5, "free some") is None
    problem = machine._room_problem("disk", 0.31e9, 0.5, "free some")
    assert problem == "0.3 GB of disk are free, and 0.5 GB are needed: free some."


def test_a_folder_that_keeps_nothing_is_told(tmp_path, monkeypatch):
    assert machine._keeping_problem(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "taken").touch()  # no folder can be made in a file
    assert "folder of your own" in machine._keeping_problem(tmp_path / "taken")
    full = type("Usage", (), {"free": 1e8})
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: full)
    assert "0.1 GB of disk" in machine._keeping_problem(tmp_path)


def test_sliders_need_their_part_in_jupyterlab(tmp_path):
    folders = [str(tmp_path / "a"), str(tmp_path / "b")]
    assert "draws sliders" in machine._slider_problem(folders)
    (tmp_path / "b" / "@jupyter-widgets" / "jupyterlab-manager").mkdir(parents=True)
    assert machine._slider_problem(folders) is None


def test_a_missing_and_a_damaged_file_are_told(tmp_path):
    missing, damaged = tmp_path / "model.safetensors", tmp_path / "judge.safetensors"
    assert "no file model.safetensors" in machine._file_problem(missing, SHIPPED)
    content = bytearray(SHIPPED.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(files.FileError):
        load_judge(damaged)
    problem = machine._file_problem(checkpoints.SHIPPED, damaged)
    assert "checksum does not match" in problem and "fresh copy" in problem
