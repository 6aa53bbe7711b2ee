"""The FreeSWITCH nodes: their event sockets, and the directories that they share with the orchestrator."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import BeforeValidator, Field, PlainSerializer, SecretStr, WithJsonSchema, field_validator

from orchestrator.config.fields import FilePath, Name, Seconds, Secret, Section, setting_error

RELAY_PROFILE: Final = "texml-relay"
"""FreeSWITCH's SIP profile that takes calls of other nodes, and no other."""
NewRooms = Literal["first_caller", "least_loaded"]


class SipAddress(NamedTuple):
    """An address and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _sip_address(value: object) -> object:
    if not isinstance(value, str):
        return value
    host, _, port = value.rpartition(":")
    try:
        found = SipAddress(str(ip_address(host.removeprefix("[").removesuffix("]"))), int(port))
        if 0 < found.port < 65536:
            return found
    except ValueError:
        pass
    raise setting_error(f"{value} is no address and port", "e.g. 10.0.0.11:5070")


Relay = Annotated[
    SipAddress, BeforeValidator(_sip_address), PlainSerializer(str), WithJsonSchema({"type": "string"})
]


class Node(Section):
    """One FreeSWITCH. A directory that both use may have another path there (two containers)."""

    name: Name = Field(default="default", description="what the log calls it")
    host: str = Field(default="127.0.0.1", min_length=1, description="where its event socket is")
    port: int = Field(default=8021, ge=1, le=65535, description="where its event socket is")
    password: Secret = Field(
        default=SecretStr("ClueCon"),
        json_schema_extra={"default": "ClueCon"},
        description="of its event socket",
    )
    connect_timeout_secs: Seconds = Field(default=5.0, description="how long connecting may take")
    command_timeout_secs: Seconds = Field(default=10.0, description="how long one command may take")
    lost_after_secs: Seconds = Field(
        default=300.0,
        description="how long it may be out of reach until its calls are taken to be over",
    )
    reconcile_secs: Seconds = Field(
        default=30.0, description="how often what FreeSWITCH has is compared with what is believed of it"
    )
    recordings_dir: FilePath = Field(
        default=Path("orchestrator-data/recordings"),
        description="where recordings are kept, as the orchestrator sees it",
    )
    recordings_dir_on_freeswitch: Path | None = Field(
        default=None, description="the same directory as FreeSWITCH sees it; none: the same path"
    )
    media_dir: FilePath = Field(
        default=Path("orchestrator-data/media"),
        description="where fetched audio is kept, as the orchestrator sees it",
    )
    media_dir_on_freeswitch: Path | None = Field(
        default=None, description="the same directory as FreeSWITCH sees it; none: the same path"
    )

    relay: Relay | None = Field(
        default=None,
        description="address and port of its SIP profile texml-relay, where it takes callers of other nodes "
        "into its rooms: a private one that they reach; needed where there are several nodes",
    )
    weight: int = Field(default=1, ge=1, le=1000, description="its share of new rooms with least_loaded")
    conf_dir: FilePath | None = Field(
        default=None,
        description="FreeSWITCH's configuration that `orchestrator render --into` made, as we see it: "
        "`orchestrator reload` writes there what `orchestrator render` would; none: nothing is written",
    )

    @field_validator("recordings_dir_on_freeswitch", "media_dir_on_freeswitch")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_absolute():
            raise setting_error(
                "a path on FreeSWITCH's side is absolute", "e.g. /var/lib/freeswitch/recordings"
            )
        return value

    @field_validator("recordings_dir", "media_dir", "recordings_dir_on_freeswitch", "media_dir_on_freeswitch")
    @classmethod
    def _speakable(cls, value: Path | None) -> Path | None:
        # `conference … recording start <path>` splits at spaces, and playback at `!` and `;`.
        if value is not None and any(c.isspace() or c in "!;,|{}[]$'\"@" for c in str(value)):
            raise setting_error(
                f"FreeSWITCH cannot be given the path {value}", "a path without spaces and !;,|{}[]$'\"@"
            )
        return value

    def path_on_freeswitch(self, path: Path) -> Path:
        """The path on FreeSWITCH's side of a file in one of the two directories; ValueError for others."""
        for here, there in (
            (self.recordings_dir, self.recordings_dir_on_freeswitch),
            (self.media_dir, self.media_dir_on_freeswitch),
        ):
            if path.is_relative_to(here):
                return (there or here) / path.relative_to(here)
        raise ValueError(f"{path} is in no directory that FreeSWITCH sees")


def _none_twice(what: str, found: Sequence[str]) -> None:
    if twice := next((one for one in found if found.count(one) > 1), None):
        raise setting_error(f"two nodes have the {what} {twice}", f"a {what} of its own for each")


class FreeSwitch(Section):
    """The nodes that mix the media."""

    nodes: tuple[Node, ...] = (Node(),)
    new_rooms: NewRooms = Field(
        default="first_caller",
        description="the node where a room is opened: that of its first caller, or the one with the fewest "
        "participants for its weight",
    )

    @field_validator("nodes")
    @classmethod
    def _distinct(cls, value: tuple[Node, ...]) -> tuple[Node, ...]:
        if not value:
            raise setting_error("no node", "at least one FreeSWITCH")
        for what, found in (
            ("name", [node.name for node in value]),
            ("event socket", [f"{node.host}:{node.port}" for node in value]),
            ("relay", [str(node.relay or node.name) for node in value]),
        ):
            _none_twice(what, found)
        if len(value) > 1 and (lacking := next((node for node in value if node.relay is None), None)):
            raise setting_error(
                f"node {lacking.name} has no relay: callers of other nodes could not join its rooms",
                "its private address and a free port, e.g. relay: 10.0.0.11:5070",
            )
        # Each node's files are looked through when it comes back, and cleared after some days.
        _none_twice("recordings_dir", [str(node.recordings_dir) for node in value])
        _none_twice("media_dir", [str(node.media_dir) for node in value])
        return value

    def node(self, name: str) -> Node | None:
        return next((node for node in self.nodes if node.name == name), None)
