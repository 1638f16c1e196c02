"""The command line: ``python -m diffusion_lessons draw · train · evaluate``."""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import re
import shlex
import sys
import time
import unicodedata
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, TypeAlias

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from . import checkpoints, evaluation, files, runs, schedules
from .course import sheet
from .critters import datasets, generate, prompts, world
from .pace import Watch, pictures_in
from .recipe import (
    GUIDANCE_AFTER_SHORT,
    LARGE,
    LONG,
    SAMPLES,
    SMALL,
    muon_lr,
    muon_weight_decay,
    precision_for,
)
from .train import make_ema, train
from .unet import UNet, count_weights

SIZE = 32
NOTHING = "nothing"
_MOST, _MOST_ON_FILM = 256, 32
_ENDINGS = (".png", ".gif", ".webp", ".npz")
_STOPPED = 130  # what a shell reports after Ctrl-C
Command = Callable[[argparse.Namespace], int]
Commands: TypeAlias = "argparse._SubParsersAction[_Parser]"


def started_by(executable: str) -> str:
    """How to call this command again: by the path of its Python where that lies in this folder."""
    try:
        path = shlex.quote(str(Path(executable).relative_to(Path.cwd())))
    except (ValueError, OSError):  # somewhere else, so in an environment that was switched on
        path = "python"
    return f"{path} -m diffusion_lessons"


_START = started_by(sys.executable)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code: 0, 2 for a wrong input, 130 for Ctrl-C."""
    # Read when PyTorch first asks for memory: large blocks in huge pages, where there are any.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal may know fewer signs than a prompt
    parser = _parser()
    args = parser.parse_args(arguments)
    if "run" not in args:
        parser.print_help()
        return 0
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: print(message, file=sys.stderr)
        try:
            return args.run(args)
        except (ValueError, FileNotFoundError, FloatingPointError) as error:
            print(error, file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("Stopped.", file=sys.stderr)
            return _STOPPED


# ------------------------------------------------------------------------------------------- draw


def run_draw(args: argparse.Namespace) -> int:
    """Draw pictures of a prompt into a sheet, a film or a file of numbers."""
    ending = args.out.suffix.lower()
    if ending not in _ENDINGS:
        raise ValueError(
            f"{args.out.name!r} should end in .png (a sheet), .gif or .webp (a film), or .npz (the "
            "numbers): rename it."
        )
    if ending in (".gif", ".webp") and args.count > _MOST_ON_FILM:
        raise ValueError(
            f"A film shows up to {_MOST_ON_FILM} pictures, not {args.count}: lower --count, or "
            "write a sheet (.png)."
        )
    _check_folder_of(args.out)
    _check_text(args.prompt)
    prompt = prompts.parse(args.prompt)
    model, metadata = checkpoints.load_with_metadata(args.model)
    _fill_in_guidance(args, metadata)
    cond = _cond(model, metadata, prompt, args.count, args.seed)
    for note in prompt.notes:
        print(note)
    for first, second in generate.held_out(metadata) if cond is not None else ():
        if {first, second} <= {world.VOCABULARY[k - 1] for k in prompt.tokens}:
            print(f"This network never saw {first[1]} and {second[1]} in one picture.")

    began = time.perf_counter()
    batches = list(
        generate.sample_batches(
            model, cond, generate.initial_noise(args.count, args.seed), guidance=args.guidance,
            steps=args.steps,
        )
    )  # fmt: skip
    seconds = time.perf_counter() - began
    trajectory = [
        (states[0].t, torch.cat([s.x_t for s in states]), torch.cat([s.x0_hat for s in states]))
        for states in zip(*batches, strict=True)
    ]
    drawn = trajectory[-1][1]
    words = [generate.describe(row) for row in cond.tolist()] if cond is not None else []
    words = words or [""] * args.count
    title = " ".join(args.prompt.split()) or "anything"
    if ending == ".png":
        caption = f"{args.count} pictures that a network drew for the prompt “{title}”."
        content = sheet.sheet(list(drawn), words, title, caption).png
    elif ending == ".npz":
        content = _numbers(args, drawn, cond)
    else:
        content = sheet.film(trajectory, title, ending[1:])
    files.write_atomic(args.out, content)
    for k, line in enumerate(words if any(words) else [], start=1):
        print(f"{k:>4}  {line}")
    print(
        f"{args.out}: {_counted(args.count, 'picture')} of “{title}” (seed {args.seed}, guidance "
        f"{args.guidance:g}, {_counted(args.steps, 'step')}), drawn in {seconds:.1f} s."
    )
    return 0


def _cond(
    model: UNet, metadata: dict, prompt: prompts.Prompt, count: int, seed: int
) -> Tensor | None:
    """What the network is told for each picture, int64 (count, L), or None if it knows no words."""
    if model.vocabulary == 0:
        if prompt.tokens:
            raise ValueError(
                "This network was trained without words, so it draws what it likes: leave the "
                'prompt empty (draw "").'
            )
        return None
    _check_vocabulary(model)
    if metadata.get("recipe", {}).get("data", "critters") != "critters":
        # A folder's captions leave things open, and so may a prompt: nothing to choose at random.
        return prompts.cond(prompt.tokens, count)
    return generate.sample_conditions(prompt, count, seed, generate.held_out(metadata))


def _numbers(args: argparse.Namespace, drawn: Tensor, cond: Tensor | None) -> bytes:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        pictures=drawn.numpy(),
        prompt=np.array(args.prompt),
        seed=np.array(args.seed),
        cond=np.zeros((args.count, 0), np.int64) if cond is None else cond.numpy(),
        guidance=np.array(args.guidance),
        steps=np.array(args.steps),
    )
    return buffer.getvalue()


def _check_text(text: str) -> None:
    kinds = {unicodedata.category(c) for c in text if c not in "\n\r\t"}
    if kinds & {"Cc", "Cs"}:
        raise ValueError(
            "The prompt holds control characters, which nobody can read: type it in plain words, "
            'such as "a blue cat".'
        )
    if re.match(r"(\.{0,2}|~|[A-Za-z]:)[/\\]|\S+\.[A-Za-z0-9]{2,11}$", text.strip()):
        raise ValueError(
            "The prompt looks like the path of a file: say in words what to draw, such as "
            '"a blue cat"; a model goes after --model, a file to write after --out.'
        )


# ------------------------------------------------------------------------------------------ train


def run_train(args: argparse.Namespace) -> int:
    """Train a network on critters or on a folder, with a run file to go on from beside it."""
    if args.resume is not None:
        metadata, settings = _read_run(args)
        out, run = args.out or Path(metadata["out"]), args.resume
    else:
        metadata, settings = _new_run(args), None
        out, run = args.out, args.out.with_suffix(".run.safetensors")
        if run.exists():
            raise ValueError(
                f"An unfinished run lies in {run}: go on with it (train --resume {run}), or delete "
                "it to start anew."
            )
    if out.suffix != ".safetensors":
        raise ValueError(f"{out.name!r} should end in .safetensors: rename it.")
    _check_folder_of(out)
    _read_card(out.with_suffix(".json"))

    recipe, held_out = metadata["recipe"], generate.held_out(metadata)
    pictures, words, vocabulary = _training_data(metadata, args.data)
    examples = pictures if words is None else (pictures, words)
    schedule = schedules.cosine()
    if args.minutes is not None:
        print("Measuring how many pictures this machine trains on in a minute.")
    for usual, batch in (SMALL, LARGE):
        widths = metadata["widths"] or usual
        torch.manual_seed(recipe["seed"])
        model = UNet(widths=tuple(widths), vocabulary=vocabulary)
        if settings is None:
            recipe |= {"batch": batch, "pictures": args.pictures or SAMPLES}
            if args.minutes is not None:
                recipe["pictures"] = pictures_in(
                    args.minutes, model, examples, schedule, batch=batch
                )
        if recipe["pictures"] < LONG:
            break
    metadata["widths"] = widths
    ema = make_ema(model)
    if settings is None:
        recipe["precision"] = precision_for(model)
    for former in ("rate", "decay"):  # a run of version 0.1
        recipe.pop(former, None)
    recipe["lr"] = muon_lr(recipe["batch"])
    recipe["weight_decay"] = muon_weight_decay(recipe["pictures"], recipe["batch"], recipe["lr"])
    resume = f"{_START} train --resume {shlex.quote(str(run))}"
    print(
        f"Training on {recipe['pictures']:,} noisy pictures, {len(pictures):,} different ones; "
        f"{count_weights(model):,} weights, {recipe['precision']}.\n"
        f"Stop with Ctrl-C whenever you like, and go on with: {resume}"
    )

    began = time.monotonic() - metadata["seconds"]
    records = train(
        model, examples, schedule, samples=recipe["pictures"], batch=recipe["batch"],
        seed=recipe["seed"], ema=ema, checkpoint=run, resume=args.resume,
        precision=recipe["precision"], lr=recipe["lr"], weight_decay=recipe["weight_decay"],
        metadata=metadata,
    )  # fmt: skip
    done = settings["step"] * recipe["batch"] if settings else 0
    learned = 0
    watch = Watch(
        60 * args.minutes * recipe["batch"] / recipe["pictures"] if args.minutes else None
    )
    so_far = out.with_suffix(".so-far.safetensors")
    try:
        with tqdm(
            total=recipe["pictures"],
            initial=done,
            unit=" pictures",
            desc="training",
            mininterval=0.5,
        ) as bar:
            for record in records:
                metadata["seconds"] = round(time.monotonic() - began, 1)
                learned = record.samples_seen
                bar.update(min(learned, bar.total) - bar.n)
                if record.step % 20 == 0:
                    bar.set_postfix(loss=f"{record.loss:.3f}")
                if watch.note():
                    bar.set_description("training, slowed down" if watch.slowed else "training")
                    news = _pace_news(watch, recipe["batch"], record.seconds_left)
                    bar.write(news, file=sys.stderr)
    except KeyboardInterrupt:
        records.close()
        print(f"Stopped; go on with: {resume}", file=sys.stderr)
        if learned:
            _save_network(so_far, ema, recipe | {"pictures": learned}, held_out)
            print(f"What it has learned so far is in {so_far}, to draw with.", file=sys.stderr)
        return _STOPPED
    _save_network(out, ema, recipe, held_out)
    card = files.load(out, "model")[1] | {"seconds": metadata["seconds"], "scores": {}}
    _write_card(out.with_suffix(".json"), card)
    for path in (run, so_far):
        path.unlink(missing_ok=True)
    print(
        f"{out}: trained in {metadata['seconds']:.0f} s. Draw with it: {_START} draw "
        f'"{"a cat" if vocabulary else ""}" --model {shlex.quote(str(out))}'
    )
    return 0


def _save_network(path: Path, ema: UNet, recipe: dict, held_out: Sequence[world.Pair]) -> None:
    """Write a network, with the guidance that suits as many pictures as it has seen."""
    guidance, weight = generate.GUIDANCE, 1.0
    if recipe["pictures"] < LONG:
        guidance = GUIDANCE_AFTER_SHORT
        if ema.vocabulary:
            weight = generate.word_weight(recipe["pictures"])
            ema = generate.upweight_words(ema, weight)
    checkpoints.save(
        ema, path, recipe=recipe, held_out=held_out, guidance=guidance, loudness=weight
    )


def _pace_news(watch: Watch, batch: int, seconds_left: float) -> str:
    """What to say when a training has lost its pace, or found it again."""
    rate, minutes = batch / watch.now, max(1, round(seconds_left / 60))
    left = f"about {_counted(minutes, 'minute')} to go."
    if not watch.slowed:
        return f"Back at {rate:,.0f} pictures a second: {left}"
    return (
        f"Slowed down, by other programs or by heat: {rate:,.0f} pictures a second, where "
        f"{batch / (watch.usual or watch.now):,.0f} were expected, {left} Ctrl-C stops, and "
        "keeps what it has learned so far."
    )


def _new_run(args: argparse.Namespace) -> dict:
    """What a run file holds beside the run, so that nothing but its name is needed to go on."""
    if args.out is None:
        raise ValueError("Say where the trained network should go, such as --out my.safetensors.")
    if args.data is not None and (args.hold_out or args.drawn):
        raise ValueError(
            "--hold-out and --drawn choose which critters are drawn, so they do not go with the "
            "pictures of a folder (--data): leave them out."
        )
    if args.data is not None:
        held_out: Sequence[world.Pair] = ()
    elif args.hold_out is None:
        held_out = world.HELD_OUT
    else:
        held_out = tuple(dict.fromkeys(pair for pair in args.hold_out if pair != NOTHING))
    recipe = {"seed": args.seed or 0}
    recipe |= (
        {"data": "critters", "drawn": args.drawn or evaluation.DRAWN}
        if args.data is None
        else {"data": args.data.resolve().name}
    )
    return {
        "recipe": recipe,
        "held_out": held_out,
        "widths": args.widths,
        "folder": None if args.data is None else str(args.data.resolve()),
        "out": str(args.out.resolve()),
        "seconds": 0.0,
    }


def _read_run(args: argparse.Namespace) -> tuple[dict, dict]:
    given = {
        "--minutes": args.minutes,
        "--pictures": args.pictures,
        "--hold-out": args.hold_out,
        "--drawn": args.drawn,
        "--widths": args.widths,
        "--seed": args.seed,
    }
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"A run that goes on keeps its settings: leave out {name}.")
    _, settings = runs.load(args.resume)
    if "metadata" not in settings:
        raise ValueError(
            f"{args.resume.name} was not started by this command: go on with it where it was "
            "started, with diffusion_lessons.train.train."
        )
    return settings["metadata"], settings


def _training_data(metadata: dict, moved: Path | None) -> tuple[Tensor, Tensor | None, int]:
    """Pictures, what is said of them (or None), and how many words there are."""
    vocabulary = len(world.VOCABULARY)
    if metadata["folder"] is None:
        drawn = datasets.load_critters(
            metadata["recipe"]["drawn"], SIZE, held_out=generate.held_out(metadata)
        )
        return drawn.x0, drawn.cond, vocabulary
    folder = moved or Path(metadata["folder"])
    if not (folder / "captions.csv").exists():
        return datasets.image_folder(folder, SIZE), None, 0
    pictures, captions = datasets.captioned_folder(folder, SIZE)
    read = [prompts.parse(caption) for caption in captions]
    for note, k in {note: k for k, prompt in enumerate(read) for note in prompt.notes}.items():
        print(f"“{captions[k]}”: {note}", file=sys.stderr)
    words = torch.cat([prompts.cond(prompt.tokens) for prompt in read])
    if not words.any():
        raise ValueError(
            "captions.csv says no word that this course knows: say what the pictures show, such as "
            "“a black cat”, or take the file away to train without words."
        )
    return pictures, words, vocabulary


# --------------------------------------------------------------------------------------- evaluate


def run_evaluate(args: argparse.Namespace) -> int:
    """Score a network on critters and print the numbers."""
    model, metadata = checkpoints.load_with_metadata(args.model)
    recipe = metadata.get("recipe", {})
    if recipe.get("data", "critters") != "critters":
        raise ValueError(
            "This network was trained on pictures of your own, and the judge knows critters only: "
            "look at what it draws instead."
        )
    _check_vocabulary(model)
    _fill_in_guidance(args, metadata)
    numbers = evaluation.scores(
        model, generate.held_out(metadata), drawn=recipe.get("drawn", evaluation.DRAWN),
        pictures=args.pictures, seed=args.seed, guidance=args.guidance, steps=args.steps,
    )  # fmt: skip
    card = args.model.with_suffix(".json")
    if args.save:
        _write_card(card, metadata | {"scores": _rounded(numbers)})
    print(
        json.dumps(numbers, indent=2, ensure_ascii=False)
        if args.json
        else evaluation.table(numbers, args.model.name)
    )
    return 0


def _rounded(numbers: dict) -> dict:
    return {
        key: _rounded(value)
        if isinstance(value, dict)
        else float(f"{value:.5g}")
        if isinstance(value, float)
        else value
        for key, value in numbers.items()
    }


# ------------------------------------------------------------------------------------------ common


def _fill_in_guidance(args: argparse.Namespace, metadata: dict) -> None:
    if args.guidance is None:
        args.guidance = metadata.get("guidance", generate.GUIDANCE)


def _check_vocabulary(model: UNet) -> None:
    if model.vocabulary != len(world.VOCABULARY):
        raise ValueError(
            f"This network knows {model.vocabulary} words, but the course has "
            f"{len(world.VOCABULARY)}: train it again."
        )


def _write_card(path: Path, card: dict) -> None:
    """Write what is known of a network beside it, on top of what was known."""
    pairs = [evaluation.pair_name(pair) for pair in generate.held_out(card)]
    card = _read_card(path) | card | {"held_out": pairs}
    files.write_atomic(path, (json.dumps(card, indent=2, ensure_ascii=False) + "\n").encode())


def _read_card(path: Path) -> dict:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
    except (OSError, ValueError, TypeError):
        raise ValueError(
            f"{path}, where the facts about the network go, holds something else: move it away."
        ) from None


def _check_folder_of(path: Path) -> None:
    if path.is_dir():
        raise ValueError(f"{path} is a folder: name a file in it.")
    if not path.parent.is_dir():
        raise ValueError(f"There is no folder {path.parent} to write to: make it first.")


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


class _Parser(argparse.ArgumentParser):
    """Says in one sentence what is wrong, without the usage lines before it."""

    def error(self, message: str) -> NoReturn:
        """Print the sentence and exit with code 2."""
        if message.startswith("unrecognized arguments: "):
            rest = message.removeprefix("unrecognized arguments: ")
            message = f"{rest} belongs to nothing: put a prompt in quotes, and each name before its"
            message += " value"
        else:
            message = re.sub("^argument ", "", message)
        print(f"{message[0].upper()}{message[1:]} (see {self.prog} --help).", file=sys.stderr)
        raise SystemExit(2)


def _whole(low: int, high: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or not low <= number <= high:
            raise argparse.ArgumentTypeError(
                f"{text!r} should be a whole number from {low:,} to {high:,}"
            )
        return number

    return convert


def _number(low: float, high: float) -> Callable[[str], float]:
    def convert(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(
                f"{text!r} should be a number from {low:g} to {high:g}"
            )
        return number

    return convert


def _pair(text: str) -> world.Pair | str:
    """ "party hat,night" → the two words with the attributes that they belong to."""
    if text == NOTHING:
        return text
    known = {value: name for name, value in world.WORDS}
    words = [" ".join(word.lower().split()) for word in text.split(",")]
    for word in words:
        if word not in known:
            raise argparse.ArgumentTypeError(
                f"there is no word {word!r}, the words are {', '.join(known)}"
            )
    if len(words) != 2 or known[words[0]] == known[words[1]]:
        raise argparse.ArgumentTypeError(
            f'{text!r} should be two words of two kinds, such as "cat,sunglasses", or {NOTHING}'
        )
    return ((known[words[0]], words[0]), (known[words[1]], words[1]))


def _widths(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    widths = tuple(int(part) for part in parts) if all(p.strip().isdecimal() for p in parts) else ()
    # Each level halves the picture once more, and attention has four heads.
    good = 1 <= len(widths) <= 5 and all(0 < w <= 1024 for w in widths) and widths[-1] % 4 == 0
    if not good:
        raise argparse.ArgumentTypeError(
            f"{text!r} should be up to five whole numbers such as 32,64,128, the last one a "
            "multiple of 4"
        )
    return widths


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=_START,
        description="Draw pictures from words, train a network that can, and measure how good it "
        "is.",
        epilog=f'Begin with:  {_START} draw "a cat wearing sunglasses"',
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for add in (_add_draw, _add_train, _add_evaluate):
        add(commands)
    return parser


def _add_command(
    commands: Commands, name: str, run: Command, short: str, text: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name, help=short, description=f"{short[0].upper()}{short[1:]}.", epilog=text,
        allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.set_defaults(run=run)
    return parser


def _add_sampling(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--guidance", type=_number(0, 30), metavar="W",
        help="how strongly the words steer: 0 not at all, 1 as trained, more is often too much "
        f"(default {generate.GUIDANCE:g}, or what the network's file says: "
        f"{GUIDANCE_AFTER_SHORT:g} after a short training)",
    )  # fmt: skip
    parser.add_argument(
        "--steps", type=_whole(1, schedules.cosine().T), default=generate.STEPS, metavar="N",
        help=f"steps from noise to picture (default {generate.STEPS})",
    )  # fmt: skip


def _add_draw(commands: Commands) -> None:
    text = f"""
examples:
  {_START} draw "a blue fox on a skateboard" --out fox.png
      a sheet of eight; what the prompt leaves open is chosen by dice, and printed
  {_START} draw "a frog at night, no hat" --count 4 --out frog.gif
      the film of how they come out of static: above what the network holds, below its guess
  {_START} draw "" --seed 7 --out anything.npz
      pictures of anything, as numbers in [-1, 1] for numpy.load
The same seed gives the same pictures, and --count 3 the first three of --count 8.
"""
    parser = _add_command(commands, "draw", run_draw, "draw pictures of what a prompt says", text)
    parser.add_argument("prompt", nargs="?", default="", help="what to draw, in plain English")
    parser.add_argument(
        "--count", type=_whole(1, _MOST), default=8, metavar="N", help="how many (default 8)"
    )
    parser.add_argument(
        "--seed", type=_whole(0, 2**63 - 1), default=0, help="which static, which dice (default 0)"
    )
    _add_sampling(parser)
    parser.add_argument(
        "--out", type=Path, default=Path("drawing.png"), metavar="FILE",
        help=".png, .gif, .webp or .npz (default drawing.png)",
    )  # fmt: skip
    parser.add_argument(
        "--model", type=Path, default=checkpoints.SHIPPED, metavar="FILE",
        help="a trained network (default: the one that comes with the course)",
    )  # fmt: skip


def _add_train(commands: Commands) -> None:
    text = f"""
examples:
  {_START} train --minutes 3 --out my.safetensors
      as many pictures as this machine manages in three minutes
  {_START} train --minutes 1 --hold-out "cat,top hat" --hold-out "fox,beach" --out my.safetensors
      never show these two pairs (in place of the course's six); the file says so
  {_START} train --pictures 200000 --data photos --out photos.safetensors
      your own pictures; with a photos/captions.csv (file,caption) also their words
  {_START} train --drawn 60000 --out long.safetensors
      as the network that comes with the course: half an hour on two cores, then `evaluate`
  {_START} train --resume my.run.safetensors
      go on after Ctrl-C, a crash or a power cut: nothing but 20 seconds is lost
"""
    parser = _add_command(commands, "train", run_train, "train a network of your own", text)
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--minutes", type=_number(0.01, 100_000), metavar="M", help="train for about so long"
    )
    length.add_argument(
        "--pictures", type=_whole(1, 10**10), metavar="N",
        help=f"train on so many noisy pictures (default {SAMPLES:,})",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the network goes")
    parser.add_argument("--resume", type=Path, metavar="RUN", help="a run file to go on from")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="a folder of your pictures")
    parser.add_argument(
        "--drawn", type=_whole(1, 10**6), metavar="N",
        help=f"how many different critters there are to see (default {evaluation.DRAWN:,})",
    )  # fmt: skip
    parser.add_argument(
        "--hold-out", type=_pair, action="append", metavar="PAIR",
        help='two words never to show together, such as "cat,sunglasses"; may be given several '
        f"times, replaces the course's pairs; {NOTHING} holds out nothing",
    )  # fmt: skip
    parser.add_argument(
        "--widths", type=_widths, metavar="A,B,C",
        help="channels at each size of picture (default {}, or {} from {:,} pictures)".format(
            *(",".join(map(str, widths)) for widths, _ in (SMALL, LARGE)), LONG
        ),
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=_whole(0, 2**63 - 1), help="of weights and order (default 0)"
    )


def _add_evaluate(commands: Commands) -> None:
    text = f"""
Prompts are captions of fresh pictures. A small judge that saw everything looks whether all that the
caption says is there: once for words that went together in training, once for pairs held out.

examples:
  {_START} evaluate my.safetensors --pictures 512
      a quick look, about half a minute; the full 4,096 take a few minutes
  {_START} evaluate my.safetensors --json > numbers.json
"""
    parser = _add_command(commands, "evaluate", run_evaluate, "measure how good a network is", text)
    parser.add_argument(
        "model", type=Path, nargs="?", default=checkpoints.SHIPPED,
        help="a trained network (default: the one that comes with the course)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON, for other programs")
    parser.add_argument(
        "--pictures", type=_whole(evaluation.FEWEST, 100_000), default=evaluation.PICTURES,
        metavar="N", help=f"judged in each accuracy (default {evaluation.PICTURES:,})",
    )  # fmt: skip
    parser.add_argument(
        "--save", action="store_true", help="also note the numbers in the JSON beside the network"
    )
    parser.add_argument(
        "--seed", type=_whole(0, 2**31), default=0, help="which fresh pictures (default 0)"
    )
    _add_sampling(parser)
