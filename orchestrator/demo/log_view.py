"""The timeline as lines, one for each thing that happens: for a pipe, a log, CI."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from orchestrator.demo.application import Callback
from orchestrator.demo.symbols import CROSS, TICK, mark
from orchestrator.demo.timeline import Lane, RoomState, State, Timeline


class LogView:
    """As context: prints until its end."""

    def __init__(self, console: Console, timeline: Timeline) -> None:
        self._console = console
        self._timeline = timeline

    def __enter__(self) -> LogView:
        self._timeline.on_caption = self._caption
        self._timeline.on_change = self._change
        self._timeline.on_callback = self._callback
        self._console.print(Text(self._timeline.title))
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def _print(self, at: float, text: str) -> None:
        self._console.print(Text(f"{at:6.2f}  {text}"), soft_wrap=True)

    def _caption(self, at: float, text: str) -> None:
        self._print(at, text)

    def _change(self, at: float, lane: Lane) -> None:
        state = lane.now
        text = (
            state.words if isinstance(state, RoomState) else state.value if isinstance(state, State) else ""
        )
        self._print(at, f"  {lane.name:<5} {text}")

    def _callback(self, at: float, who: str, callback: Callback) -> None:
        signature = f"{mark(self._console, TICK)} verified"
        if not callback.verified:
            signature = f"{mark(self._console, CROSS)} not genuine"
        late = max(0.0, callback.late_ms)
        name = f"{callback.sequence:>2}  {callback.event}"
        self._print(at, f"  callback {name:<31} {who:<5} {late:4.0f} ms after  {signature}")
