"""Commands to members of FreeSWITCH conferences: in order for each, and again where it was too early."""

from __future__ import annotations

from collections import deque

from orchestrator.clock import Alarm
from orchestrator.esl import commands
from orchestrator.esl.connection import Connection
from orchestrator.esl.errors import SwitchError, failure
from orchestrator.esl.reply import OnReply, Reply
from orchestrator.logs import get_logger

log = get_logger(__name__)

# add-member is sent a moment before FreeSWITCH can address the member.
AGAIN_SECONDS = (0.03, 0.2)

Words = tuple[str, ...]


class MemberCommands:
    """One after the other: a coach's unmute must not overtake what shuts the others off from it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._queues: dict[tuple[str, str], deque[Words]] = {}

    def ping(self, on_reply: OnReply) -> None:
        self._connection.ping(on_reply)

    def order(self, sid: str, member_id: str, *words: str) -> None:
        """`conference <sid> <words>`, once everything ordered before about this member has been answered."""
        key = sid, member_id
        waiting = self._queues.get(key)
        if waiting is not None:
            waiting.append(words)
            return
        self._queues[key] = deque()
        self._send(key, words, AGAIN_SECONDS)

    def _send(self, key: tuple[str, str], words: Words, again: tuple[float, ...]) -> None:
        def on_reply(reply: Reply | SwitchError) -> None:
            lost = isinstance(reply, SwitchError)
            problem = reply if isinstance(reply, SwitchError) else failure(reply.body)
            if problem is not None and again and not lost:
                Alarm(again[0], self._send, key, words, again[1:])
                return
            if problem is not None:
                # A member or a room that is gone by now needs no command.
                log.debug("not done", room=key[0], command=words[0], problem=str(problem))
            self._next(key)

        self._connection.post(commands.conference(key[0], *words), on_reply)

    def _next(self, key: tuple[str, str]) -> None:
        waiting = self._queues[key]
        if waiting:
            self._send(key, waiting.popleft(), AGAIN_SECONDS)
        else:
            del self._queues[key]
