"""Figures: fixed scale, captions that reach everybody, and bytes that do not change."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from diffusion_lessons.course import figures


def test_pictures_are_shown_on_the_fixed_scale_and_clipped_never_rescaled():
    x = torch.tensor([-3.0, -1.0, 0.0, 1.0, 3.0]).reshape(1, 1, 5)
    shown = figures.as_image(x)
    np.testing.assert_allclose(shown[0, :, 0], [0, 0, 0.5, 1, 1])
    assert shown.shape == (1, 5, 3)
    faint = figures.as_image(torch.full((3, 2, 2), 0.1))
    np.testing.assert_allclose(faint, 0.55, atol=1e-6)


def test_whole_numbers_and_batches_of_one_are_pictures_too():
    pixels = np.array([[[0, 120, 255]]], dtype=np.uint8)
    np.testing.assert_allclose(figures.as_image(pixels), pixels / 255)
    assert figures.as_image(torch.zeros(1, 3, 4, 5)).shape == (4, 5, 3)
    assert figures.as_image(np.zeros((4, 5), dtype=np.uint8)).shape == (4, 5, 3)


@pytest.mark.parametrize("shape", [(2, 3, 4, 4), (5, 4, 4), (4,)])
def test_what_is_no_picture_is_refused_in_a_sentence(shape):
    with pytest.raises(ValueError, match="cannot be shown"):
        figures.as_image(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(3, 4, 4), (4, 4, 2), (4,), (1, 4, 4, 3)])
def test_whole_numbers_of_another_shape_are_refused_too(shape):
    with pytest.raises(ValueError, match="uint8 cannot be shown"):
        figures.as_image(np.zeros(shape, dtype=np.uint8))


def figure():
    return figures.pictures(
        [torch.zeros(3, 4, 4)] * 4, "What to  see.", columns=2, labels=["a", "b"]
    )


def test_a_figure_is_a_png_with_its_caption_as_alternative_text():
    data, metadata = figure()._repr_mimebundle_()
    assert metadata["image/png"]["alt"] == "What to see."
    assert data["text/plain"] == "Figure: What to see."
    assert Image.open(io.BytesIO(figure().png)).width > 200


def test_the_caption_is_shown_as_text_below_the_picture(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *a, **k: shown.append(a[0]))
    figure()._ipython_display_()
    assert [sorted(bundle) for bundle in shown] == [
        ["image/png", "text/plain"],
        ["text/markdown", "text/plain"],
    ]
    assert "What to see." in shown[1]["text/markdown"]


def test_the_same_figure_has_the_same_bytes():
    curves = {"signal": [1, 2, 3], "noise": [3, 2, 1]}
    one, two = (
        figures.lines([0, 1, 2], curves, "Two curves.", xlabel="t", ylabel="share")
        for _ in range(2)
    )
    assert one.png == two.png
    assert figure().png == figure().png


def test_curves_differ_in_colour_and_in_dash():
    canvas = figures.Canvas()
    axes = canvas.subplots()
    figures.draw_lines(axes, [0, 1], {f"curve {i}": [i, i] for i in range(5)}, {})
    looks = {(line.get_color(), line.get_linestyle(), line._dash_pattern[1] is None)
             for line in axes.lines}  # fmt: skip
    assert len(looks) == 5
    assert axes.get_legend() is not None
