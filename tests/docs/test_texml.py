"""docs/texml.md says of every attribute what the code says of it, and of no other."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from orchestrator.texml.converters import Adjusted, Unusable
from orchestrator.texml.response import Response
from orchestrator.texml.schema import Attribute, Schema, schema_of
from tests.docs.markdown import DOCS, code, section, sections

TEXML = DOCS / "texml.md"


def schemas(schema: Schema) -> Iterator[Schema]:
    for child in schema.children.schemas.values() if schema.children else ():
        yield child
        yield from schemas(child)


SCHEMAS = {schema.name: schema for schema in schemas(schema_of(Response))}


def rows(element: str) -> dict[str, dict[str, str]]:
    found = section(TEXML, element).table("Attribute")
    by_name = {code(row["Attribute"]): row for row in found}
    assert len(by_name) == len(found), f"a row of {element} stands there twice"
    return by_name


ROWS = [
    pytest.param(SCHEMAS[element], name, row, id=f"{element}.{name}")
    for element in SCHEMAS
    for name, row in rows(element).items()
]


@pytest.mark.parametrize("element", SCHEMAS)
def test_an_element_s_table_has_exactly_its_attributes(element: str) -> None:
    assert set(rows(element)) == set(SCHEMAS[element].attributes)


def test_no_table_is_about_an_element_that_nobody_reads() -> None:
    described = {one.title for one in sections(TEXML) if any("Attribute" in rows[0] for rows in one.tables)}
    assert described == set(SCHEMAS)


@pytest.mark.parametrize(("schema", "name", "row"), ROWS)
def test_the_default_is_the_code_s(schema: Schema, name: str, row: dict[str, str]) -> None:
    assert row["Default"] == shown(schema.attributes[name].default)


@pytest.mark.parametrize(("schema", "name", "row"), ROWS)
def test_an_attribute_without_effect_says_so(schema: Schema, name: str, row: dict[str, str]) -> None:
    assert row["Effect"].startswith("No effect") is bool(schema.attributes[name].ignored)


@pytest.mark.parametrize(("schema", "name", "row"), ROWS)
def test_the_values_are_the_code_s(schema: Schema, name: str, row: dict[str, str]) -> None:
    attribute, written = schema.attributes[name], row["Values"]
    words = options(schema, attribute)
    if words:
        assert written.split(", ") == list(words)
    elif bounds := re.fullmatch(r"(\d+) to (\d+)", written):
        low, high = (int(bound) for bound in bounds.groups())
        assert (used(attribute, low), used(attribute, high)) == (low, high)
        assert used(attribute, high + 1) == high
        assert used(attribute, low - 1) in (low, attribute.default)
        clamped = used(attribute, low - 1) != attribute.default
        assert clamped is ("Too low becomes" in row["Effect"]) or attribute.ignored
    elif keys := re.fullmatch(r"keys `(.+)`", written):
        every = keys[1].replace("0-9", "0123456789")
        assert used(attribute, every) == every
        assert used(attribute, keys[1] + "A") == attribute.default
    elif ", " in written:
        assert [used(attribute, word) for word in written.split(", ")] == written.split(", ")
    else:
        assert written in ("text", "URL")
        assert used(attribute, "X-a") == "X-a"


def options(schema: Schema, attribute: Attribute) -> tuple[str, ...]:
    """The words that the field's type allows; none where it is no matter of words."""
    return tuple(_words(get_type_hints(schema.make)[attribute.field]))


def _words(hint: Any) -> Iterator[str]:
    if hint is bool:
        yield from ("true", "false")
    elif get_origin(hint) is Literal:
        yield from get_args(hint)
    elif get_origin(hint) in (Union, types.UnionType, frozenset):
        for inner in get_args(hint):
            yield from _words(inner)


def used(attribute: Attribute, written: object) -> object:
    try:
        return attribute.convert(str(written))
    except Adjusted as error:
        return error.value
    except Unusable:
        return attribute.default


def shown(default: object) -> str:
    match default:
        case None:
            return "none"
        case bool():
            return str(default).lower()
        case frozenset():
            return " ".join(sorted(default)) or "none"
    return str(default)
