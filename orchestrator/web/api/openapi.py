"""The API described: an OpenAPI document made of the same tables as the routes, parameters and answers."""

from __future__ import annotations

import re
from collections.abc import Iterable

from orchestrator import __version__
from orchestrator.web.api.operation import Operation
from orchestrator.web.api.paging import operators
from orchestrator.web.api.parameter_types import Parameter
from orchestrator.web.api.response_schema import PREFIXES, ListOf, ResponseSchema, Vendor

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
_ANSWERS = {
    "400": "The body cannot be read, or a parameter is unknown or not supported",
    "401": "No key, or not a known one",
    "404": "No such resource, or none of this account",
    "413": "The body is too long",
    "422": "A parameter is missing or wrong, or the resource is not in a state for it",
}


def document(operations: Iterable[Operation], account: str, vendor: Vendor = "telnyx") -> dict[str, object]:
    operations = tuple(operations)
    paths: dict[str, dict[str, object]] = {}
    schemas: dict[str, object] = {"Errors": _ERROR}
    for operation in operations:
        path = PREFIXES[vendor] + account + operation.path + operation.suffixes[0]
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, path)
        if operation.answer is not None:
            schemas |= _schemas(operation.answer, vendor)
    return {
        "openapi": "3.1.0",
        "info": {"title": "TeXML conferences", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
            },
        },
        "security": [{"bearer": []}, {"basic": []}],
    }


def _schemas(answer: ResponseSchema | ListOf, vendor: Vendor) -> dict[str, object]:
    if isinstance(answer, ResponseSchema):
        return {answer.name: answer.schema(vendor)}
    return {
        answer.shape.name: answer.shape.schema(vendor),
        answer.name: answer.schema(_reference(answer.shape.name)),
    }


def _reference(name: str) -> str:
    return f"#/components/schemas/{name}"


def _operation(operation: Operation, path: str) -> dict[str, object]:
    described: dict[str, object] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [*_in_path(path), *_in_query(operation)],
        "responses": _responses(operation),
    }
    if operation.body:
        schema = _body(operation.body)
        described["requestBody"] = {
            "required": any(parameter.required for parameter in operation.body),
            "content": {
                "application/json": {"schema": schema},
                "application/x-www-form-urlencoded": {"schema": schema},
            },
        }
    return described


def _in_path(path: str) -> list[dict[str, object]]:
    schema = {"type": "string", "minLength": 1}
    names = re.findall(r"\{(\w+)\}", path)
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in names]


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


def _responses(operation: Operation) -> dict[str, object]:
    good: dict[str, object] = {"description": operation.summary}
    if operation.answer is not None:
        good["content"] = {"application/json": {"schema": {"$ref": _reference(operation.answer.name)}}}
    errors = {"application/json": {"schema": {"$ref": _reference("Errors")}}}
    found: dict[str, object] = {str(operation.status): good}
    for status, why in _ANSWERS.items():
        found[status] = {"description": why, "content": errors}
    return found
