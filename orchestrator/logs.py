"""Logs on standard error: one event a line, with its facts as fields.

    log = get_logger(__name__)
    log.info("joined", room=room.sid, call=call.sid, members=3)

structlog makes the events, the standard library's logging carries them, so that other libraries' lines come
out in the same form. Secrets are SecretStr, which shows stars, and facts named like one are starred too;
whole events do not belong in a log.
"""

from __future__ import annotations

import json
import logging
import sys
from textwrap import indent
from typing import Any, Literal, TextIO

from structlog.processors import EventRenamer, JSONRenderer, TimeStamper, format_exc_info
from structlog.stdlib import BoundLogger, ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, Processor

UNNAMED_NODE = "default"
"""As the settings call a node that they give no name."""
_FIRST = ("node", "room", "call")
_NEVER_SHOWN = ("password", "api_key", "signing_key", "auth_token", "token", "authorization")


class Log(BoundLogger):
    """With `bind(**facts)`: the same log with facts that stand in each of its lines."""

    def _proxy_to_logger(self, method_name: str, event: str | None = None, *args: Any, **facts: Any) -> Any:
        # Before any work; structlog.stdlib.filter_by_level comes after most of it, tenfold as dear.
        level = "error" if method_name == "exception" else method_name
        if self._logger.isEnabledFor(logging.getLevelName(level.upper())):
            return super()._proxy_to_logger(method_name, event, *args, **facts)


def of_node(name: str) -> dict[str, str]:
    """The fact of which FreeSWITCH node a line is; none for one without a name of its own, as an only one."""
    return {} if name == UNNAMED_NODE else {"node": name}


def get_logger(name: str) -> Log:
    # Not structlog.get_logger: that makes a logger anew at each line, or keeps the settings of its first one.
    return Log(logging.getLogger(name), [ProcessorFormatter.wrap_for_formatter], {})


def set_up(
    form: Literal["human", "json"] = "human", level: str = "info", stream: TextIO | None = None
) -> None:
    """Send the process's log lines to standard error, or to `stream`. A second call replaces the first."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter(form))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # A line for each connection to somebody's web server says nothing that our own lines do not.
    logging.getLogger("urllib3").setLevel(logging.ERROR)


def formatter(form: Literal["human", "json"] = "human") -> logging.Formatter:
    """`12:00:01.123456 INFO event key=value`, or one JSON object: the facts, level, time, logger, message."""
    as_text: list[Processor] = [TimeStamper("%H:%M:%S.%f", utc=False, key="time"), _text]
    as_json: list[Processor] = [TimeStamper("iso", key="time"), add_logger_name, EventRenamer("message")]
    as_json += [ProcessorFormatter.remove_processors_meta, JSONRenderer(default=str)]
    chosen = as_json if form == "json" else as_text
    return ProcessorFormatter(processors=[_in_order, add_log_level, format_exc_info, *chosen])


def _in_order(_: object, __: str, facts: EventDict) -> EventDict:
    """Room and call first, and stars for what may be a secret."""
    ordered = {key: facts[key] for key in (*_FIRST, *facts) if key in facts}
    return {key: "**********" if key in _NEVER_SHOWN else value for key, value in ordered.items()}


def _text(_: object, __: str, facts: EventDict) -> str:
    facts = ProcessorFormatter.remove_processors_meta(None, "", facts)
    # A traceback is the one thing that takes more lines; it is indented, so that a line starts an event.
    traceback = indent("\n" + facts.pop("exception", ""), "    ").rstrip()
    head = f"{facts.pop('time')} {facts.pop('level').upper()} {_printable(facts.pop('event'))}"
    return " ".join([head, *(f"{key}={_value(value)}" for key, value in facts.items())]) + traceback


def _value(value: object) -> str:
    text = _printable(str(value))
    return json.dumps(text, ensure_ascii=False) if not text or any(c in text for c in ' ="') else text


def _printable(text: str) -> str:
    """Callers' names are in here: no newline and no escape sequence may reach the terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
