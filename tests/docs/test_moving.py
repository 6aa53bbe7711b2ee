"""docs/moving.md has every difference of the vendors that a setting settles, as the code has it."""

from __future__ import annotations

import re
import typing

from orchestrator.config.dialect import DIFFERENCES
from orchestrator.config.settings import Settings
from orchestrator.web.api.blueprint import OPERATIONS
from tests.docs.markdown import DOCS, code, section

MOVING = DOCS / "moving.md"
# No caller is dropped for a file that is missing, unless somebody chose Telnyx's way.
OURS = {"play_continue_on_error": True}


def shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_the_table_has_exactly_what_the_dialects_set() -> None:
    rows = section(MOVING, "Twilio's ways").table("setting")
    documented = {code(row["setting"]): (code(row["telnyx"]), code(row["twilio"])) for row in rows}
    assert documented == {
        f"{row.section}.{row.key}": (shown(row.telnyx), shown(row.twilio)) for row in DIFFERENCES
    }
    assert list(documented) == sorted(documented)


def test_the_defaults_for_all_are_telnyx_s_unless_the_file_says_otherwise() -> None:
    for row in DIFFERENCES:
        declared = Settings.model_fields[row.section].default
        assert getattr(declared, row.key) == OURS.get(row.key, row.telnyx), row.key


def test_the_other_differences_are_in_no_dialect() -> None:
    names = {row.key for row in DIFFERENCES}
    rows = section(MOVING, "Differences").table("")
    assert not [row for row in rows if any(name in row[""] for name in names)]


def test_every_parameter_that_is_not_supported_is_listed_with_what_asks_for_nothing() -> None:
    listed: dict[str, set[str]] = {}
    for row in MOVING.read_text().splitlines():
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if row.startswith("| `") and len(cells) == 2:
            neutral = set(re.findall(r"`([^`]+)`", cells[1]))
            listed |= dict.fromkeys(re.findall(r"`(\w+)`", cells[0]), neutral)
    refused = {
        parameter.name: set(map(str, typing.cast(list[str], parameter.kind.schema["enum"]))) - {""}
        for operation in OPERATIONS
        for parameter in operation.body
        if parameter.description.startswith("not supported")
    }
    assert len(refused) > 40
    assert {name: listed.get(name) for name in refused} == refused
