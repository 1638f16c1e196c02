"""``python -m benchmarks NAME …`` runs measurements and writes them to benchmarks/results."""

from __future__ import annotations

import argparse
import importlib
import sys

from .report import write

# Imported only when asked for: most need more than the course itself does.
BENCHMARKS = {
    "quality": "time to quality, beside three libraries (two hours on two cores)",
    "steps": "steps against quality, our samplers and those of diffusers (15 minutes)",
    "beside": "a training step and a drawing while other programs need the cores (8 minutes)",
    "growth": "what a picture costs, by size, batch, threads and precision (10 minutes)",
    "course": "seconds and peak memory of every lesson (10 minutes)",
    "sliders": "from a key to the picture (2 minutes)",
    "page": "the page that draws, on one core (1 minute)",
    "gpu": "speed and time to the shipped quality on a GPU, where there is one",
}


def main() -> int:
    """Run the benchmarks that are named, or all of them."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure, print the tables, and write them to benchmarks/results.",
        epilog="\n".join(f"{name:10} {what}" for name, what in BENCHMARKS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which ones; default: all")
    parser.add_argument(
        "--short", action="store_true", help="all of it in ten minutes, into results/short"
    )
    args = parser.parse_args()
    names = args.names or list(BENCHMARKS)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        parser.error(f"there is no {unknown[0]!r}: choose from {', '.join(BENCHMARKS)}")
    for name in names:
        tables = importlib.import_module(f".{name}", __package__).measure(args.short)
        if tables:
            print(write(name, tables, args.short), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
