"""A caller may hang up at any moment, in any verb: nothing is left of the call, and nothing is wrong."""

from __future__ import annotations

import gc
import time

import gevent
import pytest

from orchestrator.app import Orchestrator
from tests.lab.softphones import NeverAnswers
from tests.scenarios.conftest import House

NUMBER, CALLEE = "+13125550100", "+13125550021"
SPEECH = "One sentence after the other, and one more of them. " * 10
WAITS = "startConferenceOnEnter='false' waitUrl='{tone}'"
VERBS = {
    "Say": f"<Say>{SPEECH}</Say>",
    "Play": "<Play loop='0'>{tone}</Play>",
    "Play digits": "<Play digits='1w2w3w4w5w6w7w8w9'/>",
    "Play that hangs": "<Play>/hangs</Play>",
    "Pause": "<Pause length='60'/>",
    "Gather": "<Gather timeout='60'><Play>{tone}</Play></Gather>",
    "Gather and Say": f"<Gather timeout='60'><Say>{SPEECH}</Say></Gather>",
    "Record": "<Record/>",
    "Redirect that hangs": "<Redirect>/hangs</Redirect>",
    "Dial Conference": "<Dial><Conference>Room</Conference></Dial>",
    "Dial Conference that waits": "<Dial><Conference {waits}>R</Conference></Dial>",
    "Dial Conference that waits in a menu": (
        "<Dial><Conference startConferenceOnEnter='false' waitUrl='/menu'>R</Conference></Dial>"
    ),
    "Dial Number": f"<Dial>{CALLEE}</Dial>",
}
MOMENTS = (0.0, 0.05, 0.3, 1.0)


@pytest.mark.parametrize("verb", VERBS)
def test_nothing_is_left_of_a_caller_who_hangs_up(house: House, verb: str) -> None:
    from tests.lab.web import Answer

    house.switch.register(CALLEE, NeverAnswers())
    house.application.route("/hangs", Answer(hangs=True))
    tone = house.application.tone(700, 5.0)
    house.application.document("/menu", f"<Response>{VERBS['Gather'].replace('{tone}', tone)}</Response>")
    house.voice(f"<Response>{VERBS[verb].replace('{waits}', WAITS).replace('{tone}', tone)}</Response>")
    before = greenlets()
    for count, moment in enumerate(MOMENTS, 1):
        phone = house.switch.call(NUMBER)
        house.application.wait_for("/voice", count)
        gevent.sleep(moment)
        phone.hang_up()
        phone.wait_ended()
    orchestrator = house.orchestrator
    assert orchestrator is not None
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        left = (
            len(orchestrator.node.legs),
            len(orchestrator.node.rooms),
            len(orchestrator.node.legs._watched),
        )
        if left == (0, 0, 0) and greenlets() <= before + 1:
            break
        gevent.sleep(0.05)
    assert left == (0, 0, 0), "legs, rooms, watched legs"
    assert greenlets() <= before + 1, [str(one) for one in living()]
    assert len(house.callbacks("/status")) <= len(MOMENTS)
    deadline = time.monotonic() + 5
    while (rows := on_disk(orchestrator)) and time.monotonic() < deadline:
        gevent.sleep(0.05)
    assert rows == []


OF_CALLS = tuple(
    f"orchestrator.{package}"
    for package in ("calls", "conference", "recordings", "recovery", "routing", "services", "verbs")
)


def living() -> list[gevent.Greenlet]:
    """Greenlets of the orchestrator's calls: the others belong to servers, sockets and the laboratory."""
    gc.collect()
    return [
        one
        for one in gc.get_objects()
        if isinstance(one, gevent.Greenlet)
        and not one.ready()
        and getattr(getattr(one, "_run", None), "__module__", "").startswith(OF_CALLS)
    ]


def on_disk(orchestrator: Orchestrator) -> list[tuple[str, bytes]]:
    """The calls and rooms that the next run would find."""
    kinds = ("call", "document", "outcome", "wait", "wait document", "room", "participant")
    return [row for kind in kinds for row in orchestrator.node.write_buffer.load(kind)]


def greenlets() -> int:
    return len(living())
