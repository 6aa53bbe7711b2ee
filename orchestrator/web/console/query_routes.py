"""Routes that read, beside the live events: lists, one conference or call, callbacks, numbers, loudness."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus

from flask import request
from flask.typing import ResponseReturnValue

from orchestrator.config.current import CurrentSettings
from orchestrator.logs import get_logger
from orchestrator.media.audio import AudioError
from orchestrator.node_availability import NodeState
from orchestrator.recordings.files import RecordingsOfNodes
from orchestrator.services.api_services import ApiServices
from orchestrator.services.nodes import LiveRooms
from orchestrator.web.console.answers import Denied, json_answer
from orchestrator.web.console.callback_views import callback_view, callbacks
from orchestrator.web.console.commands import Route
from orchestrator.web.console.filters import ListFilter, list_filter
from orchestrator.web.console.nodes import nodes_view
from orchestrator.web.console.numbers import numbers
from orchestrator.web.console.peaks import Peaks
from orchestrator.web.console.queries import ConsoleQueries
from orchestrator.web.console.sessions import Session
from orchestrator.web.console.timelines import PAGE, dry_run_view, rejected_view, timeline_view

log = get_logger(__name__)


class QueryRoutes:
    """Flask calls it, on the greenlet of each request. `session` raises Denied."""

    def __init__(
        self,
        current: CurrentSettings,
        control: ApiServices,
        files: RecordingsOfNodes,
        session: Callable[[], Session],
        nodes: Callable[[], Sequence[NodeState]],
        rooms: LiveRooms,
    ) -> None:
        self._current = current
        self._control = control
        self._files = files
        self._session = session
        self._node_states = nodes
        self._rooms = rooms
        self._queries = ConsoleQueries(control)
        self._peaks = Peaks()

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            ("/conferences", "GET", self._conferences),
            ("/conferences/<sid>", "GET", self._conference),
            ("/calls", "GET", self._calls),
            ("/calls/<sid>", "GET", self._call),
            ("/conferences/<sid>/timeline", "GET", self._timeline_of_conference),
            ("/calls/<sid>/timeline", "GET", self._timeline_of_call),
            ("/calls/<sid>/timeline/<int:entry>/request", "POST", self._ask_again),
            ("/rejected", "GET", self._rejected),
            ("/callbacks", "GET", self._callbacks),
            ("/callbacks/<int:id_>", "GET", self._callback),
            ("/numbers", "GET", self._numbers),
            ("/nodes", "GET", self._nodes),
            ("/recordings/<sid>/peaks", "GET", self._loudness),
        )

    @property
    def _filter(self) -> ListFilter:
        return list_filter(request.args)

    def _conferences(self) -> ResponseReturnValue:
        return json_answer(self._queries.conferences(self._session().account_sid, self._filter))

    def _conference(self, sid: str) -> ResponseReturnValue:
        return json_answer(self._queries.conference(self._session().account_sid, sid))

    def _calls(self) -> ResponseReturnValue:
        return json_answer(self._queries.calls(self._session().account_sid, self._filter))

    def _call(self, sid: str) -> ResponseReturnValue:
        return json_answer(self._queries.call(self._session().account_sid, sid))

    @property
    def _after(self) -> int:
        """The last entry of a timeline that the page has."""
        after = request.args.get("after", "")
        return int(after) if after.isdigit() and len(after) < 19 else 0

    def _timeline_of_call(self, sid: str) -> ResponseReturnValue:
        found = self._control.timeline.of_call(self._session().account_sid, sid, self._after, PAGE)
        return json_answer(timeline_view(found))

    def _timeline_of_conference(self, sid: str) -> ResponseReturnValue:
        found = self._control.timeline.of_conference(self._session().account_sid, sid, self._after, PAGE)
        return json_answer(timeline_view(found))

    def _ask_again(self, sid: str, entry: int) -> ResponseReturnValue:
        return json_answer(
            dry_run_view(self._control.timeline.ask_again(self._session().account_sid, sid, entry))
        )

    def _rejected(self) -> ResponseReturnValue:
        found = self._control.timeline.rejected(self._session().account_sid)
        return json_answer(rejected_view(found, self._filter))

    def _callbacks(self) -> ResponseReturnValue:
        return json_answer(callbacks(self._control.callbacks, self._session().account_sid, self._filter))

    def _callback(self, id_: int) -> ResponseReturnValue:
        return json_answer(callback_view(self._control.callbacks.one(self._session().account_sid, id_)))

    def _numbers(self) -> ResponseReturnValue:
        return json_answer(numbers(self._current.settings, self._session().account_sid))

    def _nodes(self) -> ResponseReturnValue:
        return json_answer(nodes_view(self._node_states(), self._rooms, self._session().account_sid))

    def _loudness(self, sid: str) -> ResponseReturnValue:
        recording = self._control.recordings.recording(self._session().account_sid, sid)
        wav = self._files.path(recording.sid)
        try:
            peaks = self._peaks.of(wav if wav.exists() else self._files.path(recording.sid, "mp3"))
        except (AudioError, OSError) as error:
            log.warning("no waveform of a recording", recording=sid, problem=str(error))
            raise Denied(HTTPStatus.NOT_FOUND, "The recording's audio cannot be read.") from None
        return json_answer({"peaks": peaks, "seconds": recording.duration})
