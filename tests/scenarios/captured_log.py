"""The log of the orchestrator under test: an error or a traceback that no test asked for fails it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent

from orchestrator.logs import formatter


class CapturedLog(logging.Handler):
    """Every line from WARNING up, and every greenlet that died of an exception."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self.errors: list[str] = []
        self._allowed: list[str] = []
        self.setFormatter(formatter())

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        self.lines.append(line)
        if record.levelno >= logging.ERROR:
            self.errors.append(line)

    def allows(self, *parts: str) -> None:
        """Errors with these words in them are what the test is about."""
        self._allowed += parts

    def has(self, *parts: str) -> bool:
        """Whether one line has all of these."""
        return any(all(part in line for part in parts) for line in self.lines)

    def unexpected(self) -> list[str]:
        return [error for error in self.errors if not any(part in error for part in self._allowed)]

    @contextmanager
    def kept(self) -> Iterator[CapturedLog]:
        hub = gevent.get_hub()
        handle_error = hub.handle_error

        def also_kept(context: Any, type_: Any, value: Any, tb: Any) -> None:
            if isinstance(type_, type) and not issubclass(type_, hub.NOT_ERROR):
                self.errors.append(f"a greenlet died: {context!r} {value!r}")
            handle_error(context, type_, value, tb)

        root = logging.getLogger()
        # A command that ran in this process may have set it for itself.
        level = root.level
        root.setLevel(self.level)
        root.addHandler(self)
        hub.handle_error = also_kept
        try:
            yield self
        finally:
            del hub.handle_error
            root.removeHandler(self)
            root.setLevel(level)
