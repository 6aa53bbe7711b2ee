"""The timeline, drawn live in a terminal. Pure but for the Live that redraws it."""

from __future__ import annotations

import gevent
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from orchestrator.demo.application import Callback
from orchestrator.demo.symbols import CROSS, TICK, look, mark, words
from orchestrator.demo.timeline import Lane, Timeline

FRAMES_PER_SECOND = 12
NAME_WIDTH = 6
STATE_WIDTH = 24
WIDEST = 110
SMALLEST_LANE = 12
# Rows that are not callbacks: title, caption, axis, lanes, headings, blank lines, and the cursor's.
OTHER_ROWS = 15


class Screen:
    """As context: draws until its end, and then leaves the last drawing with all callbacks behind."""

    def __init__(self, console: Console, timeline: Timeline) -> None:
        self._console = console
        self._timeline = timeline
        # Not rich's own refreshing: it would draw from a thread while we change the timeline.
        self._live = Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop")
        self._painter: gevent.Greenlet[..., None] | None = None

    def __enter__(self) -> Screen:
        self._live.start()
        self._painter = gevent.spawn(self._paint)
        return self

    def __exit__(self, *_: object) -> None:
        if self._painter is not None:
            self._painter.kill()
        self._live.stop()
        self._console.print(render(self._console, self._timeline))

    def _paint(self) -> None:
        while True:
            rows = max(1, self._console.size.height - OTHER_ROWS)
            self._live.update(render(self._console, self._timeline, rows), refresh=True)
            gevent.sleep(1 / FRAMES_PER_SECOND)


def render(console: Console, timeline: Timeline, rows: int | None = None) -> Group:
    """Everything at this moment; of the callbacks only the last `rows`, and always so many lines."""
    width = min(console.size.width, WIDEST)
    lane_width = max(SMALLEST_LANE, width - NAME_WIDTH - STATE_WIDTH - 4)
    span = max(timeline.expected, timeline.now())
    lanes = [*timeline.lanes.values(), timeline.room]
    lines = [
        Text(timeline.title, style="bold"),
        Text(timeline.caption if timeline.ended is None else "", style="italic"),
        _axis(lane_width, span),
        *(_lane(console, timeline, lane, lane_width, span) for lane in lanes),
        Text(),
        *_callbacks(console, timeline, rows),
    ]
    for line in lines:
        line.truncate(width, overflow="crop")
        line.no_wrap = True
    return Group(*lines)


def _axis(width: int, span: float) -> Text:
    """A mark every five seconds, or every second where the demo is short."""
    step = 5 if span > 12 else 2 if span > 6 else 1
    row = [" "] * (width + 4)
    for second in range(0, int(span) + 1, step):
        column = round(second / span * width)
        for offset, character in enumerate(f"{second} s"):
            if column + offset < len(row):
                row[column + offset] = character
    return Text(" " * (NAME_WIDTH + 1) + "".join(row), style="dim")


def _lane(console: Console, timeline: Timeline, lane: Lane, width: int, span: float) -> Text:
    line = Text(lane.name.ljust(NAME_WIDTH), style="bold")
    line.append(" ", style="not bold")
    elapsed = timeline.now()
    for column in range(width):
        middle = (column + 0.5) * span / width
        character, style = look(console, lane.at(middle)) if middle <= elapsed else (" ", "")
        line.append(character, style=f"not bold {style}")
    line.append("  ", style="not bold")
    line.append_text(words(console, lane.now) if lane.changes else Text(lane.role, style="dim not bold"))
    return line


def _callbacks(console: Console, timeline: Timeline, rows: int | None) -> list[Text]:
    head = Text("  #  callback                  about     after   signature", style="dim")
    shown = timeline.callbacks if rows is None else timeline.callbacks[-rows:]
    lines = [_callback(console, who, callback) for who, callback in shown]
    # As many lines as there will be, so that nothing below jumps.
    return [head, *lines, *(Text() for _ in range((rows or 0) - len(lines)))]


def _callback(console: Console, who: str, callback: Callback) -> Text:
    line = Text(f"{callback.sequence:>3}  {callback.event:<25} {who:<6} ")
    line.append(f"{max(0.0, callback.late_ms):5.0f} ms   ")
    if callback.verified:
        line.append(f"{mark(console, TICK)} verified", style="green")
    else:
        line.append(f"{mark(console, CROSS)} not genuine", style="bold red")
    return line
