"""Several orchestrators with one database."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from orchestrator.config.fields import Section, Url


def _without_path(value: str) -> str:
    return value.rstrip("/")


class Cluster(Section):
    """Several orchestrators with the same settings share callbacks.postgresql: one serves all nodes, the
    others stand by, pass requests on to it, and take over when it ends."""

    standby: bool = Field(
        default=False,
        description="where another orchestrator has the database, stand by; false: do not start",
    )
    url: Annotated[Url, AfterValidator(_without_path)] | None = Field(
        default=None,
        description="of this orchestrator's web server, as the other orchestrators reach it; "
        "default: http://<web.listen>",
    )
