"""A character and a colour for each state; colours of the terminal's own theme, be it dark or light."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from orchestrator.demo.timeline import RoomState, State

# State: character, the same where only ASCII can be shown, style.
_LOOKS = {
    State.AWAY: (" ", " ", ""),
    State.RINGING: ("·", ".", "dim"),
    State.WAITING: ("♪", "~", "magenta"),
    State.QUIET: ("┄", ",", "magenta"),
    State.IN_ROOM: ("─", "-", "green"),
    State.SPEAKING: ("█", "#", "bold green"),
    State.MUTED: ("╌", "=", "blue"),
    State.UNHEARD: ("×", "x", "bold blue"),
    State.GOES_ON: ("▸", ">", "cyan"),
    State.ENDED: (" ", " ", "dim"),
}
_ROOM_STYLES = {"": "dim", "waiting": "magenta", "started": "bold green", "ended": "dim"}
TICK, CROSS, UNSEEN = ("✓", "ok"), ("✗", "FAILED"), ("–", "not seen")


def mark(console: Console, glyph: tuple[str, str]) -> str:
    return glyph[console.options.ascii_only]


def look(console: Console, state: State | RoomState) -> tuple[str, str]:
    """Character and style of one moment in a lane."""
    if isinstance(state, RoomState):
        alive = state.phase in ("waiting", "started")
        return (str(state.people) if alive else " "), _ROOM_STYLES[state.phase]
    unicode, ascii_, style = _LOOKS[state]
    return (ascii_ if console.options.ascii_only else unicode), style


def words(console: Console, state: State | RoomState) -> Text:
    """The state in words, behind its character."""
    character, style = look(console, state)
    if isinstance(state, RoomState):
        return Text(state.words, style=style)
    return Text(f"{character} {state.value}".strip() if state.value else "", style=style)
