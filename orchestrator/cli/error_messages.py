"""The API's refusals in the words of the command line: what is missing, which option is wrong, what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from orchestrator.cli.access import ACCOUNT, KEY

_NOUNS = {
    "Calls": "call",
    "Conferences": "conference",
    "Participants": "participant",
    "Recordings": "recording",
    "Callbacks": "callback",
}


def missing(path: Sequence[str], account: str) -> str:
    """Of what a path names, for a 404."""
    if len(path) < 2:
        return (
            f"account {account} is not the one of this API key: leave --account and ${ACCOUNT} out, "
            "or give the key of that account"
        )
    pairs = [(_NOUNS.get(noun, noun), name) for noun, name in zip(path[::2], path[1::2], strict=False)]
    (noun, name), outer = pairs[-1], pairs[:-1]
    within = "".join(f" in {owner} {its_name}" for owner, its_name in outer)
    shown = f"{noun}s list {outer[-1][1]}" if noun == "participant" and outer else f"{noun}s list"
    return f"there is no {noun} {name}{within}: `orchestrator {shown}` shows all"


def explained(status: int, errors: Sequence[Mapping[str, Any]]) -> str:
    """The faults, each parameter by the option that it came from."""
    if status == 401:
        return f"the API key is not known there: --key, ${KEY}, or api_keys in the settings of -c FILE"
    parts = []
    for error in errors:
        parameter = str((error.get("source") or {}).get("pointer", "")).lstrip("/")
        detail = str(error.get("detail"))
        parts.append(f"{_as_given(parameter)}: {detail}" if parameter else detail)
    return "; ".join(parts)


def _as_given(parameter: str) -> str:
    """The option or argument that a parameter of the API was given by."""
    context = click.get_current_context(silent=True)
    params = context.command.params if context else []
    for one in params:
        if (one.name or "").lower() == parameter.lower():
            return one.opts[0] if isinstance(one, click.Option) else one.human_readable_name
    return f"--set {parameter}" if any(one.metavar == "NAME=VALUE" for one in params) else parameter
