"""A call that the API makes, from its dial string to its end, whatever FreeSWITCH says of it."""

from __future__ import annotations

import re
from typing import Any

import gevent
import pytest

from orchestrator.calls.stored_call import CallStore
from orchestrator.documents.next_action import FetchDocument
from tests.calls.scripted import ScriptedSwitch
from tests.scenarios.conftest import ACCOUNT, API_KEY, NUMBER, House
from tests.sdk.conftest import Client

CALLEE = "+13125550777"
ALL = "initiated ringing answered completed"


@pytest.fixture
def client(bench: House) -> Client:
    bench.application.takes_callbacks("/callee")
    return Client(bench, ACCOUNT, API_KEY)


@pytest.fixture(autouse=True)
def slow(scripted: ScriptedSwitch) -> None:
    """`originate` answers when the test has it do so."""
    scripted.answers["originate"] = "later"


def dial(client: Client, **more: str) -> tuple[str, str, str]:
    """CallSid, Unique-ID and the order."""
    form = {
        "To": CALLEE,
        "From": NUMBER,
        "StatusCallback": client.house.application.url("/callee"),
        "StatusCallbackEvent": ALL,
    } | more
    switch = client.house.switch
    assert isinstance(switch, ScriptedSwitch)
    before = len(switch.saw("originate"))
    answer = client.ask("POST", "/Calls", data={"ApplicationSid": "1568109700606592442"} | form)
    assert answer.status_code == 200, answer.text
    order = switch.wait_for("originate", count=before + 1)[-1]
    found = re.search(r"origination_uuid=([0-9a-f-]+)", order)
    assert found is not None
    return str(answer.json()["sid"]), found[1], order


def statuses(house: House, count: int) -> list[str]:
    if count:
        house.application.wait_for("/callee", count)
    gevent.sleep(0.15)
    return [one.fields["CallStatus"] for one in house.application.to("/callee")]


def invite(client: Client, **more: str) -> tuple[dict[str, Any], str, str]:
    """The participant, its Unique-ID, and the order."""
    switch = client.house.switch
    assert isinstance(switch, ScriptedSwitch)
    before = len(switch.saw("originate"))
    form = {"To": CALLEE, "From": NUMBER} | more
    answer = client.ask("POST", "/Conferences/Room/Participants", data=form)
    assert answer.status_code == 200, answer.text
    order = switch.wait_for("originate", count=before + 1)[-1]
    found = re.search(r"origination_uuid=([0-9a-f-]+)", order)
    assert found is not None
    return dict(answer.json()), found[1], order


@pytest.mark.parametrize("order", ["answer first", "park first", "parked as answered"])
def test_an_answered_call_is_given_its_instructions_once(
    bench: House, scripted: ScriptedSwitch, client: Client, order: str
) -> None:
    bench.voice("<Response><Pause length='60'/></Response>")
    _, uuid, _ = dial(client, TimeLimit="77")
    scripted.event("CHANNEL_CREATE", uuid)
    scripted.event("CHANNEL_PROGRESS", uuid)
    scripted.leg(uuid, answered=order == "parked as answered")
    if order == "answer first":
        scripted.answers_call(uuid)
    scripted.parks_again(uuid)
    if order == "park first":
        gevent.sleep(0.1)
        assert bench.application.to("/voice") == []
        scripted.answers_call(uuid)
    bench.application.wait_for("/voice", 1)
    assert scripted.wait_for(f"sched_hangup +77 {uuid} ALLOTTED_TIMEOUT")
    assert scripted.saw(f"sched_del {uuid}")
    assert scripted.saw(f"uuid_setvar {uuid} texml_guard 1")
    delivered = ["initiated", "ringing"] + (["in-progress"] if order != "parked as answered" else [])
    assert statuses(bench, len(delivered)) == delivered
    assert len(bench.application.to("/voice")) == 1
    scripted.hangs_up(uuid)
    assert statuses(bench, len(delivered) + 1)[-1] == "completed"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("-ERR USER_BUSY\n", "busy"),
        ("-ERR NO_ANSWER\n", "no-answer"),
        ("-ERR\n", "failed"),
        ("-ERR GATEWAY_DOWN\n", "failed"),
    ],
)
def test_a_call_that_never_had_a_leg_ends_as_freeswitch_says(
    bench: House, scripted: ScriptedSwitch, client: Client, answer: str, status: str
) -> None:
    scripted.answers["originate"] = answer
    sid, _, _ = dial(client)
    assert statuses(bench, 1) == [status]
    call = client.ask("GET", f"/Calls/{sid}").json()
    assert call["status"] == status
    assert bench.orchestrator is not None
    assert bench.orchestrator.node.outbound.ringing() == []
    assert bench.orchestrator.node.call_context.outbound_limits._calls == {}


def test_a_call_whose_leg_was_seen_ends_by_its_own_events(
    bench: House, scripted: ScriptedSwitch, client: Client
) -> None:
    sid, uuid, _ = dial(client)
    scripted.event("CHANNEL_CREATE", uuid)
    scripted.event("CHANNEL_PROGRESS", uuid)
    assert statuses(bench, 2) == ["initiated", "ringing"]
    assert client.ask("GET", f"/Calls/{sid}").json()["status"] == "ringing"
    scripted.hangs_up(uuid, "NO_ANSWER")
    assert statuses(bench, 3) == ["initiated", "ringing", "no-answer"]
    assert bench.orchestrator is not None
    assert bench.orchestrator.node.outbound.ringing() == []


@pytest.mark.parametrize(
    "event",
    ["CHANNEL_CREATE", "CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA", "CHANNEL_ANSWER", "CHANNEL_PARK"],
)
@pytest.mark.parametrize("of", ["call", "participant"])
def test_a_call_that_was_called_off_is_hung_up_however_its_originate_ends(
    bench: House, scripted: ScriptedSwitch, client: Client, event: str, of: str
) -> None:
    if of == "call":
        sid, uuid, _ = dial(client)
        assert client.ask("POST", f"/Calls/{sid}", data={"Status": "completed"}).status_code == 200
    else:
        one, uuid, _ = invite(client)
        path = f"/Conferences/{one['conference_sid']}/Participants/{one['call_sid']}"
        assert client.ask("DELETE", path).status_code == 204
    before = len(scripted.wait_for("uuid_kill", uuid))
    scripted.event(event, uuid, **{"Answer-State": "answered"})
    scripted.wait_for("uuid_kill", uuid, count=before + 1)
    gevent.sleep(0.1)
    assert bench.application.to("/voice") == []
    assert not scripted.applications(uuid)
    scripted.hangs_up(uuid, "ORIGINATOR_CANCEL")


def test_a_call_that_nobody_called_off_is_not_hung_up(
    bench: House, scripted: ScriptedSwitch, client: Client
) -> None:
    _, uuid, _ = invite(client)
    for event in ("CHANNEL_CREATE", "CHANNEL_PROGRESS"):
        scripted.event(event, uuid)
    gevent.sleep(0.15)
    assert not scripted.saw("uuid_kill")
    scripted.hangs_up(uuid, "NO_ANSWER")


EARLY = "execute_on_pre_answer=sched_hangup +20 NO_ANSWER"
LATE = "execute_on_answer=sched_hangup +60 NORMAL_TEMPORARY_FAILURE"


@pytest.mark.parametrize(
    ("more", "early"),
    [
        ({"EarlyMedia": "true"}, True),
        ({"EarlyMedia": "false"}, False),
        ({"EarlyMedia": "true", "Muted": "true"}, False),
    ],
)
def test_a_phone_is_heard_early_where_everybody_may_hear_it(
    bench: House, scripted: ScriptedSwitch, client: Client, more: dict[str, str], early: bool
) -> None:
    _, uuid, order = invite(client, Timeout="20", **more)
    written = order.replace("\\s", " ")
    assert (EARLY in written, LATE in written) == (early, not early)
    assert ("ignore_early_media=true" in written) is not early
    assert ("execute_on_answer_1=sched_cancel" in written) is early
    scripted.hangs_up(uuid, "NO_ANSWER")


def test_variables_that_every_dial_string_has(bench: House, scripted: ScriptedSwitch, client: Client) -> None:
    _, uuid, order = dial(
        client,
        Timeout="21",
        SendDigits="1w2",
        CallReason='a "reason"',
        CustomHeaders='[{"name": "X-One", "value": "first"}]',
        SipAuthUsername="user",
        SipAuthPassword="secret",
    )
    written = order.replace("\\s", " ")
    for wanted in (
        "originate_timeout=21",
        "leg_timeout=21",
        "execute_on_answer_digits=send_dtmf 1w2@120",
        "outbound_redirect_fatal=true",
        "app_disable_expand_variables=true",
        "hangup_after_conference=false",
        "hangup_after_bridge=false",
        "park_after_bridge=false",
        "continue_on_fail=true",
        "playback_terminators=none",
        "hold_music=silence",
        "sip_copy_custom_headers=false",
        "sip_h_X-One=first",
        "sip_auth_username=user",
        "sip_auth_password=secret",
        "&park()",
    ):
        assert wanted in written, wanted
    assert 'call-reason="a reason"' in written
    scripted.hangs_up(uuid, "NO_ANSWER")


@pytest.mark.parametrize("missing", ["SipAuthUsername", "SipAuthPassword"])
def test_half_of_the_credentials_are_none(
    bench: House, scripted: ScriptedSwitch, client: Client, missing: str
) -> None:
    both = {"SipAuthUsername": "user", "SipAuthPassword": "secret"}
    del both[missing]
    _, uuid, order = dial(client, **both)
    assert "sip_auth" not in order
    scripted.hangs_up(uuid, "NO_ANSWER")


def test_without_freeswitch_nothing_is_dialled(
    bench: House, scripted: ScriptedSwitch, client: Client
) -> None:
    scripted.stop()
    gevent.sleep(0.2)
    form = {"To": CALLEE, "From": NUMBER, "ApplicationSid": "1568109700606592442"}
    answer = client.ask("POST", "/Calls", data=form)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (503, "10007")


def test_as_many_calls_as_there_may_be(bench: House, scripted: ScriptedSwitch, client: Client) -> None:
    """One is inside, one rings: the leg of the one that rings early counts once."""
    bench.stop()
    bench.start("admission: {max_calls: 2}\n")
    bench.voice("<Response><Pause length='60'/></Response>")
    scripted.parks()
    bench.application.wait_for("/voice", 1)
    _, early, _ = dial(client)
    scripted.leg(early, answered=False)
    scripted.parks_again(early)
    gevent.sleep(0.1)
    form = {"To": CALLEE, "From": NUMBER, "ApplicationSid": "1568109700606592442"}
    answer = client.ask("POST", "/Calls", data=form)
    assert answer.status_code == 503
    assert "admission.max_calls is 2" in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize("role", ["barge", "whisper", "monitor"])
def test_a_supervisor_is_heard_as_its_role_says_and_runs_nothing(
    bench: House, scripted: ScriptedSwitch, client: Client, role: str
) -> None:
    bench.voice("<Response><Pause length='60'/></Response>")
    supervised = scripted.parks()
    bench.application.wait_for("/voice", 1)
    scripted.answers_call(supervised)
    gevent.sleep(0.1)
    assert bench.orchestrator is not None
    (call,) = bench.orchestrator.node.calls
    sid, uuid, order = dial(client, SuperviseCallSid=call.sid, SupervisingRole=role, TimeLimit="50")
    heard = {"barge": ("true", "true"), "whisper": ("true", "false"), "monitor": ("false", "false")}[role]
    assert f"eavesdrop_whisper_bleg={heard[0]}" in order
    assert f"eavesdrop_whisper_aleg={heard[1]}" in order
    assert f"&eavesdrop({supervised})" in order
    assert "+50" in order
    scripted.leg(uuid, answered=False)
    scripted.answers_call(uuid)
    gevent.sleep(0.15)
    assert len(bench.application.to("/voice")) == 1
    assert not scripted.applications(uuid)
    assert client.ask("GET", f"/Calls/{sid}").json()["status"] == "in-progress"
    scripted.hangs_up(uuid)
    gevent.sleep(0.15)
    assert client.ask("GET", f"/Calls/{sid}").json()["status"] == "completed"
    assert bench.orchestrator is not None
    assert bench.orchestrator.node.outbound.ringing() == []


@pytest.mark.parametrize("state", ["early", "answered"])
def test_a_participant_s_phone_is_found_as_it_is_after_a_restart(
    bench: House, scripted: ScriptedSwitch, client: Client, state: str
) -> None:
    one, uuid, _ = invite(client, EarlyMedia="true")
    scripted.event("CHANNEL_CREATE", uuid)
    gevent.sleep(0.1)
    bench.stop()
    scripted.leg(uuid, answered=state == "answered")
    scripted.legs[uuid]["Answer-State"] = state
    scripted.legs[uuid]["variable_current_application"] = "park"
    bench.start()
    gevent.sleep(0.25)
    ordered = [app for app, _ in scripted.applications(uuid)]
    assert ("conference" in ordered) is (state == "answered")
    assert bench.orchestrator is not None
    assert bench.orchestrator.node.outbound.ringing() == ([] if state == "answered" else [uuid])
    scripted.hangs_up(uuid)
    gevent.sleep(0.2)
    assert client.ask("GET", f"/Conferences/{one['conference_sid']}").json()["status"] == "completed"


def test_all_that_was_asked_for_a_call_is_kept_of_it(
    bench: House, scripted: ScriptedSwitch, client: Client
) -> None:
    """All that a restart must know is on disk from the answer on."""
    url = bench.application.url
    bench.application.document("/own", "<Response><Pause length='60'/></Response>")
    more = {
        "Url": url("/own"),
        "FallbackUrl": url("/own-fallback"),
        "FallbackMethod": "GET",
        "StatusCallbackMethod": "GET",
        "StatusCallbackEvent": "initiated answered",
    }
    call_sid, uuid, _ = dial(client, **more)
    scripted.event("CHANNEL_CREATE", uuid)
    scripted.leg(uuid, answered=False)
    scripted.answers_call(uuid)
    scripted.parks_again(uuid)
    bench.application.wait_for("/own")
    assert statuses(bench, 2) == ["initiated", "in-progress"]
    assert bench.orchestrator is not None
    (kept,) = [one for one in CallStore(bench.orchestrator.node.write_buffer).load() if one.leg == uuid]
    assert (kept.application, kept.direction, kept.caller.call_sid) == ("main", "outbound", call_sid)
    assert (kept.caller.from_, kept.caller.to) == (NUMBER, CALLEE)
    assert kept.fallback == FetchDocument(url("/own-fallback"), "GET")
    assert kept.report == FetchDocument(url("/callee"), "GET")
    assert set(kept.report_events) == {"initiated", "answered"}
    assert set(kept.reported) == {"initiated", "answered"}
    assert kept.document_url == url("/own")
    assert (kept.next, kept.verb, kept.dialled_into) == (None, 0, "")
    assert (kept.ringing, kept.ended, kept.leaves_bridge) == (False, False, False)
    bench.stop()
    bench.start()
    scripted.hangs_up(uuid)
    # Its end was not asked for.
    assert statuses(bench, 0) == ["initiated", "in-progress"]


def test_a_call_that_rings_has_its_request_on_disk(
    bench: House, scripted: ScriptedSwitch, client: Client
) -> None:
    url = bench.application.url
    call_sid, uuid, _ = dial(client, Url=url("/own"), FallbackUrl=url("/own-fallback"), Method="GET")
    scripted.event("CHANNEL_CREATE", uuid)
    assert statuses(bench, 1) == ["initiated"]
    assert bench.orchestrator is not None
    (kept,) = CallStore(bench.orchestrator.node.write_buffer).load()
    assert (kept.leg, kept.caller.call_sid, kept.direction) == (uuid, call_sid, "outbound")
    assert kept.next == FetchDocument(url("/own"), "GET")
    assert kept.fallback == FetchDocument(url("/own-fallback"), "POST")
    assert kept.report == FetchDocument(url("/callee"), "POST")
    assert set(kept.report_events) == set(ALL.split())
    assert (set(kept.reported), kept.ringing, kept.application) == ({"initiated"}, True, "main")
    scripted.hangs_up(uuid)
    assert statuses(bench, 2)[1:] != []
