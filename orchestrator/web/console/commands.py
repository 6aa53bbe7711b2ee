"""Orders of the page: to conferences, participants, calls, recordings and callbacks.

Each answers once the order is given; what comes of it is seen in the live events and the timeline.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from flask.typing import ResponseReturnValue
from msgspec import Struct

from orchestrator.calls.originate import OriginateRequest
from orchestrator.conference.machine.state import ParticipantOptions
from orchestrator.config.applications import Application
from orchestrator.config.current import CurrentSettings
from orchestrator.documents.fetch import Fetched
from orchestrator.recordings.model import ChangedStatus, RecordingState
from orchestrator.recordings.pauses import PauseBehavior
from orchestrator.services.api_services import ApiServices
from orchestrator.services.calls import CallUpdate
from orchestrator.services.conferences import ParticipantToDial, ParticipantUpdate
from orchestrator.services.recordings import CURRENT
from orchestrator.sids import new_sid
from orchestrator.verbs.announcements import Announcement
from orchestrator.web.console.answers import Denied, body, json_answer, nothing
from orchestrator.web.console.sessions import Session

Route = tuple[str, str, Callable[..., ResponseReturnValue]]
PAUSES: PauseBehavior = "silence"
"""A pause is silent in the recording, so that its time stays that of the conference."""


class RoomOrder(Struct, forbid_unknown_fields=True):
    """Exactly one of them."""

    end: bool | None = None
    announce: str | None = None
    muted: bool | None = None
    """Of all participants."""
    recording: ChangedStatus | None = None


class ParticipantOrder(Struct, forbid_unknown_fields=True):
    muted: bool | None = None
    held: bool | None = None
    announce: str | None = None


class DialOrder(Struct, forbid_unknown_fields=True):
    to: str
    from_: str
    label: str = ""
    muted: bool = False
    application: str = ""


class CallOrder(Struct, forbid_unknown_fields=True):
    """Exactly one of them."""

    end: bool | None = None
    recording: ChangedStatus | None = None


class ReplayOrder(Struct, forbid_unknown_fields=True):
    """Of all that failed at this receiver."""

    receiver: str


class Commands:
    """Flask calls it, on the greenlet of each request. `session` raises Denied."""

    def __init__(
        self, current: CurrentSettings, control: ApiServices, session: Callable[[], Session]
    ) -> None:
        self._current = current
        self._control = control
        self._session = session

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            ("/conferences/<sid>", "POST", self._room),
            ("/conferences/<sid>/participants", "POST", self._dial),
            ("/conferences/<sid>/participants/<who>", "POST", self._participant),
            ("/conferences/<sid>/participants/<who>", "DELETE", self._drop),
            ("/calls/<sid>", "POST", self._call),
            ("/callbacks/<int:id_>/replay", "POST", self._replay),
            ("/callbacks/replay", "POST", self._replay_failed),
        )

    # Conferences

    def _room(self, sid: str) -> ResponseReturnValue:
        account_sid, conferences = self._session().account_sid, self._control.conferences
        match body(RoomOrder):
            case RoomOrder(end=True):
                conferences.end_room(account_sid, sid)
            case RoomOrder(announce=str(address)):
                started = conferences.announce(account_sid, sid, announcement(address))
                return json_answer({"announcement": started})
            case RoomOrder(muted=bool(muted)):
                return json_answer({"changed": conferences.mute_all(account_sid, sid, muted)})
            case RoomOrder(recording=str(status)):
                self._record_room(account_sid, sid, status)
            case _:
                text = "A conference can be ended, muted, recorded, or announced something to."
                raise Denied(HTTPStatus.BAD_REQUEST, text)
        return nothing()

    def _record_room(self, account_sid: str, sid: str, status: ChangedStatus) -> None:
        if status == "in-progress" and self._control.conferences.begin_recording(account_sid, sid):
            return
        recording = self._control.recordings.recording_of(account_sid, CURRENT, conference_sid=sid)
        self._control.recordings.change_recording(recording, status, PAUSES)

    def _dial(self, sid: str) -> ResponseReturnValue:
        account_sid, wanted = self._session().account_sid, body(DialOrder)
        if not (wanted.to.strip() and wanted.from_.strip()):
            text = "Both numbers are needed: the one that is called, and the one that it sees."
            raise Denied(HTTPStatus.UNPROCESSABLE_ENTITY, text)
        options = ParticipantOptions(label=wanted.label.strip(), muted=wanted.muted)
        attributes = {"muted": str(wanted.muted).lower()} | (
            {"participantLabel": options.label} if options.label else {}
        )
        participant = ParticipantToDial(options, attributes, wanted.application)

        def order(application: Application, then: Fetched) -> OriginateRequest:
            return OriginateRequest(application, wanted.to.strip(), wanted.from_.strip(), then)

        one, _ = self._control.conferences.dial_participant(account_sid, sid, participant, order)
        return json_answer({"call": one.call_sid}, HTTPStatus.CREATED)

    def _participant(self, sid: str, who: str) -> ResponseReturnValue:
        account_sid, order = self._session().account_sid, body(ParticipantOrder)
        one = self._control.conferences.participant(account_sid, sid, who)
        if order.announce is not None:
            started = self._control.conferences.announce_to(sid, one, announcement(order.announce))
            return json_answer({"announcement": started})
        changes = ParticipantUpdate(muted=order.muted, hold=order.held)
        self._control.conferences.update_participant(sid, one, changes)
        return nothing()

    def _drop(self, sid: str, who: str) -> ResponseReturnValue:
        one = self._control.conferences.participant(self._session().account_sid, sid, who)
        self._control.conferences.drop(sid, one)
        return nothing()

    # Calls

    def _call(self, sid: str) -> ResponseReturnValue:
        account_sid = self._session().account_sid
        match body(CallOrder):
            case CallOrder(end=True):
                self._control.calls.update_call(account_sid, sid, CallUpdate(hang_up=True))
            case CallOrder(recording="in-progress"):
                self._record_call(account_sid, sid)
            case CallOrder(recording=str(status)):
                recording = self._control.recordings.recording_of(account_sid, CURRENT, call_sid=sid)
                self._control.recordings.change_recording(recording, status, PAUSES)
            case _:
                raise Denied(HTTPStatus.BAD_REQUEST, "A call can be hung up, or recorded.")
        return nothing()

    def _record_call(self, account_sid: str, sid: str) -> None:
        """Go on with the one that is paused; where none is written, begin one."""
        recordings = self._control.recordings
        current = recordings.current_of_call(account_sid, sid)
        if current is not None:
            recordings.change_recording(current, "in-progress", PAUSES)
            return
        wanted = RecordingState(new_sid(), "StartCallRecordingAPI", channels="dual")
        recordings.start_recording(account_sid, sid, wanted)

    # Callbacks

    def _replay(self, id_: int) -> ResponseReturnValue:
        self._control.callbacks.replay(self._session().account_sid, id_)
        return nothing()

    def _replay_failed(self) -> ResponseReturnValue:
        account_sid, order = self._session().account_sid, body(ReplayOrder)
        return json_answer({"replayed": self._control.callbacks.replay_failed(account_sid, order.receiver)})


def announcement(address: str) -> Announcement:
    if not address.strip().startswith(("http://", "https://")):
        raise Denied(HTTPStatus.UNPROCESSABLE_ENTITY, "An announcement is an http or https address.")
    return Announcement(address.strip())
