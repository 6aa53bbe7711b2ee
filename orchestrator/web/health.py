"""Is it alive, and can it serve calls: for Docker, Kubernetes and people."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint
from flask.typing import ResponseReturnValue


def health(problems: Callable[[], Mapping[str, str]] | None) -> Blueprint:
    """`/healthz` answers as long as the process runs and gets round to it; `/readyz` says 503 as long as
    `problems` has any to name, by what has it. None: there is no `/readyz` here."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> ResponseReturnValue:
        return {"status": "alive"}, 200, _FRESH

    if problems is None:
        return blueprint

    @blueprint.get("/readyz")
    def readyz() -> ResponseReturnValue:
        found = dict(problems())
        status = "not ready" if found else "ready"
        return {"status": status, "problems": found}, 503 if found else 200, _FRESH

    return blueprint


_FRESH = {"Cache-Control": "no-store"}
