"""REST parameters of a callback that is never sent are named in the log, whichever operation has them."""

import pytest

from orchestrator.web.api.blueprint import OPERATIONS
from orchestrator.web.api.dialling import TWILIO_DEFAULTS
from orchestrator.web.api.operation import Operation
from orchestrator.web.api.parameters import callback_problems

EVENTS = [
    pytest.param(operation, parameter.name, parameter.default, id=f"{operation.name}.{parameter.name}")
    for operation in OPERATIONS
    for parameter in operation.body
    if parameter.name.endswith("CallbackEvent")
]
URL = "http://a.example/status"
SOME = frozenset({"completed"})


def test_the_operations_that_dial_and_record_have_such_lists() -> None:
    assert len(EVENTS) >= 6


@pytest.mark.parametrize(("operation", "events", "default"), EVENTS)
def test_events_without_a_url_have_no_effect(operation: Operation, events: str, default: object) -> None:
    url = events.removesuffix("Event")
    assert callback_problems(operation.body, {events: SOME}) == [f"{events} has no effect without {url}"]


@pytest.mark.parametrize(("operation", "events", "default"), EVENTS)
def test_a_url_without_events_is_never_requested_where_there_is_no_default(
    operation: Operation, events: str, default: object
) -> None:
    url = events.removesuffix("Event")
    expected = [] if default else [f"{url} has no effect without {events}"]
    assert callback_problems(operation.body, {url: URL}) == expected
    assert callback_problems(operation.body, {url: URL, events: SOME}) == []
    assert callback_problems(operation.body, {}) == []


def test_twilio_s_default_events_of_a_conference_make_its_callback_whole() -> None:
    dial = next(one for one in OPERATIONS if one.name == "dialParticipant")
    assert callback_problems(dial.body, {"ConferenceStatusCallback": URL}, TWILIO_DEFAULTS) == []
