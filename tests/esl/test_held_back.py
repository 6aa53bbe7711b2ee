"""Commands leave when what holds them back says so, in their order; those that came meanwhile wait anew."""

from __future__ import annotations

import gevent
import pytest
from gevent import socket
from gevent.event import Event

from orchestrator.esl.protocol_errors import ProtocolErrors
from orchestrator.esl.session import EslSession


def test_commands_are_sent_once_nothing_holds_them_back() -> None:
    near, far = socket.socketpair()
    committed = [Event(), Event()]
    asked = iter(committed)
    session = EslSession(
        near, ProtocolErrors(), lambda raw: None, lambda: None, before_sending=lambda: next(asked).wait()
    )
    session._writer = gevent.spawn(session._write)
    for number in range(2):
        session.post(b"api %d\n\n" % number, lambda outcome: None, 0.0)
    gevent.sleep(0.05)
    session.post(b"api late\n\n", lambda outcome: None, 0.0)
    far.settimeout(0.2)
    try:
        with pytest.raises(TimeoutError):
            far.recv(1000)
        committed[0].set()
        assert far.recv(1000) == b"api 0\n\napi 1\n\n"
        with pytest.raises(TimeoutError):
            far.recv(1000)
        committed[1].set()
        assert far.recv(1000) == b"api late\n\n"
    finally:
        session.discard()
        far.close()
