"""The HTTP server: Flask on gevent's WSGI server, in the hub of everything else."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Iterable
from functools import partial

import gevent
from flask import Blueprint, Flask, Response, request
from gevent.pool import Pool
from gevent.pywsgi import WSGIHandler, WSGIServer

from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.web.http_stats import HttpStats
from orchestrator.web.paths import Handler, Segment

log = logging.getLogger(__name__)

_FAULTS = {
    errno.EADDRINUSE: "another program has this port",
    errno.EADDRNOTAVAIL: "this is no address of this machine",
    errno.EACCES: "this user may not listen on this port",
}
_REMEDIES = {
    errno.EADDRINUSE: "`ss -lntp 'sport = :{port}'` says which; end it, or name another port in web.listen",
    errno.EADDRNOTAVAIL: "`ip address` shows those that it has; 127.0.0.1 and 0.0.0.0 are always right",
    errno.EACCES: "name a port above 1023 in web.listen, or give the process CAP_NET_BIND_SERVICE",
}


class CannotListen(Exception):
    """The web server's address cannot be had: the text says why, and what helps."""

    def __init__(self, place: str, error: OSError) -> None:
        self.fault = _FAULTS.get(error.errno or 0, error.strerror or str(error))
        port = place.rpartition(":")[2]
        self.remedy = _REMEDIES.get(error.errno or 0, "another address in web.listen").format(port=port)
        super().__init__(f"web.listen {place}: {self.fault}; {self.remedy}")


def _counting(answering: set[WSGIHandler]) -> type[Handler]:
    """A handler that is in `answering` from a request to the end of its answer."""

    class Counted(Handler):
        def handle_one_response(self) -> None:
            answering.add(self)
            try:
                super().handle_one_response()
            finally:
                answering.discard(self)

    return Counted


class WebServer(Part):
    def __init__(
        self,
        host: str,
        port: int,
        blueprints: Iterable[Blueprint] = (),
        before_answering: Callable[[], None] = lambda: None,
    ) -> None:
        """`before_answering` is called once a command was carried out, and may block."""
        self._place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.http_stats = HttpStats()
        self._app = Flask("orchestrator")
        self._app.url_map.converters["segment"] = Segment
        self.http_stats.watch(self._app)
        self._app.after_request(partial(_settled, before_answering))
        for blueprint in blueprints:
            self.add(blueprint)
        self._connections = Pool()
        self._answering: set[WSGIHandler] = set()
        self._server = WSGIServer(
            (host, port),
            self._app,
            log=None,
            spawn=self._connections,
            error_log=log,
            handler_class=_counting(self._answering),
        )

    def add(self, blueprint: Blueprint) -> None:
        """Before `start`."""
        self._app.register_blueprint(blueprint)

    @property
    def port(self) -> int:
        return int(self._server.server_port or 0)

    def start(self) -> None:
        """Raises CannotListen."""
        try:
            self._server.start()
        except OSError as error:
            raise CannotListen(self._place, error) from error

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Requests are answered; connections that a browser keeps open would go on asking, and are closed."""
        self._server.close()
        until = time.monotonic() + timeout
        while self._answering and time.monotonic() < until:
            gevent.sleep(0.005)
        self._connections.kill(timeout=1.0)


def _settled(before_answering: Callable[[], None], response: Response) -> Response:
    if request.method not in ("GET", "HEAD"):
        before_answering()
    return response
