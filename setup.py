"""The part of the build that setup.cfg cannot say: README.md as a package index shows it.

A relative link leads nowhere on a package index. With PROJECT_URL, the address of the repository, in the
environment of the build, links and pictures lead to the version's files there, and the metadata name it.
Without it only the words of such a link stay.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?![a-z]+:|#)([^)\s]+)\)")


def version() -> str:
    found = re.search(
        r'^__version__ = "(.+)"$', (HERE / "orchestrator" / "__init__.py").read_text(), re.MULTILINE
    )
    assert found is not None
    return found[1]


def readme(text: str, url: str) -> str:
    """Links to files lead to `url`, as GitHub and GitLab lay it out; without one their words stay."""

    def link(found: re.Match[str]) -> str:
        picture, words, path = found.groups()
        if not url:
            return "" if picture else words
        return f"{picture}[{words}]({url}/{'raw' if picture else 'blob'}/v{version()}/{path})"

    return LINK.sub(link, text)


def urls(url: str) -> dict[str, str]:
    if not url:
        return {}
    files = f"{url}/blob/v{version()}"
    return {"Source": url, "Documentation": f"{files}/docs/README.md", "Changelog": f"{files}/CHANGELOG.md"}


if __name__ == "__main__":
    project_url = os.environ.get("PROJECT_URL", "").rstrip("/")
    setup(
        long_description=readme((HERE / "README.md").read_text(encoding="utf-8"), project_url),
        long_description_content_type="text/markdown",
        project_urls=urls(project_url),
    )
