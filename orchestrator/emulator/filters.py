"""Which of its events a listener is sent: `filter`, as in event_handler of mod_event_socket.c."""

from __future__ import annotations

import re

from orchestrator.emulator.events import Headers


class Filters:
    """An event has to match one of them, and none with a minus. A value between slashes is a pattern, but not
    behind a sign."""

    def __init__(self) -> None:
        self._wanted: list[tuple[str, str]] = []

    def obey(self, rest: str) -> str:
        """The reply to `filter <rest>`."""
        header, _, value = rest.strip().partition(" ")
        if header == "delete":
            name, _, value = value.partition(" ")
            self._wanted = [
                one for one in self._wanted if one[0] != name.lower() or (value and one[1] != value)
            ]
            return f"+OK filter deleted. [{name}]=[{value}]"
        if not value:
            return "-ERR invalid syntax"
        self._wanted.append((header.lower(), value))
        return f"+OK filter added. [{header}]=[{value}]"

    def pass_(self, headers: Headers) -> bool:
        if not self._wanted:
            return True
        given = {name.lower(): value for name, value in headers}
        matching = [value for name, value in self._wanted if name in given and _matches(value, given[name])]
        return bool(matching) and not any(value.startswith("-") for value in matching)


def _matches(wanted: str, value: str) -> bool:
    if wanted.startswith("/"):
        return re.search(wanted[1:].rpartition("/")[0], value) is not None
    return wanted.lstrip("+- ").lower() == value.lower()
