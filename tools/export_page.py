"""Writes build/draw.html: a page that draws, in one file, with no Python, server or network.

python tools/export_page.py               from the shipped network
python tools/export_page.py --model FILE  from another one that knows the course's words
python tools/export_page.py --kernels     builds tools/page/kernels.wasm first (needs ziglang)
"""

from __future__ import annotations

import argparse
import base64
import html
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from diffusion_lessons import checkpoints, files, schedules
from diffusion_lessons.course import interactive
from diffusion_lessons.critters import generate, prompts, world
from diffusion_lessons.critters.words import MENTION_PROBABILITY
from diffusion_lessons.unet import Attention, Block, UNet

ROOT = Path(__file__).resolve().parents[1]
PARTS = Path(__file__).resolve().parent / "page"
WORKER = ("kernels.js", "engine.js", "random.js", "words.js", "artist.js")
WISH = "a cat wearing sunglasses"
# Words, seed and guidance of the pictures that a browser must get right; eight steps are enough.
CHECKED = ((WISH, 0, 2.5), ("a blue frog at night", 1, 1.0), ("", 2, 5.0))
CHECK_STEPS = 8
SIDE = 32
LARGEST = 8_000_000  # bytes of the page
COMPILE = (
    "cc --target=wasm32-freestanding -mcpu=baseline+simd128 -O3 -ffast-math -nostdlib -s "
    "-Wl,--no-entry -Wl,--export=__heap_base -Wl,-z,stack-size=16384"
)


class Description:
    """A network as a list of operations on numbered buffers, for tools/page/engine.js.

    Weights are kept in the order in which the kernels read them: of a linear layer [in][out], of a
    convolution [out / 4][in, dy, dx][out % 4]. What the engine does not
    know is a `ValueError`: a network with other layers needs other kernels, not a wrong picture.
    """

    def __init__(self, model: UNet) -> None:
        self.operations: list[dict[str, Any]] = []
        self.tensors: list[tuple[str, Tensor]] = []
        self.buffers: list[int] = []
        self.room = self.panel = self.widest = 0
        self.smallest = SIDE
        self.names = {module: name for name, module in model.named_modules()}
        self._network(model)

    def as_json(self) -> dict[str, Any]:
        """What the engine reads, but for the weights."""
        places = self.smallest**2
        return {
            "side": SIDE,
            "channels": 3,
            "unit": int(np.lcm(8, places) // places),  # the kernels work on eight places at a time
            "operations": self.operations,
            "tensors": [[name, tensor.numel()] for name, tensor in self.tensors],
            "buffers": self.buffers,
            "room": self.room,
            "panel": self.panel,
            "widest": self.widest,
        }

    def weights(self) -> bytes:
        """All weights as float16, one after the other."""
        flat = torch.cat([tensor.detach().flatten() for _, tensor in self.tensors])
        return flat.half().numpy().astype("<f2").tobytes()

    def _buffer(self, count: int) -> int:
        self.buffers.append(count)
        return len(self.buffers) - 1

    def _weight(self, name: str, tensor: Tensor) -> str:
        self.tensors.append((name, tensor))
        return name

    def _do(self, what: str, **how: Any) -> None:
        self.operations.append({"do": what, **how})

    def _known(self, module: nn.Module, kind: type, **expected: Any) -> str:
        """The module's name, once it is sure that the engine knows how it works."""
        name = self.names[module]
        if type(module) is not kind:
            raise ValueError(
                f"The page's engine does not know {type(module).__name__} (layer {name}): teach it "
                "in tools/page, or export a network of the course's own layers."
            )
        for key, value in expected.items():
            if getattr(module, key) != value:
                raise ValueError(
                    f"The page's engine expects {key} = {value} of {kind.__name__}, but layer "
                    f"{name} has {getattr(module, key)}."
                )
        return name

    def _linear(self, module: nn.Module, source: int) -> int:
        name = self._known(module, nn.Linear)
        ins, outs = module.in_features, module.out_features
        to = self._buffer(outs)
        self._multiple_of_four(name, outs)
        self._do(
            "linear", to=to, ins=ins, outs=outs, **{"from": source},
            weight=self._weight(f"{name}.weight", module.weight.T),
            bias=self._weight(f"{name}.bias", module.bias),
        )  # fmt: skip
        return to

    def _conv(self, module: nn.Module, source: int, side: int) -> int:
        kernel, stride = module.kernel_size[0], module.stride[0]
        name = self._known(
            module, nn.Conv2d, kernel_size=(kernel, kernel), stride=(stride, stride),
            padding=(kernel // 2, kernel // 2), dilation=(1, 1), groups=1, padding_mode="zeros",
        )  # fmt: skip
        ins, outs, places = module.in_channels, module.out_channels, (side // stride) ** 2
        self._multiple_of_four(name, outs)
        to = self._buffer(outs * places)
        self._make_room(ins, side, kernel)
        self._do(
            "conv", to=to, ins=ins, outs=outs, side=side, kernel=kernel, stride=stride,
            weight=self._weight(f"{name}.weight", _by_fours(module.weight)),
            bias=self._weight(f"{name}.bias", module.bias), **{"from": source},
        )  # fmt: skip
        return to

    def _make_room(self, ins: int, side: int, kernel: int) -> None:
        """For the pictures with their border, and for what eight places see."""
        self.room = max(self.room, ins * (side + 2) ** 2)
        self.panel = max(self.panel, 8 * ins * kernel**2)

    def _silu(self, source: int) -> None:
        self._do("silu", to=source, count=self.buffers[source], **{"from": source})

    def _norm(self, module: nn.Module, source: int, side: int, **asked: int) -> int:
        name = self._known(module, nn.GroupNorm, num_groups=1, eps=1e-5, affine=True)
        to = self._buffer(self.buffers[source])
        self.widest = max(self.widest, module.num_channels)
        self._do(
            "norm", to=to, channels=module.num_channels, places=side**2,
            weight=self._weight(f"{name}.weight", module.weight),
            bias=self._weight(f"{name}.bias", module.bias), **{"from": source}, **asked,
        )  # fmt: skip
        return to

    def _add(self, source: int, to: int) -> None:
        self._do("add", to=to, count=self.buffers[to], **{"from": source})

    def _multiple_of_four(self, name: str, outs: int) -> None:
        if outs % 4:
            raise ValueError(
                f"The page's engine works on four numbers at a time, but layer {name} has {outs} "
                "channels: train a network whose widths are multiples of four."
            )

    def _block(self, module: nn.Module, h: int, context: int, side: int) -> int:
        self._known(module, Block)
        width = module.conv1.out_channels
        asked = self._linear(module.modulate, context)
        inner = self._norm(module.norm1, h, side, by=asked, at=0, width=4 * width)
        self._silu(inner)
        inner = self._conv(module.conv1, inner, side)
        inner = self._norm(module.norm2, inner, side, by=asked, at=2 * width, width=4 * width)
        self._silu(inner)
        inner = self._conv(module.conv2, inner, side)
        self._add(h, inner)
        return inner

    def _attention(self, module: nn.Module, h: int, side: int) -> int:
        if type(module) is nn.Identity:
            return h
        self._known(module, Attention)
        width = module.out.in_features
        inner = self._norm(module.norm, h, side)
        asked = self._as_conv(module.query_key_value, inner, side)
        seen = self._buffer(width * side**2)
        self._do(
            "attend", to=seen, width=width, heads=module.heads, places=side**2, **{"from": asked}
        )
        self.room = max(self.room, side**4)
        out = self._as_conv(module.out, seen, side)
        self._add(h, out)
        return out

    def _as_conv(self, module: nn.Module, source: int, side: int) -> int:
        """A linear layer that is applied at every place: a convolution of one place."""
        name = self._known(module, nn.Linear)
        to = self._buffer(module.out_features * side**2)
        self._make_room(module.in_features, side, 1)
        self._do(
            "conv", to=to, ins=module.in_features, outs=module.out_features, side=side, kernel=1,
            stride=1, weight=self._weight(f"{name}.weight", _by_fours(module.weight)),
            bias=self._weight(f"{name}.bias", module.bias), **{"from": source},
        )  # fmt: skip
        return to

    def _network(self, model: UNet) -> None:
        """The same steps in the same order as `unet.UNet.forward`."""
        if type(model) is not UNet or model.config["channels"] != 3:
            raise ValueError("The page draws with a models.UNet of three colours only.")
        if model.target != "v" or not model.uses_time or not model.vocabulary:
            raise ValueError(
                "The page draws with a network that predicts v, knows t, and has words: train one "
                "with the command train."
            )
        t = self._buffer(64)
        self._do("time", to=t, width=64)
        first, bend, last = model.time
        h = self._linear(first, t)
        self._known(bend, nn.SiLU)
        self._silu(h)
        context = self._linear(last, h)
        self._silu(context)
        self._do(
            "words", to=context, width=model.words.embedding_dim,
            weight=self._weight("words.weight", model.words.weight),
        )  # fmt: skip

        side = SIDE // 2
        h = self._buffer(12 * side**2)
        self._do("fold", to=h)
        h = self._conv(model.conv_in, h, side)
        skips = []
        for i, block in enumerate(model.down_blocks):
            h = self._block(block, h, context, side)
            if i < len(model.down):
                skips.append(h)
                h = self._conv(model.down[i], h, side)
                side //= 2
        self.smallest = side
        if side < 2:
            raise ValueError(
                "The page's engine needs at least 2 × 2 places at the bottom: use fewer widths."
            )
        h = self._attention(model.attention, h, side)
        for i in reversed(range(len(model.up_blocks))):
            h = self._block(model.up_blocks[i], h, context, side)
            if i > 0:
                h = self._unfold(self._conv(model.up[i - 1], h, side), side)
                side *= 2
                self._add(skips[i - 1], h)
        norm, bend, last = model.conv_out
        h = self._norm(norm, h, side)
        self._known(bend, nn.SiLU)
        self._silu(h)
        h = self._unfold(self._conv(last, h, side), side)
        self._do("answer", **{"from": h})

    def _unfold(self, source: int, side: int) -> int:
        to = self._buffer(self.buffers[source])
        channels = self.buffers[source] // (4 * side**2)
        self._do("unfold", to=to, channels=channels, side=side, **{"from": source})
        return to


def _by_fours(weight: Tensor) -> Tensor:
    """(out, in, …) as [out / 4][in, …][out % 4]."""
    return weight.reshape(len(weight) // 4, 4, -1).transpose(1, 2)


def parts(path: Path) -> dict[str, Any]:
    """All that the worker needs to draw as the package does, ready for JSON."""
    model = checkpoints.load(path)
    _, metadata = files.load(path, "model")
    described = Description(model)
    if model.vocabulary != len(world.VOCABULARY):
        raise ValueError("The page draws with a network that knows the words of the course only.")
    schedule = schedules.cosine()
    held_out = generate.held_out(metadata)
    return {
        "description": described.as_json(),
        # Not packed: that would make them a fourteenth smaller, and their reading dearer.
        "weights": base64.b64encode(described.weights()).decode(),
        "wasm": base64.b64encode((PARTS / "kernels.wasm").read_bytes()).decode(),
        "tables": prompts.tables(),
        "world": {
            "attributes": world.ATTRIBUTES,
            "impossible": world.IMPOSSIBLE,
            "held_out": held_out,
            "mention_probability": MENTION_PROBABILITY,
            "vocabulary": world.VOCABULARY,
            "alpha_bar": schedule.alpha_bar.tolist(),
            "guided_between": generate.GUIDED_BETWEEN,
        },
        "checks": [_known_picture(model, held_out, *prompt) for prompt in CHECKED],
    }


def _known_picture(
    model: UNet, held_out: Sequence[world.Pair], text: str, seed: int, guidance: float
) -> dict[str, Any]:
    """A prompt and its picture in ten-thousandths, for the page's self-check."""
    rows = generate.sample_conditions(prompts.parse(text), 1, seed, held_out)
    x_T = generate.initial_noise(1, seed)
    *_, last = generate.trajectory(model, rows, x_T, guidance=guidance, steps=CHECK_STEPS)
    numbers = (last.x_t * 10_000).round().clamp(-32_767, 32_767).short().numpy().astype("<i2")
    return {
        "text": text, "seed": seed, "guidance": guidance, "steps": CHECK_STEPS,
        "numbers": base64.b64encode(numbers.tobytes()).decode(),
    }  # fmt: skip


def worker() -> str:
    """The worker as one classic script: a page opened from a file can start no other kind."""
    found = [(PARTS / name).read_text(encoding="utf-8") for name in WORKER]
    text = "\n".join(found)
    text = re.sub(r"^import .*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^export (?=async|function)", "", text, flags=re.MULTILINE)
    return f"{text}\nlisten(self);\n"


def given(path: Path, **config: Any) -> dict[str, Any]:
    """What tools/page/host.js needs to put a prompt box into a page."""
    steps = generate.STEPS
    start = {"text": WISH, "seed": 0, "guidance": generate.GUIDANCE}
    times = schedules.cosine().timesteps(steps).tolist()
    return {
        "parts": parts(path),
        "workerText": worker(),
        "figureText": interactive.module("prompt"),
        "config": {
            "size": SIDE,
            "steps": steps,
            "start": start,
            "t": times,
            "busy": "This device is still at work: drawing begins soon.",
            **config,
        },
    }


def page(path: Path) -> str:
    """The whole page."""
    known = world.ATTRIBUTES
    phrases = [
        f"{prompts.listed(known['subject'][1:], 'or')}, or nobody;",
        f"{prompts.listed(known['color'][1:], 'or')}; with sunglasses, a top hat or a party hat,",
        f"a skateboard; {prompts.listed(known['place'], 'or')}.",
    ]
    _, metadata = files.load(path, "model")
    found = {
        "css": (PARTS / "page.css").read_text(encoding="utf-8") + interactive.style(),
        "host": (PARTS / "host.js").read_text(encoding="utf-8"),
        "given": as_script(given(path, count=1, counts=[1, 8], most_steps=60)),
        "known": html.escape(" ".join(phrases)).capitalize(),
        "trained": _trained(metadata),
        "steps": str(generate.STEPS),
    }
    text = (PARTS / "draw.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda match: found[match[1]], text)


def _trained(metadata: dict[str, Any]) -> str:
    """What the network was shown, as far as its file says so."""
    drawn = metadata.get("recipe", {}).get("drawn")
    cool_cat = (("subject", "cat"), ("sunglasses", "sunglasses"))
    shown = f"It was trained on {drawn:,} little pictures" if drawn else ""
    if shown and cool_cat in generate.held_out(metadata):
        return f"{shown}, and in none of them did a cat wear sunglasses."
    return f"{shown}." if shown else ""


def as_script(content: Any) -> str:
    """JSON that may stand inside a script element; plain ASCII, of which a browser keeps half."""
    return json.dumps(content).replace("<", "\\u003c")


def build_kernels() -> None:
    """Compile tools/page/kernels.c; its bytes depend on the version of ziglang only."""
    target = str(PARTS / "kernels.wasm")
    source = str(PARTS / "kernels.c")
    subprocess.run(
        [sys.executable, "-m", "ziglang", *COMPILE.split(), "-o", target, source], check=True
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page as the command line says; return an exit code for the shell."""
    parser = argparse.ArgumentParser(description="Write the page that draws without Python.")
    parser.add_argument("--model", type=Path, default=checkpoints.SHIPPED)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "draw.html")
    parser.add_argument("--kernels", action="store_true", help="compile kernels.c first")
    args = parser.parse_args(arguments)
    try:
        if args.kernels:
            build_kernels()
        content = page(args.model).encode()
        if len(content) > LARGEST:
            raise ValueError(f"The page has {len(content):,} bytes; it may have {LARGEST:,}.")
        files.write_atomic(args.out, content)
    except (ValueError, FileNotFoundError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Open {args.out.resolve()} in a browser ({len(content) / 1e6:.1f} MB, one file).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
