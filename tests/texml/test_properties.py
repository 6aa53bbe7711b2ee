"""Properties of any document whatsoever."""

import subprocess
import sys
import time
import timeit
from contextlib import suppress
from xml.sax.saxutils import escape, quoteattr

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.texml import Conference, Dial, Document, DocumentError, Warning, parse
from orchestrator.texml.limits import MAX_PARTICIPANTS, MAX_ROOM_NAME, MIN_PARTICIPANTS
from orchestrator.texml.response import Response, Verb
from orchestrator.texml.schema import schema_of

TYPICAL = b"""<?xml version="1.0" encoding="UTF-8"?>
<Response>
  <Say voice="alice">Welcome to the weekly call.</Say>
  <Dial action="/after" method="POST" timeLimit="3600">
    <Conference muted="false" startConferenceOnEnter="true" endConferenceOnExit="false" maxParticipants="50"
      beep="onEnter" record="record-from-start" recordingStatusCallback="https://example.com/recording"
      statusCallback="https://example.com/events" statusCallbackEvent="start end join leave speaker"
      waitUrl="https://example.com/wait" waitMethod="GET">Room 1234</Conference>
  </Dial>
</Response>
"""

VERBS = schema_of(Response).children
assert VERBS is not None
TAGS = ["Response", *VERBS.schemas, "Conference", "Number", "Sip", "p", "break", "a:b", "say", "Foo"]
ATTRIBUTES = [
    *sorted({name for schema in VERBS.schemas.values() for name in schema.attributes}),
    *sorted(schema_of(Conference).attributes),
    "xml:lang",
    "x:y",
    "Loop",
]
XML_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
VALUES = st.one_of(
    XML_TEXT,
    st.integers().map(str),
    st.sampled_from(
        ["true", "false", "start join", "GET", "completed", "", "dtmf speech", "#", "\n", "&#10;"]
    ),
)
ESCAPED = VALUES.map(quoteattr)


def elements(depth: int) -> st.SearchStrategy[str]:
    inside = XML_TEXT.map(escape)
    if depth:
        inside = st.lists(st.one_of(inside, elements(depth - 1)), max_size=4).map("".join)
    attributes = st.dictionaries(st.sampled_from(ATTRIBUTES), ESCAPED, max_size=5)
    return st.builds(
        lambda tag, named, body: f"<{tag} {' '.join(f'{k}={v}' for k, v in named.items())}>{body}</{tag}>",
        st.sampled_from(TAGS),
        attributes,
        inside,
    )


def parsed(document: bytes | str) -> Document | None:
    try:
        return parse(document, source="s")
    except DocumentError as error:
        failure = error
    assert failure.source == "s"
    assert failure.line >= 0
    assert failure.message
    return None


def check(document: Document) -> None:
    assert all(isinstance(verb, Verb) for verb in document.verbs)
    assert all(
        isinstance(warning, Warning) and str(warning).startswith("s:") for warning in document.warnings
    )
    dials = [verb for verb in document.verbs if isinstance(verb, Dial)]
    assert all(len(dial.nouns) == 1 for dial in dials if dial.conference)
    for room in filter(None, (dial.conference for dial in dials)):
        assert 0 < len(room.name) <= MAX_ROOM_NAME
        assert room.name == room.name.strip()
        assert MIN_PARTICIPANTS <= room.max_participants <= MAX_PARTICIPANTS


@given(st.binary(max_size=200))
def test_bytes_are_a_document_or_a_document_error(document: bytes) -> None:
    if (found := parsed(document)) is not None:
        check(found)


@given(st.text(max_size=200))
def test_text_is_a_document_or_a_document_error(document: str) -> None:
    if (found := parsed(document)) is not None:
        check(found)


@given(st.lists(elements(2), max_size=4).map("".join))
@settings(max_examples=300, deadline=None)
def test_any_small_xml_is_a_document_or_a_document_error(inside: str) -> None:
    if (found := parsed(f"<Response>{inside}</Response>")) is not None:
        check(found)


@given(st.binary(max_size=6), st.integers(0, len(TYPICAL)), st.integers(0, 8))
def test_a_damaged_document_is_a_document_or_a_document_error(noise: bytes, at: int, removed: int) -> None:
    if (found := parsed(TYPICAL[:at] + noise + TYPICAL[at + removed :])) is not None:
        check(found)


@given(st.dictionaries(st.sampled_from(sorted(schema_of(Conference).attributes)), ESCAPED, max_size=6))
def test_no_attribute_keeps_a_caller_from_the_room(attributes: dict[str, str]) -> None:
    written = " ".join(f"{name}={value}" for name, value in attributes.items())
    found = parsed(f"<Response><Dial><Conference {written}>Room</Conference></Dial></Response>")
    # Only characters that XML forbids make it no document at all.
    if found is not None:
        (dial,) = found.verbs
        assert isinstance(dial, Dial)
        assert dial.conference is not None
        assert dial.conference.name == "Room"


def test_parsing_twice_gives_the_same_and_changes_nothing() -> None:
    assert parse(TYPICAL) == parse(bytearray(TYPICAL).decode())
    with suppress(DocumentError):
        parse("<broken")
    assert parse(TYPICAL).warnings == ()


def test_the_package_imports_only_the_common_types_and_nothing_that_talks() -> None:
    program = (
        "import sys, orchestrator.texml as t; t.parse('<Response><Say a=\"b\">c</Say></Response>');"
        "print(*sorted(sys.modules))"
    )
    modules = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    ours = {name.split(".")[1] for name in modules if name.startswith("orchestrator.")}
    assert ours == {"texml", "types"}
    assert not {"gevent", "socket", "ssl", "requests", "urllib.request", "http.client"} & set(modules)


def measure() -> float:
    """Microseconds of CPU time to parse the typical conference document, the best of many."""
    runs = timeit.repeat(lambda: parse(TYPICAL), timer=time.thread_time, number=100, repeat=30)
    return min(runs) / 100 * 1e6


def test_a_typical_document_takes_well_under_200_microseconds() -> None:
    assert measure() < 200


if __name__ == "__main__":
    print(f"{measure():.0f} microseconds")
