"""The OpenAPI document for people and generators: valid, in groups, all described, with true examples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from openapi_spec_validator import validate as validate_document

from orchestrator.web.api.blueprint import ACCOUNT, OPERATIONS
from orchestrator.web.api.openapi import document
from orchestrator.web.api.openapi_texts import OPERATIONS as TEXTS
from orchestrator.web.api.operation import Operation
from orchestrator.web.api.parameters import read
from tests.web.outline import lines

API = Path(__file__).resolve().parents[1] / "data" / "api.txt"

DOCUMENT: dict[str, Any] = document(OPERATIONS, ACCOUNT, server="https://texml.example.com")  # type: ignore


def described() -> Iterator[tuple[str, dict[str, Any]]]:
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            yield operation["operationId"], operation


def fits(value: object, schema: dict[str, Any]) -> list[str]:
    """The faults of it."""
    whole = {**schema, "components": DOCUMENT["components"]}
    return [error.message for error in OAS31Validator(whole).iter_errors(value)]


@pytest.mark.parametrize("vendor", ["telnyx", "twilio"])
def test_it_is_valid(vendor: Any) -> None:
    validate_document(document(OPERATIONS, ACCOUNT, vendor), cls=OpenAPIV31SpecValidator)  # type: ignore


def test_it_says_where_the_server_is() -> None:
    assert [server["url"] for server in DOCUMENT["servers"]] == ["https://texml.example.com"]
    assert document(OPERATIONS, ACCOUNT)["servers"] == [{"url": "/", "description": "this orchestrator"}]


@pytest.mark.parametrize(("name", "operation"), list(described()), ids=[name for name, _ in described()])
def test_an_operation_has_a_group_texts_and_true_examples(name: str, operation: dict[str, Any]) -> None:
    groups = {tag["name"] for tag in DOCUMENT["tags"]}
    assert len(operation["tags"]) == 1
    assert set(operation["tags"]) <= groups
    assert operation["summary"] != operation["description"]
    for parameter in operation["parameters"]:
        assert parameter["description"], parameter["name"]
    for status, answer in operation["responses"].items():
        assert answer["description"]
        for content in answer.get("content", {}).values():
            assert not fits(content["example"], content["schema"]), status
    for content in operation.get("requestBody", {}).get("content", {}).values():
        assert not fits(content["example"], content["schema"])


@pytest.mark.parametrize("schema", [name for name in DOCUMENT["components"]["schemas"] if name != "Errors"])
def test_every_field_of_a_resource_is_described(schema: str) -> None:
    properties = DOCUMENT["components"]["schemas"][schema]["properties"]
    assert [name for name, field in properties.items() if not field.get("description")] == []


WITH_BODY = [operation for operation in OPERATIONS if operation.body]


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda operation: operation.name)
def test_an_example_of_a_request_is_accepted(operation: Operation) -> None:
    (its,) = (found for name, found in described() if name == operation.name)
    example = its["requestBody"]["content"]["application/json"]["example"]
    given = read(operation.parameters, example.items(), "account")
    assert given.values.keys() == example.keys()
    for parameter in operation.body:
        assert parameter.description, parameter.name


def test_no_text_is_left_of_an_operation_that_is_gone() -> None:
    assert TEXTS.keys() == {operation.name for operation in OPERATIONS}


def test_it_changes_on_purpose_alone() -> None:
    """Clients are generated from it. `python -m tests.web.outline > tests/data/api.txt` writes it anew."""
    assert list(lines()) == API.read_text("utf-8").splitlines()
