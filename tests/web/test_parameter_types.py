"""Booleans, lists and empty URLs, over every parameter of every operation that has one."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.texml.values import Options
from orchestrator.web.api.blueprint import OPERATIONS
from orchestrator.web.api.parameter_types import InvalidValue, Parameter, boolean, some_of, url
from orchestrator.web.api.parameters import by_name, read

PARAMETERS = {
    f"{operation.name}.{parameter.name}": parameter
    for operation in OPERATIONS
    for parameter in (*operation.query, *operation.body)
}


def where(check: Any) -> list[Any]:
    return [pytest.param(found, id=name) for name, found in PARAMETERS.items() if check(found.kind.schema)]


BOOLEANS = where(lambda schema: schema["type"] == "boolean")
LISTS = where(lambda schema: str(schema.get("description", "")).startswith("of: "))
URLS = where(lambda schema: schema.get("format") == "uri")


def given(parameter: Parameter, value: object) -> object:
    """The value made of it; None: as if it was not given."""
    return read(by_name([parameter]), [(parameter.name, value)], "").values.get(parameter.name)


def test_there_are_such_parameters() -> None:
    assert len(BOOLEANS) >= 10
    assert len(LISTS) >= 6
    assert len(URLS) >= 10


@pytest.mark.parametrize("parameter", BOOLEANS)
def test_a_boolean_is_read_as_a_document_s_is(parameter: Parameter) -> None:
    for value in (True, 1, "true", "True", "TRUE", " true ", "1", "yes"):
        assert given(parameter, value) is True, value
    for value in (False, 0, "false", "False", "FALSE", " false ", "0", "No"):
        assert given(parameter, value) is False, value


@pytest.mark.parametrize("parameter", BOOLEANS)
@pytest.mark.parametrize("value", ["", "maybe", 2, 1.5, ["true", "false"], {"a": 1}], ids=repr)
def test_a_value_that_is_no_boolean_is_refused(parameter: Parameter, value: object) -> None:
    with pytest.raises(InvalidValue):
        parameter.kind.convert(value)


@pytest.mark.parametrize("parameter", LISTS)
def test_a_list_is_read_as_a_document_s_is(parameter: Parameter) -> None:
    options = str(parameter.kind.schema["description"]).removeprefix("of: ").split()
    every = frozenset(options)
    for separator in (" ", ",", ", ", ";", "\n", "\t", ",\n  ", ",,", " ; "):
        for some in (options, options[::-1], options * 2, [word.upper() for word in options]):
            assert given(parameter, separator.join(some)) == every
    assert given(parameter, options) == every
    assert given(parameter, [",".join(options), options[0]]) == every
    assert given(parameter, options[0]) == frozenset({options[0]})
    for empty in ("", " ", ",", []):
        assert given(parameter, empty) is None
    with pytest.raises(InvalidValue, match="nonsense"):
        parameter.kind.convert(f"{options[0]},nonsense")


@pytest.mark.parametrize("parameter", URLS)
def test_an_empty_url_is_none_unless_it_has_a_meaning_or_is_what_is_asked_for(parameter: Parameter) -> None:
    for empty in ("", " "):
        if parameter.name in ("WaitUrl", "HoldUrl"):
            assert given(parameter, empty) == ""
        elif parameter.name in ("Url", "AnnounceUrl"):
            with pytest.raises(InvalidValue):
                parameter.kind.convert(empty)
        else:
            assert given(parameter, empty) is None
    assert given(parameter, " https://example.com/a?b=c,d;e ") == "https://example.com/a?b=c,d;e"


def test_a_parameter_that_is_not_given_is_not_there() -> None:
    parameters = [Parameter("A", url()), Parameter("B", boolean()), Parameter("C", some_of(Options(("x",))))]
    assert read(by_name(parameters), [("A", ""), ("C", " , ")], "").values == {}
