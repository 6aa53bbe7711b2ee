"""Requests passed on, as they are, to the orchestrator that has the nodes, and its answers passed back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import requests
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

FORWARDED: Final = "X-Texml-Forwarded"
"""A header of requests that were passed on once."""
CONNECT_SECONDS: Final = 2.0
ANSWER_SECONDS: Final = 60.0
"""Also between two parts of an answer: a live page sends a sign of life more often."""
RETRY_SECONDS: Final = 5
CHUNK_BYTES: Final = 64 * 1024
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# RFC 9110, 7.6.1: they are about one connection.
_HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def forwarding(owner_url: Callable[[], str]) -> Blueprint:
    """Of all addresses that no other blueprint has. `owner_url` is empty where there is no owner."""
    blueprint, session = Blueprint("forwarding", __name__), requests.Session()
    session.trust_env = False

    @blueprint.route("/", defaults={"path": ""}, methods=_METHODS)
    @blueprint.route("/<path:path>", methods=_METHODS)
    def forward(path: str) -> ResponseReturnValue:
        url = owner_url()
        if not url or FORWARDED in request.headers:
            return _unavailable("no orchestrator has the FreeSWITCH nodes at this moment", repeatable=True)
        try:
            return _answer(session, url)
        except requests.ConnectTimeout as error:
            return _unavailable(f"{url} does not answer: {type(error).__name__}", repeatable=True)
        except requests.RequestException as error:
            # It may have been carried out.
            repeatable = request.method in ("GET", "HEAD", "OPTIONS")
            return _unavailable(f"{url} does not answer: {type(error).__name__}", repeatable=repeatable)

    return blueprint


def _answer(session: requests.Session, url: str) -> Response:
    headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
    headers[FORWARDED] = "1"
    before = request.headers.get("X-Forwarded-For")
    headers["X-Forwarded-For"] = ", ".join(filter(None, (before, request.remote_addr)))
    body = request.get_data(cache=False)
    headers.pop("Content-Length", None)
    prepared = requests.Request(request.method, url, headers=headers, data=body or None).prepare()
    # As the client wrote it, byte by byte.
    prepared.url = url + request.environ["REQUEST_URI"]
    answer = session.send(
        prepared, stream=True, allow_redirects=False, timeout=(CONNECT_SECONDS, ANSWER_SECONDS)
    )
    passed = [(name, value) for name, value in answer.raw.headers.items() if name.lower() not in _HOP_BY_HOP]
    return Response(_parts(answer), answer.status_code, passed)


def _parts(answer: requests.Response) -> Iterator[bytes]:
    with answer:
        yield from answer.raw.stream(CHUNK_BYTES, decode_content=False)


def _unavailable(reason: str, *, repeatable: bool) -> ResponseReturnValue:
    """`repeatable`: it was not carried out."""
    headers = {"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"}
    if not repeatable:
        # As Telnyx's and Twilio's clients know it: repeated, a call might be dialled twice.
        headers["x-should-retry"] = "false"
    error = {"code": "503", "title": "Service unavailable", "detail": reason}
    return {"status": 503, "message": reason, "errors": [error]}, 503, headers
