"""One event a line; room and call first; no secret; nothing is paid for a level that is off."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from orchestrator import logs

ROOT = Path(logs.__file__).parent


@pytest.fixture(autouse=True)
def root_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(form: str, level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    logs.set_up("json" if form == "json" else "human", level, stream)
    return stream


def test_a_human_line_is_time_level_event_and_facts_room_and_call_first() -> None:
    stream = lines("human")
    logs.get_logger("x").info("joined", members=3, call="v3:abc", room="r-1", name="Jo Bloggs")
    time, rest = stream.getvalue().rstrip("\n").split(" ", 1)
    assert len(time) == len("12:00:01.123456")
    assert rest == 'INFO joined room=r-1 call=v3:abc members=3 name="Jo Bloggs"'


def test_bound_facts_are_in_every_line_and_may_be_replaced() -> None:
    stream = lines("human")
    log = logs.get_logger("x").bind(call="c", leg=1)
    log.info("one")
    log.bind(room="r", call="d").info("two", leg=2)
    assert [line.split(" ", 1)[1] for line in stream.getvalue().splitlines()] == [
        "INFO one call=c leg=1",
        "INFO two room=r call=d leg=2",
    ]


def test_a_json_line_is_one_object() -> None:
    stream = lines("json")
    logs.get_logger("x").warning("100% full", room="r-1", name="a\nb\u2028c", members=3)
    assert stream.getvalue().count("\n") == 1
    entry = json.loads(stream.getvalue())
    assert datetime.fromisoformat(entry.pop("time").replace("Z", "+00:00")).tzinfo is not None
    assert entry == {
        "level": "warning",
        "logger": "x",
        "message": "100% full",
        "room": "r-1",
        "name": "a\nb\u2028c",
        "members": 3,
    }


@pytest.mark.parametrize("form", ["human", "json"])
def test_nothing_from_outside_starts_a_new_line_or_reaches_the_terminal(form: str) -> None:
    stream = lines(form)
    logs.get_logger("x").info("called", name="a\nINFO forged\x1b[2J\u2028b")
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize("form", ["human", "json"])
def test_a_secret_is_never_shown(form: str) -> None:
    stream = lines(form)
    logs.get_logger("x").info(
        "connecting",
        password="hush",
        auth_token="hush",
        key=SecretStr("hush"),
        authorization="Bearer hush",
    )
    assert "hush" not in stream.getvalue()


@pytest.mark.parametrize("form", ["human", "json"])
def test_an_exception_comes_with_its_traceback(form: str) -> None:
    stream = lines(form)
    try:
        raise ValueError("broken")
    except ValueError:
        logs.get_logger("x").exception("failed", call="c")
    first, *rest = stream.getvalue().splitlines()
    assert "ValueError: broken" in stream.getvalue()
    assert "failed" in first
    # A line that is not indented starts an event.
    assert all(line.startswith("    ") for line in rest)


def test_a_level_that_is_off_formats_nothing() -> None:
    class Costly:
        def __str__(self) -> str:
            raise AssertionError("formatted")

    stream = lines("human", "warning")
    logs.get_logger("x").info("joined", what=Costly())
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("form", "line"), [("human", "WARNING 1 of 2\n"), ("json", '"message": "1 of 2"}\n')]
)
def test_other_libraries_lines_look_the_same(form: str, line: str) -> None:
    stream = lines(form)
    logging.getLogger("elsewhere").warning("%s of %s", 1, 2)
    assert stream.getvalue().endswith(line)


def test_there_is_one_way_to_log() -> None:
    """Symptom: lines of callbacks and of the event socket had their facts in their text, also as JSON. Cause:
    half of the packages used the standard library's loggers. Fix: all take theirs from orchestrator.logs."""
    # gevent's server takes a logger of the standard library, and nothing else.
    others = {ROOT / "logs.py", ROOT / "web" / "server.py"}
    found = [path for path in ROOT.rglob("*.py") if "logging.getLogger(__name__)" in path.read_text()]
    assert set(found) <= others
