"""Files that survive a power cut: atomic writes, checksums, safetensors out and in.

The only module that touches a checkpoint's bytes. Nothing here ever loads a pickle.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

_HEADER = "diffusion_lessons"
_STALE_SECONDS = 3600


class FileError(ValueError):
    """A file that is damaged, foreign, of the wrong kind, or that could not be written."""


def write_atomic(path: str | Path, content: bytes) -> None:
    """Write a file so that, whatever happens, the old or the new content is there, never half.

    The bytes go to a temporary neighbour first, are forced to the disk, and then take the place
    of ``path`` in one move. Raises `FileError` in one sentence when the disk is full or the folder
    cannot be written; the old file is untouched then.
    """
    path = Path(path)
    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(path)
        handle, partial = tempfile.mkstemp(
            prefix=f".{path.name}.", suffix=".partial", dir=path.parent
        )
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(partial, 0o644)
        os.replace(partial, path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise FileError(
                f"There is no room on the disk for {path.name} ({len(content) / 1e6:.1f} MB): free "
                "some space and save again; what was saved before is untouched."
            ) from error
        raise FileError(
            f"{path.name} could not be written ({error.strerror or error}): check that the folder "
            f"{path.parent.name or '.'} exists, may be written to and has room."
        ) from error
    finally:
        if partial is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(partial)


def _remove_stale(path: Path) -> None:
    """Clear what killed writers left behind; younger ones may belong to another process."""
    for partial in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        with contextlib.suppress(OSError):
            if time.time() - partial.stat().st_mtime > _STALE_SECONDS:
                partial.unlink()


def save(path: str | Path, kind: str, tensors: Mapping[str, Tensor], **metadata: Any) -> None:
    """Save tensors and JSON-able ``metadata`` as one safetensors file of a named ``kind``.

    ``kind`` says what the file is for ("model", "run", "judge", "pictures"); `load` refuses others.
    A checksum over names, dtypes, shapes and bytes is stored with them. Written atomically.
    """
    plain, seen = {}, set()
    for name, tensor in tensors.items():
        tensor = tensor.detach().cpu().contiguous()
        memory = tensor.untyped_storage().data_ptr()
        # safetensors refuses two names for one place in memory, as tied weights are.
        plain[name] = tensor.clone() if memory in seen else tensor
        seen.add(memory)
    header = {"kind": kind, "checksum": _checksum(plain, kind, metadata), "facts": metadata}
    write_atomic(path, to_bytes(plain, metadata={_HEADER: json.dumps(header, sort_keys=True)}))


def load(path: str | Path, kind: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Load a file that `save` wrote; returns its tensors and its metadata.

    Raises ``FileNotFoundError`` if there is none, and `FileError` in one sentence if it is
    damaged, was not written by this course, or is of another kind.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path.name} in the folder {path.parent.name}.")
    try:
        with safe_open(path, framework="pt") as file:
            header = (file.metadata() or {}).get(_HEADER)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise FileError(
            f"{path.name} is damaged or not a safetensors file ({error}): delete it and make it "
            "again, or take it from where it came."
        ) from None
    if header is None:
        raise FileError(
            f"{path.name} is a safetensors file, but not one that this course wrote: use a file "
            "saved by diffusion_lessons."
        )
    try:
        header = json.loads(header)
        found, checksum, metadata = header["kind"], header["checksum"], header["facts"]
    except (ValueError, KeyError, TypeError):
        raise FileError(
            f"{path.name} is damaged (its header cannot be read): make it again."
        ) from None
    if found != kind:
        raise FileError(f"{path.name} holds a {found}, but a {kind} is needed here.")
    if checksum != _checksum(tensors, kind, metadata):
        raise FileError(
            f"{path.name} is damaged (its checksum does not match): delete it and make it again, "
            "or take it from where it came."
        )
    return tensors, metadata


def _checksum(tensors: Mapping[str, Tensor], kind: str, metadata: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps([kind, metadata], sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
