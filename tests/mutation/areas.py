"""The areas of the code, and the tests that are near each: they are to notice a small defect in it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Folders and modules of `orchestrator`; folders and files of `tests`. test_mutation.py looks for each.
AREAS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "api": (("web/api",), ("recordings", "web", "sdk", "cli")),
    "callbacks": (
        ("callbacks",),
        ("callbacks", "calls/test_status.py", "docs/test_callbacks.py", "store", "scenarios"),
    ),
    "calls": (
        ("calls",),
        ("calls", "scenarios", "recovery", "sdk", "browser_calls", "timeline", "load/test_admission.py"),
    ),
    "conference": (
        ("conference",),
        (
            *(
                "conference",
                "calls/test_status.py",
                "recovery",
                "scenarios",
                "sdk/test_early_media.py",
                "sdk/test_announcing.py",
            ),
            "timeline/test_failures.py",
        ),
    ),
    "config": (
        ("config", "reloading", "from_settings.py"),
        ("config", "reloading", "scenarios", "web/test_metrics.py", "fuzz/test_settings.py"),
    ),
    "console": (
        ("web/console",),
        (
            *("console/test_site.py", "console/test_view.py", "console/test_views.py"),
            *("console/test_records.py", "console/test_event_stream.py", "console/test_commands.py"),
            *("console/test_lists.py", "browser_calls", "web"),
        ),
    ),
    "documents": (
        ("documents",),
        ("documents", "net", "routing", "config/test_dialect.py", "timeline", "scenarios", "recovery"),
    ),
    "esl": (("esl",), ("esl", "emulator", "scenarios", "recovery", "ownership")),
    "fsconfig": (("fsconfig",), ("fsconfig", "existing", "health")),
    "media": (("media",), ("media", "test_retention.py", "recordings", "scenarios", "fsconfig")),
    "net": (("net",), ("net", "documents", "callbacks")),
    "numbering": (("numbering",), ("numbering",)),
    "recordings": (("recordings",), ("recordings", "scenarios", "sdk", "recovery", "web")),
    "recovery": (("recovery",), ("recovery", "calls", "recordings", "timeline")),
    "routing": (("routing",), ("routing", "calls", "scenarios", "config", "sdk", "fuzz/test_routes.py")),
    "services": (
        ("services",),
        (
            *("services", "browser_calls", "recordings", "timeline", "web", "sdk", "cli"),
            "console/test_site.py",
            "store/test_callback_list.py",
        ),
    ),
    "store": (("store",), ("store", "callbacks", "timeline/test_recorder.py", "recovery")),
    "texml": (("texml",), ("texml", "documents", "scenarios")),
    "timeline": (("timeline",), ("timeline", "web")),
    "verbs": (("verbs",), ("verbs", "scenarios", "recovery", "sdk", "timeline")),
}


def sources(area: str, root: Path = ROOT) -> list[Path]:
    """The modules of the area, in order."""
    return sorted(
        file
        for name in AREAS[area][0]
        for path in [root / "orchestrator" / name]
        for file in (path.rglob("*.py") if path.is_dir() else [path])
    )
