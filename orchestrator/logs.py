"""Logs on standard error: one event a line, room and call first, facts as key=value.

    log = get_logger(__name__)
    log.info("joined", room=room.sid, call=call.sid, members=3)

It is the standard library's logging with facts; other libraries' lines come out in the same form. Secrets are
SecretStr, which shows stars, and facts named like one are starred too; whole events do not belong in a log.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Literal, TextIO

_FIRST = ("node", "room", "call")
_FACTS = "facts"
_NEVER_SHOWN = ("password", "api_key", "signing_key", "auth_token", "token", "authorization")


class Log:
    """A named log. Facts are keyword arguments; nothing is formatted while the level is off."""

    __slots__ = ("_bound", "_logger")

    def __init__(self, name: str, bound: Mapping[str, object] | None = None) -> None:
        self._logger = logging.getLogger(name)
        self._bound = dict(bound or {})

    def bind(self, **facts: object) -> Log:
        """The same log with facts that stand in each of its lines; a line's own fact of that name wins."""
        return Log(self._logger.name, self._bound | facts)

    def debug(self, message: str, /, **facts: object) -> None:
        self._log(logging.DEBUG, message, facts)

    def info(self, message: str, /, **facts: object) -> None:
        self._log(logging.INFO, message, facts)

    def warning(self, message: str, /, **facts: object) -> None:
        self._log(logging.WARNING, message, facts)

    def error(self, message: str, /, **facts: object) -> None:
        self._log(logging.ERROR, message, facts)

    def exception(self, message: str, /, **facts: object) -> None:
        """As error(), with the traceback of the exception that is being handled."""
        self._log(logging.ERROR, message, facts, exc_info=True)

    def _log(self, level: int, message: str, facts: dict[str, object], exc_info: bool = False) -> None:
        if self._logger.isEnabledFor(level):
            # The message is a text of ours and no format: a % in it must not ask for arguments.
            self._logger.log(level, "%s", message, exc_info=exc_info, extra={_FACTS: self._bound | facts})


def get_logger(name: str) -> Log:
    return Log(name)


def set_up(
    form: Literal["human", "json"] = "human", level: str = "info", stream: TextIO | None = None
) -> None:
    """Send the process's log lines to standard error, or to `stream`. A second call replaces the first."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else HumanLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # A line for each connection to somebody's web server tells nothing that our own lines do not.
    logging.getLogger("urllib3").setLevel(logging.ERROR)


def _facts(record: logging.LogRecord) -> dict[str, object]:
    facts: dict[str, object] = getattr(record, _FACTS, {})
    first = {key: facts[key] for key in _FIRST if key in facts}
    shown = first | facts
    return {key: "**********" if key in _NEVER_SHOWN else value for key, value in shown.items()}


class HumanLines(logging.Formatter):
    """12:00:01.123 INFO room=… call=… message key=value"""

    def format(self, record: logging.LogRecord) -> str:
        facts = _facts(record)
        time = datetime.fromtimestamp(record.created).strftime("%H:%M:%S.%f")[:-3]
        first = [_pair(key, value) for key, value in facts.items() if key in _FIRST]
        rest = [_pair(key, value) for key, value in facts.items() if key not in _FIRST]
        line = " ".join([time, record.levelname, *first, _one_line(record.getMessage()), *rest])
        # A traceback is the one thing that takes more lines; it is indented, so that a line starts an event.
        return line + "".join(f"\n    {text}" for text in self._traceback(record).splitlines())

    def _traceback(self, record: logging.LogRecord) -> str:
        return self.formatException(record.exc_info) if record.exc_info else ""


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, then the facts."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for key, value in _facts(record).items():
            entry[f"{key}_" if key in entry else key] = value
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def _pair(key: str, value: object) -> str:
    text = _one_line(str(value))
    if not text or any(c in text for c in ' ="'):
        text = json.dumps(text, ensure_ascii=False)
    return f"{key}={text}"


def _one_line(text: str) -> str:
    """Callers' names are in here: no newline and no escape sequence may reach the terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
