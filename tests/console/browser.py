"""A browser in a test's hands, by Playwright's names: `tab.get_by_role("button", name="Mute").click()`."""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.lab.processes import die_with_parent

WORKER = Path(__file__).with_name("_browser.py")
EXECUTABLES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# These lead on from a page or an element; whatever else is called is done at once.
LEADS_ON = {
    "get_by_role",
    "get_by_label",
    "get_by_text",
    "get_by_placeholder",
    "get_by_title",
    "locator",
    "filter",
    "nth",
}
LEADS_ON_BY_ITSELF = {"first", "last", "keyboard", "mouse", "context"}


def executable() -> str:
    """Chromium's path; empty where there is none outside of Playwright."""
    named = os.environ.get("CHROMIUM", "")
    return named or next((found for name in EXECUTABLES if (found := shutil.which(name))), "")


def why_not() -> str:
    """Why there is no browser here; empty where there is one."""
    if importlib.util.find_spec("playwright") is None:
        return "playwright is not installed"
    if executable() or any(Path("~/.cache/ms-playwright").expanduser().glob("chromium*")):
        return ""
    return "no Chromium here: install Debian's chromium, or run playwright install chromium"


class Browser:
    def __init__(self, *options: str) -> None:
        """`options`: of Chromium's command line, beside the usual ones."""
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(WORKER), str(theirs.fileno()), executable(), *options],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                preexec_fn=die_with_parent,
            )
        self._file = self._socket.makefile("rw")
        self._numbers = itertools.count(1)

    def open(self, **settings: Any) -> Tab:
        """A tab that shares nothing with the others; settings are those of Playwright's new_context()."""
        tab = Tab(self, f"tab{next(self._numbers)}")
        tab.order("open", settings=settings)
        return tab

    def order(self, **words: Any) -> Any:
        self._file.write(json.dumps(words, default=_written) + "\n")
        self._file.flush()
        line = self._file.readline()
        if not line:
            raise RuntimeError("the browser's process has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["value"]

    def stop(self) -> None:
        self._file.close()
        self._socket.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _written(value: object) -> object:
    if isinstance(value, re.Pattern):
        return {"$re": value.pattern, "flags": value.flags & re.IGNORECASE}
    raise TypeError(f"not for a browser: {value!r}")


class Place:
    """Somewhere in a page: looked for when something is done with it."""

    def __init__(self, tab: Tab, chain: list[Any]) -> None:
        self._tab = tab
        self._chain = chain

    def __getattr__(self, name: str) -> Any:
        if name in LEADS_ON_BY_ITSELF:
            return Place(self._tab, [*self._chain, [name, None, {}]])

        def call(*arguments: Any, **options: Any) -> Any:
            chain = [*self._chain, [name, arguments, options]]
            if name in LEADS_ON:
                return Place(self._tab, chain)
            return self._tab.order("run", chain=chain)

        return call


class Tab(Place):
    def __init__(self, browser: Browser, name: str) -> None:
        super().__init__(self, [])
        self._browser = browser
        self._name = name

    def order(self, do: str, **words: Any) -> Any:
        return self._browser.order(do=do, tab=self._name, **words)

    @property
    def complaints(self) -> list[str]:
        """Errors and warnings on the browser's console, violations of the page's policy among them."""
        return list(self.order("complaints"))

    @property
    def metrics(self) -> dict[str, float]:
        return dict(self.order("metrics"))

    def close(self) -> None:
        self.order("close")


class Expectation:
    def __init__(self, place: Place) -> None:
        self._place = place

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **options: Any) -> None:
            chain = [*self._place._chain, [name, arguments, options]]
            self._place._tab.order("expect", chain=chain)

        return call


def expect(place: Place) -> Any:
    """Playwright's assertions, which wait."""
    return Expectation(place)
