"""What a learner reads when something is in the way of `make lab`, and what is installed."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sentences
import setup

ROOT = Path(__file__).parents[1]
LOW, HIGH = (3, 11), (3, 15)


def one_sentence(text: str) -> bool:
    return text.endswith(".") and len(re.findall(r"[.!?](?:\s|$)", text)) == 1


# --- the sentences ---


@pytest.mark.parametrize(
    "version,expected",
    [
        ((3, 8, 18), "Python 3.8.18 is too old for this course, which needs 3.11 to 3.14"),
        ((3, 15, 0), "Python 3.15.0 is too new for PyTorch, which has builds for 3.11 to 3.14"),
        ((), "PYTHON=/my/python does not start"),
        ((3, 11, 0), None),
        ((3, 14, 9), None),
    ],
)
def test_a_python_fits_or_a_sentence_says_why_not(version, expected):
    text = sentences.python_problem("/my/python", version, LOW, HIGH)
    assert text is None if expected is None else expected in text and one_sentence(text)


def test_the_range_is_read_from_pyproject(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert setup.python_bounds() == [LOW, HIGH]


def test_venv_missing():
    text = sentences.venv_problem((3, 12, 1), "Linux")
    assert "sudo apt install python3.12-venv" in text and "`venv`" in text and one_sentence(text)
    assert "apt" not in sentences.venv_problem((3, 12, 1), "Darwin")


def test_too_little_room():
    text = sentences.room_problem(0.4e9, 2.5e9, "/home/learner/course")
    assert "0.4 GB are free" in text and "2.5 GB are needed" in text and one_sentence(text)


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
    text = sentences.tool_problem(output)
    assert word in text and one_sentence(text.replace("README.md", "README"))


@pytest.mark.parametrize(
    "plan,small,gigabytes,word",
    [
        (" + torch==2.13.0+cpu\n", True, 2.5, "400 MB to download (with PyTorch's CPU build)"),
        (" + torch==2.13.0+cpu\n", False, 2.5, "comes from this computer's wheel folder"),
        (" + nvidia-cublas==13.1\n + torch==2.13.0\n", False, 10, "the large one with CUDA"),
        (" + torch==2.13.0\n", False, 2.5, "300 MB to download, 2 GB"),
        (" + ruff==0.17.6\n", True, 0.5, "200 MB to download, 0.5 GB"),
        ("Would make no changes\n", True, 0, "Nothing to download"),
    ],
)
def test_the_size_of_what_comes_is_announced(plan, small, gigabytes, word):
    room, sentence = sentences.size(plan, small)
    assert room == gigabytes * 1e9 and word in sentence and one_sentence(sentence)


def test_uv_is_told_what_pip_knows(tmp_path, monkeypatch):
    monkeypatch.setattr(setup.os, "environ", {})
    page, stick, other = "https://mirror.example/wheels", str(tmp_path), tmp_path.as_uri()
    listing = (
        f":env:.find-links='{stick} {other} /not/there {page}'\n"
        "global.find-links='/old'\n"
        "global.index-url='https://mirror.example/simple'\n"
        "install.index-url='https://nearer.example/simple'\n"
        "global.cert='/school.pem'\n"
        "freeze.timeout='10'\n"
        "WARNING: a line that is no setting\n"
    )
    links = [arg for link in (stick, other, page) for arg in ("--find-links", link)]
    assert setup.for_uv(listing) == ["--default-index", "https://nearer.example/simple", *links]
    assert setup.os.environ["SSL_CERT_FILE"] == "/school.pem"
    assert setup.for_uv("global.no-index='true'\n" + listing)[0] == "--no-index"


# --- the ways to PyTorch, best first ---


def found_by(monkeypatch, system: str, *open_ways: str) -> list[str] | None:
    """The arguments that are found where only these ways lead somewhere."""

    def capture(*command, **env):
        way = " ".join(command[1:-1])
        return way in open_ways, f"plan of {way!r}" if way in open_ways else f"no {way!r}"

    monkeypatch.setattr(setup, "capture", capture)
    monkeypatch.setattr(setup.platform, "system", lambda: system)
    return setup.find_torch(["uv"])[0]


def test_the_small_build_comes_first_then_the_registry_then_what_is_here(monkeypatch):
    small, offline = "--torch-backend=cpu", "--offline"
    assert found_by(monkeypatch, "Linux", small, "", offline) == [small]
    assert found_by(monkeypatch, "Linux", "", offline) == []
    assert found_by(monkeypatch, "Linux", f"{offline} {small}", offline) == [offline, small]
    assert found_by(monkeypatch, "Darwin", small, "") == []
    with pytest.raises(SystemExit, match="no ''\nSet-up stopped"):
        found_by(monkeypatch, "Linux")


def test_a_certificate_that_only_the_system_knows_is_tried(monkeypatch):
    monkeypatch.setattr(setup.os, "environ", {})

    def capture(*command, **env):
        return "UV_SYSTEM_CERTS" in setup.os.environ, "invalid peer certificate: UnknownIssuer"

    monkeypatch.setattr(setup, "capture", capture)
    assert setup.find_torch(["uv"])[1].endswith("UnknownIssuer")


# --- the command itself, in a folder of its own ---


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "tools").mkdir()
    for name in ("setup.py", "sentences.py"):
        shutil.copy(ROOT / "tools" / name, tmp_path / "tools")
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(project: Path, *arguments: str, python: str = sys.executable):
    command = [python, str(project / "tools" / "setup.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_the_command_stops_with_one_sentence(project):
    change(project / "pyproject.toml", ">=3.11,<3.15", ">=3.98,<3.99")
    done = run(project)
    assert done.returncode == 1 and "is too old for this course" in done.stderr
    assert "Traceback" not in done.stderr and not (project / ".venv").exists()


@pytest.mark.parametrize("version", ["3.7", "3.8", "3.9", "3.10"])
def test_a_python_that_is_too_old_can_read_it(project, version):
    python = shutil.which(f"python{version}")
    if not python or setup.version_of(python)[:2] != tuple(map(int, version.split("."))):
        pytest.skip(f"Python {version} is not here.")
    done = run(project, "--python", python, python=python)
    assert f"Python {version}" in done.stderr and "is too old for this course" in done.stderr


def test_a_python_that_does_not_start_is_named(project):
    done = run(project, "--python", "/no/such/python")
    assert done.returncode == 1 and "PYTHON=/no/such/python does not start" in done.stderr


def test_a_folder_that_is_no_environment_is_not_deleted(project):
    (project / ".venv").mkdir()
    (project / ".venv" / "thesis.txt").write_text("years of work", encoding="utf-8")
    done = run(project)
    assert done.returncode == 1 and "move it away" in done.stderr
    assert (project / ".venv" / "thesis.txt").exists()


def test_no_room_stops_before_anything_is_made(project, monkeypatch):
    usage = shutil.disk_usage(project)._replace(free=1e6)
    monkeypatch.setattr(setup.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(SystemExit, match="too little room"):
        setup.set_up("learn", "")
    assert not (project / ".venv").exists()


@pytest.fixture
def finished(project, monkeypatch):
    """A .venv that looks finished for `make test`, and a record of what is done to it."""
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (project / ".venv" / "pyvenv.cfg").write_text("", encoding="utf-8")
    setup.MARKER.write_text(json.dumps(setup.stamp("test")), encoding="utf-8")
    done = []
    monkeypatch.setattr(setup, "make_venv", lambda given: done.append("made"))
    monkeypatch.setattr(setup, "install", done.append)
    monkeypatch.setattr(setup.subprocess, "call", lambda command: 0)
    return project, done


@pytest.mark.parametrize("level", ["learn", "test"])
def test_nothing_is_done_a_second_time(finished, level):
    setup.set_up(level, "")
    setup.set_up(level, sys.executable)
    assert finished[1] == []


@pytest.mark.parametrize(
    "damage,expected",
    [
        ("more", ["browser"]),
        ("lock", ["test"]),
        ("pyproject", ["test"]),
        ("python", ["made", "test"]),
        ("other python", ["made", "test"]),
        ("stamp", ["made", "learn"]),
        ("half", ["made", "learn"]),
        ("moved", ["made", "test"]),
    ],
)
def test_what_is_no_longer_right_is_set_up_again(finished, damage, expected, monkeypatch):
    project, done = finished
    if damage == "lock":
        change(project / "requirements" / "learn.txt", "tqdm==", "tqdm==9")
    elif damage == "pyproject":
        change(project / "pyproject.toml", "tqdm>=4.67", "tqdm>=4.68")
    elif damage == "python":
        (project / ".venv" / "bin" / "python").unlink()
    elif damage == "other python":
        change(setup.MARKER, f'"3.{sys.version_info.minor}"', '"3.10"')
    elif damage == "stamp":
        setup.MARKER.write_text("{", encoding="utf-8")
    elif damage == "half":
        setup.MARKER.unlink()
    elif damage == "moved":
        monkeypatch.chdir(project.rename(project.with_name("elsewhere")))
    setup.set_up("browser" if damage == "more" else "learn", "")
    assert done == expected
    if damage not in ("python", "more"):
        done.clear()
        setup.set_up("learn", "")
        assert done == []


def test_an_installation_that_breaks_off_is_not_taken_for_whole(project, monkeypatch):
    (project / ".venv").mkdir()
    setup.MARKER.write_text("{}", encoding="utf-8")
    monkeypatch.setattr(setup, "find_torch", lambda command: ([], " + torch==2.13.0+cpu"))
    monkeypatch.setattr(setup, "capture", lambda *command, **env: (True, "dns error"))
    monkeypatch.setattr(setup.subprocess, "call", lambda command: 1)
    with pytest.raises(SystemExit, match="network is gone"):
        setup.install("learn")
    assert not setup.MARKER.exists()
