"""One event a line; room and call first; no secret; nothing is paid for a level that is off."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from orchestrator import logs


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


def test_a_human_line_starts_with_time_level_room_and_call() -> None:
    stream = lines("human")
    logs.get_logger("x").info("joined", members=3, call="v3:abc", room="r-1", name="Jo Bloggs")
    time, rest = stream.getvalue().rstrip("\n").split(" ", 1)
    assert len(time) == len("12:00:01.123")
    assert rest == 'INFO room=r-1 call=v3:abc joined members=3 name="Jo Bloggs"'


def test_bound_facts_are_in_every_line_and_may_be_replaced() -> None:
    stream = lines("human")
    log = logs.get_logger("x").bind(call="c", leg=1)
    log.info("one")
    log.bind(room="r", call="d").info("two", leg=2)
    assert [line.split(" ", 1)[1] for line in stream.getvalue().splitlines()] == [
        "INFO call=c one leg=1",
        "INFO room=r call=d two leg=2",
    ]


def test_a_json_line_is_one_object() -> None:
    stream = lines("json")
    logs.get_logger("x").warning("100% full", room="r-1", name="a\nb\u2028c", level="high")
    assert stream.getvalue().count("\n") == 1
    entry = json.loads(stream.getvalue())
    assert entry["message"] == "100% full"
    assert (entry["level"], entry["level_"], entry["room"], entry["name"]) == (
        "warning",
        "high",
        "r-1",
        "a\nb\u2028c",
    )


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
    assert "ValueError: broken" in stream.getvalue()
    assert "failed" in stream.getvalue().splitlines()[0]


def test_a_level_that_is_off_formats_nothing() -> None:
    class Costly:
        def __str__(self) -> str:
            raise AssertionError("formatted")

    stream = lines("human", "warning")
    logs.get_logger("x").info("joined", what=Costly())
    assert stream.getvalue() == ""


def test_other_libraries_lines_look_the_same() -> None:
    stream = lines("human")
    logging.getLogger("elsewhere").warning("%s of %s", 1, 2)
    assert stream.getvalue().endswith("WARNING 1 of 2\n")
