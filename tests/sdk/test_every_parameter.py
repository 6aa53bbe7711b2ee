"""Each parameter of each method of both vendors' clients is honoured, or refused by a 400 that names it.

The clients' own signatures are walked, so that a new version of them brings its new parameters here. Each
honoured one has a test that sees its effect (test_effects.OBSERVED).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx
import pytest
import telnyx
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client as Twilio

from orchestrator.web.api.blueprint import OPERATIONS
from orchestrator.web.api.dialling import OLDER_CREATE
from orchestrator.web.api.parameters import folded
from tests.scenarios.conftest import ACCOUNT, API_KEY, House
from tests.sdk import test_supervising
from tests.sdk.conftest import Client
from tests.sdk.signatures import MAIN, URL, Method, of_telnyx, of_twilio
from tests.sdk.test_effects import OBSERVED
from tests.sdk.test_twilio import Here
from tests.sound.common import ROOM, until

# Their observations are in OBSERVED as soon as they are imported.
assert test_supervising.observes
pytestmark = pytest.mark.only("emulator")
ANNA, BERT = "+13125550002", "+13125550003"
PREFIX = r"(?:/v2/texml|/2010-04-01)"
NOT_BUILT = "not supported by this server"
# A parameter that means something only beside another one is sent with it.
COMPANIONS: dict[str, dict[str, object]] = {
    "coaching": {"call_sid_to_coach": ""},
    "supervising_role": {"supervise_call_sid": ""},
    "pause_behavior": {"status": "paused"},
}
# After these the caller may be elsewhere, or gone.
ENDS = {"status", "url", "twiml", "texml", "time_limit", "end_conference_on_exit", "hold"}
CALL_SIDS = ("call_sid", "call_sid_to_coach", "supervise_call_sid", "parent_call_sid")


@dataclass
class Sent:
    """The last request, as the client made it."""

    method: str = ""
    path: str = ""
    names: set[str] = field(default_factory=set)

    def of_httpx(self, request: httpx.Request) -> None:
        body = json.loads(request.content) if request.content else {}
        self.note(request.method, str(request.url), dict.fromkeys(body))

    def note(self, method: str, url: str, *given: Any) -> None:
        parts = urlsplit(url)
        self.method, self.path = method, unquote(parts.path)
        query = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
        self.names = {*query, *(name for one in given for name in one or {})}

    @property
    def operation(self) -> str:
        """The name of ours that it asks for; empty for none."""
        if re.fullmatch(r"/v2/texml/calls/[^/]+", self.path):
            return OLDER_CREATE.name
        for operation in OPERATIONS:
            pattern = re.sub(r"\{\w+\}", r"[^/]+", operation.path)
            suffixes = "|".join(re.escape(suffix) for suffix in operation.suffixes)
            if operation.method == self.method and re.fullmatch(
                rf"{PREFIX}/Accounts/[^/]+{pattern}(?:{suffixes})", self.path
            ):
                return operation.name
        return ""


class Walk:
    """Both clients, in front of a conference with two in it; the call of the first is being recorded."""

    def __init__(self, house: House, client: Client) -> None:
        self.house, self.client = house, client
        self.sent = Sent()
        hooks = {"request": [self.sent.of_httpx]}
        self.telnyx = telnyx.Telnyx(
            api_key=API_KEY,
            base_url=f"{client.base}/v2",
            max_retries=0,
            http_client=httpx.Client(event_hooks=hooks, timeout=20),
        )
        sent = self.sent

        class Noting(Here):
            def request(
                self, method: str, url: str, params: Any = None, data: Any = None, **more: Any
            ) -> Any:
                sent.note(method, url, params, data)
                return super().request(method, url, params, data, **more)

        self.twilio = Twilio(ACCOUNT, API_KEY, http_client=Noting(client.base))
        self.call_sid = self.other_sid = self.conference_sid = ""
        self.recording_sid = self.room_recording_sid = ""
        self._spoiled = True
        self.document = house.application.document("/walk", "<Response><Pause length='30'/></Response>")

    def ready(self) -> None:
        """Calls that the last request has ended are begun again."""
        for caller in [ANNA, BERT][len(self._present()) :]:
            self.house.voice(self.house.joins(beep="false", record="record-from-start"))
            self.house.switch.call(ROOM, from_=caller).wait_answered(10)
        until(lambda: len(self._present()) > 1, 30, "two are in a conference")
        self.conference_sid = self._live()[0].sid
        call_sid, self.other_sid = (one.call_sid for one in self._present()[:2])
        if call_sid != self.call_sid:
            self.call_sid = call_sid
            path = f"/Conferences/{self.conference_sid}/Recordings.json"
            self.room_recording_sid = self.client.ask("GET", path).json()["recordings"][0]["sid"]
            self.recording_sid = self.client.ask("POST", f"/Calls/{call_sid}/Recordings.json").json()["sid"]

    def _live(self) -> list[Any]:
        found = self.client.conferences.retrieve_conferences(ACCOUNT, status="in-progress").conferences
        return list(found)

    def _present(self) -> list[Any]:
        live = self._live()
        found = self.client.participants(live[0].sid) if live else []
        return [one for one in found if one.status == "connected"]

    def ids(self, method: Method) -> dict[str, str]:
        call, conference, recording = self.call_sid, self.conference_sid, self.recording_sid
        by_parameter = {
            "account_sid": ACCOUNT,
            "call_sid": call,
            "call_sid_or_participant_label": call,
            "conference_sid": conference,
            "recording_sid": recording,
            "connection_id": MAIN,
        }
        by_resource = {
            "calls": call,
            "participants": call,
            "conferences": conference,
            "recordings": self.room_recording_sid if method.name.startswith("conf") else recording,
        }
        return defaultdict(lambda: "x", by_parameter | by_resource)

    def ask(self, method: Method, keywords: Mapping[str, object]) -> str:
        """`refused` by a 400 that is no other error; `not built`, `honoured`; anything else is an error."""
        if self._spoiled:
            self.ready()
        self._spoiled = bool(ENDS & keywords.keys()) and "list" not in method.name
        given = {
            name: self.other_sid if name in CALL_SIDS else self.document if value == URL else value
            for name, value in keywords.items()
        }
        try:
            method.call(self.ids(method), given)
        except telnyx.APIStatusError as error:
            status, words = error.status_code, str(error)
        except TwilioRestException as error:
            status, words = error.status, error.msg
        except TwilioException as error:
            response = error.args[1]
            status, words = response.status_code, response.text
        else:
            return "honoured"
        if status == 501:
            assert NOT_BUILT in words.lower(), words
            return "not built"
        assert status == 400, (str(method), given, status, words)
        return words


@pytest.fixture
def walk(house: House, client: Client) -> Walk:
    walk = Walk(house, client)
    walk.ready()
    return walk


def methods(walk: Walk, vendor: str) -> list[Method]:
    found = of_telnyx(walk.telnyx) if vendor == "telnyx" else of_twilio(walk.twilio, ACCOUNT)
    return list(found)


def base_of(method: Method) -> dict[str, object]:
    found = {name: method.keywords[name] for name in method.required}
    if "status" in method.keywords and "recording" in method.name:
        found |= {"status": "paused"}
    return found


@pytest.mark.parametrize("vendor", ["telnyx", "twilio"])
def test_no_parameter_of_a_client_is_dropped_in_silence(house: House, walk: Walk, vendor: str) -> None:
    wrong: list[str] = []
    seen = {"honoured": 0, "refused": 0}
    for method in methods(walk, vendor):
        base = base_of(method)
        if not method.keywords:
            continue
        if walk.ask(method, base) == "not built":
            continue
        operation, before = walk.sent.operation, walk.sent.names
        assert operation, (str(method), walk.sent.method, walk.sent.path)
        for name in method.keywords:
            outcome = walk.ask(method, with_one(method, base, name))
            wire = declared(operation, wire_name(walk.sent.names, before, name))
            if outcome == "honoured":
                seen["honoured"] += 1
                if (SAME.get(operation, operation), wire) not in OBSERVED:
                    wrong.append(f"{method}: {wire} is taken, and no test sees what it does")
            elif re.search(rf"\b{re.escape(wire)}\b", outcome) and "not supported" in outcome:
                seen["refused"] += 1
            else:
                wrong.append(f"{method}: {wire}: {outcome}")
    assert not wrong, "\n".join(wrong)
    assert seen["honoured"] > 90, seen
    assert seen["refused"] > 30, seen


SAME = {OLDER_CREATE.name: "createCall"}
INSTRUCTIONS = {"url", "texml", "twiml"}


def with_one(method: Method, base: dict[str, object], name: str) -> dict[str, object]:
    """The request with this parameter, and without what would contradict it."""
    given = {**base, name: method.keywords[name]}
    companions = {one: value for one, value in COMPANIONS.get(name, {}).items() if one in method.keywords}
    given |= companions
    others = INSTRUCTIONS - {name} if name in INSTRUCTIONS else set()
    return {one: value for one, value in given.items() if one not in others}


def wire_name(names: set[str], before: set[str], name: str) -> str:
    """The names that the client has sent a parameter as."""
    beside = {folded(companion) for companion in COMPANIONS.get(name, {})}
    new = [one for one in names - before if folded(one) not in beside]
    return new[0] if new else next(one for one in names if folded(one) == folded(name))


def declared(operation: str, wire: str) -> str:
    """A name as the operation declares it."""
    parameters = {one.name: one for one in (*OPERATIONS, OLDER_CREATE)}[operation].parameters
    found = parameters.get(folded(wire))
    return found.name if found is not None else wire


NOT_BUILT_METHODS = {
    "telnyx": {
        "siprec",
        "streams",
        "queues",
        "transcriptions",
        "initiate_ai_call",
        "secrets",
        "siprec_json",
        "streams_json",
        "retrieve_transcriptions_json",
    },
    "twilio": {
        "queues",
        "transcriptions",
        "notifications",
        "payments",
        "siprec",
        "streams",
        "user_defined_messages",
        "user_defined_message_subscriptions",
        "add_on_results",
    },
}


@pytest.mark.parametrize("vendor", ["telnyx", "twilio"])
def test_methods_that_are_not_built_say_so_to_the_client(house: House, walk: Walk, vendor: str) -> None:
    """With everything that the method can be given: nothing of it is looked at, nothing of it is done."""
    unbuilt, built = set(), []
    for method in methods(walk, vendor):
        parts = set(method.name.replace("()", "").split("."))
        expected = bool(parts & NOT_BUILT_METHODS[vendor])
        if not expected:
            continue
        unbuilt |= parts & NOT_BUILT_METHODS[vendor]
        if walk.ask(method, method.keywords) != "not built":
            built.append(str(method))
    assert not built
    assert unbuilt == NOT_BUILT_METHODS[vendor]


def test_the_rest_of_twilio_s_account_says_so_too(house: House, walk: Walk) -> None:
    account = walk.twilio.api.v2010.accounts(ACCOUNT)
    built = {"calls", "conferences", "recordings"}
    with pytest.raises(TwilioRestException) as error:
        account.fetch()
    assert error.value.status == 501
    for name, member in vars(type(account)).items():
        resource = getattr(account, name) if isinstance(member, property) and name not in built else None
        if resource is None or not hasattr(resource, "list"):
            continue
        with pytest.raises(TwilioException, match=r"HTTP 501 .*Not supported by this server"):
            resource.list(limit=1)


def test_parameters_that_a_client_adds_to_a_request_are_refused_by_name_too(house: House, walk: Walk) -> None:
    conferences = walk.telnyx.texml.accounts.conferences
    with pytest.raises(telnyx.BadRequestError, match="Mutde"):
        conferences.participants.retrieve_participants(
            walk.conference_sid, account_sid=ACCOUNT, extra_query={"Mutde": "true"}
        )
    with pytest.raises(telnyx.BadRequestError, match=r"did you mean Muted.*/Mutde"):
        conferences.participants.update(
            walk.call_sid, account_sid=ACCOUNT, conference_sid=walk.conference_sid, extra_body={"Mutde": True}
        )
