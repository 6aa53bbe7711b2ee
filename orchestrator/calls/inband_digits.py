"""Digits that are tones in the sound: a trunk's `inband_digits`.

`start_dtmf` (mod_dptools) listens to what a leg says, for as long as there is the leg. On a leg that was not
answered it would begin early media, so FreeSWITCH runs it on the answer.
"""

from __future__ import annotations

from typing import Final

from orchestrator.config import Settings
from orchestrator.config.trunks import Trunk
from orchestrator.esl import commands
from orchestrator.esl.connection import Connection
from orchestrator.esl.leg import Leg

APPLICATION: Final = "start_dtmf"
# A variable whose name begins with execute_on_answer is looked at too (switch_channel_execute_on).
VARIABLE: Final = "execute_on_answer_inband"


def variables(trunk: Trunk | None) -> dict[str, str]:
    """Of a leg that is dialled through this trunk."""
    return {VARIABLE: APPLICATION} if trunk is not None and trunk.inband_digits else {}


def detect(settings: Settings, connection: Connection, leg: Leg) -> None:
    """On a call that came in, where its trunk asks for it."""
    trunk = settings.trunk_from(leg.headers.get("Caller-Network-Addr", ""))
    if trunk is None or not trunk.inband_digits:
        return
    if leg.answered:
        leg.start(APPLICATION)
    else:
        connection.post(commands.setvar(leg.uuid, VARIABLE, APPLICATION))
