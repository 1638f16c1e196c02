"""Training survives SIGKILL at any moment: resumed, it ends in the same weights bit for bit.

Real processes are killed with a real SIGKILL. They are forked from one that has imported PyTorch
already (and computed nothing yet), so that a life costs milliseconds instead of seconds.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import diffusion_lessons

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="needs fork, which Windows does not have"
)

# Read by every script: one life trains until it is done, or until it is killed.
LIFE = """
import hashlib, itertools, json, os, random, signal, sys, time
from pathlib import Path
import torch
from diffusion_lessons import files, schedules
import diffusion_lessons.train as loop
from diffusion_lessons import runs
from diffusion_lessons.muon import Muon
from diffusion_lessons.unet import UNet

folder = Path(sys.argv[1])
torch.set_num_threads(1)
runs.SAVE_EVERY_SECONDS = 0


def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)


def train(path, pictures=120):
    torch.manual_seed(0)
    x0 = torch.rand(40, 3, 8, 8) * 2 - 1
    cond = torch.randint(1, 6, (40, 2))
    model = UNet(widths=(8, 16), vocabulary=5)
    ema = loop.make_ema(model)
    resume = path if path.exists() else None
    for _ in loop.train(
        model, (x0, cond), schedules.cosine(100), samples=pictures, batch=4, seed=7, ema=ema,
        checkpoint=path, resume=resume, precision="float32",
    ):
        pass
    digest = hashlib.sha256()
    for network in (model, ema):
        for name, weight in network.state_dict().items():
            digest.update(name.encode() + weight.contiguous().numpy().tobytes())
    path.with_suffix(".digest").write_text(digest.hexdigest())


def live(kill_after=None, **options):
    \"\"\"One process that trains, killed after so many seconds; was it killed?\"\"\"
    child = os.fork()
    if child == 0:
        prepare = options.pop("prepare", None)
        if prepare:
            prepare()
        try:
            train(**options)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        return True
    assert os.waitstatus_to_exitcode(status) == 0
    return False


def step_of(path):
    return files.load(path, "run")[1]["step"] if path.exists() else -1


# What PyTorch imports at an optimiser's first step costs seconds: once, before any fork. There is
# no backward pass here, because its threads would not survive a fork.
weight = torch.nn.Parameter(torch.zeros(1))
weight.grad = torch.zeros(1)
torch.optim.AdamW([weight]).step()
Muon([weight]).zero_grad()

began = time.monotonic()
live(path=folder / "whole.safetensors")
whole_seconds = time.monotonic() - began
"""

AT_RANDOM = """
chance = random.Random(0)
path = folder / "at_random.safetensors"
steps, kills = [], 0
# Each life gets up to a third of the time that the whole run takes.
while live(kill_after=chance.uniform(0.02, whole_seconds / 3), path=path):
    kills += 1
    steps.append(step_of(path))  # whatever the moment: there is a whole file, or none yet
    assert kills < 100, "no life gets anywhere"
found = {"at_random": {"kills": kills, "steps": steps}}
"""

WHILE_SAVING = """
def nth(function, n, before):
    \"\"\"The function, but its n-th call is the last thing that this process does.\"\"\"
    calls = itertools.count(1)

    def wrapped(*args, **kwargs):
        if next(calls) < n:
            return function(*args, **kwargs)
        if before:
            die()
        function(*args, **kwargs)
        die()

    return wrapped


class HalfWritten:
    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def write(self, content):
        self.file.write(content[: len(content) // 2])
        self.file.flush()
        die()


def half_way(n):
    calls, fdopen = itertools.count(1), os.fdopen
    files.os.fdopen = lambda *args: (
        HalfWritten(fdopen(*args)) if next(calls) == n else fdopen(*args)
    )


def dying(name, n, before):
    def prepare():
        setattr(files.os, name, nth(getattr(os, name), n, before))

    return prepare


path = folder / "while_saving.safetensors"
steps, kills = [], 0
for n in (1, 2, 5):
    for prepare in (
        lambda n=n: half_way(n),
        dying("fsync", n, True),
        dying("fsync", n, False),
        dying("replace", n, True),
        dying("replace", n, False),
    ):
        assert live(path=path, prepare=prepare)
        kills += 1
        steps.append(step_of(path))
assert not live(path=path)
print(json.dumps(found | {"while_saving": {"kills": kills, "steps": steps}}))
"""


@pytest.fixture(scope="module")
def lives(tmp_path_factory):
    """All the lives and deaths, in one process that imports PyTorch once."""
    folder = tmp_path_factory.mktemp("lives")
    done = subprocess.run(
        [sys.executable, "-c", LIFE + AT_RANDOM + WHILE_SAVING, folder],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(diffusion_lessons.__file__).parents[1])},
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["at_random", "while_saving"])
def test_killed_and_resumed_equals_never_killed(lives, when):
    folder, found = lives
    assert found[when]["kills"] >= 3, "it was never really killed"
    # Nothing that was saved is ever lost again, and progress was made between the deaths.
    steps = found[when]["steps"]
    assert steps == sorted(steps)
    assert len(set(steps)) >= 3
    whole, killed = (folder / f"{name}.digest" for name in ("whole", when))
    assert killed.read_text() == whole.read_text()
    # The run files hold the same, optimiser and random numbers included.
    whole, killed = (folder / f"{name}.safetensors" for name in ("whole", when))
    assert killed.read_bytes() == whole.read_bytes()
