"""Names, numbers and labels in place of sids, and for how long something has gone on."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path

import pytest
import requests
from gevent import subprocess as cooperative

from orchestrator.cli.access import URL
from orchestrator.sids import twilio_call_sid_of
from tests.cli.conftest import ANNA, BERT, ROOM, Party, Types, rows
from tests.scenarios.conftest import ACCOUNT, API_KEY, NUMBER, House
from tests.web.site import wait_until

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.rather("emulator")


def test_a_call_is_named_by_number_label_or_either_sid(house: House, types: Types) -> None:
    party = Party(house)
    sid = party.sids[ANNA]
    for given in (sid, twilio_call_sid_of(sid), ANNA, "(312) 555-0002", "anna"):
        assert types("calls", "show", given, "--json").json[0]["sid"] == sid
    several = types("calls", "show", NUMBER, code=1).err
    assert f"{NUMBER} fits 2 calls that go on: name one by its CallSid: " in several
    for other in party.sids.values():
        assert other in several
    types("calls", "end", BERT)
    party.bert.wait_ended(10)
    assert types("calls", "show", NUMBER, "--json").json[0]["sid"] == sid
    types("calls", "end", "anna")
    party.anna.wait_ended(10)
    # Over, it is still found by either.
    for given in (BERT, "bert"):
        assert types("calls", "show", given, "--json").json[0]["sid"] == party.sids[BERT]
    assert "The call has ended." in types("calls", "end", "anna", code=1).err


def test_a_participant_is_named_by_its_number_and_a_conference_by_who_is_in_it(
    house: House, types: Types
) -> None:
    party = Party(house)
    assert types("participants", "mute", ROOM, BERT, "--json").json[0]["label"] == "bert"
    party.anna.wait_stops_hearing(900, 10)
    assert types("participants", "unmute", "anna", BERT, "--json").json[0]["muted"] is False
    assert types("conferences", "show", ANNA, "--json").json[0]["friendly_name"] == ROOM
    assert types("participants", "show", ROOM, ANNA, "--json").json[0]["call_sid"] == party.sids[ANNA]
    wrong = types("participants", "mute", ROOM, "+13125550999", code=1).err
    assert "there is no participant +13125550999 in conference " in wrong


def test_participants_of_a_conference_that_is_over_are_listed_with_when_they_left_and_why(
    house: House, types: Types
) -> None:
    party = Party(house)
    party.bert.hang_up()
    wait_until(lambda: len(rows(types("participants", "list", ROOM))) == 2, "bert has left")
    now = types("participants", "list", ROOM, "--left")
    assert [cells[1] for cells in rows(now)[1:]] == ["anna", "bert"]
    types("conferences", "end", ROOM)
    party.anna.wait_ended(10)
    over = types("participants", "list", ROOM)
    assert rows(over)[0][:5] == ["CALL", "LABEL", "FROM", "TO", "STATUS"]
    assert {"LEFT", "DURATION", "WHY"} <= set(rows(over)[0])
    for shown in (ANNA, BERT, "conference ended via api", "participant hung up"):
        assert shown in over.out
    assert "bert" in types("participants", "show", ROOM, "bert").out


def test_a_call_that_goes_on_says_for_how_long(house: House, types: Types) -> None:
    party = Party(house)
    shown = types("calls", "list", "--status", "in-progress")
    assert rows(shown)[0][-1] == "DURATION"
    durations = [cells[-1] for cells in rows(shown)[1:]]
    assert all(re.fullmatch(r"0:00:\d\d", duration) for duration in durations), durations

    def later() -> bool:
        return [cells[-1] for cells in rows(types("calls", "list"))[1:]] > durations

    wait_until(later, "it has grown")
    party.anna.hang_up()
    wait_until(lambda: "completed" in types("calls", "list").out, "it is over")
    over = types("calls", "list", "--from", ANNA)
    listed = types("calls", "list", "--from", ANNA, "--json").json[0]
    assert rows(over)[1][-1] == f"0:00:{int(listed['duration']):02}"


def test_recordings_are_named_by_conference_or_call(house: House, types: Types) -> None:
    house.voice(house.joins(record="record-from-start", beep="false", room="Recorded"))
    phone = house.switch.call(NUMBER, from_=ANNA, sounds=500)
    house.delivered(2, 10)
    wait_until(lambda: types("recordings", "list", "--json").json, "it has begun")
    phone.hang_up()
    wait_until(
        lambda: types("recordings", "list", "--json").json[0]["status"] == "completed", "it is over", 20
    )
    sid = types("recordings", "list", "--json").json[0]["sid"]
    for given in (sid, "Recorded"):
        assert types("recordings", "show", given, "--json").json[0]["sid"] == sid
    house.voice(house.joins(beep="false", room="Another"))
    phone = house.switch.call(NUMBER, from_=BERT, sounds=500)
    phone.wait_answered(10)
    assert house.orchestrator is not None
    url = f"http://127.0.0.1:{house.orchestrator.web.port}/v2/texml/Accounts/{ACCOUNT}"
    call = types("calls", "show", BERT, "--json").json[0]["sid"]
    headers = {"Authorization": f"Bearer {API_KEY}"}
    assert requests.post(f"{url}/Calls/{call}/Recordings.json", headers=headers, timeout=10).ok
    (its,) = types("recordings", "list", "--call", BERT, "--json").json
    assert types("recordings", "show", BERT, "--json").json[0]["sid"] == its["sid"]
    phone.hang_up()
    assert types("recordings", "delete", "Recorded").out == f"{sid} is deleted\n"
    assert "there is no recording of Recorded" in types("recordings", "show", "Recorded", code=1).err


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        (["participants", "mute", "Ro"], ["Room\\ 1234"]),
        (["participants", "mute", ROOM, ""], ["anna", "bert"]),
        (["participants", "mute", ROOM, "b"], ["bert"]),
        (["participants", "mute", "Elsewhere", ""], []),
        (["calls", "end", "a"], ["anna"]),
        (["calls", "end", "+"], [ANNA, BERT]),
        (["conferences", "show", "X"], []),
    ],
)
def test_the_tab_key_completes_live_conferences_and_calls(
    house: House, types: Types, tmp_path: Path, typed: list[str], completed: list[str]
) -> None:
    Party(house)
    assert complete(tmp_path, typed) == completed


def test_the_tab_key_says_nothing_where_nobody_answers(
    types: Types, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL, "http://127.0.0.1:1")
    assert complete(tmp_path, ["calls", "end", "a"]) == []


def complete(directory: Path, typed: list[str]) -> list[str]:
    """The completions of a bash of its own, with the script that the command prints for it."""
    program = directory / "orchestrator"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m orchestrator "$@"\n')
    program.chmod(0o700)
    script = f"""
        eval "$(orchestrator completion bash)"
        COMP_WORDS=(orchestrator {shlex.join(map(shlex.quote, filter(None, typed)))}) COMP_CWORD={len(typed)}
        _orchestrator_completion orchestrator
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    path = f"{directory}:{os.environ['PATH']}"
    bash = cooperative.Popen(
        ["bash", "-c", script],
        stdout=cooperative.PIPE,
        stderr=cooperative.PIPE,
        env={**os.environ, "PATH": path},
    )
    out, err = bash.communicate(timeout=60)
    assert not err, err.decode()
    return [line for line in out.decode().splitlines() if line]
