"""The methods of both vendors' clients and their parameters, found by looking at the signatures."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from telnyx.types.texml.accounts import call_calls_params

# Of the clients themselves; the walk sends what they are for in tests of its own.
CLIENT_SIDE = {"extra_headers", "extra_query", "extra_body", "timeout", "limit"}
URL = "http://127.0.0.1:9/"
NUMBERS = {"to": "+13125550999", "from_": "+13125550100"}
MAIN = "1568109700606592442"
VALUES: dict[str, object] = {
    **NUMBERS,
    "application_sid": MAIN,
    "beep": "onExit",
    "caller_id": "+13125550100",
    "coaching": True,
    "conference_record": "record-from-start",
    "conference_trim": "do-not-trim",
    "custom_headers": [{"name": "X-A", "value": "b"}],
    "date_created": "2024-03-10",
    "date_updated": "2024-03-10",
    "end_time": "2024-03-10",
    "end_time_gt": "2024-03-10",
    "end_time_lt": "2024-03-10",
    "label": "guest",
    "media_encryption": "SRTP",
    "pause_behavior": "skip",
    "page_token": "MSAx",
    "recording_channels": "dual",
    "recording_track": "inbound",
    "send_digits": "12",
    "start_time": "2024-03-10",
    "start_time_gt": "2024-03-10",
    "start_time_lt": "2024-03-10",
    "supervising_role": "monitor",
    "texml": "<Response><Pause/></Response>",
    "time_limit": 60,
    "trim": "do-not-trim",
    "twiml": "<Response><Pause/></Response>",
}
EVENTS = {
    "status_callback_event": "ringing",
    "recording_status_callback_event": "in-progress",
    "conference_recording_status_callback_event": "in-progress",
    "conference_status_callback_event": "join",
}


@dataclass(frozen=True)
class Method:
    vendor: str
    name: str
    call: Callable[[Mapping[str, str], Mapping[str, object]], object]
    """Given ids by name, and keywords."""
    keywords: Mapping[str, object]
    """Each with a value that asks for something."""
    required: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.vendor} {self.name}"


def value_of(name: str, annotation: str) -> object:
    if name in EVENTS:
        return [EVENTS[name]] if "List" in annotation else EVENTS[name]
    if name in VALUES and not ("datetime" in annotation or "date," in annotation):
        return VALUES[name]
    if "bool" in annotation:
        return True
    if name.endswith("_method") or name == "method":
        return "GET"
    if name.endswith(("url", "callback")):
        return URL
    if "datetime" in annotation or "date," in annotation:
        return datetime(2024, 3, 10, tzinfo=timezone.utc)
    if literal := re.search(r"Literal\[['\"]([^'\"]+)", annotation):
        return literal[1]
    if "int" in annotation or "float" in annotation:
        return 6
    if "Iterable" in annotation or "List" in annotation:
        return ["x"]
    if name == "status":
        return "paused" if "Recording" in annotation else "completed"
    return "x"


# Telnyx


def of_telnyx(client: Any) -> Iterator[Method]:
    yield from _resource(client.texml, "texml")


def _resource(resource: Any, path: str) -> Iterator[Method]:
    for name in dir(type(resource)):
        if name.startswith(("_", "with_")):
            continue
        member = inspect.getattr_static(type(resource), name)
        if inspect.isfunction(member):
            yield _telnyx_method(getattr(resource, name), f"{path}.{name}")
        else:
            yield from _resource(getattr(resource, name), f"{path}.{name}")


def _telnyx_method(function: Any, name: str) -> Method:
    parameters = inspect.signature(function).parameters
    ids = tuple(one for one in parameters if one.endswith(("_sid", "_label", "connection_id")))
    ids = tuple(one for one in ids if f"{{{one}}}" in inspect.getsource(function))
    if "body" in parameters:
        return Method(
            "telnyx", name, _with_body(function, ids), _of_body(), ("to", "from_", "application_sid")
        )
    keywords = {
        one: value_of(one, str(parameter.annotation))
        for one, parameter in parameters.items()
        if one not in ids and one not in CLIENT_SIDE
    }
    required = [one for one in keywords if parameters[one].default is inspect.Parameter.empty]

    def call(given: Mapping[str, str], more: Mapping[str, object]) -> object:
        return function(**{one: given[one] for one in ids}, **more)

    if name.endswith("participants.participants"):
        required += ["to", "from_", "application_sid"]
    return Method("telnyx", name, call, keywords, tuple(required))


def _of_body() -> dict[str, object]:
    """Of the three bodies that a call can be made with. The client sends their names as they are."""
    found: dict[str, object] = {}
    for body in ("BodyWithURL", "BodyWithTeXml", "BodyApplicationDefault"):
        hints = typing.get_type_hints(getattr(call_calls_params, body), include_extras=True)
        found |= {name: value_of(name, str(hint)) for name, hint in hints.items()}
    return found


def _with_body(function: Any, ids: tuple[str, ...]) -> Callable[..., object]:
    def call(given: Mapping[str, str], more: Mapping[str, object]) -> object:
        body = {("from" if name == "from_" else name): value for name, value in more.items()}
        return function(**{one: given[one] for one in ids}, body=body)

    return call


# Twilio


VERBS = ("create", "list", "fetch", "update", "delete")
ROOTS = ("calls", "conferences", "queues", "recordings", "transcriptions", "notifications")


def of_twilio(client: Any, account: str) -> Iterator[Method]:
    for root in ROOTS:
        yield from _twilio_resource(
            lambda ids, root=root: getattr(client.api.v2010.accounts(account), root), root
        )


def _twilio_resource(at: Callable[[Mapping[str, str]], Any], path: str) -> Iterator[Method]:
    """`at` finds the resource, given ids by the resource's name."""
    found = at(_Anything())
    yield from _twilio_methods(at, path, found)
    if not callable(found) or len(inspect.signature(found).parameters) != 1:
        return
    leaf = path.rpartition(".")[2]

    def one(ids: Mapping[str, str]) -> Any:
        return at(ids)(ids[leaf])

    yield from _twilio_methods(one, f"{path}()", found("x"))
    for name, member in vars(type(found("x"))).items():
        if isinstance(member, property):
            yield from _twilio_resource(lambda ids, name=name: getattr(one(ids), name), f"{path}().{name}")


class _Anything(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "x"


def _twilio_methods(at: Callable[[Mapping[str, str]], Any], path: str, found: Any) -> Iterator[Method]:
    for verb in VERBS:
        if not inspect.isfunction(getattr(type(found), verb, None)):
            continue
        parameters = inspect.signature(getattr(found, verb)).parameters
        keywords = {
            one: value_of(one, str(parameter.annotation))
            for one, parameter in parameters.items()
            if one not in CLIENT_SIDE or (one == "timeout" and verb == "create")
        }
        required = [one for one in keywords if parameters[one].default is inspect.Parameter.empty]

        def call(ids: Mapping[str, str], more: Mapping[str, object], verb: str = verb) -> object:
            return getattr(at(ids), verb)(**more)

        if path == "calls" and verb == "create":
            required += ["application_sid"]
        yield Method("twilio", f"{path}.{verb}", call, keywords, tuple(required))
