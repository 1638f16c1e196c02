"""What a learner reads when something is in the way of `make lab`, and what is installed."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import setup

ROOT = Path(__file__).parents[1]
LOW, HIGH = (3, 11), (3, 15)


def one_sentence(text: str) -> bool:
    return text.endswith(".") and len(re.findall(r"[.!?](?:\s|$)", text)) == 1


def test_python_too_old():
    text = setup.python_problem((3, 8, 18), LOW, HIGH)
    assert "Python 3.8.18 is too old" in text and "3.11 to 3.14" in text and one_sentence(text)


def test_python_too_new_for_pytorch():
    text = setup.python_problem((3, 15, 0), LOW, HIGH)
    assert "3.15.0 is too new for PyTorch" in text and "3.11 to 3.14" in text and one_sentence(text)


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 14, 9)])
def test_python_in_range_is_fine(version):
    assert setup.python_problem(version, LOW, HIGH) is None


def test_the_range_is_read_from_pyproject():
    assert setup.Setup(str(ROOT)).python_bounds() == (LOW, HIGH)


def test_venv_missing():
    text = setup.venv_problem(False, (3, 12, 1), "Linux")
    assert "sudo apt install python3.12-venv" in text and "`venv`" in text and one_sentence(text)
    assert "apt" not in setup.venv_problem(False, (3, 12, 1), "Darwin")
    assert setup.venv_problem(True, (3, 12, 1), "Linux") is None


def test_too_little_room():
    text = setup.room_problem(0.4e9, 2.5e9, "/home/learner/course")
    assert "0.4 GB are free" in text and "2.5 GB are needed" in text and one_sentence(text)
    assert setup.room_problem(2.5e9, 2.5e9, "/home/learner/course") is None


@pytest.mark.parametrize(
    "output,word",
    [
        ("error: Request failed after 3 retries\n dns error\n failed to lookup", "network is gone"),
        ("NewConnectionError: [Errno 111] Connection refused", "network is gone"),
        ("ERROR: No matching distribution found for uv<1,>=0.8", "network is gone"),
        ("hint: network connectivity is disabled (i.e., with --offline)", "network is gone"),
        ("Failed to write: No space left on device (os error 28)", "disk is full"),
        ("invalid peer certificate: UnknownIssuer", "certificate"),
        ("Because torch==2.14.1 has no wheels with a matching platform tag", "no build for this"),
        ("error: something nobody foresaw", "lines above"),
    ],
)
def test_what_pip_and_uv_say_becomes_one_sentence(output, word):
    text = setup.tool_problem(output)
    assert word in text and one_sentence(text.replace("README.md", "README"))


WHEELS = [
    "torch-2.12.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl",
    "torch-2.13.0%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl",
    "torch-2.14.0+cpu-cp312-cp312-manylinux_2_28_x86_64.whl",
    "torch-2.14.0+cpu-cp311-cp311-win_amd64.whl",
    "torch-2.14.0+cpu-cp311-cp311-macosx_11_0_x86_64.whl",
    "torch-2.14.1-cp311-cp311-manylinux_2_28_x86_64.whl",
    "torch-2.15.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl",
    "torchvision-0.29.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl",
]


@pytest.mark.parametrize(
    "python,machine,expected",
    [
        ((3, 11, 7), "x86_64", "2.13.0+cpu"),
        ((3, 12, 1), "x86_64", "2.14.0+cpu"),
        ((3, 13, 0), "x86_64", None),
        ((3, 11, 7), "aarch64", None),
    ],
)
def test_the_newest_fitting_cpu_wheel_of_a_folder_is_taken(python, machine, expected):
    assert setup.cpu_build(WHEELS, (2, 9), (2, 15), python, "Linux", machine) == expected


def test_cpu_builds_come_before_the_large_one():
    args = [source.args for source in setup.sources("Linux", "2.13.0+cpu")]
    assert args == [["--torch-backend=cpu"], ["torch==2.13.0+cpu"], []]
    assert "GB to download" in setup.sources("Linux", None)[-1].sentence
    assert [source.args for source in setup.sources("Darwin", None)] == [[]]


def test_pip_settings_are_read_as_pip_ranks_them(tmp_path):
    listing = (
        ":env:.find-links='/usb/wheels /other'\n"
        "global.find-links='/old'\n"
        "global.index-url='https://mirror.example/simple'\n"
        "install.index-url='https://nearer.example/simple'\n"
        "freeze.timeout='10'\n"
        "WARNING: a line that is no setting\n"
    )
    assert setup.pip_settings(listing) == {
        "find-links": ["/usb/wheels", "/other"],
        "index-url": ["https://nearer.example/simple"],
    }
    links = [str(tmp_path), tmp_path.as_uri(), "/not/there", "https://mirror.example/wheels"]
    kept = [str(tmp_path), str(tmp_path), "https://mirror.example/wheels"]
    assert setup.wheel_folders(links) == kept


# --- the command itself, in a folder of its own ---


@pytest.fixture
def project(tmp_path):
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "setup.py", tmp_path / "tools")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def set_up(project: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(project / "tools" / "setup.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def change(project: Path, old: str, new: str) -> None:
    text = (project / "pyproject.toml").read_text(encoding="utf-8")
    assert old in text
    (project / "pyproject.toml").write_text(text.replace(old, new), encoding="utf-8")


def test_the_command_stops_with_one_sentence(project):
    change(project, ">=3.11,<3.15", ">=3.98,<3.99")
    done = set_up(project)
    assert done.returncode == 1 and "is too old for this course" in done.stderr
    assert "Traceback" not in done.stderr and not (project / ".venv").exists()


def test_a_python_that_does_not_start_is_named(project):
    done = set_up(project, "--python", "/no/such/python")
    assert done.returncode == 1 and "PYTHON=/no/such/python does not start" in done.stderr


def test_a_folder_that_is_no_environment_is_not_deleted(project):
    (project / ".venv").mkdir()
    (project / ".venv" / "thesis.txt").write_text("years of work", encoding="utf-8")
    done = set_up(project)
    assert done.returncode == 1 and "move it away" in done.stderr
    assert (project / ".venv" / "thesis.txt").exists()


def test_no_room_stops_before_anything_is_made(project, monkeypatch):
    monkeypatch.setattr(setup.Setup, "_free", lambda self: 1e6)
    with pytest.raises(setup.Problem, match="too little room"):
        setup.Setup(str(project)).run()
    assert not (project / ".venv").exists()


@pytest.fixture
def finished(project, monkeypatch):
    """A .venv that looks finished, and a record of every attempt to build it."""
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "bin" / "python").symlink_to(sys.executable)
    version = ".".join(map(str, sys.version_info[:3]))
    (project / ".venv" / "pyvenv.cfg").write_text(f"version = {version}\n", encoding="utf-8")
    stamp = setup.Setup(str(project)).stamp()
    (project / ".venv" / "diffusion-lessons.json").write_text(json.dumps(stamp), encoding="utf-8")
    built = []
    monkeypatch.setattr(setup.Setup, "_build", lambda self: built.append(self.root))
    return project, built


def test_nothing_is_done_a_second_time(finished):
    project, built = finished
    setup.Setup(str(project)).run()
    assert built == []


@pytest.mark.parametrize("damage", ["pyproject", "python", "stamp", "moved", "half"])
def test_what_is_no_longer_right_is_built_again(finished, damage):
    project, built = finished
    venv = project / ".venv"
    if damage == "pyproject":
        change(project, "tqdm>=4.67", "tqdm>=4.68")
    elif damage == "python":
        (venv / "bin" / "python").unlink()
    elif damage == "stamp":
        (venv / "diffusion-lessons.json").write_text("{", encoding="utf-8")
    elif damage == "half":
        (venv / "diffusion-lessons.json").write_text("{}", encoding="utf-8")
    else:
        project = project.rename(project.with_name("elsewhere"))
    setup.Setup(str(project)).run()
    assert built == [str(project)]
    # What only fell behind is brought up to date; the rest starts afresh.
    assert setup.Setup(str(project)).usable() is (damage == "pyproject")
