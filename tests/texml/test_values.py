"""Booleans, lists and empty URLs, over every attribute of every element that has one.

Symptom: `statusCallbackEvent="start,end,join,leave"` sent no callback, and `record="True"` recorded nothing.
Cause: documents and the REST API had each their own notion of a list and of a boolean. Fix: values.py has it.
"""

import types
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from xml.sax.saxutils import quoteattr

import pytest

from orchestrator.texml import Document, converters, parse, values
from orchestrator.texml.response import Response
from orchestrator.texml.schema import Attribute, Schema, schema_of
from tests.texml.tables import DOCUMENTS, element_in

# Those whose empty URL has a meaning; any other's is none.
MEANT_EMPTY = {"Dial.action", "Gather.action", "Record.action", "Conference.waitUrl"}


def every_schema(schema: Schema) -> dict[str, Schema]:
    found = {schema.name: schema}
    for child in schema.children.schemas.values() if schema.children else ():
        found |= every_schema(child)
    return found


ATTRIBUTES = {
    f"{schema.name}.{name}": (schema, attribute)
    for schema in every_schema(schema_of(Response)).values()
    for name, attribute in schema.attributes.items()
}


def inner(hint: Any) -> Any:
    """The type of a value that is given."""
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (one for one in get_args(hint) if one is not type(None))
    return hint


def hint_of(schema: Schema, attribute: Attribute) -> Any:
    return inner(get_type_hints(schema.make)[attribute.field])


def of_type(wanted: Any) -> list[str]:
    return sorted(
        name for name, (schema, found) in ATTRIBUTES.items()
        if wanted in (hint_of(schema, found), get_origin(hint_of(schema, found)))
    )  # fmt: skip


BOOLEANS = of_type(bool)
LISTS = of_type(frozenset)
URLS = sorted(
    name
    for name, (_, found) in ATTRIBUTES.items()
    if found.convert in (converters.url, converters.url_or_empty)
)
# The words of a list that have no effect are left out, with a warning.
NEVER_SENT = {"amd", "dtmf", "deepfake"}
WITHOUT = {
    "Gather.input": {"speech"},
    "Number.statusCallbackEvent": NEVER_SENT,
    "Sip.statusCallbackEvent": NEVER_SENT,
}


def read(name: str, written: str) -> tuple[object, Document]:
    element, _, attribute = name.partition(".")
    document = parse(DOCUMENTS[element].format(f"{attribute}={quoteattr(written)}"))
    return getattr(element_in(document, element), ATTRIBUTES[name][1].field), document


def wrong(document: Document) -> list[str]:
    """The warnings except that the attribute has no effect."""
    return [str(warning) for warning in document.warnings if "no effect" not in warning.message]


def test_there_are_such_attributes() -> None:
    assert len(BOOLEANS) >= 15
    assert len(LISTS) >= 7
    assert len(URLS) >= 17


@pytest.mark.parametrize("name", BOOLEANS)
@pytest.mark.parametrize("value", [True, False])
def test_a_boolean_is_read_in_every_case_and_spelling(name: str, value: bool) -> None:
    written = ["true", "True", "TRUE", " true ", "\ttRuE\n", "1", "yes", "Yes"]
    if not value:
        written = ["false", "False", "FALSE", " false ", "\tfAlSe\n", "0", "no", "NO"]
    for text in written:
        found, document = read(name, text)
        assert found is value, text
        assert wrong(document) == [], text


@pytest.mark.parametrize("name", BOOLEANS)
@pytest.mark.parametrize("written", ["", " ", "maybe", "2", "-1", "tru", "on off"])
def test_a_value_that_is_no_boolean_is_the_default_with_a_warning(name: str, written: str) -> None:
    found, document = read(name, written)
    assert found is ATTRIBUTES[name][1].default
    assert len(wrong(document)) == 1


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    "separator", [" ", ",", ", ", " , ", ";", "; ", "  ", "\n", "\t", ",\n   ", ",,", " ;, "], ids=repr
)
def test_a_list_is_read_with_any_separator_duplicates_and_capitals(name: str, separator: str) -> None:
    schema, attribute = ATTRIBUTES[name]
    without = WITHOUT.get(name, set())
    options = [word for word in get_args(get_args(hint_of(schema, attribute))[0]) if word not in without]
    for some in (options, options[:1], options[::-1], options * 2, [word.upper() for word in options]):
        for written in (separator.join(some), separator + separator.join(some) + separator):
            found, document = read(name, written)
            assert found == frozenset(word for word in options if word in map(str.lower, some)), written
            assert wrong(document) == [], written


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("separator", [" ", ",", ";\n"], ids=repr)
def test_a_word_that_is_unknown_in_a_list_is_named_and_the_others_count(name: str, separator: str) -> None:
    schema, attribute = ATTRIBUTES[name]
    first = get_args(get_args(hint_of(schema, attribute))[0])[0]
    found, document = read(name, separator.join([first, "nonsense"]))
    assert found == frozenset({first})
    (message,) = wrong(document)
    assert "has nonsense" in message


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_separators_is_an_empty_one(name: str) -> None:
    assert [read(name, text)[0] for text in (" ", ",", " ,; ")] == [read(name, "")[0]] * 3


@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize("written", ["", " ", "\t\n"], ids=repr)
def test_an_empty_url_is_none_unless_it_has_a_meaning(name: str, written: str) -> None:
    found, document = read(name, written)
    if name in MEANT_EMPTY:
        assert found == ""
        assert document.warnings == ()
    else:
        assert found is None
        (message,) = wrong(document)
        assert "is empty" in message


@pytest.mark.parametrize("name", URLS)
def test_the_white_space_around_a_url_is_no_part_of_it(name: str) -> None:
    found, document = read(name, "\n  /next?a=b,c;d  ")
    assert found == "/next?a=b,c;d"
    assert wrong(document) == []


def test_every_word_that_is_true_or_false_is_taken_as_one_where_it_means_something() -> None:
    switches = {
        "Conference.beep": ("true", "false"),
        "Conference.record": ("record-from-start", "do-not-record"),
        "Conference.trim": ("trim-silence", "do-not-trim"),
        "Dial.record": ("record-from-answer", "do-not-record"),
        "Dial.trim": ("trim-silence", "do-not-trim"),
        "Record.trim": ("trim-silence", "do-not-trim"),
        "Number.machineDetection": ("Enable", "Disable"),
        "Sip.machineDetection": ("Enable", "Disable"),
    }
    for name, meant in switches.items():
        for written, value in [
            ("true", True),
            ("TRUE", True),
            ("1", True),
            ("False", False),
            (" no ", False),
        ]:
            found, document = read(name, written)
            assert found == meant[0 if value else 1], (name, written)
            assert wrong(document) == []


def test_a_word_of_its_own_is_never_taken_for_a_boolean() -> None:
    """Else an attribute with `no` or `0` among its words would mean something else by it."""
    for name, (schema, attribute) in ATTRIBUTES.items():
        hint = hint_of(schema, attribute)
        for word in get_args(hint) if get_origin(hint) is Literal else ():
            assert read(name, word)[0] == word


def test_a_boolean_is_neither_a_number_nor_a_sentence() -> None:
    assert [values.boolean(text) for text in ("true", "0", "01", "true false", "", "wahr")] == [
        True, False, None, None, None, None
    ]  # fmt: skip
