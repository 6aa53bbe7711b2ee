"""A phone with any request URI and any To header."""

from __future__ import annotations

from tests.attacks.sip import Dialog, RawPhone, Request


class RawInvite(RawPhone):
    """`PORT` stands for the switch's."""

    def __init__(self, switch_port: int, request_uri: str = "", to_line: str = "") -> None:
        super().__init__(switch_port)
        self._request_uri = request_uri.replace("PORT", str(switch_port)).encode()
        self._to_line = to_line.replace("PORT", str(switch_port)).encode()

    def _change(self, request: Request, dialog: Dialog) -> None:
        if request.method in ("INVITE", "ACK", "CANCEL") and self._request_uri:
            request.uri = self._request_uri
        if self._to_line:
            request.substitute(b"To", rb"<[^>]*>", self._to_line)
