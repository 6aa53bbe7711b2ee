"""Imports point one way: what is pure knows nothing of what is not; app.py and node.py know everybody."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "orchestrator"

# Who may import whom, beside itself. `app`, `cli`, `demo` and `doctor` put things together: they may import
# everything.
MAY_IMPORT = {
    "texml": set(),
    "conference": set(),
    "net": set(),
    "logs": set(),
    "lifecycle": {"logs"},
    "measures": set(),
    "numbering": set(),
    "config": {"numbering"},
    "freeswitch": {"texml", "conference", "config", "lifecycle", "logs", "numbering"},
    "callbacks": {"texml", "conference", "lifecycle", "net", "logs", "measures"},
    "media": {"texml", "conference", "lifecycle", "logs"},
    "calls": {
        "texml",
        "conference",
        "freeswitch",
        "callbacks",
        "media",
        "net",
        "config",
        "lifecycle",
        "logs",
        "measures",
        "numbering",
    },
    "web": {
        "calls",
        "texml",
        "conference",
        "freeswitch",
        "callbacks",
        "media",
        "config",
        "lifecycle",
        "logs",
        "measures",
        "numbering",
    },
    "reloading": {"config", "freeswitch", "lifecycle", "logs"},
    "emulator": {"logs"},
}


def imports_of(path: Path) -> set[str]:
    """The packages of ours that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("orchestrator.")}
    return found - {"__version__"}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    place = ROOT / package
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    assert files
    wrong = {
        str(path.relative_to(ROOT)): beyond
        for path in files
        if (beyond := imports_of(path) - MAY_IMPORT[package] - {package})
    }
    assert not wrong


@pytest.mark.parametrize("package", ["texml", "conference", "numbering"])
def test_the_pure_packages_know_no_socket_clock_or_chance(package: str) -> None:
    impure = {"gevent", "socket", "time", "random", "requests", "threading", "os", "uuid", "secrets"}
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not {name.split(".")[0] for name in names} & impure, path


def test_every_folder_is_a_package_that_an_installation_has() -> None:
    """Symptom: only an installed copy fails. Cause: pip leaves out a folder without __init__.py."""
    folders = {path.parent for path in ROOT.rglob("*.py")}
    assert not [folder for folder in folders if not (folder / "__init__.py").exists()]
