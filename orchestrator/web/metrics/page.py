"""`/metrics`, and the check of who may see it."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from pydantic import SecretStr

from orchestrator.config.applications import fingerprint
from orchestrator.config.service import Web
from orchestrator.logs import get_logger
from orchestrator.store.interface import OutboxError
from orchestrator.web.attempts import Attempts, TooManyAttempts
from orchestrator.web.clients import client_address
from orchestrator.web.metrics.catalogue import METRICS
from orchestrator.web.metrics.sources import Sources

log = get_logger(__name__)

CLOSED = (
    "Metrics are shown without a key only where web.listen is a loopback or private address and public_url "
    "is none or such a one too: set web.metrics_key, and give it as a bearer token.\n"
)
WRONG = "The key is missing or wrong: give web.metrics_key as a bearer token.\n"


class OurCollector(Collector):
    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def describe(self) -> Iterator[Family]:
        """Nothing: what is not described beforehand is not read beforehand either."""
        return iter(())

    def collect(self) -> Iterator[Family]:
        for metric in METRICS:
            try:
                yield metric.family(self._sources)
            except OutboxError as error:
                log.warning("a metric is missing", metric=metric.name, problem=str(error))


def metrics(web: Web, sources: Sources) -> Blueprint:
    """403 where nobody may see them, 401 without a key, 429 after too many wrong ones."""
    blueprint = Blueprint("metrics", __name__)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(OurCollector(sources))
    ProcessCollector(registry=registry)

    @blueprint.get("/metrics")
    def show() -> Response:
        if web.metrics_key is None and not web.is_private:
            return Response(CLOSED, 403, mimetype="text/plain")
        try:
            allowed = web.metrics_key is None or _has(web, sources.attempts, web.metrics_key)
        except TooManyAttempts as error:
            answer = Response(f"{error}\n", 429, mimetype="text/plain")
            answer.headers["Retry-After"] = str(error.retry_after)
            return answer
        if not allowed:
            answer = Response(WRONG, 401, mimetype="text/plain")
            answer.headers["WWW-Authenticate"] = "Bearer"
            return answer
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        answer = Response(encode(registry), content_type=content_type)
        answer.cache_control.no_store = True
        return answer

    return blueprint


def _has(web: Web, attempts: Attempts, key: SecretStr) -> bool:
    """Raises TooManyAttempts."""
    given = request.authorization
    if given is None or given.type != "bearer" or not given.token:
        return False
    token, address = given.token, client_address(request, web.proxies)

    def fits() -> bool | None:
        return hmac.compare_digest(fingerprint(token), fingerprint(key.get_secret_value())) or None

    return attempts.check("metrics", address, "", token, fits) is not None
