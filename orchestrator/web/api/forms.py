"""The body of a request: a form of either kind, or JSON whatever its Content-Type says, within limits."""

from __future__ import annotations

import io
from urllib.parse import parse_qsl

import msgspec
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from orchestrator.web.api.errors import ApiError, Fault, bad_request

MAX_FIELDS = 200
FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"

Pairs = list[tuple[str, object]]
"""Names and values in their order; a name that comes several times is there several times."""


def fields_of(body: bytes, content_type: str) -> Pairs:
    """Raises ApiError."""
    text = body.strip()
    kind, options = parse_options_header(content_type)
    if kind == MULTIPART:
        return _multipart(body, options)
    # Telnyx's SDK sends JSON also where its Content-Type says that it is a form.
    if text.startswith((b"{", b"[")):
        return _json(text)
    if not text:
        return []
    if "json" in content_type:
        raise bad_request("10023", "Invalid JSON", "The body is not a JSON object.")
    if content_type and kind != FORM:
        detail = f"The body must be a form ({FORM} or {MULTIPART}) or JSON."
        raise bad_request("10024", "Unsupported content type", detail)
    try:
        return list(
            parse_qsl(
                text.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"
            )
        )
    except ValueError:
        detail = f"The form cannot be read: percent-encoded UTF-8, at most {MAX_FIELDS} fields."
        raise bad_request("10015", "Bad Request", detail) from None


def _multipart(body: bytes, options: dict[str, str]) -> Pairs:
    parser = FormDataParser(max_form_memory_size=len(body), max_form_parts=MAX_FIELDS, silent=False)
    try:
        _, form, files = parser.parse(io.BytesIO(body), MULTIPART, len(body), options)
    except (ValueError, RequestEntityTooLarge):
        detail = f"The form cannot be read: its parts, at most {MAX_FIELDS}, are parted by its boundary."
        raise bad_request("10015", "Bad Request", detail) from None
    named = [Fault("10015", "Bad Request", "is a file; a value is wanted", f"/{name[:64]}") for name in files]
    if named:
        raise ApiError(400, *named)
    return list(form.items(multi=True))


def _json(text: bytes) -> Pairs:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise bad_request("10023", "Invalid JSON", "The body is not valid JSON.") from None
    if not isinstance(found, dict):
        raise bad_request("10023", "Invalid JSON", "The body is not a JSON object.")
    return [(str(name), value) for name, value in found.items() if value is not None]
