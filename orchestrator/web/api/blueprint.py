"""The API over HTTP: routes made of the operations, each request read, checked, answered or refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, get_args

from flask import Blueprint, Request, Response, request
from msgspec import json
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from orchestrator.config.current import CurrentSettings
from orchestrator.logs import get_logger
from orchestrator.recordings.files import RecordingKind
from orchestrator.rejection import ServiceError
from orchestrator.services.api_services import ApiServices
from orchestrator.sids import canonical_call_sid
from orchestrator.store.interface import OutboxError
from orchestrator.timeline.actor import Actor, set_actor
from orchestrator.web.api import (
    call_events,
    callbacks,
    calls,
    conferences,
    dialling,
    participants,
    recordings,
    timeline,
)
from orchestrator.web.api.auth import authenticate
from orchestrator.web.api.command_entries import recorded
from orchestrator.web.api.errors import (
    ApiError,
    bad_request,
    not_allowed,
    not_found,
    refused,
    telnyx_body,
    twilio_body,
    twilio_status,
    unauthorised,
)
from orchestrator.web.api.forms import MULTIPART, Pairs, fields_of
from orchestrator.web.api.idempotency import Idempotency
from orchestrator.web.api.openapi import document
from orchestrator.web.api.operation import Operation, RequestContext
from orchestrator.web.api.parameters import callback_problems, read
from orchestrator.web.api.response_schema import PREFIXES, ApiBase, Vendor
from orchestrator.web.api.unsupported_resources import resource_not_supported
from orchestrator.web.attempts import Attempts
from orchestrator.web.recordings import RecordingAudio

log = get_logger(__name__)

OPERATIONS: tuple[Operation, ...] = (
    *conferences.OPERATIONS,
    *participants.OPERATIONS,
    *recordings.OPERATIONS,
    *calls.OPERATIONS,
    *dialling.OPERATIONS,
    *callbacks.OPERATIONS,
    *timeline.OPERATIONS,
    *call_events.OPERATIONS,
)
ACCOUNT = "/Accounts/{account_sid}"
RECORDING = "/Recordings/{recording_sid}"
MAX_BODY_BYTES = 256 * 1024


def rest_api(
    current: CurrentSettings,
    control: ApiServices,
    idempotency: Idempotency,
    attempts: Attempts,
    audio: RecordingAudio,
) -> Blueprint:
    """Every operation under both vendors' prefixes, with and without `.json`; recordings' audio; and
    `/openapi.json`."""
    blueprint = Blueprint("rest", __name__)
    # A connection's greenlet serves one request after the other: each acts for itself in timelines.
    blueprint.before_request(lambda: set_actor(Actor("api")))
    blueprint.teardown_request(lambda error: set_actor(None))
    api = _Api(current, control, idempotency, attempts)
    for vendor, prefix in PREFIXES.items():
        for path, operations in _by_path().items():
            answer = _answering(api, vendor, operations, ".json" if path.endswith(".json") else "")
            if (vendor, path) == ("twilio", RECORDING):
                # Without a suffix it is the audio, as at Twilio.
                answer = _audio_or(answer, _audio(api, vendor, audio, "wav"))
            rule = re.sub(r"\{(\w+)\}", r"<segment:\1>", prefix + ACCOUNT + path)
            blueprint.add_url_rule(
                rule,
                endpoint=f"{vendor}{path}".replace(".", "-dot-"),
                view_func=answer,
                methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            )
        for kind in get_args(RecordingKind):
            rule = f"{prefix}/Accounts/<segment:account_sid>/Recordings/<segment:recording_sid>.{kind}"
            blueprint.add_url_rule(rule, f"{vendor} {kind}", _audio(api, vendor, audio, kind))
        unknown = _unknown(api, vendor)
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        blueprint.add_url_rule(f"{prefix}/<path:rest>", f"{vendor} unknown", unknown, methods=methods)
    older = _older(api)
    blueprint.add_url_rule("/v2/texml/calls/<connection_id>", "older", older, methods=["POST"])
    described = json.encode(document(OPERATIONS, ACCOUNT, server=current.settings.web.public_url or "/"))

    @blueprint.get("/openapi.json")
    def openapi() -> Response:
        return Response(described, mimetype="application/json")

    return blueprint


def _by_path() -> dict[str, dict[str, Operation]]:
    """Path with suffix -> method -> operation."""
    found: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        # Declared twice is found out here, and not by a request.
        assert operation.parameters is not None
        for suffix in operation.suffixes:
            found.setdefault(operation.path + suffix, {})[operation.method] = operation
    return found


class _Api(NamedTuple):
    current: CurrentSettings
    control: ApiServices
    idempotency: Idempotency
    attempts: Attempts


def _older(api: _Api) -> Callable[..., Response]:
    def answer(connection_id: str) -> Response:
        def run() -> Response:
            account = authenticate(api.attempts, api.current.settings, request)
            base = ApiBase("telnyx", account.sid)
            return _run(api, dialling.OLDER_CREATE, base, {"connection_id": connection_id})

        return _guarded("telnyx", run)

    return answer


def _answering(
    api: _Api, vendor: Vendor, operations: dict[str, Operation], suffix: str
) -> Callable[..., Response]:
    def answer(account_sid: str, **path: str) -> Response:
        def run() -> Response:
            base = _place(api, vendor, account_sid)
            method = "GET" if request.method == "HEAD" else request.method
            operation = operations.get(method)
            if operation is None:
                raise not_allowed(request.method)
            return _run(api, operation, base, path, suffix)

        return _guarded(vendor, run)

    return answer


def _audio(api: _Api, vendor: Vendor, audio: RecordingAudio, kind: RecordingKind) -> Callable[..., Response]:
    """With the account's key, or under an address that is good without one."""

    def answer(account_sid: str, recording_sid: str) -> Response:
        def run() -> Response:
            sid = account_sid.lower()
            if request.authorization is not None:
                sid = _place(api, vendor, account_sid).account_sid
            elif audio.refusal(recording_sid):
                raise unauthorised()
            return audio.answer(api.control.recordings.recording(sid, recording_sid).sid, kind)

        return _guarded(vendor, run)

    return answer


def _audio_or(others: Callable[..., Response], audio: Callable[..., Response]) -> Callable[..., Response]:
    """To read it is to hear it; every other method as usual."""

    def answer(**path: str) -> Response:
        return (audio if request.method in ("GET", "HEAD") else others)(**path)

    return answer


def _unknown(api: _Api, vendor: Vendor) -> Callable[..., Response]:
    """A client that is not authenticated does not learn which resources exist."""

    def answer(rest: str) -> Response:
        def run() -> Response:
            authenticate(api.attempts, api.current.settings, request)
            raise resource_not_supported(rest) or not_found()

        return _guarded(vendor, run)

    return answer


def _place(api: _Api, vendor: Vendor, account_sid: str) -> ApiBase:
    account = authenticate(api.attempts, api.current.settings, request, account_sid)
    if account.sid != account_sid.lower():
        raise not_found()
    return ApiBase(vendor, account.sid)


def _run(api: _Api, operation: Operation, base: ApiBase, path: dict[str, str], suffix: str = "") -> Response:
    path = {name: _resolved(api, operation, base, name, value) for name, value in path.items()}
    body = _body(request)
    fields = fields_of(body, request.content_type or "")
    given = read(operation.parameters, [*request.args.items(multi=True), *fields], base.account_sid)
    defaults = dialling.TWILIO_DEFAULTS if base.vendor == "twilio" else {}
    for problem in callback_problems(operation.body, given.values, defaults):
        log.warning("a callback that is never sent", operation=operation.name, problem=problem)
    context = RequestContext(api.control, base, path, given.written, given.values, suffix)
    with recorded(api.control.recorder, base.account_sid, operation, path, fields):
        return _carry_out(api, operation, context, body, fields)


def _carry_out(
    api: _Api, operation: Operation, context: RequestContext, body: bytes, fields: Pairs
) -> Response:
    base = context.base
    if not operation.idempotent:
        found = operation.run(context)
        return _json(found, operation.status) if found is not None else Response(status=operation.status)
    # A multipart body is never twice the same: its boundary is made up each time.
    same = json.encode(fields) if request.mimetype == MULTIPART else body
    where = request.full_path if request.query_string else request.path
    asked = api.idempotency.asked(base.account_sid, request.headers, where, same)
    with api.idempotency.alone(asked):
        before = api.idempotency.answered(asked)
        if before is not None:
            return _made(before.body, before.status)
        answer = json.encode(operation.run(context))
        status = 201 if base.vendor == "twilio" else operation.status
        api.idempotency.remember(asked, status, answer)
    return _made(answer, status)


def _resolved(api: _Api, operation: Operation, base: ApiBase, name: str, value: str) -> str:
    """A CallSid in our spelling; for the name of a conference that lives, its sid."""
    if name.startswith("call_sid"):
        return canonical_call_sid(value)
    if name == "conference_sid" and operation.name != "dialParticipant":
        return api.control.conferences.conference_sid(base.account_sid, value)
    return value


def _body(asked: Request) -> bytes:
    if (asked.content_length or 0) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    asked.max_content_length = MAX_BODY_BYTES
    return asked.get_data(cache=False)


def _guarded(vendor: Vendor, run: Callable[[], Response]) -> Response:
    try:
        return run()
    except ApiError as error:
        return _error(vendor, error)
    except ServiceError as refusal:
        return _error(vendor, refused(refusal))
    except RequestEntityTooLarge:
        detail = f"A body may have {MAX_BODY_BYTES} bytes."
        return _error(vendor, bad_request("10015", "Bad Request", detail, 413))
    except HTTPException as error:
        detail = error.description or "Bad Request"
        return _error(vendor, bad_request("10015", "Bad Request", detail, error.code or 400))
    except OutboxError as error:
        log.error("not answered", path=request.path, problem=str(error))
        return _error(vendor, bad_request("10007", "Unexpected error", "The database fails.", 500))


def _error(vendor: Vendor, error: ApiError) -> Response:
    twilio = vendor == "twilio"
    status = twilio_status(error.status) if twilio else error.status
    response = _json(twilio_body(error) if twilio else telnyx_body(error), status)
    # Telnyx's clients try a POST again after a 409, a 429 and a 5xx: what was dialled would be dialled twice.
    response.headers["x-should-retry"] = "false"
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Basic" if twilio else "Bearer"
    return response


def _json(body: Any, status: int) -> Response:
    return _made(json.encode(body), status)


def _made(body: bytes, status: int) -> Response:
    response = Response(body, status, mimetype="application/json")
    response.cache_control.no_store = True
    return response
