"""`python -m tests.benchmarks NAME [--json] [--strict]`: one benchmark; without a name, the list of them.

Each runs for less than a minute, its contenders in turn, so that a busy machine slows all of them. The
contenders are not part of the product: `pip install '.[benchmarks]'`.
"""

from gevent import monkey

monkey.patch_all()

# ruff: noqa: E402 - patching comes before any other import
import argparse
import importlib
import os
import sys
import tempfile

from tests.benchmarks import NAMES
from tests.benchmarks.frame import print_json, print_table


def main(arguments: list[str]) -> int:
    name = arguments[0] if arguments else ""
    if name not in NAMES:
        print(__doc__)
        for each in NAMES:
            summary = (importlib.import_module(f"tests.benchmarks.{each}").__doc__ or "").partition("\n\n")[0]
            print(f"  {each:<10} {' '.join(summary.split())}")
        return 0 if name in ("", "-h", "--help") else 2
    benchmark = importlib.import_module(f"tests.benchmarks.{name}")
    parser = argparse.ArgumentParser(
        prog=f"python -m tests.benchmarks {name}",
        description=benchmark.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="figures for programs")
    parser.add_argument("--strict", action="store_true", help="exit code 1 where a goal is missed")
    if hasattr(benchmark, "add_options"):
        benchmark.add_options(parser)
    options = parser.parse_args(arguments[1:])
    with tempfile.TemporaryDirectory() as directory:
        # In any environment: an installed orchestrator is compiled.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = directory
        figures = list(benchmark.run(options))
    (print_json if options.json else print_table)(name, figures)
    return int(options.strict and any(figure.met is False for figure in figures))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
