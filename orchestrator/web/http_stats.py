"""Counters of the web server: requests and answers."""

from __future__ import annotations

import time
from collections import Counter
from typing import NamedTuple

from flask import Flask, Response, g, request

from orchestrator.histogram import DELAYS, Histogram

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class AnsweredRequest(NamedTuple):
    area: str
    """The part of the server that answered: rest, recordings, health, metrics …; none: no such address."""
    method: str
    status: str


class HttpStats:
    """Counts what an application answers. Nothing that a client can make up becomes a key."""

    def __init__(self) -> None:
        self.answers: Counter[AnsweredRequest] = Counter()
        self.seconds = Histogram(*DELAYS)
        """Until the answer begins; a long one is sent afterwards."""

    def watch(self, app: Flask) -> None:
        app.before_request(self._begin)
        app.after_request(self._end)

    def _begin(self) -> None:
        g.begun = time.monotonic()

    def _end(self, response: Response) -> Response:
        method = request.method if request.method in _METHODS else "other"
        area = request.blueprint or "none"
        self.answers[AnsweredRequest(area, method, str(response.status_code))] += 1
        self.seconds.observe(time.monotonic() - g.get("begun", time.monotonic()))
        return response
