"""The callers of the demo, the sound of each, and the TeXML that each is answered with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import quoteattr

NUMBER = "+13125550100"
ROOM = "Demo"
PLACES = 4

# Each caller's sound is one frequency, so that the sound at a phone identifies the speaker; none is a beep's.
MUSIC, GOODBYE, SORRY = "music", "goodbye", "sorry"
SOUNDS_HZ = {MUSIC: 700.0, GOODBYE: 1500.0, SORRY: 1700.0}
GOODBYE_SECONDS = 1.6


@dataclass(frozen=True)
class Caller:
    """A person of the demo. `asks` are attributes of its Conference noun, `after` is the sound behind it."""

    name: str
    role: str
    number: str
    hz: float
    asks: Mapping[str, str] = field(default_factory=dict)
    after: str = GOODBYE
    admitted: bool = True

    @property
    def muted(self) -> bool:
        return self.asks.get("muted") == "true"

    @property
    def waits(self) -> bool:
        return self.asks.get("startConferenceOnEnter") == "false"


_WAITS = {"startConferenceOnEnter": "false", "waitUrl": f"/sounds/{MUSIC}.wav", "waitMethod": "GET"}

ADA = Caller("Ada", "waits for the moderator", "+13125550001", 500.0, _WAITS)
BEN = Caller("Ben", "waits too, and is muted", "+13125550002", 600.0, {**_WAITS, "muted": "true"})
CLEO = Caller("Cleo", "moderates", "+13125550003", 1100.0, {"endConferenceOnExit": "true"})
DAN = Caller("Dan", "comes late", "+13125550004", 1300.0)
EVE = Caller("Eve", "finds the room full", "+13125550005", 300.0, after=SORRY, admitted=False)


@dataclass(frozen=True)
class Callers:
    """The five parts; a test gives one of them the wrong document."""

    ada: Caller = ADA
    ben: Caller = BEN
    cleo: Caller = CLEO
    dan: Caller = DAN
    eve: Caller = EVE

    @property
    def everybody(self) -> tuple[Caller, ...]:
        return (self.ada, self.ben, self.cleo, self.dan, self.eve)

    @property
    def admitted(self) -> tuple[Caller, ...]:
        return tuple(caller for caller in self.everybody if caller.admitted)

    def by_number(self, number: str) -> Caller | None:
        return next((caller for caller in self.everybody if caller.number == number), None)

    @property
    def hertz(self) -> dict[str, float]:
        """Every sound of the demo by its name, the voices under their callers' names."""
        return SOUNDS_HZ | {caller.name: caller.hz for caller in self.everybody}


def document(caller: Caller, ring_seconds: int) -> str:
    """The application's answer; the call rings for `ring_seconds` first, which are whole in TeXML."""
    attributes = {
        "maxParticipants": str(PLACES),
        "statusCallback": "/events",
        "statusCallbackEvent": "start end join leave speaker",
        **caller.asks,
    }
    noun = "".join(f"\n      {name}={quoteattr(value)}" for name, value in attributes.items())
    ring = f'  <Pause length="{ring_seconds}"/>\n' if ring_seconds else ""
    return (
        f"<Response>\n{ring}  <Dial>\n    <Conference{noun}>{ROOM}</Conference>\n  </Dial>\n"
        f"  <Play>/sounds/{caller.after}.wav</Play>\n</Response>\n"
    )
