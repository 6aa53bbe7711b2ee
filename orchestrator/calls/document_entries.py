"""A request for a document in the call's timeline."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Protocol

import gevent

from orchestrator.documents.document import is_audio
from orchestrator.documents.fetch import Fetched, FetchError
from orchestrator.documents.next_action import Redirected
from orchestrator.esl.errors import LegGone
from orchestrator.types import Fields


class Record(Protocol):
    """Timeline.add, about one call."""

    def __call__(self, kind: str, /, **facts: object) -> None: ...


def asked(
    record: Record,
    counted: Counter[str],
    purpose: str,
    url: str,
    method: str,
    fields: Fields,
    fetch: Callable[[], Fetched],
) -> Fetched:
    """Return or raise as `fetch` does, with an entry for the request and one for its answer."""
    record("document.request", url=url, method=method, fields=fields, purpose=purpose)
    began = time.monotonic()

    def failed(problem: str, outcome: str, **facts: object) -> None:
        counted[outcome] += 1
        ms = round((time.monotonic() - began) * 1000)
        record(
            "document.failed",
            level="error",
            url=url,
            purpose=purpose,
            problem=problem,
            outcome=outcome,
            ms=ms,
            **facts,
        )

    try:
        fetched = fetch()
    except FetchError as error:
        failed(error.problem, error.outcome, status=error.status)
        raise
    except (LegGone, Redirected) as error:
        failed("", "abandoned", why="hangup" if isinstance(error, LegGone) else "redirect")
        raise
    except gevent.Timeout:
        failed("no answer in the time that a caller may ring for", "timeout")
        raise
    except gevent.GreenletExit:
        failed("", "abandoned")
        raise
    counted["ok"] += 1
    record(
        "document.answer",
        url=fetched.url,
        purpose=purpose,
        status=fetched.status,
        ms=round((time.monotonic() - began) * 1000),
        bytes=fetched.size,
        type=fetched.content_type,
        body=b"" if is_audio(fetched) else fetched.body,
    )
    return fetched
