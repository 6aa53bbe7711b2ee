"""The areas of the code, and the tests that are near each: they are to notice a small defect in it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Folders and modules of `orchestrator`; folders and files of `tests`. test_mutation.py looks for each.
AREAS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "api": (("web/api", "services"), ("web", "sdk", "cli", "recordings")),
    "calls": (
        ("calls", "verbs", "documents", "routing"),
        ("calls", "verbs", "scenarios", "recovery", "documents", "routing"),
    ),
    "callbacks": (("callbacks", "store"), ("callbacks", "store", "scenarios/test_status_callbacks.py")),
    "conference": (("conference",), ("conference", "recovery", "scenarios")),
    "config": (
        ("config", "reloading", "from_settings.py"),
        ("config", "reloading", "scenarios/test_dialect.py"),
    ),
    "esl": (("esl", "fsconfig"), ("esl", "emulator", "fsconfig", "existing", "sdk/test_announcing.py")),
    "media": (
        ("media", "recordings"),
        (
            *("media", "web/test_recordings.py", "scenarios/test_record.py", "sdk/test_recordings.py"),
            *("recovery/test_recordings.py", "recovery/test_recordings_of_the_last_run.py"),
        ),
    ),
    "net": (("net", "numbering"), ("net", "numbering", "documents")),
    "recovery": (("recovery",), ("recovery", "calls")),
    "texml": (("texml",), ("texml", "documents")),
}


def sources(area: str, root: Path = ROOT) -> list[Path]:
    """The modules of the area, in order."""
    return sorted(
        file
        for name in AREAS[area][0]
        for path in [root / "orchestrator" / name]
        for file in (path.rglob("*.py") if path.is_dir() else [path])
    )
