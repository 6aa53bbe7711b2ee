"""Is it alive, and can it serve calls: for Docker, Kubernetes and people."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint
from flask.typing import ResponseReturnValue


def health(problems: Callable[[], Mapping[str, str]]) -> Blueprint:
    """`/healthz` answers as long as the process runs; `/readyz` once `problems` has none to name."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> ResponseReturnValue:
        return {"status": "alive"}

    @blueprint.get("/readyz")
    def readyz() -> ResponseReturnValue:
        found = problems()
        return {"status": "not ready" if found else "ready", "problems": found}, 503 if found else 200

    return blueprint
