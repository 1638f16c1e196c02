"""The description of a network for the drawing page: complete, or a clear refusal."""

import json

import export_page
import pytest
import torch
from torch import nn

from diffusion_lessons import checkpoints
from diffusion_lessons.unet import UNet, count_weights


def network(**make_up):
    return UNet(**{"widths": (8, 16), "vocabulary": 27} | make_up)


def test_every_weight_is_described_once():
    for make_up in ({}, {"widths": (4, 8, 12)}, {"attention": False}):
        model = network(**make_up)
        described = export_page.Description(model)
        written = json.loads(json.dumps(described.as_json()))
        names = [name for name, _ in written["tensors"]]
        assert sorted(names) == sorted(name for name, _ in model.named_parameters())
        assert sum(count for _, count in written["tensors"]) == count_weights(model)
        assert len(described.weights()) == 2 * count_weights(model)


def test_what_the_engine_does_not_know_is_refused():
    odd = network()
    odd.attention = nn.Dropout(0.1)
    with pytest.raises(ValueError, match="does not know Dropout \\(layer attention\\)"):
        export_page.Description(odd)
    dilated = network()
    dilated.conv_in = nn.Conv2d(12, 8, 3, padding=1, dilation=2)
    with pytest.raises(ValueError, match="expects dilation"):
        export_page.Description(dilated)
    groups = network()
    groups.conv_out[0] = nn.GroupNorm(4, 8)
    with pytest.raises(ValueError, match=r"expects num_groups = 1 .* conv_out\.0 has 4"):
        export_page.Description(groups)
    bend = network()
    bend.time[1] = nn.ReLU()
    with pytest.raises(ValueError, match="does not know ReLU"):
        export_page.Description(bend)


@pytest.mark.parametrize(
    "make_up,says",
    [
        ({"widths": (6, 16)}, "multiples of four"),
        ({"target": "eps"}, "predicts v"),
        ({"vocabulary": 0}, "has words"),
        ({"uses_time": False}, "knows t"),
        ({"channels": 1}, "three colours"),
        ({"widths": (8, 8, 8, 8, 8)}, "2 × 2 places"),
    ],
)
def test_networks_that_the_page_cannot_use_are_refused(make_up, says):
    with pytest.raises(ValueError, match=says):
        export_page.Description(network(**make_up))


def test_other_words_are_refused(tmp_path):
    checkpoints.save(network(vocabulary=3), tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="the words of the course"):
        export_page.parts(tmp_path / "other.safetensors")


def test_the_page_is_one_file_below_its_limit(tmp_path, capsys):
    assert export_page.main(["--out", str(tmp_path / "draw.html")]) == 0
    text = (tmp_path / "draw.html").read_text(encoding="utf-8")
    assert len(text.encode()) <= export_page.LARGEST and "{{" not in text.split("<script")[0]
    assert "one file" in capsys.readouterr().out
    assert export_page.main(["--model", str(tmp_path / "none.safetensors")]) == 1
    assert "There is no file" in capsys.readouterr().err


def test_a_weight_is_kept_as_it_is_shipped():
    model = checkpoints.load()
    described = export_page.Description(model)
    flat = torch.frombuffer(bytearray(described.weights()), dtype=torch.float16)
    first, count = described.as_json()["tensors"][0]
    expected = dict(model.named_parameters())[first].T.flatten()
    torch.testing.assert_close(flat[:count].float(), expected, rtol=0, atol=0)
