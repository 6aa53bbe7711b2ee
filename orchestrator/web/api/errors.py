"""Errors of the API, as both vendors' clients understand them."""

from __future__ import annotations

from typing import NamedTuple

from orchestrator.rejection import ServiceError
from orchestrator.web.attempts import TooManyAttempts


class Fault(NamedTuple):
    """One entry of `errors`."""

    code: str
    title: str
    detail: str
    pointer: str = ""
    """The parameter that is to blame, as `/Status`."""


class ApiError(Exception):
    """An answer in the vendors' words; clients must not try again what will not heal."""

    def __init__(self, status: int, *faults: Fault) -> None:
        super().__init__(f"{status} {faults[0].detail}")
        self.status = status
        self.faults = faults
        self.retry_after: int | None = None
        """Seconds."""


def not_found() -> ApiError:
    return ApiError(404, Fault("10005", "Resource not found", "Resource not found"))


def unauthorised() -> ApiError:
    detail = "The API key is missing, malformed or not known here."
    return ApiError(401, Fault("10009", "Authentication failed", detail))


def too_many_attempts(error: TooManyAttempts) -> ApiError:
    answer = ApiError(429, Fault("10011", "Too many requests", str(error)))
    answer.retry_after = error.retry_after
    return answer


def not_allowed(method: str) -> ApiError:
    return ApiError(405, Fault("10030", "Method not allowed", f"{method} is not allowed here."))


def bad_request(code: str, title: str, detail: str, status: int = 400) -> ApiError:
    return ApiError(status, Fault(code, title, detail))


def invalid(*faults: Fault) -> ApiError:
    return ApiError(422, *faults)


def refused(refusal: ServiceError) -> ApiError:
    return ApiError(refusal.status, Fault(refusal.code, refusal.title, refusal.detail, refusal.pointer))


def telnyx_body(error: ApiError) -> dict[str, object]:
    return {"errors": [_entry(fault) for fault in error.faults]}


def _entry(fault: Fault) -> dict[str, object]:
    entry: dict[str, object] = {"code": fault.code, "title": fault.title, "detail": fault.detail}
    if fault.pointer:
        entry["source"] = {"pointer": fault.pointer}
    return entry


# Twilio's own numbers for what its clients look at.
_TWILIO_CODES = {401: 20003, 404: 20404, 405: 20004, 429: 20429, 500: 20500}
_TWILIO_NUMBERS = {("10016", "/To"): 21211, ("10016", "/From"): 21212, ("10016", "/CallerId"): 21212}


def twilio_status(status: int) -> int:
    """Twilio answers 400 where Telnyx says 422."""
    return 400 if status == 422 else status


def twilio_body(error: ApiError) -> dict[str, object]:
    status, first = twilio_status(error.status), error.faults[0]
    message = "; ".join(
        f"{fault.pointer[1:]}: {fault.detail}" if fault.pointer else fault.detail for fault in error.faults
    )
    return {
        "code": _TWILIO_NUMBERS.get((first.code, first.pointer)) or _TWILIO_CODES.get(status, 20001),
        "message": message,
        "more_info": "",
        "status": status,
        **telnyx_body(error),
    }
