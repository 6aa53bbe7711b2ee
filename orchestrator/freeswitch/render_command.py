"""`orchestrator render`: into our configuration, or into one that was there before us."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from orchestrator.config import Settings
from orchestrator.freeswitch import existing
from orchestrator.freeswitch.existing import Change, NotUnderstood
from orchestrator.freeswitch.render import render, write

ABOUT = """\
Conference profiles and gateways. Reload them without dropping a call: fs_cli -x reloadxml;
for a new gateway also: fs_cli -x 'sofia profile texml rescan'

DIR is freeswitch-conf/ or a copy of it, or the configuration of a FreeSWITCH that you have, laid out as
the vanilla one (e.g. /etc/freeswitch). To that our context, SIP profile (port 5070), conference profiles
and the modules that are missing are added: it shows the difference and asks first. The numbers of the
settings are then led from the contexts public and default to ours. FreeSWITCH takes modules and the SIP
profile over when it starts."""


def add_to(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--into",
        type=Path,
        metavar="DIR",
        help="write them below DIR, e.g. freeswitch-conf (default: print them, with their passwords)",
    )
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--diff", action="store_true", help="show what would change below DIR, and stop")
    ways.add_argument("--yes", action="store_true", help="do not ask before changing your configuration")
    parser.add_argument(
        "--undo", action="store_true", help="take out again of your configuration what was added"
    )


def run(arguments: argparse.Namespace, load: Callable[[], Settings]) -> int:
    """The exit code: 0, 1 for what failed or was refused, 2 for the command line."""
    directory: Path | None = arguments.into
    if directory is None:
        if arguments.undo or arguments.diff or arguments.yes:
            return _complain("--diff, --yes and --undo need --into DIR", 2)
        for name, content in render(load()).items():
            print(f"<!-- {name} -->\n{content}")
        return 0
    try:
        if arguments.undo:
            return _offer(existing.take_away(directory), directory, arguments)
        settings = load()
        if existing.is_existing(directory):
            return _offer(existing.add(settings, directory), directory, arguments)
        return _our_own(settings, directory, arguments.diff)
    except NotUnderstood as error:
        return _complain(f"nothing was changed:\n{error}")
    except OSError as error:
        return _complain(f"{error.filename}: {error.strerror}")
    except UnicodeDecodeError as error:
        return _complain(f"nothing was changed: a file in {directory} is no UTF-8 text: {error}")


def _our_own(settings: Settings, directory: Path, diff: bool) -> int:
    files = render(settings)
    if diff:
        there = {name: directory / name for name in files}
        old = {name: path.read_text("utf-8") if path.exists() else None for name, path in there.items()}
        changes = [Change(name, old[name], text) for name, text in files.items() if old[name] != text]
        print(existing.show(changes), end="")
        return 0
    for path in write(files, directory):
        print(path)
    return 0


def _offer(changes: list[Change], directory: Path, arguments: argparse.Namespace) -> int:
    if not changes:
        print(f"{directory}: nothing to change")
        return 0
    print(existing.show(changes), end="", flush=True)
    if arguments.diff:
        return 0
    if not arguments.yes and not _agreed(directory):
        return _complain("nothing was changed: say yes, or --yes")
    existing.carry_out(changes, directory)
    for name, _, after in changes:
        print(f"{'took away' if after is None else 'wrote'} {directory / name}")
    return 0


def _agreed(directory: Path) -> bool:
    if not sys.stdin.isatty():
        return False
    return input(f"Change {directory} like this? [y/N] ").strip().lower() in ("y", "yes")


def _complain(text: str, code: int = 1) -> int:
    print(f"orchestrator: {text}", file=sys.stderr)
    return code
