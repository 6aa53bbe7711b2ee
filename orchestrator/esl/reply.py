"""FreeSWITCH's answer to one command, and the row of the commands that wait for theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import gevent.event

from orchestrator.esl.errors import (
    SwitchError,
    failure,
)

NO_REPLY: Final = "-ERR no reply"
"""An empty output, by its name in mod_event_socket.c, api_exec()."""


class Reply(NamedTuple):
    """An answer: `text` is Reply-Text, or the first line of an api/response; `body` the whole of the
    latter."""

    text: str
    body: str = ""

    def raise_for_error(self) -> None:
        """Raise `CommandFailed`, or its subclass, when FreeSWITCH said `-ERR` or `-USAGE`."""
        error = failure(self.text)
        if error is not None:
            raise error


OnReply = Callable[["Reply | SwitchError"], None]


class Pending:
    """A command whose reply is still to come. It keeps its place in the row even when nobody waits for it
    any more."""

    __slots__ = ("deadline", "expects", "on_reply")

    def __init__(self, expects: str, on_reply: OnReply | None, deadline: float) -> None:
        self.expects = expects
        self.on_reply = on_reply
        self.deadline = deadline


def settle(result: gevent.event.AsyncResult[Reply]) -> OnReply:
    """Gives what comes to who waits for `result`."""

    def on_reply(outcome: Reply | SwitchError) -> None:
        if isinstance(outcome, SwitchError):
            result.set_exception(outcome)
        else:
            result.set(outcome)

    return on_reply
