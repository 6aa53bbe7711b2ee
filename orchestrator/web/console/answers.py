"""Requests and answers of the console: JSON, and problems in words that the page shows as they are."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Response, request
from msgspec import DecodeError, ValidationError, json

from orchestrator.logs import get_logger
from orchestrator.rejection import ServiceError
from orchestrator.store.interface import OutboxError
from orchestrator.web.attempts import TooManyAttempts

log = get_logger(__name__)

MAX_BODY_BYTES = 16 * 1024


class Denied(Exception):
    """The answer to a request that is not done; the text is for people."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


ERRORS = (Denied, TooManyAttempts, ServiceError, OutboxError, ValidationError, DecodeError)


def body(kind: Callable[..., Any]) -> Any:
    """Raises ValidationError and DecodeError."""
    request.max_content_length = MAX_BODY_BYTES
    return json.decode(request.get_data(cache=False), type=kind)


def json_answer(data: object, status: int = HTTPStatus.OK) -> Response:
    return Response(json.encode(data), status, mimetype="application/json")


def nothing() -> Response:
    return Response(status=HTTPStatus.NO_CONTENT)


def problem(error: Exception) -> Response:
    """The answer for one of ERRORS."""
    match error:
        case Denied():
            return json_answer({"problem": str(error)}, error.status)
        case TooManyAttempts():
            answer = json_answer({"problem": str(error)}, HTTPStatus.TOO_MANY_REQUESTS)
            answer.headers["Retry-After"] = str(error.retry_after)
            return answer
        case ServiceError():
            gone = error.status == HTTPStatus.NOT_FOUND
            return json_answer({"problem": "It is no longer there." if gone else error.detail}, error.status)
        case OutboxError():
            log.error("console not answered", path=request.path, problem=str(error))
            text = "The orchestrator's database fails."
            return json_answer({"problem": text}, HTTPStatus.INTERNAL_SERVER_ERROR)
    return json_answer({"problem": "This request cannot be read."}, HTTPStatus.BAD_REQUEST)
