"""Where the vendors differ: one row a difference, and whose value counts."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from orchestrator.config import ConfigErrors, loads
from orchestrator.config.applications import Application
from orchestrator.config.current import needs_restart
from orchestrator.config.dialect import DIFFERENCES, Dialect, Difference
from orchestrator.config.settings import Settings

ROWS = pytest.mark.parametrize("row", DIFFERENCES, ids=lambda row: row.key)
HEAD = "accounts: [{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b, name: main}]\n"


def settings(application: dict[str, object], **sections: dict[str, object]) -> Settings:
    own = "".join(f", {key}: {written(value)}" for key, value in application.items())
    text = HEAD + f"applications: {{main: {{voice_url: 'http://h/'{own}}}}}\n"
    for name, keys in sections.items():
        text += f"{name}: {{" + ", ".join(f"{key}: {written(value)}" for key, value in keys.items()) + "}\n"
    return loads(text)


def written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"'{value}'"


def value_of(found: Settings, key: str) -> object:
    return getattr(found.dialect(found.applications["main"]), key)


def another(row: Difference) -> Any:
    """A value that neither the defaults nor the dialect in question would give."""
    others = {
        "user_agent": "Own/1.0",
        "signatures": "twilio",
        "timestamp_format": "iso8601-space",
        "record_timeout_secs": 9,
    }
    if row.key in others:
        return others[row.key]
    return not row.telnyx if isinstance(row.telnyx, bool) else row.twilio


def test_a_dialect_has_exactly_the_differences() -> None:
    keys = [row.key for row in DIFFERENCES]
    assert [field.name for field in fields(Dialect)] == keys
    assert set(keys) == {name for name in Application.model_fields if name in keys}
    assert keys == [key for section in ("callbacks", "conference", "documents") for key in of(section)]


def of(section: str) -> list[str]:
    return sorted(row.key for row in DIFFERENCES if row.section == section)


@ROWS
def test_without_a_dialect_everything_is_telnyx_s(row: Difference) -> None:
    # No caller is dropped for a file that is missing, unless somebody chose Telnyx's way.
    expected = True if row.key == "play_continue_on_error" else row.telnyx
    assert value_of(settings({}), row.key) == expected


@ROWS
def test_a_setting_for_all_holds_for_an_application_without_a_dialect(row: Difference) -> None:
    assert value_of(settings({}, **{row.section: {row.key: another(row)}}), row.key) == another(row)


@ROWS
@pytest.mark.parametrize("dialect", ["telnyx", "twilio"])
def test_a_dialect_counts_before_what_is_set_for_all(row: Difference, dialect: str) -> None:
    found = settings({"dialect": dialect}, **{row.section: {row.key: another(row)}})
    assert value_of(found, row.key) == getattr(row, dialect)


@ROWS
@pytest.mark.parametrize("dialect", ["telnyx", "twilio"])
def test_the_application_s_own_value_counts_before_its_dialect(row: Difference, dialect: str) -> None:
    for value in (another(row), row.telnyx, row.twilio):
        found = settings({"dialect": dialect, row.key: value}, **{row.section: {row.key: row.telnyx}})
        assert value_of(found, row.key) == value


def test_each_application_has_its_own() -> None:
    text = HEAD + "applications: {a: {voice_url: 'http://h/', dialect: twilio}, b: {voice_url: 'http://h/'}}"
    found = loads(text)
    sequences = [found.dialect(found.applications[name]).first_sequence for name in "ab"]
    assert sequences == [1, 0]
    assert found.dialect(None).first_sequence == 0


@ROWS
def test_a_reload_takes_each_over(row: Difference) -> None:
    assert not needs_restart(f"applications.NAME.{row.key}")
    assert not needs_restart(f"{row.section}.{row.key}")


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("dialect", "twillio", "should be telnyx or twilio, not 'twillio' (did you mean twilio?)"),
        ("first_sequence", "2", "should be less than or equal to 1, not '2'"),
        ("signatures", "none", "should be telnyx, twilio or both, not 'none'"),
        ("timestamp_format", "iso", "should be iso8601, iso8601-space or rfc2822, not 'iso'"),
        ("user_agent", "a\\nb", "has characters that do not belong there"),
        ("min_participants_to_start", "3", "should be less than or equal to 2, not '3'"),
        ("record_channels", "mono", "should be single or dual, not 'mono'"),
        ("dialekt", "twilio", "unknown key (did you mean dialect?)"),
    ],
)
def test_a_mistake_is_named_with_what_would_be_right(key: str, value: str, fault: str) -> None:
    quoted = f'"{value}"'
    with pytest.raises(ConfigErrors) as found:
        loads(HEAD + f"applications: {{main: {{voice_url: 'http://h/', {key}: {quoted}}}}}")
    assert f"applications.main.{key}: " in str(found.value)
    assert fault in str(found.value)


@pytest.mark.parametrize(
    ("account", "application", "advice"),
    [
        ("", "", ["has no signing_key: its callbacks are not signed"]),
        ("", ", dialect: twilio", ["has no signing_key", "has no auth_token"]),
        (", auth_token: t", "", ["has no signing_key", "has an auth_token that no application uses"]),
        (", auth_token: t", ", signatures: twilio", []),
    ],
)
def test_a_signature_that_cannot_be_made_is_advised_about(
    account: str, application: str, advice: list[str]
) -> None:
    found = loads(
        f"accounts: [{{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b, name: main{account}}}]\n"
        f"applications: {{main: {{voice_url: 'http://h/'{application}}}}}"
    )
    said = [text for text in found.advice() if text.startswith("account")]
    assert len(said) == len(advice)
    assert all(words in text for text, words in zip(said, advice, strict=True))
