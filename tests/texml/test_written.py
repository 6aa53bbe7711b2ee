"""A Conference noun that is written again means the same, whatever its document said."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.texml import Conference, Dial, parse
from orchestrator.texml.schema import schema_of
from orchestrator.texml.written import written_conference

WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30)
PLAIN = WORDS.map(str.strip).filter(lambda text: text and "/" not in text and "%" not in text)
BY_NAME = {
    "name": st.one_of(PLAIN, st.just("two\nlines & <b>\"'"), st.just("{{CallSid}}")),
    "max_participants": st.integers(2, 800),
    "recording_timeout": st.integers(0, 4 * 3600),
    "participant_label": st.one_of(st.none(), PLAIN.map(lambda text: f"label {text}")),
    "coach": st.one_of(st.none(), PLAIN),
    "wait_url": st.one_of(st.none(), st.just(""), st.just("wait?a=1&b=%20;"), st.just("../up/wait.xml#x")),
}
HINTS = get_type_hints(Conference)


def values_of(name: str) -> st.SearchStrategy[Any]:
    if name in BY_NAME:
        return BY_NAME[name]
    hint = HINTS[name]
    if hint is bool:
        return st.booleans()
    arguments = get_args(hint)
    if getattr(hint, "__origin__", None) is frozenset:
        words = st.frozensets(st.sampled_from(get_args(arguments[0])))
        return words if name == "status_callback_event" else words.filter(bool)
    if type(None) in arguments:
        return st.one_of(st.none(), st.just("https://a.example/x?y=1&z=2"), st.just("events"))
    return st.sampled_from(arguments)


IDLE = {one.field for one in schema_of(Conference).attributes.values() if one.ignored}
NOUNS = st.builds(
    Conference,
    **{one.name: values_of(one.name) for one in fields(Conference) if one.name not in {"line", *IDLE}},
)


@given(NOUNS, st.integers(1, 14400), st.booleans())
def test_it_is_read_as_it_was(noun: Conference, seconds: int, star: bool) -> None:
    defaults = {"Conference": {"trim": "trim-silence", "muted": True, "beep": "onExit"}}
    document = parse(written_conference(noun, time_limit=seconds, hangup_on_star=star), defaults=defaults)
    (dial,) = document.verbs
    assert isinstance(dial, Dial)
    assert (dial.conference, dial.time_limit, dial.hangup_on_star) == (noun, seconds, star)
    assert dial.action is None


@pytest.mark.parametrize("name", [one.name for one in fields(Conference) if one.name not in {"line", "name"}])
def test_each_attribute_is_written(name: str) -> None:
    """One that is added to Conference is in the twin's document too, unless it has no effect."""
    written = written_conference(Conference(name="x"), time_limit=1, hangup_on_star=False).decode()
    attribute = next(one for one in schema_of(Conference).attributes.values() if one.field == name)
    has_default = getattr(Conference(name="x"), name) is not None
    assert (f" {attribute.name}=" in written) is (has_default and not attribute.ignored)
