"""`orchestrator config`: what can be set."""

from __future__ import annotations

import argparse
import sys

from orchestrator.config import manual
from orchestrator.config.page import page


def add_to(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--explain",
        nargs="?",
        const="",
        required=True,
        metavar="KEY",
        help="of all keys, or of one: profiles.rate, energy_level, callbacks",
    )
    parser.add_argument("--markdown", action="store_true", help="all keys, as the page docs/settings.md")


def run(arguments: argparse.Namespace) -> int:
    """Prints the explanations; 2 where there is no such key."""
    if arguments.markdown:
        sys.stdout.write(page())
        return 0
    key: str = arguments.explain
    found = manual.about(key) if key else manual.entries()
    if not found:
        near = manual.near(key)
        hint = f" (did you mean {' or '.join(near)}?)" if near else ""
        print(f"orchestrator: there is no key {key}{hint}", file=sys.stderr)
        return 2
    print("\n\n".join(str(entry) for entry in found))
    return 0
