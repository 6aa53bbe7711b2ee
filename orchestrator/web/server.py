"""The HTTP server: Flask on gevent's WSGI server, in the hub of everything else."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from flask import Blueprint, Flask
from gevent.pywsgi import WSGIServer

from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.web.http_stats import HttpStats
from orchestrator.web.paths import Handler, Segment

log = logging.getLogger(__name__)


class WebServer(Part):
    def __init__(self, host: str, port: int, blueprints: Iterable[Blueprint] = ()) -> None:
        self.http_stats = HttpStats()
        self._app = Flask("orchestrator")
        self._app.url_map.converters["segment"] = Segment
        self.http_stats.watch(self._app)
        for blueprint in blueprints:
            self.add(blueprint)
        self._server = WSGIServer((host, port), self._app, log=None, error_log=log, handler_class=Handler)

    def add(self, blueprint: Blueprint) -> None:
        """Before `start`."""
        self._app.register_blueprint(blueprint)

    @property
    def port(self) -> int:
        return int(self._server.server_port or 0)

    def start(self) -> None:
        """Raises OSError where the address is taken or not ours."""
        self._server.start()

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        self._server.stop(timeout)
