"""``python -m benchmarks NAME …`` runs measurements and writes them to benchmarks/results."""

from __future__ import annotations

import argparse
import sys

from . import course, growth, page, quality, sliders, steps
from .report import write

BENCHMARKS = {
    "quality": quality,
    "steps": steps,
    "growth": growth,
    "course": course,
    "sliders": sliders,
    "page": page,
}


def main() -> int:
    """Run the benchmarks that are named, or all of them."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure, print the tables, and write them to benchmarks/results.",
        epilog="\n".join(
            f"{name:10} {b.__doc__.splitlines()[0]}" for name, b in BENCHMARKS.items()
        ),
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
        print(write(name, BENCHMARKS[name].measure(args.short), args.short), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
