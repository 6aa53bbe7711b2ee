"""Now and then: whether what we believe is still what FreeSWITCH has. Cheap where all is in step."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import gevent

from orchestrator.clock import now
from orchestrator.conference.live.effect_executor import speaks
from orchestrator.conference.machine.state import Phase
from orchestrator.esl import snapshot
from orchestrator.esl.errors import SwitchError
from orchestrator.esl.snapshot import GUARD, ConferenceSeen
from orchestrator.lifecycle import RunningPart
from orchestrator.logs import get_logger
from orchestrator.recordings.records import RecordingRecord
from orchestrator.recovery.reconcile import SETTLED_SECONDS, ReconciledParts, Reconciler
from orchestrator.store.interface import OutboxError

log = get_logger(__name__)


class PeriodicCheck(RunningPart):
    def __init__(
        self,
        parts: ReconciledParts,
        reconciler: Reconciler,
        is_up: Callable[[], bool],
        every: float,
    ) -> None:
        """`every` so many seconds, where `is_up` says that FreeSWITCH is connected and was compared then."""
        self._parts = parts
        self._reconciler = reconciler
        self._others: set[str] = set()
        """Legs that are not ours to steer: those that were dialled."""
        self._is_up = is_up
        self._every = every

    def _run(self) -> None:
        while True:
            gevent.sleep(self._every)
            if self._is_up():
                self.run()

    def run(self) -> None:
        """A difference that is found twice, some seconds apart, is corrected."""
        try:
            if not self._differs():
                return
            gevent.sleep(SETTLED_SECONDS)
            if not self._parts.connection.connected or not self._differs():
                return
            log.warning("out of step with FreeSWITCH")
            self._parts.dispatcher.hold()
            try:
                self._reconciler.run(connected=False)
            finally:
                self._parts.dispatcher.release()
            self._parts.call_recordings.end(self._endless())
        except SwitchError as error:
            log.warning("cannot see what FreeSWITCH has", problem=str(error))
        except OutboxError as error:
            log.warning("cannot see which recordings are open", problem=str(error))

    def _differs(self) -> bool:
        conferences = snapshot.list_conferences(self._parts.connection, now())
        return self._rooms_differ(conferences) or self._legs_differ() or self._recordings_differ(conferences)

    def _recordings_differ(self, conferences: Mapping[str, ConferenceSeen]) -> bool:
        channels = snapshot.list_channels(self._parts.connection)
        return bool(
            self._parts.conference_recorder.missing(conferences)
            or self._parts.call_recordings.missing(channels)
            or self._endless()
        )

    def _endless(self) -> list[RecordingRecord]:
        """Said to be in progress, and nobody would ever say anything else of them."""
        settled = now() - int(1_000_000 * SETTLED_SECONDS)
        return [
            record
            for record in self._parts.call_recordings.without_an_end()
            if record.sid not in self._parts.conference_recorder and record.updated_at < settled
        ]

    def _rooms_differ(self, conferences: Mapping[str, ConferenceSeen]) -> bool:
        settled = now() - int(1_000_000 * SETTLED_SECONDS)
        believed = {
            (room.sid, one.caller.leg): one
            for room in self._parts.rooms
            for one in room.participants.values()
            if one.member_id or (one.phase is Phase.JOINING and one.ordered_at < settled)
        }
        real = {
            (sid, leg): member
            for sid, conference in conferences.items()
            for leg, member in conference.members.items()
            if self._parts.legs.get(leg) is not None
        }
        if believed.keys() != real.keys():
            return True
        return any(
            member.hold is not believed[key].held or member.can_speak is not speaks(believed[key])
            for key, member in real.items()
            if believed[key].phase is Phase.IN
        )

    def _legs_differ(self) -> bool:
        steered = {call.leg.uuid for call in self._parts.calls}
        channels = set(snapshot.list_channels(self._parts.connection))
        self._others &= channels
        for leg in channels - steered - self._others:
            if self._parts.legs.get(leg) is None:
                headers = snapshot.dump(self._parts.connection, leg)
                if headers is not None and headers.get(GUARD) == "1":
                    return True
                self._others.add(leg)
        return any(snapshot.dump(self._parts.connection, leg) is None for leg in steered - channels)
