"""The OpenAPI document in lines: operations with their parameters and answers, resources with their fields.

`python -m tests.web.outline > tests/data/api.txt` writes it anew, where the API is to change.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args

from orchestrator.web.api.blueprint import ACCOUNT, OPERATIONS
from orchestrator.web.api.openapi import document
from orchestrator.web.api.response_schema import Vendor

TEXTS = {"description", "summary", "title", "example"}
REFERENCE = "#/components/schemas/"


def lines() -> Iterator[str]:
    for vendor in get_args(Vendor):
        described: dict[str, Any] = document(OPERATIONS, ACCOUNT, vendor)  # type: ignore[assignment]
        yield f"--- {vendor} ---"
        for path, methods in described.pop("paths").items():
            for method, operation in methods.items():
                yield from _operation(f"{method.upper()} {path}", operation, vendor)
        for name, schema in described["components"].pop("schemas").items():
            for field, shape in schema.pop("properties", {}).items():
                yield f"{name}.{field} {_plain(shape)}"
            yield f"{name} {_plain(schema)}"
        yield _plain({name: value for name, value in described.items() if name != "info"})


def _operation(asked: str, operation: dict[str, Any], vendor: Vendor) -> Iterator[str]:
    name = operation["operationId"]
    yield f"{name} {asked} {_plain(operation['tags'])}"
    body = operation.get("requestBody")
    # A vendor's are the other's, but for the address.
    if vendor == "telnyx":
        for one in operation["parameters"]:
            required = " required" if one["required"] else ""
            yield f"{name} {one['in']} {one['name']}{required} {_plain(one['schema'])}"
        for kind, content in body["content"].items() if body else ():
            schema = content["schema"]
            if kind == "application/json":
                for field, shape in schema["properties"].items():
                    yield f"{name} body {field} {_plain(shape)}"
            rest = {key: value for key, value in schema.items() if key != "properties"}
            yield f"{name} {kind} {body['required']} {_plain(rest)}"
    answers = {status: _content(answer) for status, answer in operation["responses"].items()}
    yield f"{name} -> {_plain(answers)}"


def _content(answer: dict[str, Any]) -> object:
    return {kind: _plain(content["schema"]) for kind, content in answer.get("content", {}).items()}


def _plain(value: object) -> str:
    """Without texts for people."""
    return json.dumps(_without_texts(value), sort_keys=True).replace(REFERENCE, "").replace('"', "")


def _without_texts(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_texts(one) for key, one in value.items() if key not in TEXTS}
    return [_without_texts(one) for one in value] if isinstance(value, list | tuple) else value


if __name__ == "__main__":
    print(*lines(), sep="\n")
