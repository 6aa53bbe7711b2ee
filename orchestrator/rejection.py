"""Why something that the API asks for is not done."""

from __future__ import annotations


class ServiceError(Exception):
    """In Telnyx's words and numbers; `pointer` names the parameter that is to blame, as `/To`."""

    def __init__(self, code: str, title: str, detail: str, pointer: str = "", status: int = 422) -> None:
        super().__init__(detail)
        self.code = code
        self.title = title
        self.detail = detail
        self.pointer = pointer
        self.status = status


class NotFound(ServiceError):
    """No such thing, or none of this account."""

    def __init__(self) -> None:
        super().__init__("10005", "Resource not found", "Resource not found", status=404)
