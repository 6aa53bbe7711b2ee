"""The whole FreeSWITCH configuration that this package brings: callers on loopback, no trunks."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_ROOT: Final = resources.files("orchestrator.fsconfig") / "freeswitch-conf"
START: Final = "freeswitch.xml"
"""The file that FreeSWITCH reads first, and that takes in the others."""


def base_files() -> dict[str, str]:
    """Path below FreeSWITCH's configuration directory -> content; START is the last."""
    found = dict(_files(_ROOT, ""))
    found[START] = found.pop(START)
    return found


def base_file(name: str) -> str:
    return _ROOT.joinpath(*name.split("/")).read_text(encoding="utf-8")


def _files(directory: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(directory.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry.read_text(encoding="utf-8")
