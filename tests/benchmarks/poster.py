"""The cost of HTTP alone: so many requests a second by a bare `requests.Session`, until it is killed.

    python -m tests.benchmarks.poster URL REQUESTS-A-SECOND

They are what `delivery` posts, unsigned, unwritten, in no order.
"""

from __future__ import annotations

import sys
import time

import requests

from tests.benchmarks.delivering import message
from tests.benchmarks.delivery import FORM


def run(url: str, a_second: float) -> None:
    bodies = [message("room", url, number).body() for number in range(100)]
    due = time.monotonic()
    with requests.Session() as session:
        while True:
            for body in bodies:
                session.post(url, data=body, headers=FORM)
                due += 1 / a_second
                time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    run(sys.argv[1], float(sys.argv[2]))
