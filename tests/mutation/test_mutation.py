"""The tool draws defects of each kind, and its table names what there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutation.areas import AREAS, ROOT, sources
from tests.mutation.mutants import compiles, mutants

MODULE = Path("orchestrator/sample.py")


def become(code: str) -> set[str]:
    """The changes of each defect in a line of the module."""
    old = code.encode()
    changed = [mutant.of(old).decode() for mutant in mutants(MODULE, old)]
    return {line for text in changed for line in text.splitlines() if line not in code.splitlines()}


@pytest.mark.parametrize(
    ("line", "defects"),
    [
        ("x = a < b", {"x = a <= b"}),
        ("x = a is None", {"x = a is not None"}),
        ("x = not a", {"x = (a)"}),
        ("x = a and b", {"x = ((a) or (b))", "x = (a)", "x = (b)"}),
        ("x = a - b", {"x = (a + b)"}),
        ("x = 1", {"x = 2"}),
        ("x = a * 1000", {"x = (a / 1000)", "x = a * 10000"}),
        ("x = True", {"x = False"}),
        ("x = 'some words'", {"x = 'some wordsx'"}),
        ("x = min(a, b)", {"x = max(a, b)"}),
        ("x = f(a, b=c, d=e)", {"x = f(a, b=c)", "x = f(a, d=e)"}),
        ("x = {a, b, c}", {"x = {a, b}", "x = {a, c}", "x = {b, c}"}),
        ("f(a)", {"pass"}),
        ("call.warn('not played')", {"pass"}),
        ("call.warn('not played', seconds=1)", {"pass", "call.warn('not played', seconds=2)"}),
        ("a.b = c", {"pass"}),
        ("a += b", {"pass"}),
        ("x = a if b else c", {"x = (a)", "x = (c)"}),
    ],
)
def test_a_defect_of_each_kind(line: str, defects: set[str]) -> None:
    assert become(line) == defects


def test_of_a_function_the_defaults_the_conditions_and_the_results() -> None:
    code = "def f(a: int = 1) -> int:\n    if a:\n        return g(a)\n    return 0\n"
    assert become(code) == {
        "def f(a: int = 2) -> int:",
        "    if True:",
        "    if False:",
        "        return None",
        "    return 1",
    }


@pytest.mark.parametrize(
    "line",
    [
        "log.info('what happened', call=1)",
        "raise ValueError('1')",
        "'''A docstring of 1 line.'''",
        "import a",
        "x: Literal['a', 'b', 'c']",
        "X = Literal['a', 'b', 'c']",
        "X = tuple[int, str, 'X']",
        "X: TypeAlias = 'tuple[int, str]'",
        "x = f(description='of a setting')",
        "x = 'a sentence that somebody reads'",
        "def __repr__(self): return 'x'",
        "def f(a: int = 1) -> int: ...",
        "def f(a: int = 1) -> int: 'of a Protocol'",
    ],
)
def test_texts_for_people_are_left_alone(line: str) -> None:
    assert become(line) == set()


@pytest.mark.parametrize("area", AREAS)
def test_the_paths_that_an_area_names_exist(area: str) -> None:
    code, tests = AREAS[area]
    assert all(ROOT.joinpath("orchestrator", name).exists() for name in code)
    assert all(ROOT.joinpath("tests", name).exists() for name in tests)
    code_of_one = sources(area)[-1].read_bytes()
    found = mutants(MODULE, code_of_one)
    assert sum(compiles(mutant.of(code_of_one)) for mutant in found) >= len(found) * 0.9
