"""Pictures: real ones without a network, drawn ones from the cache, and a folder of your own."""

import socket
import struct
import warnings
import zlib

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from diffusion_lessons import files, metrics
from diffusion_lessons.critters import datasets, world
from diffusion_lessons.critters.words import named, word_ids


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("name", datasets.PHOTOS)
def test_photos_come_without_a_network(no_network, name):
    x0 = datasets.photo(name)
    assert x0.dtype == torch.float32
    assert x0.shape[:2] == (1, 3)
    assert -1 <= x0.min() < -0.5 < 0.5 < x0.max() <= 1
    assert datasets.photo(name, size=32).shape == (1, 3, 32, 32)


def test_the_cat_is_the_cat():
    assert datasets.photo().shape == (1, 3, 300, 451)
    small = datasets.photo(size=64)
    # The middle square, not a squeezed picture.
    middle = datasets.photo()[..., 75:375]
    assert_close(small.mean((0, 2, 3)), middle.mean((0, 2, 3)), rtol=0, atol=0.01)
    for size in (0, -1, 2.5):
        with pytest.raises(ValueError, match="whole number of pixels"):
            datasets.photo(size=size)
    with pytest.raises(ValueError, match=r"no photo 'tiger'.*chelsea"):
        datasets.photo("tiger")


def test_digits_come_without_a_network(no_network):
    x0, labels = datasets.digits()
    assert (x0.dtype, labels.dtype) == (torch.float32, torch.int64)
    assert x0.shape == (1797, 1, 8, 8)
    assert (x0.min(), x0.max()) == (-1, 1)
    assert labels.bincount().min() > 170
    assert len(labels.bincount()) == 10


def test_all_256_values_survive_the_round_trip():
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    x = datasets.to_floats(pixels)
    assert x.dtype == torch.float32
    assert_close(x.flatten(), torch.linspace(-1, 1, 256), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(datasets.to_pixels(x), pixels)
    np.testing.assert_array_equal(datasets.to_pixels(x.half()), pixels)


def test_axes_go_where_they_belong():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), dtype=np.uint8)
    x = datasets.to_floats(pixels)
    assert x.shape == (2, 3, 4, 5)
    assert x[1, 2, 3, 4].item() == pytest.approx(pixels[1, 3, 4, 2] / 127.5 - 1, abs=1e-6)
    np.testing.assert_array_equal(datasets.to_pixels(x), pixels)
    np.testing.assert_array_equal(datasets.to_pixels(x[0]), pixels[0])
    assert_close(datasets.to_floats(pixels[0]), x[:1], rtol=0, atol=0)
    assert datasets.to_floats(pixels[0, :, :, 0]).shape == (1, 1, 4, 5)


def test_too_bright_is_white_and_too_dark_is_black():
    x = torch.tensor([-1e9, -1.2, -1.001, 1.001, 1.04, 1e9, float("inf"), -float("inf")])
    pixels = datasets.to_pixels(x.reshape(1, 1, 8))
    assert pixels.flatten().tolist() == [0, 0, 0, 255, 255, 255, 255, 0]
    assert pixels.dtype == np.uint8


def test_rounds_to_the_nearest_value():
    values = torch.tensor([3.4, 3.6, 100.49, 100.51])
    assert datasets.to_pixels((values / 127.5 - 1).reshape(1, 2, 2)).flatten().tolist() == [
        3,
        4,
        100,
        101,
    ]


@pytest.mark.parametrize(
    ("pixels", "why"),
    [
        (np.zeros((2, 2)), "dtype float64"),
        (np.zeros((2, 2), dtype=np.int64), "dtype int64"),
        (np.zeros(4, dtype=np.uint8), "shape"),
        (np.zeros((1, 1, 2, 2, 3), dtype=np.uint8), "shape"),
    ],
)
def test_what_is_no_picture_is_a_clear_error(pixels, why):
    with pytest.raises(ValueError, match=why):
        datasets.to_floats(pixels)
    with pytest.raises(ValueError, match="must be floats"):
        datasets.to_pixels(torch.tensor(pixels).to(torch.uint8))


def stripes(width=60, height=40):
    """Red on the left, blue on the right, so that turning and cutting can be seen."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[:, : width // 2, 0] = 255
    pixels[:, width // 2 :, 2] = 255
    return Image.fromarray(pixels)


def test_a_folder_of_your_own(tmp_path):
    stripes().save(tmp_path / "b.png")
    stripes().rotate(180).save(tmp_path / "a.jpg", quality=95)
    stripes(3, 500).save(tmp_path / "c.GIF")
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    with pytest.warns(UserWarning, match=r"1 files could not be read and are left out: folder.png"):
        x0 = datasets.image_folder(tmp_path, size=16)
    assert (x0.shape, x0.dtype) == ((3, 3, 16, 16), torch.float32)
    assert -1 <= x0.min() <= x0.max() <= 1
    assert_close(x0[1, :, 8, 2], torch.tensor([1.0, -1, -1]), rtol=0, atol=0.02)  # b: red left
    assert_close(x0[0, :, 8, 2], torch.tensor([-1.0, -1, 1]), rtol=0, atol=0.1)  # a: turned


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "RGBA", "CMYK", "F"])
def test_every_kind_of_picture_becomes_rgb(tmp_path, mode):
    gray = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None], 64, 0)
    if mode == "I;16":
        picture = Image.fromarray(gray.astype(np.uint16) * 257)
    elif mode == "F":
        picture = Image.fromarray(gray.astype(np.float32))
    else:
        picture = Image.fromarray(gray).convert("RGB").convert(mode)
    picture.save(tmp_path / ("a.tif" if mode in ("CMYK", "F") else "a.png"))
    (x0,) = datasets.image_folder(tmp_path, size=16)
    expected = torch.linspace(-0.95, 0.95, 16).expand(3, 16, 16)
    assert_close(x0.mean(1), expected.mean(1), rtol=0, atol=0.15 if mode in ("1", "P") else 0.05)


def test_transparent_places_are_white(tmp_path):
    picture = stripes().convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize((60, 40)).point(lambda v: 255 * (v > 128)))
    picture.save(tmp_path / "a.png")
    palette = Image.new("P", (40, 40), 1)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    palette.save(tmp_path / "b.png", transparency=1)
    x0 = datasets.image_folder(tmp_path, size=8)
    assert_close(x0[0, :, 0], torch.ones(3, 8))
    assert_close(x0[0, :, 7, 0], torch.tensor([1.0, -1, -1]))
    assert_close(x0[1], torch.ones(3, 8, 8))


def test_photos_are_turned_the_way_the_camera_was_held(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the left of what is stored belongs at the top
    stripes().save(tmp_path / "a.jpg", exif=exif, quality=95)
    (x0,) = datasets.image_folder(tmp_path, size=16)
    assert_close(x0[:, 1, 8], torch.tensor([1.0, -1, -1]), rtol=0, atol=0.1)
    assert_close(x0[:, 14, 8], torch.tensor([-1.0, -1, 1]), rtol=0, atol=0.1)


def test_an_empty_or_missing_folder_is_a_clear_error(tmp_path):
    with pytest.raises(ValueError, match="holds no readable picture: put some"):
        datasets.image_folder(tmp_path)
    with pytest.raises(ValueError, match="no folder 'nowhere'"):
        datasets.image_folder(tmp_path / "nowhere")
    stripes().save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"no folder 'a.png'"):
        datasets.image_folder(tmp_path / "a.png")
    for size in (0, -1, 2.5):
        with pytest.raises(ValueError, match="whole number of pixels"):
            datasets.image_folder(tmp_path, size=size)


def test_unreadable_files_are_named_and_left_out(tmp_path):
    stripes().save(tmp_path / "good.png")
    whole = (tmp_path / "good.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "words.webp").write_text("I am no picture")
    with pytest.warns(UserWarning, match=r"3 files .* cut.png, empty.jpg, words.webp\."):
        assert datasets.image_folder(tmp_path, size=8).shape == (1, 3, 8, 8)
    (tmp_path / "good.png").unlink()
    with pytest.raises(ValueError, match=r"no readable picture \(3 could not be read\)"):
        datasets.image_folder(tmp_path)


def png(width, height):
    """A whole black-and-white PNG of any size, written without ever holding it in memory."""

    def chunk(name, content):
        body = name + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    squeeze = zlib.compressobj(1)
    row = bytes(1 + (width + 7) // 8)
    packed = b"".join(squeeze.compress(row) for _ in range(height)) + squeeze.flush()
    start = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + start + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(40_000, 40_000), (11_000, 10_000)])
def test_a_giant_picture_is_refused_before_it_is_unpacked(tmp_path, monkeypatch, width, height):
    stripes().save(tmp_path / "z.png")
    (tmp_path / "a.png").write_bytes(png(width, height))

    def unpacked(*args):
        raise AssertionError("the picture was unpacked")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", unpacked)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=r"a.png has more than 100 million pixels"):
            datasets.image_folder(tmp_path)


def drawn_times(monkeypatch):
    """Counts how often pictures are really drawn."""
    draw, calls = datasets.draw_dataset, []

    def dataset(*args, **kwargs):
        calls.append(1)
        return draw(*args, **kwargs)

    monkeypatch.setattr(datasets, "draw_dataset", dataset)
    return calls


def same(a, b):
    assert_close(a.x0, b.x0, rtol=0, atol=0)
    assert_close(a.cond, b.cond, rtol=0, atol=0)
    assert_close(a.said, b.said, rtol=0, atol=0)
    assert_close(a.attributes, b.attributes, rtol=0, atol=0)
    assert a.captions == b.captions


def test_critters_are_drawn_once_and_are_what_the_drawing_code_draws(tmp_path, monkeypatch):
    calls = drawn_times(monkeypatch)
    first = datasets.load_critters(12, seed=3, folder=tmp_path)
    again = datasets.load_critters(12, seed=3, folder=tmp_path)
    assert len(calls) == 1
    assert len(list(tmp_path.iterdir())) == 1
    same(first, again)
    drawn = datasets.draw_dataset(12, seed=3)
    np.testing.assert_array_equal(datasets.to_pixels(first.x0), drawn.pictures)
    np.testing.assert_array_equal(first.attributes.numpy(), drawn.attributes)
    assert first.captions == list(drawn.captions)
    assert (first.x0.shape, first.x0.dtype) == ((12, 3, 32, 32), torch.float32)
    assert (first.cond.shape, first.cond.dtype) == (first.attributes.shape, torch.int64)
    assert -1 <= first.x0.min() < first.x0.max() <= 1


def test_the_words_of_a_critter_are_those_of_its_caption(tmp_path):
    found = datasets.load_critters(40, folder=tmp_path)
    for row, caption in zip(found.said.tolist(), found.captions, strict=True):
        assert row == list(word_ids(named(caption)))
        assert sum(number > 0 for number in row) == len(named(caption))
    for row, attributes in zip(found.cond.tolist(), found.attributes.tolist(), strict=True):
        assert row == word_ids(world.values(attributes))
    assert ((found.said == found.cond) | (found.said == 0)).all()


def test_spelled_out_words_keep_what_is_said(tmp_path):
    said = datasets.load_critters(40, folder=tmp_path).said
    rows = datasets.spell_out(said, np.random.default_rng(0))
    assert (rows.shape, rows.dtype) == (said.shape, torch.int64)
    assert ((rows == said) | (said == 0)).all() and (rows > 0).sum() > (said > 0).sum()
    assert datasets.spell_out(said[:0], np.random.default_rng(0)).shape == (0, said.shape[1])


def test_each_setting_has_its_own_cache(tmp_path, monkeypatch):
    calls = drawn_times(monkeypatch)
    cat = ((("subject", "cat"), ("hat", "top hat")),)
    settings = [
        {"n": 5},
        {"n": 6},
        {"n": 5, "seed": 1},
        {"n": 5, "size": 48},
        {"n": 5, "split": "held_out"},
        {"n": 5, "split": "all"},
        {"n": 5, "held_out": cat},
    ]
    for _ in range(2):
        for setting in settings:
            found = datasets.load_critters(**setting, folder=tmp_path)
            assert len(found.x0) == len(found.captions) == setting["n"]
    assert len(calls) == len(settings)


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "foreign"])
def test_a_damaged_cache_is_drawn_again(tmp_path, monkeypatch, damage):
    calls = drawn_times(monkeypatch)
    first = datasets.load_critters(4, folder=tmp_path)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    path.write_bytes(
        {"cut": whole[:middle], "flip": flipped, "empty": b"", "foreign": b"x" * 100}[damage]
    )
    same(first, datasets.load_critters(4, folder=tmp_path))
    assert len(calls) == 2
    assert path.read_bytes() == whole


def test_changed_drawing_code_draws_again(tmp_path, monkeypatch):
    calls = drawn_times(monkeypatch)
    datasets.load_critters(4, folder=tmp_path)
    monkeypatch.setattr(datasets, "code_digest", lambda: "another drawing")
    datasets.load_critters(4, folder=tmp_path)
    assert len(calls) == 2


def test_no_room_for_the_cache_is_a_warning_and_the_pictures_are_there(tmp_path, monkeypatch):
    def full(*args, **facts):
        raise files.FileError("There is no room on the disk.")

    monkeypatch.setattr(files, "save", full)
    with pytest.warns(UserWarning, match=r"not kept for next time\. There is no room"):
        assert len(datasets.load_critters(3, folder=tmp_path).x0) == 3


def test_no_critters_are_no_critters(tmp_path):
    for _ in range(2):
        found = datasets.load_critters(0, folder=tmp_path)
        assert found.x0.shape == (0, 3, 32, 32)
        assert found.cond.shape == found.attributes.shape == (0, len(world.ATTRIBUTES))
        assert found.captions == []


def test_power_spectrum_of_known_pictures():
    white = torch.randn(64, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    k, power = metrics.power_spectrum(3 * white)
    assert k.tolist() == list(range(1, 17))
    assert_close(power, torch.full((16,), 9.0, dtype=torch.float64), rtol=0.1, atol=0)
    wave = torch.cos(2 * torch.pi * 5 * torch.arange(32) / 32).expand(32, 32)
    _, power = metrics.power_spectrum(wave)
    assert power.argmax() == 4
    assert power.sum() - power[4] < 1e-9 * power[4]


def test_nan_is_no_colour():
    x = torch.zeros(1, 3, 2, 2)
    x[0, 1, 1, 1] = torch.nan
    with pytest.raises(ValueError, match="x holds NaN"):
        datasets.to_pixels(x)


def test_a_folder_that_may_not_be_opened_is_a_clear_error(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(datasets.Path, "iterdir", refuse)
    with pytest.raises(ValueError, match=r"cannot be read \(Permission denied\)"):
        datasets.image_folder(tmp_path)


def test_a_photo_whose_exif_is_damaged_is_named_and_left_out(tmp_path, monkeypatch):
    """Pillow raises struct.error when it writes back an Exif entry of the wrong type."""
    stripes().save(tmp_path / "a.png")
    stripes().save(tmp_path / "b.png")
    turn = datasets.ImageOps.exif_transpose

    def transpose(picture):
        if picture.filename.endswith("b.png"):
            struct.pack("L", "6")
        return turn(picture)

    monkeypatch.setattr(datasets.ImageOps, "exif_transpose", transpose)
    with pytest.warns(UserWarning, match=r"1 files .* left out: b\.png"):
        assert len(datasets.image_folder(tmp_path, size=8)) == 1


def test_the_size_of_pictures_may_come_out_of_numpy():
    assert datasets.photo(size=np.int64(16)).shape == (1, 3, 16, 16)
    with pytest.raises(ValueError, match="whole number of pixels"):
        datasets.photo(size=True)


def test_numbers_out_of_numpy_find_the_same_cache(tmp_path, monkeypatch):
    calls = drawn_times(monkeypatch)
    first = datasets.load_critters(4, size=16, seed=2, folder=tmp_path)
    again = datasets.load_critters(
        np.int64(4), size=np.int64(16), seed=np.int32(2), folder=tmp_path
    )
    same(first, again)
    assert len(calls) == 1
