"""Parts are started in their order and stopped in the reverse one, by the same two words for all."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from orchestrator.lifecycle import Part, Parts

ROOT = Path(__file__).resolve().parents[1] / "orchestrator"


class Noted(Part):
    def __init__(self, name: str, notes: list[str], *, fails: bool = False) -> None:
        self._name = name
        self._notes = notes
        self._fails = fails

    def start(self) -> None:
        self._notes.append(f"start {self._name}")

    def stop(self, timeout: float = 1.0) -> None:
        self._notes.append(f"stop {self._name} within {timeout:g}")
        if self._fails:
            raise OSError("it does not stop")


def test_parts_are_stopped_in_the_reverse_order_of_their_start() -> None:
    notes: list[str] = []
    parts = Parts((Noted("store", notes), Parts((Noted("legs", notes), Noted("socket", notes)))))
    parts.start()
    parts.stop(2)
    assert notes == [
        "start store",
        "start legs",
        "start socket",
        "stop socket within 2",
        "stop legs within 2",
        "stop store within 2",
    ]


def test_where_a_part_does_not_start_those_before_it_are_stopped_again() -> None:
    """Symptom: after a port that was taken the database stayed locked until the process ended."""

    class Taken(Part):
        def start(self) -> None:
            raise OSError("taken")

    notes: list[str] = []
    parts = Parts((Noted("store", notes), Parts((Noted("legs", notes), Taken(), Noted("socket", notes)))))
    with pytest.raises(OSError, match="taken"):
        parts.start()
    assert [note.partition(" within")[0] for note in notes] == [
        "start store",
        "start legs",
        "stop legs",
        "stop store",
    ]


def test_a_part_that_fails_to_stop_keeps_no_other_from_it() -> None:
    notes: list[str] = []
    Parts((Noted("store", notes), Noted("socket", notes, fails=True))).stop(1)
    assert notes == ["stop socket within 1", "stop store within 1"]


def parts() -> list[tuple[str, ast.ClassDef]]:
    return [
        (f"{path.relative_to(ROOT)}: {node.name}", node)
        for path in sorted(ROOT.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Part" for base in node.bases)
    ]


def test_the_parts_are_found() -> None:
    assert len(parts()) > 15


@pytest.mark.parametrize(("name", "part"), parts(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_part_has_no_other_words_for_its_start_and_its_stop(name: str, part: ast.ClassDef) -> None:
    methods = {node.name for node in part.body if isinstance(node, ast.FunctionDef)}
    assert not methods & {"abandon", "shutdown", "stop_listening", "restore", "kill", "tidy"}
