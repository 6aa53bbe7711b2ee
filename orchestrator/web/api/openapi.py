"""The API described: an OpenAPI document made of the same tables as the routes, parameters and answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from orchestrator import __version__
from orchestrator.web.api import openapi_texts as texts
from orchestrator.web.api.operation import Operation
from orchestrator.web.api.paging import operators
from orchestrator.web.api.parameter_types import Parameter
from orchestrator.web.api.response_schema import PAGE_FIELDS, PREFIXES, ListOf, ResponseSchema, Vendor

_ERROR = {
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["code", "title", "detail"],
                "properties": {
                    "code": {"type": "string"},
                    "title": {"type": "string"},
                    "detail": {"type": "string"},
                    "source": {"type": "object", "properties": {"pointer": {"type": "string"}}},
                },
            },
        }
    },
}
_ERROR_EXAMPLE = {
    "errors": [
        {
            "code": "10033",
            "title": "Value outside of range",
            "detail": "must be between 1 and 1000",
            "source": {"pointer": "/PageSize"},
        }
    ]
}
_ANSWERS = {
    "400": "The body cannot be read, or a parameter is unknown or not supported",
    "401": "No key, or not a known one",
    "404": "No such resource, or none of this account",
    "413": "The body is too long",
    "422": "A parameter is missing or wrong, or the resource is not in a state for it",
}


def document(
    operations: Iterable[Operation], account: str, vendor: Vendor = "telnyx", server: str = "/"
) -> dict[str, object]:
    """`server`: the base URL, or a slash for the one that the document comes from."""
    operations = tuple(operations)
    paths: dict[str, dict[str, object]] = {}
    schemas: dict[str, object] = {"Errors": _ERROR}
    for operation in operations:
        path = PREFIXES[vendor] + account + operation.path + operation.suffixes[0]
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, path, vendor)
        if operation.answer is not None:
            schemas |= _schemas(operation.answer, vendor)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "TeXML conferences",
            "version": __version__,
            "summary": "TeXML conferences on your own FreeSWITCH",
            "description": texts.ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server, "description": "this orchestrator"}],
        "tags": [{"name": name, "description": text} for name, text in texts.TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "an API key of the account"},
                "basic": {"type": "http", "scheme": "basic", "description": "AccountSid and an API key"},
            },
        },
        "security": [{"bearer": []}, {"basic": []}],
    }


def _schemas(answer: ResponseSchema | ListOf, vendor: Vendor) -> dict[str, object]:
    if isinstance(answer, ResponseSchema):
        return {answer.name: _described(answer.schema(vendor), partial(texts.field_text, answer.name))}
    listed = answer.schema(_reference(answer.shape.name))
    return {
        **_schemas(answer.shape, vendor),
        answer.name: _described(listed, partial(_of_list, answer)),
    }


def _of_list(answer: ListOf, name: str) -> texts.Text:
    return texts.Text("the entries") if name == answer.key else texts.LIST_FIELDS[name]


def _described(schema: dict[str, Any], text: Callable[[str], texts.Text]) -> dict[str, object]:
    properties = {
        name: {**shape, "description": text(name).description} for name, shape in schema["properties"].items()
    }
    return {**schema, "properties": properties}


def example(answer: ResponseSchema | ListOf, vendor: Vendor) -> dict[str, object]:
    """A resource, or a list of one."""
    if isinstance(answer, ResponseSchema):
        names = answer.schema(vendor)["properties"]
        assert isinstance(names, dict)
        return {name: texts.field_text(answer.name, name).example for name in names}
    beside = {name: text.example for name, text in texts.LIST_FIELDS.items() if name in PAGE_FIELDS}
    more = {field.name: texts.LIST_FIELDS[field.name].example for field in answer.more}
    return {answer.key: [example(answer.shape, vendor)], **beside, **more}


def _reference(name: str) -> str:
    return f"#/components/schemas/{name}"


def _operation(operation: Operation, path: str, vendor: Vendor) -> dict[str, object]:
    described: dict[str, object] = {
        "operationId": operation.name,
        "tags": [texts.tag_of(operation.path)],
        "summary": operation.summary,
        "description": texts.OPERATIONS[operation.name],
        "parameters": [*_in_path(path), *_in_query(operation)],
        "responses": _responses(operation, vendor),
    }
    if operation.body:
        content = {"schema": _body(operation.body), "example": texts.BODIES[operation.name]}
        described["requestBody"] = {
            "required": any(parameter.required for parameter in operation.body),
            "content": {
                "application/json": content,
                "application/x-www-form-urlencoded": content,
            },
        }
    return described


def _in_path(path: str) -> list[dict[str, object]]:
    schema = {"type": "string", "minLength": 1}
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": texts.PATHS[name].description,
            "schema": schema,
            "example": texts.PATHS[name].example,
        }
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _in_query(operation: Operation) -> list[dict[str, object]]:
    found: list[dict[str, object]] = [
        {
            "name": parameter.name,
            "in": "query",
            "required": parameter.required,
            "description": parameter.description,
            "schema": _schema(parameter),
        }
        for parameter in operation.query
    ]
    for name in operation.times:
        for spelling in operators(name):
            description = "a day, or an ISO 8601 time; the plain name may have an operator before its value"
            schema = {"type": "string"}
            found.append(
                {
                    "name": spelling,
                    "in": "query",
                    "required": False,
                    "description": description,
                    "schema": schema,
                }
            )
    return found


def _body(parameters: tuple[Parameter, ...]) -> dict[str, object]:
    schema: dict[str, object] = {
        "type": "object",
        "properties": {parameter.name: _schema(parameter) for parameter in parameters},
        "additionalProperties": False,
    }
    required = [parameter.name for parameter in parameters if parameter.required]
    return schema | ({"required": required} if required else {})


def _schema(parameter: Parameter) -> dict[str, object]:
    schema = dict(parameter.kind.schema)
    if parameter.description:
        more = schema.get("description")
        schema["description"] = f"{parameter.description} ({more})" if more else parameter.description
    if parameter.default is not None:
        schema["default"] = parameter.default
    return schema


def _responses(operation: Operation, vendor: Vendor) -> dict[str, object]:
    good: dict[str, object] = {"description": operation.summary}
    if operation.answer is not None:
        good["content"] = {
            "application/json": {
                "schema": {"$ref": _reference(operation.answer.name)},
                "example": example(operation.answer, vendor),
            }
        }
    errors = {"application/json": {"schema": {"$ref": _reference("Errors")}, "example": _ERROR_EXAMPLE}}
    found: dict[str, object] = {str(operation.status): good}
    for status, why in _ANSWERS.items():
        found[status] = {"description": why, "content": errors}
    return found
