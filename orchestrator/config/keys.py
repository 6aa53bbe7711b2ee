"""Keys that a caller may press in a room, and what each does.

Source: control_mappings in mod_conference's conference_loop.c, FreeSWITCH 1.10.12.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field

from orchestrator.config.fields import setting_error

KeyAction = Literal[
    "mute",
    "mute on",
    "mute off",
    "floor",
    "hangup",
    "energy up",
    "energy equ",
    "energy dn",
    "vol talk up",
    "vol talk zero",
    "vol talk dn",
    "vol listen up",
    "vol listen zero",
    "vol listen dn",
]
Digits = Annotated[str, Field(pattern=r"^[0-9A-D*#]{1,8}$")]

_NOT_HERE = {
    "deaf": "a participant that does not hear is one on hold, and that is for the REST API",
    "transfer": "it would leave past the document",
    "execute_application": "documents say what runs on a call",
    "event": "nobody would hear it",
    "lock": "FreeSWITCH would refuse calls that the orchestrator admits",
    "moh toggle": "the document says what is played",
    "border": "there is no video",
}


def _settable(value: object) -> object:
    if isinstance(value, str):
        word = value.split(" ")[0] if value.startswith(("deaf", "vmute", "vid-")) else value
        reason = "there is no video" if word.startswith(("vmute", "vid-")) else _NOT_HERE.get(word)
        if reason is not None:
            raise setting_error(f"{value} cannot be put on a key", reason)
    return value


Action = Annotated[KeyAction, BeforeValidator(_settable)]
SAYS_THE_LEVEL = tuple(action for action in get_args(KeyAction) if action.startswith(("energy", "vol")))
MUTES = ("mute", "mute on", "mute off")
"""The room carries these out: it sends their callbacks, and they do not undo a coach or a hold."""
