"""A callback that is never sent: a URL without its events, or events without their URL."""

import pytest

from orchestrator.texml import parse
from orchestrator.texml.response import Response
from orchestrator.texml.schema import CallbackPair, Schema, schema_of
from tests.texml.tables import DOCUMENTS


def schemas(schema: Schema) -> list[Schema]:
    inside = list(schema.children.schemas.values()) if schema.children else []
    return [*inside, *(one for child in inside for one in schemas(child))]


PAIRS = [
    pytest.param(schema, pair, id=f"{schema.name}.{pair.url}")
    for schema in {one.name: one for one in schemas(schema_of(Response))}.values()
    for pair in schema.callbacks
]


def problems(schema: Schema, attributes: str) -> list[str]:
    warnings = parse(DOCUMENTS[schema.name].format(attributes)).warnings
    assert all(warning.line == 3 for warning in warnings)
    return [f"{warning.attribute} {warning.message}" for warning in warnings]


def test_every_list_of_callback_events_has_its_url() -> None:
    found = {f"{pair.values[0].name}.{pair.values[1].event}" for pair in PAIRS}
    assert {
        "Conference.statusCallbackEvent",
        "Conference.recordingStatusCallbackEvent",
        "Number.statusCallbackEvent",
        "Sip.statusCallbackEvent",
        "Dial.recordingStatusCallbackEvent",
        "Record.recordingStatusCallbackEvent",
    } <= found


@pytest.mark.parametrize(("schema", "pair"), PAIRS)
def test_events_without_a_url_are_warned_about(schema: Schema, pair: CallbackPair) -> None:
    word = "completed" if schema.attributes[pair.event].default else "start"
    found = problems(schema, f'{pair.event}="{word}"')
    assert found == [f"{pair.event} has no effect without {pair.url}"]


@pytest.mark.parametrize(("schema", "pair"), PAIRS)
def test_a_url_without_events_is_warned_about_where_no_event_is_the_default(
    schema: Schema, pair: CallbackPair
) -> None:
    default = schema.attributes[pair.event].default
    expected = [] if default else [f"{pair.url} has no effect without {pair.event}"]
    assert problems(schema, f'{pair.url}="/status"') == expected


@pytest.mark.parametrize("events", ["", "  ", ","])
def test_an_empty_list_of_events_is_none(events: str) -> None:
    attributes = f'statusCallback="/status" statusCallbackEvent="{events}"'
    conference = next(pair.values[0] for pair in PAIRS if pair.values[0].name == "Conference")
    assert problems(conference, attributes) == ["statusCallback has no effect without statusCallbackEvent"]


def test_both_together_are_right() -> None:
    document = parse(DOCUMENTS["Conference"].format('statusCallback="/status" statusCallbackEvent="end"'))
    assert document.warnings == ()
