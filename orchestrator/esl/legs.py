"""All legs of one FreeSWITCH that are ours, and the listeners to events of one leg, ours or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orchestrator.esl.errors import Disconnected, SwitchError
from orchestrator.esl.events import Event
from orchestrator.esl.leg import Leg, Switch


class Legs:
    """The legs of one FreeSWITCH that are ours. `dispatch` it every event; one about another leg costs one
    look-up."""

    def __init__(self, connection: Switch) -> None:
        self.connection = connection
        self._legs: dict[str, Leg] = {}
        self._watched: dict[str, list[Callable[[Event], None]]] = {}
        connection.on_down.append(self._disconnected)

    def __len__(self) -> int:
        return len(self._legs)

    def __iter__(self) -> Iterator[Leg]:
        return iter(list(self._legs.values()))

    def adopt(self, uuid: str, headers: dict[str, str]) -> Leg:
        """The leg `uuid`, from now on ours; the same one when it already is. `headers` as of CHANNEL_PARK or
        uuid_dump."""
        leg = self._legs.get(uuid)
        if leg is None:
            leg = self._legs[uuid] = Leg(self.connection, uuid, headers, self.lost)
        return leg

    def get(self, uuid: str) -> Leg | None:
        """The leg, while it is ours and not forgotten."""
        return self._legs.get(uuid)

    def lost(self, uuid: str, cause: str = "") -> None:
        """Declare a leg hung up that FreeSWITCH no longer has: its CHANNEL_HANGUP was missed while
        disconnected."""
        leg = self._legs.pop(uuid, None)
        if leg is not None:
            leg._hung_up(cause)

    def dispatch(self, event: Event) -> Leg | None:
        """Pass the event to its leg; return that, or None for a leg that is not ours."""
        leg = self._legs.get(event.uuid)
        if leg is None:
            return None
        name = event.name
        if name == "CHANNEL_EXECUTE_COMPLETE":
            leg._completed(event)
        elif name == "CHANNEL_PARK":
            leg._parked(event)
        elif name == "DTMF":
            leg._pressed(event.header("DTMF-Digit"), event.header("DTMF-Source"), event.timestamp)
        elif name == "CHANNEL_ANSWER":
            leg.answered = True
        elif name == "CHANNEL_HANGUP":
            leg._hung_up(event.hangup_cause)
        elif name in ("CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY"):
            self.lost(event.uuid, event.hangup_cause)
        return leg

    # Listeners to one leg, ours or not

    def watch(self, uuid: str, on_event: Callable[[Event], None]) -> None:
        """Everything about the leg `uuid` until its end, its CHANNEL_DESTROY included."""
        self._watched.setdefault(uuid, []).append(on_event)

    def unwatch(self, uuid: str, on_event: Callable[[Event], None]) -> None:
        """Before the leg's end, or for one that never came to be."""
        watchers = self._watched.get(uuid, [])
        if on_event in watchers:
            watchers.remove(on_event)
        if not watchers:
            self._watched.pop(uuid, None)

    def is_watched(self, uuid: str) -> bool:
        return uuid in self._watched

    def notify_watchers(self, event: Event) -> None:
        """Let those know that watch the leg which the event is about."""
        if event.uuid in self._watched:
            for watcher in tuple(self._watched[event.uuid]):
                watcher(event)
            if event.name == "CHANNEL_DESTROY":
                self._watched.pop(event.uuid, None)

    def _disconnected(self, error: SwitchError) -> None:
        ended = error if isinstance(error, Disconnected) else Disconnected(str(error))
        for leg in self:
            leg._fail_all(ended)
