"""Sites that are stopped after their test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.web.site import Site


@pytest.fixture
def open_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    sites: list[Site] = []

    def open_(**settings: object) -> Site:
        sites.append(Site(tmp_path, **settings))  # type: ignore[arg-type]
        return sites[-1]

    yield open_
    for site in sites:
        site.server.stop(0.1)


@pytest.fixture
def site(open_site: Callable[..., Site]) -> Site:
    return open_site()
