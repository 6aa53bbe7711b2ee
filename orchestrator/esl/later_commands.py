"""Commands that nobody waits for, sent together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import gevent

LATER_SECONDS: Final = 0.5


class LaterCommands:
    """Each send wakes FreeSWITCH, and its answer this process. A command that nobody waits for is posted
    within LATER_SECONDS, and all of that time go out in one send. Without an event socket by then they are
    dropped."""

    def __init__(self, post: Callable[[str], None]) -> None:
        """`post` is Connection.post."""
        self._post = post
        self._commands: list[str] = []

    def post(self, command: str) -> None:
        """Returns at once."""
        if not self._commands:
            gevent.spawn_later(LATER_SECONDS, self._post_all)
        self._commands.append(command)

    def _post_all(self) -> None:
        commands, self._commands = self._commands, []
        for command in commands:
            self._post(command)
