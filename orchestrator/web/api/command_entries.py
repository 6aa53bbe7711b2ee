"""Commands of the REST API in the timelines of the call and the conference that they are about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from orchestrator.rejection import ServiceError
from orchestrator.sids import CALL_SID_PREFIX
from orchestrator.timeline.actor import actor
from orchestrator.timeline.recorder import Timeline
from orchestrator.web.api.forms import Pairs
from orchestrator.web.api.operation import Operation


@contextmanager
def recorded(
    timeline: Timeline,
    account_sid: str,
    operation: Operation,
    path: Mapping[str, str],
    fields: Pairs,
) -> Iterator[None]:
    """Around a request; one that only reads is no command. A participant may be named by its label: its SID
    is not known then."""
    if operation.method == "GET":
        yield
        return
    named = next((value for name, value in path.items() if name.startswith("call_sid")), "")
    call = named if named.startswith(CALL_SID_PREFIX) else ""
    about = timeline.about(account_sid, call, path.get("conference_sid", ""))
    facts = {"command": operation.summary, "operation": operation.name, "key": actor("api").key}
    about.add(
        "api.command",
        more=facts,
        label="" if call else named,
        recording=path.get("recording_sid", ""),
        fields=tuple((name, str(value)) for name, value in fields),
    )
    try:
        yield
    except ServiceError as error:
        about.add("api.command", level="warning", more=facts, problem=error.detail)
        raise
