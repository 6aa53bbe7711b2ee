"""Imports point one way: each package has a place in an order, and imports only what stands before it.

A package is a folder with its modules, without the folders in it; a module of the top is one by itself.
Imports for annotations alone and imports inside of functions count as any other.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "orchestrator"

# The imports of each package, beside itself: exactly those used. Each stands below all that it imports.
IMPORTS: dict[str, set[str]] = {
    "clock": set(),
    "conference": set(),
    "histogram": set(),
    "logs": set(),
    "net": set(),
    "numbering": set(),
    "rejection": set(),
    "sids": set(),
    "types": set(),
    "conference.machine": {"types"},
    "config": {"numbering", "types"},
    "emulator": {"logs"},
    "lifecycle": {"logs"},
    "media": {"logs"},
    "recurring_error": {"logs"},
    "texml": {"types"},
    "counters": {"conference.machine", "histogram"},
    "esl": {"clock", "lifecycle", "logs"},
    "store": {"clock", "lifecycle", "logs", "net", "recurring_error", "types"},
    "store.postgresql": {"logs", "net", "store"},
    "store.access": {"store", "store.postgresql"},
    "timeline": {"clock", "lifecycle", "logs", "recurring_error", "store"},
    "callbacks": {
        "clock",
        "conference.machine",
        "config",
        "esl",
        "histogram",
        "lifecycle",
        "logs",
        "net",
        "recurring_error",
        "store",
        "timeline",
        "types",
    },
    "fsconfig": {"config", "esl", "logs"},
    "routing": {"config", "esl", "logs", "numbering", "types"},
    "documents": {
        "callbacks",
        "conference.machine",
        "config",
        "esl",
        "histogram",
        "net",
        "numbering",
        "routing",
        "texml",
        "types",
    },
    "fsconfig.existing": {"config", "fsconfig", "numbering"},
    "recordings": {
        "callbacks",
        "clock",
        "conference.machine",
        "counters",
        "esl",
        "lifecycle",
        "logs",
        "media",
        "net",
        "rejection",
        "sids",
        "store",
        "texml",
        "timeline",
        "types",
    },
    "conference.live": {
        "callbacks",
        "clock",
        "conference.machine",
        "config",
        "counters",
        "esl",
        "fsconfig",
        "lifecycle",
        "logs",
        "media",
        "recordings",
        "sids",
        "store",
        "timeline",
    },
    "from_settings": {
        "callbacks",
        "conference.machine",
        "config",
        "media",
        "net",
        "recordings",
        "store",
        "timeline",
    },
    "node_availability": {"conference.live", "config", "esl", "logs", "store"},
    "reloading": {"config", "esl", "fsconfig", "fsconfig.existing", "lifecycle", "logs", "node_availability"},
    "retention": {"clock", "lifecycle", "logs", "media", "recordings", "store"},
    "web": {"histogram", "lifecycle", "logs", "media", "recordings"},
    "calls": {
        "callbacks",
        "clock",
        "conference.live",
        "conference.machine",
        "config",
        "counters",
        "documents",
        "esl",
        "histogram",
        "lifecycle",
        "logs",
        "media",
        "net",
        "numbering",
        "recordings",
        "rejection",
        "routing",
        "sids",
        "store",
        "texml",
        "timeline",
        "types",
    },
    "doctor": {
        "callbacks",
        "conference.machine",
        "config",
        "documents",
        "esl",
        "from_settings",
        "fsconfig",
        "net",
        "sids",
        "store",
        "store.access",
        "texml",
        "web",
    },
    "recovery": {
        "calls",
        "clock",
        "conference.live",
        "conference.machine",
        "esl",
        "lifecycle",
        "logs",
        "recordings",
        "sids",
        "store",
    },
    "verbs": {
        "callbacks",
        "calls",
        "clock",
        "conference.live",
        "conference.machine",
        "config",
        "documents",
        "esl",
        "fsconfig",
        "logs",
        "media",
        "net",
        "numbering",
        "recordings",
        "routing",
        "sids",
        "texml",
        "timeline",
        "types",
    },
    "services": {
        "callbacks",
        "calls",
        "clock",
        "conference.live",
        "conference.machine",
        "config",
        "documents",
        "esl",
        "lifecycle",
        "logs",
        "media",
        "net",
        "numbering",
        "recordings",
        "rejection",
        "store",
        "texml",
        "timeline",
        "types",
        "verbs",
    },
    "web.metrics": {
        "callbacks",
        "calls",
        "conference.live",
        "conference.machine",
        "config",
        "counters",
        "documents",
        "esl",
        "fsconfig",
        "histogram",
        "logs",
        "node_availability",
        "recovery",
        "store",
        "timeline",
        "web",
    },
    "shared_parts": {
        "callbacks",
        "calls",
        "conference.live",
        "config",
        "counters",
        "net",
        "recordings",
        "routing",
        "store",
        "timeline",
    },
    "node": {
        "callbacks",
        "calls",
        "conference.live",
        "config",
        "documents",
        "esl",
        "from_settings",
        "fsconfig",
        "lifecycle",
        "logs",
        "media",
        "node_availability",
        "recordings",
        "recovery",
        "services",
        "shared_parts",
        "store",
        "timeline",
        "verbs",
    },
    "web.api": {
        "calls",
        "clock",
        "conference.live",
        "conference.machine",
        "config",
        "documents",
        "logs",
        "recordings",
        "rejection",
        "services",
        "sids",
        "store",
        "texml",
        "timeline",
        "verbs",
        "web",
    },
    "web.console": {
        "calls",
        "clock",
        "conference.live",
        "conference.machine",
        "config",
        "documents",
        "fsconfig",
        "lifecycle",
        "logs",
        "media",
        "net",
        "node_availability",
        "numbering",
        "recordings",
        "rejection",
        "services",
        "sids",
        "store",
        "timeline",
        "verbs",
        "web",
    },
    "standby": {"config", "logs", "recurring_error", "store", "store.access", "web"},
    "app": {
        "callbacks",
        "calls",
        "conference.live",
        "config",
        "counters",
        "from_settings",
        "lifecycle",
        "logs",
        "net",
        "node",
        "node_availability",
        "recordings",
        "reloading",
        "retention",
        "routing",
        "services",
        "shared_parts",
        "standby",
        "store",
        "store.access",
        "timeline",
        "web",
        "web.api",
        "web.console",
        "web.metrics",
    },
    "demo": {
        "app",
        "callbacks",
        "calls",
        "conference.machine",
        "config",
        "documents",
        "emulator",
        "esl",
        "logs",
        "numbering",
        "store",
        "texml",
        "verbs",
    },
    "cli": {
        "app",
        "config",
        "demo",
        "doctor",
        "fsconfig",
        "fsconfig.existing",
        "logs",
        "reloading",
        "sids",
        "store",
        "store.access",
        "web.api",
    },
    "__main__": {"cli"},
}

PURE = ["conference.machine", "numbering", "texml", "types"]


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in ROOT.rglob("*.py")}


def package_of(module: str) -> str:
    """Of a module, by the names below `orchestrator`."""
    return module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0] or module


def imports_of(path: Path) -> set[str]:
    """The modules of ours that a file imports, by their names below `orchestrator`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            names = [
                whole if whole.partition(".")[2] in MODULES else node.module or ""
                for alias in node.names
                for whole in (f"{node.module}.{alias.name}",)
            ]
        else:
            continue
        found |= {name.partition(".")[2] for name in names if name.startswith("orchestrator.")}
    return found


def used() -> dict[str, set[str]]:
    packages: dict[str, set[str]] = defaultdict(set)
    for module, path in MODULES.items():
        if module:
            package = package_of(module)
            packages[package] |= {package_of(name) for name in imports_of(path)} - {package}
    return packages


def test_each_package_imports_exactly_what_the_table_says() -> None:
    """An entry that nothing uses is a mistake as well: the next import by chance would pass for intended."""
    assert used() == IMPORTS


def test_no_package_imports_one_that_imports_it() -> None:
    """Also not over others: each stands in the table below all that it imports."""
    place = {package: number for number, package in enumerate(IMPORTS)}
    upwards = {
        (package, name)
        for package, names in IMPORTS.items()
        for name in names
        if place[name] >= place[package]
    }
    assert not upwards


@pytest.mark.parametrize("package", PURE)
def test_the_pure_packages_know_no_socket_clock_or_chance(package: str) -> None:
    impure = {"gevent", "socket", "time", "random", "requests", "threading", "os", "uuid", "secrets"}
    paths = [path for module, path in MODULES.items() if module and package_of(module) == package]
    assert paths
    for path in paths:
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


def test_sqlite_is_behind_the_store_s_interface() -> None:
    """Only the parts that make the store, and those beside a running orchestrator, know what is behind it."""
    behind = {"orchestrator.store.sqlite", "orchestrator.store.sql", "orchestrator.store.outbox", "sqlite3"}
    knowing = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                names = {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                names = {alias.name for alias in node.names}
            else:
                continue
            if names & behind and "store" not in path.relative_to(ROOT).parts:
                knowing.add(str(path.relative_to(ROOT)))
    assert knowing == {"cli/callback_sources.py"}


def test_sql_is_written_in_the_modules_for_it_alone() -> None:
    written = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE)\b .*\b(FROM|INTO|SET)\b|\bPRAGMA\b")
    found = {path.relative_to(ROOT) for path in ROOT.rglob("*.py") if written.search(path.read_text())}
    postgresql = {"schema.py", "statements.py", "database.py", "lease.py"}
    common = {Path("store/sql.py"), Path("store/callback_sql.py"), Path("store/access/copying.py")}
    assert found == common | {Path("store/postgresql", name) for name in postgresql}


@pytest.mark.parametrize("path", MODULES.values(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_has_more_than_400_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Also inside a function, and where only annotations need it."""
    imports = {module: imports_of(path) & MODULES.keys() - {module} for module, path in MODULES.items()}
    outside: set[str] = {""}
    while outside:
        imported = set[str]().union(*imports.values())
        outside = {module for module, names in imports.items() if not names or module not in imported}
        imports = {module: names - outside for module, names in imports.items() if module not in outside}
    assert not imports


def test_the_map_names_files_that_exist() -> None:
    """In docs/architecture.md: by a path below orchestrator/, or by the end of one."""
    page = (ROOT.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/.]+\.(?:py|yaml|js))`", page))
    paths = ["/" + str(path.relative_to(ROOT)) for path in ROOT.rglob("*.*")]
    assert len(named) > 50
    missing = {name for name in named if not any(path.endswith(f"/{name}") for path in paths)}
    assert missing == {"tests/test_architecture.py"}
