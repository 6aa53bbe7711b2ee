"""Changes of a call and on whose behalf; keys, copies, restarts, recordings and media in its timeline."""

from __future__ import annotations

import socket
import sqlite3

import gevent
import pytest
import requests

from orchestrator.timeline.sentences import sentence
from tests.console.test_site import Visitor
from tests.lab.switches import FreeSwitch
from tests.lab.web import Answer
from tests.scenarios.conftest import ACCOUNT, API_KEY, House
from tests.sip.talker import FRAME_SECONDS, SILENCE, Talker
from tests.timeline.reading import all_of, entries_of, kinds, sentences, wait_for

NUMBER, CALLER = "+13125550100", "+13125550001"


def ask(house: House, path: str, key: str = API_KEY, **fields: str) -> requests.Response:
    assert house.orchestrator is not None
    url = f"http://127.0.0.1:{house.orchestrator.web.port}/v2/texml/Accounts/{ACCOUNT}/{path}"
    return requests.post(url, data=fields, headers={"Authorization": f"Bearer {key}"}, timeout=20)


def test_a_mute_over_the_api_names_the_key_and_never_shows_it(house: House) -> None:
    house.voice(house.joins(participantLabel="anna"))
    house.switch.call(NUMBER, from_=CALLER)
    joined = wait_for(house, "conference.join")
    path = f"Conferences/{joined.conference_sid}/Participants/{joined.call_sid}"
    assert ask(house, path, Muted="true").status_code == 200
    changed = wait_for(house, "conference.change")
    assert sentence(changed) == "Muted through the API with API key 1."
    assert (changed.call_sid, changed.conference_sid) == (joined.call_sid, joined.conference_sid)
    command = wait_for(house, "api.command")
    assert "Asked for through the API with API key 1" in sentence(command)
    assert command.facts["fields"] == ["Muted=true"]
    assert ask(house, path, Hold="true").status_code == 200
    held = wait_for(house, "conference.change", change="Put on hold")
    assert "Put on hold through the API" in sentence(held)
    assert API_KEY not in str(all_of(house))


@pytest.mark.parametrize("to_all", [True, False], ids=["to all", "to one"])
@pytest.mark.parametrize("is_there", [True, False], ids=["played", "not played"])
def test_an_announcement_has_an_entry_when_it_is_asked_for_and_one_when_it_is_over(
    house: House, to_all: bool, is_there: bool
) -> None:
    house.voice(house.joins(beep="false"))
    for caller in (CALLER, "+13125550002"):
        house.switch.call(NUMBER, from_=caller)
    house.events(3)
    first, second = (entry for entry in all_of(house) if entry.kind == "conference.join")
    url = house.application.tone(500, 0.1) if is_there else house.application.url("/nowhere")
    of = "" if to_all else f"/Participants/{first.call_sid}"
    assert ask(house, f"Conferences/{first.conference_sid}{of}", AnnounceUrl=url).status_code == 200
    over = wait_for(house, "conference.announcement", over=True)
    asked = {"url": url, "by": "api", "key": "API key 1"}
    problem = {} if is_there else {"problem": f"{url}: answered 404 -"}
    assert over.facts == {"url": url, "over": True} | problem
    assert over.level == ("info" if is_there else "warning")
    found = [entry for entry in all_of(house) if entry.kind == "conference.announcement"]
    of_conference = [entry for entry in found if entry.conference_sid]
    assert [entry.facts for entry in of_conference] == [asked, over.facts]
    assert {entry.call_sid for entry in of_conference} == {"" if to_all else first.call_sid}
    of_calls = {entry.call_sid: entry.facts for entry in found if not entry.conference_sid}
    assert of_calls == (dict.fromkeys((first.call_sid, second.call_sid), over.facts) if to_all else {})


def test_a_key_with_a_name_is_named_by_it_also_of_the_console(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    house.reload(f"api_keys: [{API_KEY}]", f"api_keys: [{API_KEY}, {{name: billing, key: of-billing}}]")
    house.voice(house.joins())
    house.switch.call(NUMBER, from_=CALLER)
    joined = wait_for(house, "conference.join")
    path = f"Conferences/{joined.conference_sid}/Participants/{joined.call_sid}"
    assert ask(house, path, "of-billing", Muted="true").status_code == 200
    muted = wait_for(house, "conference.change", change="Muted")
    assert sentence(muted) == "Muted through the API with API key billing."
    visitor = Visitor(house)
    assert visitor.signs_in("of-billing").json()["key"] == "API key billing"
    order = f"console/conferences/{joined.conference_sid}/participants/{joined.call_sid}"
    assert visitor.ask("POST", order, json={"muted": False}).status_code == 204
    unmuted = wait_for(house, "conference.change", change="Unmuted")
    assert sentence(unmuted) == "Unmuted from the console with API key billing."
    assert "API key billing" in caplog.text
    assert "of-billing" not in f"{all_of(house)}{caplog.text}"


def test_a_command_that_is_refused_says_why(house: House) -> None:
    house.voice(house.joins())
    house.switch.call(NUMBER, from_=CALLER)
    joined = wait_for(house, "conference.join")
    path = f"Conferences/{joined.conference_sid}/Participants/{joined.call_sid}"
    assert ask(house, path, CallSidToCoach="v3:nobody").status_code >= 400
    refused = wait_for(house, "api.command", problem="The call to coach is not in this conference.")
    assert sentence(refused).startswith("Refused through the API with API key 1: ")


def test_a_hangup_over_the_api_is_the_reason_of_the_call_s_end(house: House) -> None:
    house.voice("<Response><Pause length='30'/></Response>")
    house.switch.call(NUMBER, from_=CALLER)
    arrived = wait_for(house, "call.arrived")
    wait_for(house, "verb.begin")
    assert ask(house, f"Calls/{arrived.call_sid}", Status="completed").status_code == 200
    end = sentence(wait_for(house, "call.hangup"))
    assert "Reason: hung up through the API with API key 1." in end


def test_other_instructions_over_the_api(house: House) -> None:
    house.voice("<Response><Pause length='30'/></Response>")
    url = house.application.document("/elsewhere", "<Response><Hangup/></Response>")
    house.switch.call(NUMBER, from_=CALLER)
    arrived = wait_for(house, "call.arrived")
    wait_for(house, "verb.begin")
    assert ask(house, f"Calls/{arrived.call_sid}", Url=url).status_code == 200
    text = sentence(wait_for(house, "call.status", status="redirected"))
    assert text == "Other instructions came through the API with API key 1: the current document ends here."
    assert "Reason: Hangup (line 1)." in sentence(wait_for(house, "call.hangup"))


GATHER = "<Response><Gather numDigits='4' timeout='5' action='/pin'/></Response>"


def test_keys_are_asterisks_wherever_they_stand(house: House) -> None:
    house.voice(GATHER)
    house.application.document("/pin", "<Response><Hangup/></Response>")
    phone = house.switch.call(NUMBER, from_=CALLER)
    phone.wait_answered()
    wait_for(house, "verb.begin", verb="Gather")
    phone.press("4711")
    asked = wait_for(house, "document.request", url=house.application.url("/pin"))
    fields = asked.facts["fields"]
    assert isinstance(fields, list)
    assert "Digits=****" in fields
    assert f"From={CALLER}" in fields
    assert sentence(wait_for(house, "dtmf")) == "Key pressed: *."
    wait_for(house, "call.hangup")
    assert "4711" not in "".join(str(entry.facts) for entry in all_of(house))


@pytest.mark.parametrize(("digits", "expected"), [("shown", ["1", "2"]), ("none", [])])
def test_keys_as_the_settings_have_them(house: House, digits: str, expected: list[str]) -> None:
    house.stop()
    house.start(f"timeline: {{digits: {digits}}}")
    house.voice("<Response><Gather numDigits='2' timeout='5' action='/done'/></Response>")
    house.application.document("/done", "<Response><Hangup/></Response>")
    phone = house.switch.call(NUMBER, from_=CALLER)
    phone.wait_answered()
    wait_for(house, "verb.begin", verb="Gather")
    phone.press("12")
    wait_for(house, "call.hangup")
    assert [entry.facts["digits"] for entry in all_of(house) if entry.kind == "dtmf"] == expected


def test_a_document_s_copy_is_as_long_as_the_settings_say(house: House) -> None:
    house.stop()
    house.start("timeline: {document_bytes: 20}")
    house.voice(f"<Response><Say>{'word ' * 100}</Say><Hangup/></Response>")
    house.switch.call(NUMBER, from_=CALLER)
    assert wait_for(house, "document.answer").body == b"<Response><Say>word "


def test_a_restart_adds_to_the_timeline(house: House) -> None:
    house.voice(house.joins())
    phone = house.switch.call(NUMBER, from_=CALLER)
    joined = wait_for(house, "conference.join")
    house.stop()
    house.start()
    text = sentence(wait_for(house, "call.resumed"))
    assert text.startswith("The orchestrator was restarted, and goes on with the call in http://127.0.0.1:")
    phone.hang_up()
    wait_for(house, "call.hangup")
    order = kinds(entries_of(house, joined.call_sid))
    assert order.index("conference.join") < order.index("call.resumed") < order.index("conference.leave")
    assert order.count("call.arrived") == 1


def test_an_end_while_no_orchestrator_ran_is_there_too(house: House) -> None:
    house.voice(house.joins())
    phone = house.switch.call(NUMBER, from_=CALLER)
    joined = wait_for(house, "conference.join")
    house.stop()
    phone.hang_up()
    phone.wait_ended(5)
    house.start()
    wait_for(house, "call.hangup")
    assert {"conference.leave", "call.hangup"} <= set(kinds(entries_of(house, joined.call_sid)))


def test_a_recording_from_its_start_to_its_end(house: House) -> None:
    house.voice(house.joins(record="record-from-start"))
    phone = house.switch.call(NUMBER, from_=CALLER, sounds=500)
    started = wait_for(house, "recording.start")
    gevent.sleep(1)
    phone.hang_up()
    over = wait_for(house, "recording.completed", timeout=15)
    assert over.facts["recording"] == started.facts["recording"]
    assert over.conference_sid == started.conference_sid
    assert sentence(over).startswith(f"Recording {started.facts['recording']} completed: ")


def test_a_participant_that_waits_and_is_refused(house: House) -> None:
    house.voice(house.joins(startConferenceOnEnter="false", participantLabel="anna"))
    house.switch.call(NUMBER, from_=CALLER)
    assert sentence(wait_for(house, "conference.waiting")) == "Waits for conference Room 1234 to start."
    house.switch.call(NUMBER, from_="+13125550002")
    refused = sentence(wait_for(house, "conference.rejected"))
    assert "Not admitted to conference Room 1234: 16025 another participant has this" in refused


def test_a_fallback_says_that_it_is_one(house: House) -> None:
    house.application.route("/voice", Answer(status=500))
    house.application.document("/fallback", "<Response><Hangup/></Response>")
    house.switch.call(NUMBER, from_=CALLER)
    wait_for(house, "call.hangup")
    text = sentences(all_of(house))
    assert "Document cannot be used: " in text
    assert "Document requested for the fallback: POST " in text


@pytest.mark.only("freeswitch")
def test_lost_packets_are_counted_in_quality_record_callback_and_metrics(house: House) -> None:
    house.voice(house.joins())
    assert isinstance(house.switch, FreeSwitch)
    with Talker(house.switch.sip_port) as phone:
        dialog = phone.invite()
        phone._where = phone.media_of(dialog)
        for number in range(1000, 1200):
            if number % 10:
                phone.send(phone._media, SILENCE, number)
            gevent.sleep(FRAME_SECONDS)
        joined = wait_for(house, "conference.join")
        phone.request("BYE", dialog)
        quality = wait_for(house, "media.quality")
    loss = float(str(quality.facts["loss_percent"]))
    assert 8 < loss < 12, quality.facts
    assert float(str(quality.facts["mos"])) < 4.5
    assert "lost (" in sentence(quality)
    (callback,) = house.application.wait_for("/status")
    assert f'"packet_loss":{loss:g}' in callback.fields["CallQualityStats"].replace(" ", "")
    orchestrator = house.orchestrator
    assert orchestrator
    assert orchestrator.counters.loss.count == 1
    record = orchestrator.node.call_records.get(ACCOUNT, joined.call_sid)
    assert record is not None
    assert record.quality is not None
    assert record.quality.loss_percent == loss


def test_a_call_takes_as_much_disk_as_the_documentation_says(house: House) -> None:
    """Some 6 kB: docs/production.md."""
    house.voice(house.joins())
    phones = [house.switch.call(NUMBER, from_=f"+131255500{number:02d}") for number in range(20)]
    for phone in phones:
        phone.wait_answered()
    for phone in phones:
        phone.hang_up()
    wait_for(house, "callback.attempt", event="conference-end", timeout=30)
    assert house.orchestrator
    database = house.orchestrator.outbox.database.connection
    try:
        pages = database.execute("SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'timeline%'")
    except sqlite3.OperationalError:
        pytest.skip("this SQLite cannot say how large a table is")
    assert pages.fetchone()[0] / len(phones) < 7500


def test_a_callback_that_fails_without_an_attempt_says_why(house: House) -> None:
    house.stop()
    house.start("  max_waiting: 100")
    house.log.allows("callbacks")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        receiver = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        house.voice(house.joins(statusCallback=receiver, statusCallbackEvent="join mute"))
        house.switch.call(NUMBER, from_=CALLER)
        joined = wait_for(house, "conference.join")
        path = f"Conferences/{joined.conference_sid}/Participants/{joined.call_sid}"
        for number in range(110):
            assert ask(house, path, Muted="true" if number % 2 else "false").status_code == 200
        failed = wait_for(house, "callback.failed", attempts=0)
    assert (failed.call_sid, failed.conference_sid) == (joined.call_sid, joined.conference_sid)
    assert sentence(failed) == (
        f"Callback {failed.facts['event']} to {receiver} failed without an attempt: too many: 100 were "
        "waiting (callbacks.max_waiting). Once the receiver works, `orchestrator callbacks retry` sends it "
        "again."
    )
    house.stop()


def test_a_callback_whose_address_is_refused_says_why(house: House) -> None:
    house.log.allows("callback failed")
    house.voice(house.joins(statusCallback="http://169.254.169.254/events"))
    house.switch.call(NUMBER, from_=CALLER)
    failed = wait_for(house, "callback.failed", event="participant-join")
    assert "failed after 1 attempt: cannot be requested: " in sentence(failed)
    assert "169.254.169.254" in sentence(failed)
