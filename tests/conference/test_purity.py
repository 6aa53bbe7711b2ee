"""The conference core is pure: no socket, clock or chance, and nothing of ours but types and itself (D3)."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import orchestrator.conference.machine

MODULES = sorted(Path(orchestrator.conference.machine.__file__).parent.glob("*.py"))
OURS = ("orchestrator.conference.machine", "orchestrator.types")
ALLOWED = {"__future__", "collections", "enum", "msgspec", "typing"}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_module_imports_values_and_its_neighbours_alone(module: Path) -> None:
    for name in imported(ast.parse(module.read_text())):
        top = name.partition(".")[0]
        assert top in ALLOWED or name.startswith(OURS), name


def test_loading_it_loads_nothing_else_of_ours_and_no_gevent() -> None:
    code = "import sys, orchestrator.conference.machine.table; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    ours = [name for name in loaded if name.startswith("orchestrator.")]
    assert all(name.startswith(OURS) or name == "orchestrator.conference" for name in ours)
    assert not any(name.partition(".")[0] in ("gevent", "greenswitch") for name in loaded)


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            yield node.module or ""
