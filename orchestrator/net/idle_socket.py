"""Kept connections: whether the other end has closed one meanwhile."""

from __future__ import annotations

import select
from typing import Final

from gevent.monkey import get_original

_poll: Final = get_original("select", "poll")


def is_readable(file_descriptor: int) -> bool:
    """Whether there is something to read, or the end. On a connection that awaits no answer it is the end.
    Never blocks: with gevent's poll it would be a watcher, a timer and two switches."""
    poll = _poll()
    poll.register(file_descriptor, select.POLLIN)
    return bool(poll.poll(0))
