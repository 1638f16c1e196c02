"""Checkpoint files: what is saved comes back, and nothing else is believed."""

import errno
import json
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.testing import assert_close

import diffusion_lessons
from diffusion_lessons import files
from diffusion_lessons.files import FileError

TENSORS = {
    "weight": torch.arange(12, dtype=torch.float32).reshape(3, 4),
    "half": torch.tensor([1.5, -2], dtype=torch.float16),
    "brain": torch.tensor([1.5, -2], dtype=torch.bfloat16),
    "count": torch.tensor(7),
    "bytes": torch.tensor([0, 255], dtype=torch.uint8),
    "empty": torch.zeros(0, 6, dtype=torch.int64),
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "kept.safetensors"
    files.save(path, "model", TENSORS, step=3, name="Käfer", nested={"widths": [8, 16]})
    return path


def test_what_is_saved_comes_back(path):
    tensors, facts = files.load(path, "model")
    assert facts == {"step": 3, "name": "Käfer", "nested": {"widths": [8, 16]}}
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert_close(tensors[name], tensor, rtol=0, atol=0)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_makes_the_folder_and_saves_the_same_bytes_again(tmp_path):
    first, second = tmp_path / "new" / "folder" / "a", tmp_path / "b"
    for path in (first, second):
        files.save(path, "run", TENSORS, step=1)
    assert first.read_bytes() == second.read_bytes()


def test_keeps_tensors_that_lie_in_memory_another_way(tmp_path):
    channels_last = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    turned, part = torch.randn(3, 4).T, torch.randn(10)[::2]
    learned = torch.nn.Parameter(torch.randn(3))
    saved = {"a": channels_last, "b": turned, "c": part, "d": learned}
    files.save(tmp_path / "x", "model", saved)
    tensors, _ = files.load(tmp_path / "x", "model")
    for name, tensor in saved.items():
        assert_close(tensors[name], tensor.detach(), rtol=0, atol=0)
        assert not tensors[name].requires_grad


@pytest.mark.parametrize("at", range(0, 101, 4))
def test_a_truncated_file_is_a_clear_error(path, at):
    whole = path.read_bytes()
    path.write_bytes(whole[: min(len(whole) * at // 100, len(whole) - 1)])
    with pytest.raises(FileError, match=r"kept.safetensors is damaged"):
        files.load(path, "model")


def test_a_single_flipped_bit_is_noticed_wherever_it_is(tmp_path):
    """In the header, in its padding and in the payload: two bits of each byte."""
    path = tmp_path / "kept.safetensors"
    files.save(path, "model", {"weight": torch.arange(3.0), "count": torch.tensor(7)}, step=3)
    whole = path.read_bytes()
    for place in range(len(whole)):
        for bit in (place % 8, (place + 3) % 8):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << bit
            path.write_bytes(damaged)
            with pytest.raises(FileError, match=r"kept\.safetensors"):
                files.load(path, "model")


def test_refuses_a_file_of_another_kind(path):
    with pytest.raises(FileError, match="holds a model, but a run is needed"):
        files.load(path, "run")


def test_refuses_a_foreign_safetensors_file(tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "a", metadata={"format": "pt"})
    save_file({"a": torch.zeros(2)}, tmp_path / "b")
    for name in "ab":
        with pytest.raises(FileError, match="not one that this course wrote"):
            files.load(tmp_path / name, "model")


@pytest.mark.parametrize("header", ["", "[]", "{}", "3", json.dumps({"kind": "model"})])
def test_refuses_a_header_that_says_nothing(tmp_path, header):
    metadata = {"diffusion_lessons": header}
    save_file({"a": torch.zeros(2)}, tmp_path / "a", metadata=metadata)
    with pytest.raises(FileError, match="header cannot be read"):
        files.load(tmp_path / "a", "model")


def test_refuses_swapped_tensors(tmp_path):
    a, b = torch.zeros(2), torch.ones(2)
    files.save(tmp_path / "x", "model", {"a": a, "b": b})
    raw = (tmp_path / "x").read_bytes()
    (tmp_path / "x").write_bytes(raw[:-16] + raw[-8:] + raw[-16:-8])
    with pytest.raises(FileError, match="checksum does not match"):
        files.load(tmp_path / "x", "model")


class Bomb:
    def __reduce__(self):
        return (os.mkdir, (os.environ["BOMB_MARK"],))


@pytest.mark.parametrize("write", [lambda x, p: torch.save(x, p), None], ids=["torch", "pickle"])
def test_a_pickle_is_refused_without_being_loaded(tmp_path, monkeypatch, write):
    mark = tmp_path / "exploded"
    monkeypatch.setenv("BOMB_MARK", str(mark))
    path = tmp_path / "model.pt"
    if write is None:
        path.write_bytes(pickle.dumps(Bomb()))
    else:
        write({"a": Bomb()}, path)
    for kind in ("model", "run", "judge", "pictures"):
        with pytest.raises(FileError, match="damaged or not a safetensors file"):
            files.load(path, kind)
    assert not mark.exists()


def test_no_pickle_is_loaded_anywhere_in_the_package():
    for source in Path(diffusion_lessons.__file__).parent.glob("*.py"):
        text = source.read_text(encoding="utf-8")
        for word in ("torch.load(", "import pickle", "pickle.load", "joblib", "allow_pickle=True"):
            assert word not in text, f"{source.name} holds {word!r}"


def test_a_missing_file_is_a_missing_file(tmp_path):
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(FileNotFoundError, match="There is no file"):
            files.load(path, "model")


@pytest.mark.parametrize("function", ["fsync", "replace", "chmod"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EACCES, errno.EFBIG])
def test_a_failure_while_saving_leaves_the_old_file(path, monkeypatch, function, code):
    before = path.read_bytes()

    def fail(*args, **kwargs):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, function, fail)
    full = code in (errno.ENOSPC, errno.EDQUOT)
    why = "no room on the disk.*untouched" if full else "could not be written"
    with pytest.raises(FileError, match=why):
        files.save(path, "model", {"a": torch.ones(5)})
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_stop_while_saving_leaves_the_old_file(path, monkeypatch):
    before = path.read_bytes()

    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        files.save(path, "model", {"a": torch.ones(5)})
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


TOO_LARGE = """
import resource, sys, torch
from diffusion_lessons import files
files.save(sys.argv[1], "model", {"a": torch.zeros(10)}, step=1)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    files.save(sys.argv[1], "model", {"a": torch.zeros(100_000)}, step=2)
except files.FileError as error:
    print(error)
"""


@pytest.mark.slow
def test_the_system_really_refusing_the_bytes_is_a_clear_error(tmp_path):
    """Not simulated: the operating system cuts the file off in the middle of the write."""
    pytest.importorskip("resource")
    path = tmp_path / "kept.safetensors"
    root = Path(diffusion_lessons.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", TOO_LARGE, path],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(root)},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("kept.safetensors could not be written")
    assert done.stdout.count("\n") == 1
    assert files.load(path, "model")[1] == {"step": 1}
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_really_full_disk_is_a_clear_error(path, monkeypatch):
    """/dev/full answers every write like a full disk."""
    before = path.read_bytes()

    def on_a_full_disk(**place):
        partial = place["dir"] / "partial"
        partial.touch()
        return os.open("/dev/full", os.O_WRONLY), str(partial)

    monkeypatch.setattr(files.tempfile, "mkstemp", on_a_full_disk)
    with pytest.raises(FileError, match=r"no room on the disk for kept.safetensors \(0.0 MB\)"):
        files.save(path, "model", {"a": torch.ones(5)})
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_folder_that_cannot_be_one_is_a_clear_error(path):
    with pytest.raises(FileError, match="could not be written"):
        files.save(path / "below" / "a.safetensors", "model", TENSORS)


def test_what_killed_writers_left_behind_is_cleared_later(path):
    old, young = (path.parent / f".{path.name}.{x}.partial" for x in ("old", "young"))
    other = path.parent / ".other.old.partial"
    for leftover in (old, young, other):
        leftover.write_bytes(b"half")
    long_ago = time.time() - 100_000
    os.utime(old, (long_ago, long_ago))
    os.utime(other, (long_ago, long_ago))
    files.save(path, "model", TENSORS)
    assert not old.exists()
    assert young.exists(), "another process may still be writing it"
    assert other.exists(), "it belongs to another file"


def test_two_names_for_one_place_in_memory_are_kept_as_two(tmp_path):
    rows = torch.arange(6.0).reshape(2, 3)
    saved = {"a": rows, "b": rows, "part": rows[1:]}
    files.save(tmp_path / "x", "model", saved)
    tensors, _ = files.load(tmp_path / "x", "model")
    for name, tensor in saved.items():
        assert_close(tensors[name], tensor, rtol=0, atol=0)
