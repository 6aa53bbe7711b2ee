"""Somebody joins a conference in the moment in which the last one leaves it."""

from __future__ import annotations

import random
import time

import gevent

from tests.attacks.sip import Dialog
from tests.races.phones import Caller
from tests.races.race import ask, race
from tests.scenarios.conftest import House

ROOM = "Room 1234"
# From the INVITE of the one until it is in the conference.
LATEST = 0.060
SETTLED_SECONDS = 3.0


@race("join-last-leaves")
def joins_as_the_last_one_leaves(house: House, times: int) -> list[str]:
    """It stays, in that conference or in a new one, and what the conference has of it is recorded."""
    house.application.takes_callbacks("/recording")
    recorded = {
        "record": "record-from-start",
        "recordingStatusCallback": house.application.url("/recording"),
        "recordingStatusCallbackEvent": "in-progress completed absent",
    }
    house.voice(house.joins(ROOM, beep="false", **recorded))
    wrong = []
    for number in range(times):
        with Caller(house.switch.sip_port) as first, Caller(house.switch.sip_port) as second:
            earlier = first.invite()
            gevent.sleep(0.3)
            leaving = gevent.spawn_later(random.uniform(0.0, LATEST), first.bye, earlier)
            dialog = second.invite(identity="+13125550002")
            leaving.join()
            if problem := _problem(house, second, dialog):
                wrong.append(f"try {number}: {problem}")
    return wrong


def _problem(house: House, phone: Caller, dialog: Dialog) -> str:
    if dialog.status != 200:
        return f"answered {dialog.status}"
    deadline = time.monotonic() + SETTLED_SECONDS
    while (problem := _state(house)) and time.monotonic() < deadline:
        gevent.sleep(0.05)
    return problem or ("thrown out" if phone.hears_goodbye(dialog, 0.2) else "")


def _state(house: House) -> str:
    """The differences in the end from one conference with one participant, recorded."""
    live = [one for one in ask(house, "GET", "/Conferences.json").json()["conferences"] if _lives(one)]
    if len(live) != 1:
        return f"{len(live)} conferences"
    path = f"/Conferences/{live[0]['sid']}"
    if len(ask(house, "GET", f"{path}/Participants.json").json()["participants"]) != 1:
        return "it is not in the conference"
    recordings = ask(house, "GET", f"{path}/Recordings.json").json()["recordings"]
    running = [one for one in recordings if one["status"] == "in-progress"]
    return "" if len(running) == 1 else f"{len(running)} of {len(recordings)} recordings go on"


def _lives(conference: dict[str, str]) -> bool:
    return conference["status"] == "in-progress"
