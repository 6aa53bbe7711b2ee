"""The result of a check."""

from __future__ import annotations

from typing import Literal, NamedTuple

State = Literal["ok", "note", "wrong", "skipped"]


class CheckResult(NamedTuple):
    """One line of the report."""

    state: State
    check: str
    text: str
    remedy: str = ""


def ok(check: str, text: str) -> CheckResult:
    return CheckResult("ok", check, text)


def note(check: str, text: str, remedy: str = "") -> CheckResult:
    """It works, but somebody may miss something."""
    return CheckResult("note", check, text, remedy)


def wrong(check: str, text: str, remedy: str) -> CheckResult:
    return CheckResult("wrong", check, text, remedy)


def skipped(check: str, text: str) -> CheckResult:
    """It could not be looked at, for a reason that another result names."""
    return CheckResult("skipped", check, text)
