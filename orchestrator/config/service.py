"""How the service itself behaves: callbacks, rooms, fetching, media, recordings, web, log."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from orchestrator.config.browser_calls import BrowserCalls
from orchestrator.config.dialect import FirstSequence, RecordTimeout, StartsWith, UserAgent
from orchestrator.config.fields import FilePath, Seconds, Secret, Section, Url, setting_error
from orchestrator.config.network import Cidr
from orchestrator.types import Channels, RequestFields, Signatures, TimestampFormat, Trim

MIB = 1024 * 1024


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def is_private(host: str) -> bool:
    """Whether only this machine and its own network can reach it, as far as its address shows."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost"
    # All addresses of the machine (0.0.0.0) count as private in Python.
    return (address.is_private or address.is_loopback) and not address.is_unspecified


class Admission(Section):
    """Limits above which a new call is refused with SIP 503, so that admitted calls are served in time."""

    max_calls: int = Field(
        default=250,
        ge=1,
        description="calls at once, those of the API included, those that a Dial places not; "
        "what FreeSWITCH can mix in time on its processors",
    )
    max_in_setup: int = Field(
        default=100, ge=1, description="calls accepted within 3 s that are not answered yet"
    )
    max_delay_ms: int = Field(
        default=1000,
        ge=10,
        description="how late events may be handled before max_in_setup shrinks in proportion, down to 10",
    )


def _postgres_url(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise setting_error("this is no URL of PostgreSQL", "e.g. postgresql://user:password@host/name")
    return value


PostgresUrl = Annotated[Secret, AfterValidator(_postgres_url)]


class Callbacks(Section):
    """Delivery of status callbacks, and the database that makes them safe."""

    timeout_secs: float = Field(default=5.0, ge=2, le=30, description="of one attempt")
    attempts: int = Field(default=3, ge=1, le=20, description="of one callback, the first included")
    backoff_secs: tuple[Annotated[float, Field(ge=0, le=3600)], ...] = Field(
        default=(1.0, 2.0, 4.0),
        min_length=1,
        description="before the second attempt, the third, …; the last one repeats",
    )
    twilio_extras: bool = Field(default=True, description="add Twilio's fields to Telnyx's")
    timestamp_format: TimestampFormat = Field(
        default="iso8601",
        description="of Timestamp: iso8601 as Telnyx, iso8601-space with a space in place of the T as in "
        "Telnyx's older examples, rfc2822 as Twilio",
    )
    first_sequence: FirstSequence = Field(
        default=0, description="SequenceNumber of a conference's first callback: 0 as Telnyx, 1 as Twilio"
    )
    request_fields: RequestFields = Field(
        default="telnyx",
        description="of requests for documents and of call callbacks: twilio adds Caller, Called, FromCity "
        "and the like, and says Direction in Twilio's words",
    )
    signatures: Signatures = Field(
        default="telnyx",
        description="of callbacks and requests for documents: telnyx by the account's signing_key, twilio by "
        "its auth_token",
    )
    user_agent: UserAgent = Field(
        default="telnyx-webhooks",
        description="of callbacks and requests for documents and audio; Twilio's is TwilioProxy/1.1",
    )
    database: FilePath = Field(
        default=Path("orchestrator-data/orchestrator.sqlite"), description="outbox, rooms and history"
    )
    postgresql: PostgresUrl | None = Field(
        default=None,
        description="postgresql://user:password@host/name of a database in place of that file; "
        "beside the file there is only the socket for `orchestrator reload` then",
    )
    max_age_secs: float = Field(
        default=86400.0, ge=60, description="an undelivered callback older than this has failed"
    )
    max_waiting: int = Field(
        default=100_000, ge=100, description="more callbacks than this do not wait: the oldest fails"
    )
    max_retry_after_secs: float = Field(
        default=300.0, ge=0, le=86400, description="a receiver's Retry-After counts up to this"
    )
    history_days: float = Field(
        default=30.0, gt=0, description="how long ended calls, conferences and callbacks can be listed"
    )
    concurrency: int = Field(default=256, ge=1, le=1000, description="callbacks under way at once")
    concurrency_per_destination: int = Field(
        default=32, ge=1, le=1000, description="callbacks under way at once to one host and port"
    )

    @property
    def store(self) -> Path | str:
        """The database: its file, or its URL."""
        return self.database if self.postgresql is None else self.postgresql.get_secret_value()


class Tone(Section):
    """A beep."""

    hz: int = Field(ge=50, le=3400, description="pitch")
    ms: int = Field(ge=20, le=2000, description="length")


class Conference(Section):
    """Where Telnyx and Twilio differ, and how a room sounds."""

    min_participants_to_start: StartsWith = Field(default=1, description="1 as Telnyx, 2 as Twilio")
    join_while_waiting: bool = Field(
        default=True,
        description="participant-join is sent when somebody begins to wait; false: when the conference takes "
        "it in, and nothing is sent of those who leave before",
    )
    speaker_mode: Literal["talking", "floor"] = Field(
        default="talking", description="speaker callbacks: each start and stop of talking, or floor changes"
    )
    talking_events: Literal["wanted", "always"] = Field(
        default="wanted",
        description="who speaks is known in rooms whose document asks, or in all: for the console",
    )
    speech_start_ms: int = Field(
        default=0, ge=0, le=10000, description="how long somebody speaks before it is reported"
    )
    speech_stop_ms: int = Field(
        default=1000,
        ge=0,
        le=10000,
        description="how long somebody is silent before it is reported; at least 800",
    )
    action_after_hangup: bool = Field(
        default=False,
        description="request Dial's action also when the caller hung up in a conference; "
        "nothing that it answers is done",
    )
    hangup_on_star: bool = Field(
        default=False, description="Dial's hangupOnStar leaves a conference too, as at Twilio"
    )
    wait_music: FilePath | None = Field(
        default=None, description="WAV or MP3 where a document names no waitUrl; none: a built-in one"
    )
    enter_beep: Tone = Field(default=Tone(hz=880, ms=200), description="heard when somebody joins")
    exit_beep: Tone = Field(default=Tone(hz=440, ms=200), description="heard when somebody leaves")
    record_beep: Tone = Field(default=Tone(hz=1400, ms=200), description="heard when a recording starts")


class Documents(Section):
    """Defaults of attributes for which Telnyx and Twilio differ."""

    conference_trim: Trim = Field(
        default="do-not-trim", description="Conference's trim: do-not-trim as Telnyx"
    )
    play_continue_on_error: bool = Field(
        default=True,
        description="Play's continueOnError: whether a document goes on when nothing could be played; "
        "false: the call ends, as at Telnyx",
    )
    record_channels: Channels = Field(default="dual", description="Record's channels: dual as Telnyx")
    record_timeout_secs: RecordTimeout = Field(
        default=0, description="Record's timeout, of silence; 0: none; Twilio: 5"
    )
    record_trim: Trim = Field(default="do-not-trim", description="Record's trim; Twilio: trim-silence")
    templates: bool = Field(
        default=True,
        description="whether what stands in {{ }} is filled in; Twilio: false, it is mere text",
    )


class Fetch(Section):
    """Requests for documents."""

    timeout_secs: Seconds = Field(default=15.0, description="of one request, all of it")
    max_bytes: int = Field(default=MIB, ge=1024, le=64 * MIB, description="of a document")
    max_redirects: int = Field(default=3, ge=0, le=20, description="followed for one request")


class Media(Section):
    """Audio that documents name."""

    max_bytes: int = Field(default=20 * MIB, ge=1024, le=1024 * MIB, description="of one file")
    max_seconds: int = Field(default=3600, ge=1, le=86400, description="of one file")
    cache_bytes: int = Field(default=512 * MIB, ge=0, description="kept in media_dir")


class Recordings(Section):
    """How long a recording's URL is valid, and how long it is kept."""

    url_lifetime_secs: int | None = Field(
        default=None,
        ge=60,
        le=10 * 365 * 86400,
        description="a RecordingUrl is signed and good for so long; none: as long as there is the file",
    )
    retention_days: float | None = Field(
        default=None, ge=0.1, le=36500, description="older recordings are deleted; none: never"
    )


def _listen(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise setting_error("an address to listen on is host:port", "e.g. 127.0.0.1:8080")
    return value


class Web(Section):
    """REST API, console and metrics."""

    listen: Annotated[str, AfterValidator(_listen)] = Field(default="127.0.0.1:8080", description="host:port")
    public_url: Url | None = Field(
        default=None, description="as others reach it (RecordingUrl); none: http:// and listen"
    )
    console_session_secs: int = Field(
        default=43200, ge=60, le=30 * 86400, description="how long one is signed in to the console"
    )

    proxies: tuple[Cidr, ...] = Field(
        default=(),
        description="networks of reverse proxies, whose X-Forwarded-For names the client's address, by which "
        "wrong keys are limited; none: the connection's address counts",
    )
    metrics_key: Secret | None = Field(
        default=None,
        description="bearer token for /metrics; none: open, but only where listen and public_url are private",
    )
    browser_calls: BrowserCalls = BrowserCalls()

    @property
    def is_private(self) -> bool:
        """Whether it is meant to be reached from this machine and its own network only."""
        public = urlsplit(self.public_url).hostname if self.public_url else None
        return is_private(self.host) and (public is None or is_private(public))

    @property
    def host(self) -> str:
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.listen.rpartition(":")[2])

    @property
    def base_url(self) -> str:
        """Without a slash at its end."""
        return (self.public_url or f"http://{self.listen}").rstrip("/")


class Logging(Section):
    """Standard error, one event a line."""

    format: Literal["human", "json"] = Field(default="human", description="for people, or for programs")
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="what is less important is left out"
    )
