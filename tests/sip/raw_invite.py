"""A phone that writes its request URI and its To header as it is told to."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.attacks.sip import Dialog, RawPhone, Text


class RawInvite(RawPhone):
    """`PORT` stands for the switch's."""

    def __init__(self, switch_port: int, request_uri: str = "", to_line: str = "") -> None:
        super().__init__(switch_port)
        self._request_uri = request_uri.replace("PORT", str(switch_port)).encode()
        self._to_line = to_line.replace("PORT", str(switch_port)).encode()

    def _message(
        self,
        method: str,
        dialog: Dialog,
        headers: Sequence[tuple[Text, Text]] = (),
        body: bytes = b"",
        branch: str = "",
    ) -> bytes:
        message = super()._message(method, dialog, headers, body, branch)
        if method in ("INVITE", "ACK", "CANCEL") and self._request_uri:
            message = re.sub(rb"(?<=^\w{6} )\S+", lambda _: self._request_uri, message, count=1)
            message = re.sub(rb"(?<=^ACK )\S+", lambda _: self._request_uri, message, count=1)
        if self._to_line:
            message = re.sub(rb"(?<=\r\nTo: )<[^>]*>", lambda _: self._to_line, message, count=1)
        return message
