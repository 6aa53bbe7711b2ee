"""The command line in front of an orchestrator that runs: what a person types, sees and gets done."""

from __future__ import annotations

from pathlib import Path

import gevent
import pytest

from orchestrator import cli
from orchestrator.cli.access import KEY, URL
from orchestrator.cli.client import PAGE
from orchestrator.conference.live.records import RoomRecord, row_of_room
from tests.cli.conftest import ANNA, BERT, ROOM, Party, Types, rows
from tests.lab.softphones import Answers
from tests.lab.web import Answer
from tests.scenarios.conftest import ACCOUNT, NUMBER, OTHER_ACCOUNT, OTHER_API_KEY, House
from tests.web.site import wait_until

pytestmark = pytest.mark.rather("emulator")

# Conferences and participants


def test_a_conference_is_found_by_its_name_and_ended(house: House, types: Types) -> None:
    party = Party(house)
    table = types("conferences", "list", "--status", "in-progress")
    assert rows(table)[0] == ["SID", "NAME", "STATUS", "CREATED"]
    (listed,) = types("conferences", "list", "--name", ROOM, "--json").json
    assert listed["sid"] in table.out
    (shown,) = types("conferences", "show", ROOM, "--json").json
    assert {name: shown[name] for name in listed} == listed
    assert "in-progress" in types("conferences", "show", listed["sid"]).out
    assert types("conferences", "end", ROOM).out == f"{listed['sid']} is being ended\n"
    party.anna.wait_ended(10)
    party.bert.wait_ended(10)
    # Nobody of that name lives: the one that was is shown.
    wait_until(
        lambda: types("conferences", "show", ROOM, "--json").json[0]["status"] == "completed", "it is over"
    )
    assert "conference-ended-via-api" in types("conferences", "list").out


def test_participants_are_shown_with_labels_and_numbers_and_steered(house: House, types: Types) -> None:
    party = Party(house)
    listed = types("participants", "list", ROOM)
    for shown in ("anna", "bert", ANNA, BERT, NUMBER, party.sids[ANNA], "connected"):
        assert shown in listed.out
    assert types("participants", "mute", ROOM, "anna", "bert", "--json").json[1]["muted"] is True
    party.bert.wait_stops_hearing(500, 10)
    assert "muted" in types("participants", "list", ROOM).out
    types("participants", "unmute", ROOM, "anna", party.sids[BERT])
    party.bert.wait_hears(500, 10)
    music = house.application.tone(700, 2.0)
    assert "hold" in types("participants", "hold", ROOM, "anna", "--hold-url", music).out
    party.anna.wait_hears(700, 10)
    assert types("participants", "unhold", ROOM, "anna", "--json").json[0]["hold"] is False
    party.anna.wait_hears(900, 10)
    assert "call sid" in types("participants", "show", ROOM, "anna").out
    assert types("participants", "drop", ROOM, "anna").out == "anna is dropped\n"
    party.anna.wait_ended(10)
    assert len(types("participants", "list", ROOM, "--json").json) == 1


def test_an_announcement_is_heard_by_all_or_by_one(house: House, types: Types) -> None:
    party = Party(house)
    types("conferences", "announce", ROOM, house.application.tone(1300, 1.0))
    party.anna.wait_hears(1300, 10)
    party.bert.wait_hears(1300, 10)
    types("participants", "announce", ROOM, house.application.tone(1700, 1.0), "anna", "--method", "GET")
    party.anna.wait_hears(1700, 10)


def test_one_that_is_not_there_keeps_none_of_the_others_from_it(house: House, types: Types) -> None:
    party = Party(house)
    done = types("participants", "drop", ROOM, "nobody", "anna", code=1)
    assert "nobody: there is no participant nobody in conference " in done.err
    assert "`orchestrator participants list " in done.err
    party.anna.wait_ended(10)


def test_somebody_is_dialled_into_a_conference(house: House, types: Types) -> None:
    Party(house)
    target = house.switch.register("+13125550777", Answers(sounds=1100))
    dialled = types(
        *("participants", "dial", ROOM, "+13125550777", "--from", NUMBER, "--label", "cleo", "--muted"),
        *("--set", "StartConferenceOnEnter=false", "--json"),
    ).json[0]
    assert (dialled["label"], dialled["muted"], dialled["start_conference_on_enter"]) == ("cleo", True, False)
    target.wait_called(10).wait_hears(500, 10)
    wrong = types("participants", "dial", ROOM, "1", "--from", "2", "--set", "StartConference=false", code=2)
    assert "did you mean StartConferenceOnEnter?" in wrong.err


# Calls and recordings


def test_a_call_is_made_redirected_and_ended(house: House, types: Types, tmp_path: Path) -> None:
    target = house.switch.register("+13125550778", Answers(sounds=1100))
    waits = tmp_path / "waits.xml"
    waits.write_text('<Response><Pause length="60"/></Response>')
    made = types("calls", "dial", "+13125550778", "--from", NUMBER, "--texml", str(waits), "--json").json[0]
    phone = target.wait_called(10)
    phone.wait_answered(10)
    wait_until(
        lambda: types("calls", "show", made["sid"], "--json").json[0]["status"] == "in-progress", "answered"
    )
    assert made["sid"] in types("calls", "list", "--status", "in-progress", "--to", "+13125550778").out
    plays = house.application.document(
        "/plays", f'<Response><Play loop="0">{house.application.tone(1500, 1.0)}</Play></Response>'
    )
    types("calls", "redirect", made["sid"], "--instructions", plays)
    phone.wait_hears(1500, 10)
    types("calls", "end", made["sid"])
    phone.wait_ended(10)


def test_recordings_are_listed_shown_and_deleted(house: House, types: Types) -> None:
    house.voice(house.joins(record="record-from-start", beep="false"))
    phone = house.switch.call(NUMBER, from_=ANNA, sounds=500)
    house.delivered(2, 10)
    wait_until(lambda: types("recordings", "list", "--json").json, "it has begun")
    gevent.sleep(0.3)  # of sound: one that nothing was written of is absent
    phone.hang_up()
    wait_until(
        lambda: types("recordings", "list", "--json").json[0]["status"] == "completed", "it is over", 20
    )
    assert "Conference" in types("recordings", "list").out
    sid = types("recordings", "list", "--conference", ROOM, "--json").json[0]["sid"]
    assert f"/recordings/{sid}.wav" in types("recordings", "show", sid).out
    assert types("recordings", "delete", sid).out == f"{sid} is deleted\n"
    assert f"there is no recording {sid}: `orchestrator recordings list` shows all" in (
        types("recordings", "show", sid, code=1).err
    )


def test_a_long_list_is_read_page_after_page_up_to_the_limit(house: House, types: Types) -> None:
    assert house.orchestrator is not None
    many = PAGE + 20
    old = [
        RoomRecord(f"old-{number:04}", ACCOUNT, "old", number, number, number, "completed")
        for number in range(1, many + 1)
    ]
    house.orchestrator.outbox.records.put([row_of_room(room) for room in old])
    everything = types("conferences", "list", "--name", "old", "--limit", "0", "--json").json
    assert [one["sid"] for one in everything] == [room.sid for room in reversed(old)]
    assert len(types("conferences", "list", "--limit", str(PAGE + 5), "--json").json) == PAGE + 5
    assert len(rows(types("conferences", "list"))) == 51


# Mistakes


def test_nobody_there_is_distinguished_from_a_refusal(
    house: House, types: Types, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Connection refused" in types("calls", "list", "--url", "http://127.0.0.1:1", code=3).err
    somebody_else = house.application.document("/", "<html/>").rstrip("/")
    assert "not as an orchestrator" in types("calls", "list", "--url", somebody_else, code=3).err
    assert "the API key is not known there" in types("calls", "list", "--key", "wrong", code=1).err
    monkeypatch.setenv(KEY, OTHER_API_KEY)
    assert f"account {ACCOUNT} is not the one of this API key" in types("calls", "list", code=1).err
    assert types("calls", "list", "--account", OTHER_ACCOUNT).err == "no such calls\n"


def test_a_refusal_names_the_parameter_and_the_reason(types: Types) -> None:
    assert "there is no conference nobody" in types("conferences", "show", "nobody", code=1).err
    assert "there is no call v3:x: `orchestrator calls list`" in types("calls", "show", "v3:x", code=1).err
    assert "there is no call nobody: CALL is a" in types("calls", "end", "nobody", code=1).err
    wrong = types("calls", "dial", "+1", "--from", "a b", "--set", "Record=perhaps", code=1)
    assert "--set Record: must be true or false" in wrong.err
    wrong = types("calls", "dial", "+1", "--from", NUMBER, "--timeout", "never", code=1)
    assert "--timeout: must be a whole number" in wrong.err
    wrong = types("calls", "dial", "+1", "--from", "2", "--texml", "no-such-file", code=2)
    assert "'no-such-file': No such file" in wrong.err


def test_a_redirect_does_not_take_the_key_elsewhere(house: House, types: Types) -> None:
    elsewhere = house.application.document("/elsewhere", "{}")
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
    house.application.route(path, Answer(status=302, headers={"Location": elsewhere}))
    assert types("calls", "list", "--url", house.application.url("/").rstrip("/"), code=3)
    assert not house.application.to("/elsewhere")


@pytest.mark.parametrize("noun", ["conferences", "participants", "calls", "recordings"])
def test_help_says_where_the_orchestrator_is_looked_for(
    noun: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in ([noun], [noun, "list"]):
        assert cli.main([*words, "--help"]) == 0
        assert URL in capsys.readouterr().out
