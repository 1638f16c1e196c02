"""What set-up says is in the way or to come, in a sentence each; readable by Python 3.7, too."""

from __future__ import annotations

import platform
import re

GB = 1e9
Version = tuple  # of numbers: (3, 11, 7)
IN_THE_WAY = "{} holds something else than a virtual environment: move it away and run again."
OFFLINE = "Nothing to download: no network, everything is here."


def python_problem(python: str, version: Version, low: Version, high: Version) -> str | None:
    """Say what is wrong with this Python, or return None."""
    name, *lowest_to_newest = (
        ".".join(map(str, numbers)) for numbers in (version, low, (*high[:-1], high[-1] - 1))
    )
    span, newest = " to ".join(lowest_to_newest), lowest_to_newest[-1]
    if not version:
        return f"PYTHON={python} does not start: give a path to Python."
    if version < low:
        return (
            f"Python {name} is too old for this course, which needs {span}: install one of those "
            f"and run the command again, or point to it with PYTHON=/path/to/python{newest}."
        )
    if version >= high:
        return (
            f"Python {name} is too new for PyTorch, which has builds for {span}: install one of "
            "those beside it and run the command again, or point to it with "
            f"PYTHON=/path/to/python{newest}."
        )
    return None


def venv_problem(version: Version, system: str) -> str:
    """Say how to get Python's venv and ensurepip where they are missing."""
    name = "python{}.{}".format(*version)
    cure = "install Python afresh from python.org"
    if system == "Linux":
        cure = f"install it (on Debian and Ubuntu: sudo apt install {name}-venv)"
    return f"{name} came without its parts `venv` and `ensurepip`: {cure} and run again."


def room_problem(free: float, need: float, folder: str) -> str:
    """Say how much room is missing on the disk that holds folder, in bytes."""
    return (
        f"The disk has too little room: {free / GB:.1f} GB are free where {folder} lies, and "
        f"about {need / GB:.1f} GB are needed; free some, or move the course to another disk, "
        "and run again."
    )


# What pip and uv say when they fail, and what the learner reads.
PROBLEMS = [
    (
        r"no space left|os error 28\b|errno 28\b|quota exceeded",
        "The disk is full: free a few GB and run again; what was downloaded is kept.",
    ),
    (
        r"certificate_verify_failed|unknownissuer|invalid peer certificate",
        "The network answers with a certificate that is not trusted here (a school or company "
        "filter does that): set SSL_CERT_FILE to its certificate file and run again.",
    ),
    (
        r"error sending request|failed to fetch|dns error|connection (refused|reset|broken)|"
        r"could not connect|failed to resolve|name resolution|timed out|unreachable|"
        r"proxyerror|newconnectionerror|network connectivity is disabled|"
        r"no matching distribution found for uv|client error \(connect\)",
        "The network is gone: the package index cannot be reached, and what is needed is not "
        "all on this computer yet; connect to the internet and run again, it goes on from here.",
    ),
    (
        r"(?s)wheels.*torch|torch.*wheels",
        f"PyTorch has no build for this computer ({platform.system()} {platform.machine()}): "
        "use a 64-bit Linux, Windows or Apple-silicon machine, or try conda (see README.md).",
    ),
    ("", "The packages could not be installed, for the reason in the lines above."),
]


def tool_problem(output: str) -> str:
    """Turn what pip or uv said when it failed into one sentence."""
    return next(sentence for pattern, sentence in PROBLEMS if re.search(pattern, output.lower()))


def size(plan: str, small: bool) -> tuple[float, str]:
    """Return the room in bytes, and the sentence about it, for what uv plans to install."""
    if " + " not in plan:
        return 0, "Nothing to download: everything is here."
    if " + torch==" not in plan:
        return 0.5 * GB, "Up to 200 MB to download, 0.5 GB on disk."
    if re.search(r" \+ (nvidia|triton)", plan):
        return 10 * GB, (
            "Up to 3.5 GB to download, 8 GB on disk: PyTorch's small CPU build cannot be had "
            "here, so this is the large one with CUDA."
        )
    download = "300 MB to download"
    if small:
        download = "400 MB to download (with PyTorch's CPU build)"
    elif "+cpu" in plan:
        download = (
            "200 MB to download (PyTorch's CPU build comes from this computer's wheel folder)"
        )
    return 2.5 * GB, f"Up to {download}, 2 GB on disk."
