"""What a request brings: a form or JSON, whatever its Content-Type says, within limits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from orchestrator.web.api.errors import Fault, bad_request, invalid
from orchestrator.web.api.kinds import Parameter, Unfit

MAX_FIELDS = 200


def fields_of(body: bytes, content_type: str) -> dict[str, object]:
    """By name; a name that a form has several times has a list. Raises ApiError."""
    text = body.strip()
    # Telnyx's SDK sends JSON also where it was told to say that it is a form.
    if text.startswith((b"{", b"[")):
        return _json(text)
    if not text:
        return {}
    if "json" in content_type:
        raise bad_request("10023", "Invalid JSON", "The body is not a JSON object.")
    if content_type and "x-www-form-urlencoded" not in content_type:
        detail = "The body must be a form (application/x-www-form-urlencoded) or JSON."
        raise bad_request("10024", "Unsupported content type", detail)
    try:
        pairs = parse_qsl(
            text.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"
        )
    except ValueError:
        detail = f"The form cannot be read: percent-encoded UTF-8, at most {MAX_FIELDS} fields."
        raise bad_request("10015", "Bad Request", detail) from None
    found: dict[str, object] = {}
    for name, value in pairs:
        known = found.get(name)
        if known is None:
            found[name] = value
        elif isinstance(known, list):
            known.append(value)
        else:
            found[name] = [known, value]
    return found


def _json(text: bytes) -> dict[str, object]:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise bad_request("10023", "Invalid JSON", "The body is not valid JSON.") from None
    if not isinstance(found, dict):
        raise bad_request("10023", "Invalid JSON", "The body is not a JSON object.")
    return {str(name): value for name, value in found.items() if value is not None}


def values_of(parameters: Iterable[Parameter], fields: Mapping[str, object]) -> dict[str, Any]:
    """The parameters that were given, converted; what is no parameter is not looked at. Raises ApiError that
    names every wrong one."""
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for parameter in parameters:
        name = parameter.name
        if name not in fields:
            if parameter.required:
                detail = f"Can't be blank: {name}"
                faults.append(Fault("10004", "Missing required parameter", detail, f"/{name}"))
            continue
        try:
            value = parameter.kind.convert(fields[name])
            if value is not None:
                values[name] = value
        except Unfit as unfit:
            faults.append(unfit.fault(name))
    if faults:
        raise invalid(*faults)
    return values


def callback_problems(
    parameters: Iterable[Parameter], values: Mapping[str, Any], default_events: Collection[str] = ()
) -> list[str]:
    """Callbacks that will never be sent: events without their URL, or a URL without events.

    `default_events`: names of lists that are not empty where a request has none.
    """
    found = []
    events = [parameter for parameter in parameters if parameter.name.endswith("CallbackEvent")]
    for parameter in events:
        name, url = parameter.name, parameter.name.removesuffix("Event")
        if name in values and not values.get(url):
            found.append(f"{name} has no effect without {url}")
        elif values.get(url) and not values.get(name, parameter.default or name in default_events):
            found.append(f"{url} has no effect without {name}")
    return found
