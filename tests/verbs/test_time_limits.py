"""Sounds, speech and recordings end in time also where FreeSWITCH never says so."""

from __future__ import annotations

import pytest

from orchestrator.esl.events import Event
from orchestrator.esl.execution import EXECUTE_TIMEOUT_SECONDS, Execution
from tests.scenarios.conftest import NUMBER, House, house
from tests.web.site import wait_until

__all__ = ["house"]

pytestmark = pytest.mark.only("emulator")


def test_each_application_has_the_time_of_its_sound_and_ten_seconds(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[tuple[str, float | None]] = []
    wait = Execution.wait

    def note(self: Execution, timeout: float | None = EXECUTE_TIMEOUT_SECONDS) -> Event:
        waited.append((self.app, timeout))
        return wait(self, timeout)

    monkeypatch.setattr(Execution, "wait", note)
    tone = house.application.tone(500, 0.25)
    house.voice(
        f"<Response><Play>{tone}</Play><Say>twelve chars</Say>"
        "<Record maxLength='1' playBeep='true' action='/next'/></Response>"
    )
    house.application.document("/next", "<Response><Play ringTone='us'/></Response>")
    phone = house.switch.call(NUMBER)
    ringing = "playback", 16.0
    wait_until(lambda: ringing in waited, f"{waited}")
    phone.hang_up()
    assert waited == [("playback", 10.25), ("speak", 14.2), ("playback", 10.0), ("record", 11.0), ringing]
