"""Pictures to learn from, as plain tensors in [−1, 1]. Nothing is downloaded, ever.

Real photos come out of scikit-image and real digits out of scikit-learn, where they ship inside
the installed package; critters are drawn by code and cached; or take a folder of your own.
"""

from __future__ import annotations

import csv
import hashlib
import json
import struct
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import platformdirs
import torch
from PIL import Image, ImageOps
from torch import Tensor
from tqdm.auto import tqdm

from .. import files, guard
from . import drawing, words, world
from .world import ATTRIBUTES, HELD_OUT, INDEX, SPLITS, Pair, check_whole


def cache_folder(root: Path) -> Path:
    """Where drawn critters are kept: ``data`` of a checkout, else the user's cache folder.

    ``root`` is the folder that the package lies in, which is a checkout's if it has a
    ``pyproject.toml``.
    """
    if (root / "pyproject.toml").is_file():
        return root / "data"
    return platformdirs.user_cache_path("diffusion_lessons", appauthor=False)


CACHE_FOLDER = cache_folder(Path(__file__).resolve().parents[2])
PHOTOS = ("chelsea", "coffee", "astronaut", "rocket")
_PICTURE_ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"}
# A 40,000 × 40,000 picture would need 4.8 GB once it is unpacked.
_MOST_PIXELS = 100_000_000


def to_floats(pixels: np.ndarray) -> Tensor:
    """Pictures of 0 … 255 as floats in [−1, 1]: x = pixel / 127.5 − 1.

    uint8 (N, H, W, C), (H, W, C) or (H, W) becomes float32 (N, C, H, W), N = 1 for one picture.
    """
    pixels = np.asarray(pixels)
    if pixels.dtype != np.uint8:
        raise ValueError(
            f"pixels have dtype {pixels.dtype}, but whole numbers from 0 to 255 (uint8) are "
            "expected; floats in [−1, 1] need no change."
        )
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.ndim == 3:
        pixels = pixels[None]
    if pixels.ndim != 4:
        raise ValueError(f"pixels have shape {pixels.shape}, but (N, H, W, C) is expected.")
    # In place: of 20,000 pictures each further copy would be a quarter of a gigabyte.
    return torch.tensor(pixels).permute(0, 3, 1, 2).contiguous().float().div_(127.5).sub_(1)


def to_pixels(x: Tensor) -> np.ndarray:
    """Floats in [−1, 1] as pictures of 0 … 255: round(127.5 (x + 1)), clipped, never wrapped.

    float (N, C, H, W) or (C, H, W) becomes uint8 (N, H, W, C) or (H, W, C).
    """
    if not isinstance(x, Tensor) or not x.is_floating_point() or x.ndim not in (3, 4):
        raise ValueError("x must be floats of shape (N, C, H, W) or (C, H, W) in [−1, 1].")
    if x.isnan().any():
        raise ValueError("x holds NaN, which is no colour: check the step that made it.")
    # Clip before the cast: 260 as uint8 would wrap around to 4.
    pixels = ((x.detach().cpu().float() + 1) * 127.5).clamp(0, 255).round()
    return pixels.to(torch.uint8).movedim(-3, -1).numpy()


def photo(name: str = "chelsea", size: int | None = None) -> Tensor:
    """A real photo that ships inside scikit-image, float32 (1, 3, H, W) in [−1, 1].

    ``name`` is one of `PHOTOS` ("chelsea" is the cat). ``size`` cuts the middle square out and
    scales it to size × size; without it the photo is as it is (the cat: 300 × 451).
    """
    if name not in PHOTOS:
        raise ValueError(f"There is no photo {name!r}: choose one of {', '.join(PHOTOS)}.")
    from skimage import data as photos

    picture = Image.fromarray(getattr(photos, name)())
    return to_floats(np.asarray(_square(picture, size) if size is not None else picture))


def digits() -> tuple[Tensor, Tensor]:
    """1,797 handwritten digits out of scikit-learn: float32 (1797, 1, 8, 8) in [−1, 1], and which.

    The labels are int64 (1797,), 0 … 9. Source: Alpaydin and Kaynak 1998, UCI test set.
    """
    from sklearn.datasets import load_digits

    found = load_digits()
    pictures = torch.tensor(found.images, dtype=torch.float32)[:, None] / 8 - 1
    return pictures, torch.tensor(found.target, dtype=torch.int64)


class Drawn(NamedTuple):
    """Captioned pictures as they are drawn.

    ``pictures`` uint8 (n, size, size, 3); ``attributes`` int64 (n, 6), indices into
    `world.ATTRIBUTES`; ``captions`` list of n sentences.
    """

    pictures: np.ndarray
    attributes: np.ndarray
    captions: list[str]


def draw_dataset(
    n: int, size: int = 32, seed: int = 0, split: str = "train", held_out: Sequence[Pair] = HELD_OUT
) -> Drawn:
    """Draw n captioned pictures; picture i depends on (seed, split, held_out, i) only.

    Split "train" holds none of the ``held_out`` pairs and every subject equally often, "held_out"
    only pictures with at least one (each pair equally often), "all" anything. Raises ValueError
    for bad numbers, an unknown split, or held-out pairs that make no sense or leave no picture.
    """
    check_whole("n", n, 0)
    check_whole("seed", seed, 0)
    check_whole("size", size, 16, 512)
    held_out = world.checked_pairs(held_out)
    if split not in SPLITS:
        raise ValueError(f"There is no split {split!r}; take one of {', '.join(SPLITS)}.")
    if split == "held_out" and not held_out:
        raise ValueError('Split "held_out" needs at least one held-out pair, and there is none.')
    stream = hashlib.sha256(repr((split, held_out)).encode()).digest()
    entropy = [int(seed), int.from_bytes(stream[:8], "big")]

    pictures = np.empty((n, size, size, 3), dtype=np.uint8)
    rows = np.empty((n, len(ATTRIBUTES)), dtype=np.int64)
    captions = []
    for i in tqdm(range(n), desc="drawing critters", leave=False, disable=n < 4000):
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([*entropy, i])))
        a = world.choose_attributes(split, held_out, rng)
        captions.append(words.caption(a, rng))
        pictures[i] = drawing.render(a, size, rng)
        rows[i] = [INDEX[name][a[name]] for name in ATTRIBUTES]
    return Drawn(pictures, rows, captions)


def code_digest() -> str:
    """The SHA-256 of the files that draw: when one changes, older pictures are out of date."""
    paths = (world.__file__, words.__file__, drawing.__file__, __file__)
    return hashlib.sha256(b"".join(Path(path).read_bytes() for path in paths)).hexdigest()


class Critters(NamedTuple):
    """Captioned pictures, ready for training.

    ``x0`` float32 (n, 3, size, size) in [−1, 1]; ``cond`` int64 (n, 6), the numbers of all words
    that are true of the picture, which is what a network is told; ``attributes`` int64 (n, 6), the
    same as indices into `world.ATTRIBUTES`; ``captions`` list of n sentences; ``caption_ids``
    int64 (n, 6), the numbers of the words that the caption says (0: left open).
    """

    x0: Tensor
    cond: Tensor
    attributes: Tensor
    captions: list[str]
    caption_ids: Tensor


def load_critters(
    n: int = 20_000,
    size: int = 32,
    seed: int = 0,
    split: str = "train",
    held_out: Sequence[Pair] = HELD_OUT,
    folder: str | Path = CACHE_FOLDER,
) -> Critters:
    """n captioned critters, drawn on first use and cached in ``folder`` from then on.

    The cache is keyed by everything that the pictures depend on, the drawing code included, and
    carries a checksum: a damaged or outdated one is drawn again. All but ``folder`` is as in
    `draw_dataset`, errors too.
    """
    key = [n, size, seed, split, held_out, code_digest()]
    digest = hashlib.sha256(json.dumps(key, default=int).encode()).hexdigest()
    path = Path(folder) / f"critters-{split}-{n}-{size}-{seed}-{digest[:12]}.safetensors"
    drawn = None
    try:
        tensors, metadata = files.load(path, "pictures")
        if metadata == {"key": digest}:
            captions = bytes(tensors["captions"].numpy()).decode().split("\n") if n else []
            drawn = Drawn(tensors["pictures"].numpy(), tensors["attributes"].numpy(), captions)
    except (FileNotFoundError, files.FileError):
        pass
    if drawn is None:
        drawn = draw_dataset(n, size=size, seed=seed, split=split, held_out=held_out)
        tensors = {
            "pictures": torch.from_numpy(drawn.pictures),
            "attributes": torch.from_numpy(drawn.attributes),
            "captions": torch.tensor(list("\n".join(drawn.captions).encode()), dtype=torch.uint8),
        }
        try:
            files.save(path, "pictures", tensors, key=digest)
        except files.FileError as error:
            warnings.warn(f"The drawn pictures are not kept for next time. {error}", stacklevel=2)
    return as_tensors(drawn)


def as_tensors(drawn: Drawn) -> Critters:
    """Drawn critters, ready for training."""
    cond = _rows(words.word_ids(world.values(row)) for row in drawn.attributes)
    caption_ids = _rows(words.word_ids(words.named(caption)) for caption in drawn.captions)
    _, size, _, channels = drawn.pictures.shape
    x0 = to_floats(drawn.pictures) if len(cond) else torch.zeros(0, channels, size, size)
    return Critters(x0, cond, torch.from_numpy(drawn.attributes), drawn.captions, caption_ids)


def spell_out(
    caption_ids: Tensor, rng: np.random.Generator, held_out: Sequence[Pair] = HELD_OUT
) -> Tensor:
    """Rows of what captions say, int64 (n, L) → rows of all words, int64 (n, 6).

    What is left open is chosen at random, see `words.spell_out`.
    """
    return _rows(words.spell_out(row, rng, held_out=held_out) for row in caption_ids.tolist())


def _rows(ids: Iterable[list[int]]) -> Tensor:
    return torch.tensor(list(ids), dtype=torch.int64).reshape(-1, len(ATTRIBUTES))


def image_folder(path: str | Path, size: int = 32) -> Tensor:
    """Your own pictures: all of a folder, cut square and scaled, as one tensor.

    Returns float32 (N, 3, size, size), files in order of their names; photos are turned the way
    the camera was held. Files that cannot be read are left out with a warning that names them; a
    folder without any readable picture is an error, and so is a picture of more than 100 million
    pixels.
    """
    return to_floats(np.stack(list(_pictures_in(Path(path), size).values())))


def captioned_folder(path: str | Path, size: int = 32) -> tuple[Tensor, list[str]]:
    """Your own pictures as in `image_folder`, and what their ``captions.csv`` says of them.

    The table lies in that folder and has two columns, headed *file* and *caption*. A picture that
    it does not name has the caption "". A name without a picture, a table without those headings,
    and one that is no text are errors.
    """
    folder = Path(path)
    found = _pictures_in(folder, size)
    table = folder / "captions.csv"
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"{table.name} cannot be read ({error}): save it as a text file (CSV, UTF-8)."
        ) from None
    captions = {}
    for number, row in enumerate(rows, start=1):
        name, caption = row.get("file"), row.get("caption")
        if name is None or caption is None:
            raise ValueError(
                f"Row {number} of {table.name} has no file or no caption: the first line must be "
                "'file,caption', and each other line a name and what the picture shows."
            )
        if name not in found and not (folder / name).is_file():
            raise ValueError(
                f"Row {number} of {table.name} names {name!r}, which is not in the folder: correct "
                "the name, or take the row out."
            )
        captions[name] = caption
    pictures = to_floats(np.stack(list(found.values())))
    return pictures, [captions.get(name, "") for name in found]


def _pictures_in(folder: Path, size: int) -> dict[str, np.ndarray]:
    """Name of the file → its picture, uint8 (size, size, 3), in order of the names."""
    _check_size(size)
    try:
        if not folder.is_dir():
            raise ValueError(
                f"There is no folder {folder.name!r}: give the path of one with pictures."
            )
        names = sorted(p for p in folder.iterdir() if p.suffix.lower() in _PICTURE_ENDINGS)
    except OSError as error:
        raise ValueError(
            f"The folder {folder.name!r} cannot be read ({error.strerror or error}): choose one "
            "that you may open."
        ) from None
    pictures, unreadable = {}, []
    for name in names:
        try:
            pictures[name.name] = _read(name, size)
        except _TooLarge:
            raise ValueError(
                f"{name.name} has more than {_MOST_PIXELS // 1_000_000} million pixels: make it "
                "smaller first, or take it out of the folder."
            ) from None
        except (OSError, SyntaxError, ValueError, struct.error):  # all are Pillow's for damage
            unreadable.append(name.name)
    if not pictures:
        tried = f" ({len(unreadable)} could not be read)" if unreadable else ""
        raise ValueError(
            f"The folder {folder.name!r} holds no readable picture{tried}: put some .png or .jpg "
            "files in it."
        )
    if unreadable:
        warnings.warn(
            f"{len(unreadable)} files could not be read and are left out: "
            f"{', '.join(unreadable[:5])}{' …' if len(unreadable) > 5 else ''}.",
            stacklevel=3,
        )
    return pictures


class _TooLarge(Exception):
    pass


def _read(path: Path, size: int) -> np.ndarray:
    with warnings.catch_warnings():
        # Our own limit is checked before anything is unpacked.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            picture = Image.open(path)
        except Image.DecompressionBombError:
            raise _TooLarge from None
        with picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise _TooLarge
            upright = ImageOps.exif_transpose(picture)
            if upright.mode.startswith("I;16"):
                # Pillow would clip 0 … 65,535 at 255: nearly everything white.
                upright = Image.fromarray((np.asarray(upright) // 256).astype(np.uint8))
            # Transparent places become white, as on a page.
            rgba = upright.convert("RGBA")
            page = Image.new("RGBA", rgba.size, "white")
            return np.asarray(_square(Image.alpha_composite(page, rgba).convert("RGB"), size))


def _check_size(size: int) -> None:
    if not guard.whole(size, 1):
        raise ValueError(f"size is {size!r}, but it must be a whole number of pixels from 1 up.")


def _square(picture: Image.Image, size: int) -> Image.Image:
    _check_size(size)
    return ImageOps.fit(picture, (size, size), method=Image.Resampling.LANCZOS)
