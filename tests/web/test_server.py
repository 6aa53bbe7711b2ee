"""The web server's end: what is asked is answered, and nobody goes on asking over an old connection."""

from __future__ import annotations

import http.client
import time

import gevent
import pytest
from flask import Blueprint

from orchestrator.web.server import WebServer


@pytest.fixture
def server() -> WebServer:
    pages = Blueprint("pages", __name__)
    pages.add_url_rule("/", "now", lambda: "now")
    pages.add_url_rule("/late", "late", lambda: gevent.sleep(0.3) or "late")
    server = WebServer("127.0.0.1", 0, [pages])
    server.start()
    return server


def test_a_connection_that_is_kept_open_ends_with_the_server(server: WebServer) -> None:
    """Symptom: after a stop a browser's open console was answered on, by parts that were stopped before.
    Cause: gevent closes the listening socket alone. Fix: connections without a request are closed, too."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"now"
    began = time.monotonic()
    server.stop(5)
    assert time.monotonic() - began < 1
    assert connection.sock.recv(1) == b""


def test_a_request_that_is_being_answered_is_answered_before_the_end(server: WebServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("GET", "/late")
    gevent.sleep(0.05)
    server.stop(5)
    assert connection.getresponse().read() == b"late"


def test_an_answer_that_takes_for_ever_does_not_keep_the_server_from_its_end(server: WebServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("GET", "/late")
    gevent.sleep(0.05)
    began = time.monotonic()
    server.stop(0.1)
    assert time.monotonic() - began < 0.29
