"""Networks in files: small, checked, never a pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import files
from .unet import UNet

# The network that is shipped with the course, made by the command `train`.
SHIPPED = Path(__file__).resolve().parent / "weights" / "critters.safetensors"


def save(model: UNet, path: str | Path, **facts: Any) -> None:
    """Save a network as a small *model* file: weights in float16, its make-up, and ``facts``."""
    tensors = {name: tensor.half() for name, tensor in model.state_dict().items()}
    files.save(path, "model", tensors, config=model.config, **facts)


def load(path: str | Path = SHIPPED) -> UNet:
    """Load a *model* file that `save` wrote, ready to draw (float32, in evaluation mode).

    Without a path: the network that is shipped with the course.

    Errors as in `files.load`, and `files.FileError` if the weights do not fit the make-up.
    """
    tensors, facts = files.load(path, "model")
    try:
        model = UNet(**facts["config"])
        model.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except (KeyError, TypeError, RuntimeError) as error:
        raise files.FileError(
            f"{Path(path).name} does not fit this version of the course's network: train it again "
            f"({type(error).__name__})."
        ) from None
    return model.eval().requires_grad_(False)
