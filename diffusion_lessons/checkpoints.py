"""Networks in files: small, checked, never a pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from . import files
from .unet import UNet

# The network that is shipped with the course, made by the command `train`.
SHIPPED = Path(__file__).resolve().parent / "weights" / "critters.safetensors"


def save(model: UNet, path: str | Path, **metadata: Any) -> None:
    """Save a network as a small *model* file: weights in float16, its make-up, and ``metadata``."""
    tensors = {name: tensor.half() for name, tensor in model.state_dict().items()}
    files.save(path, "model", tensors, config=model.config, **metadata)


def load(path: str | Path = SHIPPED) -> UNet:
    """Load a *model* file that `save` wrote, ready to draw (float32, in evaluation mode).

    Without a path: the network that is shipped with the course. Errors as in `load_with_metadata`.
    """
    return load_with_metadata(path)[0]


def load_with_metadata(path: str | Path = SHIPPED) -> tuple[UNet, dict[str, Any]]:
    """A network as in `load`, and what else its file says of it.

    Errors as in `files.load`, and `files.FileError` if the weights do not fit the make-up.
    """
    tensors, metadata = files.load(path, "model")
    try:
        model = UNet(**metadata["config"])
        model.load_state_dict(renamed({name: tensor.float() for name, tensor in tensors.items()}))
    except (KeyError, TypeError, RuntimeError) as error:
        raise files.FileError(
            f"{Path(path).name} does not fit this version of the course's network: train it again "
            f"({type(error).__name__})."
        ) from None
    return model.eval().requires_grad_(False), metadata


def renamed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights by the names of today: two layers were called otherwise in version 0.1."""
    former = {"enter": "conv_in", "leave": "conv_out"}
    parts = ((name.partition("."), tensor) for name, tensor in tensors.items())
    return {former.get(head, head) + dot + rest: x for (head, dot, rest), x in parts}
