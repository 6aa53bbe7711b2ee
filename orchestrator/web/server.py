"""The HTTP server: Flask on gevent's WSGI server, in the hub of everything else."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from flask import Blueprint, Flask
from gevent.pywsgi import WSGIServer

log = logging.getLogger(__name__)


class WebServer:
    def __init__(self, host: str, port: int, blueprints: Iterable[Blueprint]) -> None:
        app = Flask("orchestrator")
        for blueprint in blueprints:
            app.register_blueprint(blueprint)
        self._server = WSGIServer((host, port), app, log=None, error_log=log)

    @property
    def port(self) -> int:
        return int(self._server.server_port or 0)

    def start(self) -> None:
        """Raises OSError where the address is taken or not ours."""
        self._server.start()

    def stop(self, timeout: float) -> None:
        self._server.stop(timeout)
