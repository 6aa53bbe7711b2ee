"""A Chromium driven by Playwright, in a process of its own: Playwright's event loop and gevent do not mix.

Takes lines of JSON from the socket whose number is the first argument, each a chain of calls from a page.
"""

from __future__ import annotations

import json
import re
import socket
import sys
from typing import Any

from playwright.sync_api import Browser, CDPSession, Error, Page, expect, sync_playwright

TIMEOUT_MS = 15_000


class Tabs:
    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.pages: dict[str, Page] = {}
        self.complaints: dict[str, list[str]] = {}
        self.meters: dict[str, CDPSession] = {}

    def open(self, tab: str, settings: dict[str, Any]) -> None:
        context = self.browser.new_context(**settings)
        context.set_default_timeout(TIMEOUT_MS)
        page = self.pages[tab] = context.new_page()
        found = self.complaints[tab] = []
        # A violation of the Content-Security-Policy is an error on the console, too.
        page.on("console", lambda m: found.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: found.append(str(error)))

    def run(self, tab: str, chain: list[Any], judge: bool) -> Any:
        here: Any = self.pages[tab]
        steps = [*chain]
        last = steps.pop() if judge else None
        for name, arguments, options in steps:
            here = getattr(here, name)
            if arguments is not None:
                here = here(*read(arguments), **read(options))
        if last is not None:
            name, arguments, options = last
            here = getattr(expect(here), name)(*read(arguments), **read(options))
        return here

    def metrics(self, tab: str) -> dict[str, float]:
        """Chromium's own counters of the page, in seconds of CPU time since the first call."""
        if tab not in self.meters:
            self.meters[tab] = self.pages[tab].context.new_cdp_session(self.pages[tab])
            self.meters[tab].send("Performance.enable", {"timeDomain": "threadTicks"})
        found = self.meters[tab].send("Performance.getMetrics")["metrics"]
        return {one["name"]: one["value"] for one in found}


def read(value: Any) -> Any:
    if isinstance(value, dict):
        if "$re" in value:
            return re.compile(value["$re"], value["flags"])
        return {name: read(one) for name, one in value.items()}
    return [read(one) for one in value] if isinstance(value, list) else value


def plain(value: Any) -> Any:
    """Values that JSON can hold; handles and responses are for nobody."""
    try:
        json.dumps(value)
    except TypeError:
        return None
    return value


def main(number: int, executable: str, *options: str) -> None:
    expect.set_options(timeout=TIMEOUT_MS)
    ours = socket.socket(fileno=number)
    # gevent made both ends of it non-blocking.
    ours.setblocking(True)
    orders = ours.makefile("rw")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable or None,
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required", *options],
        )
        tabs = Tabs(browser)
        for line in orders:
            order = json.loads(line)
            try:
                answer = {"value": plain(serve(tabs, order))}
            except (Error, AssertionError, KeyError, AttributeError, TypeError) as error:
                answer = {"error": str(error)}
            orders.write(json.dumps(answer) + "\n")
            orders.flush()
        browser.close()


def serve(tabs: Tabs, order: dict[str, Any]) -> Any:
    tab = order["tab"]
    match order["do"]:
        case "open":
            return tabs.open(tab, order["settings"])
        case "close":
            return tabs.pages.pop(tab).context.close()
        case "complaints":
            return tabs.complaints[tab]
        case "metrics":
            return tabs.metrics(tab)
    return tabs.run(tab, order["chain"], order["do"] == "expect")


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
