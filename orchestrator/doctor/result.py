"""What a check found."""

from __future__ import annotations

from typing import Literal, NamedTuple

State = Literal["ok", "note", "wrong", "skipped"]


class Finding(NamedTuple):
    """One line of the report."""

    state: State
    check: str
    text: str
    remedy: str = ""


def ok(check: str, text: str) -> Finding:
    return Finding("ok", check, text)


def note(check: str, text: str, remedy: str = "") -> Finding:
    """It works, but somebody may miss something."""
    return Finding("note", check, text, remedy)


def wrong(check: str, text: str, remedy: str) -> Finding:
    return Finding("wrong", check, text, remedy)


def skipped(check: str, text: str) -> Finding:
    """It could not be looked at, for a reason that another finding names."""
    return Finding("skipped", check, text)
