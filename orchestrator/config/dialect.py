"""Where Telnyx and Twilio differ: one row a difference, from which a dialect is made.

A value is the application's own, else that of its dialect, else that of all applications (the same key of the
section that the row names).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import Field

from orchestrator.config.fields import Section
from orchestrator.types import Channels, RequestFields, Signatures, TimestampFormat, Trim

DialectName = Literal["telnyx", "twilio"]
FirstSequence = Annotated[int, Field(ge=0, le=1)]
UserAgent = Annotated[str, Field(pattern=r"^[!-~]([ -~]{0,126}[!-~])?$")]
StartsWith = Annotated[int, Field(ge=1, le=2)]
RecordTimeout = Annotated[int, Field(ge=0, le=14400)]


class Difference(NamedTuple):
    """The setting `key`, of an application and of `section`, and what each vendor does."""

    section: Literal["callbacks", "conference", "documents"]
    key: str
    telnyx: object
    twilio: object


DIFFERENCES: Final = (
    Difference("callbacks", "first_sequence", 0, 1),
    Difference("callbacks", "request_fields", "telnyx", "twilio"),
    Difference("callbacks", "signatures", "telnyx", "both"),
    Difference("callbacks", "timestamp_format", "iso8601", "rfc2822"),
    Difference("callbacks", "twilio_extras", True, True),
    Difference("callbacks", "user_agent", "telnyx-webhooks", "TwilioProxy/1.1"),
    Difference("conference", "action_after_hangup", False, True),
    Difference("conference", "hangup_on_star", False, True),
    Difference("conference", "join_while_waiting", True, True),
    Difference("conference", "min_participants_to_start", 1, 2),
    Difference("documents", "conference_trim", "do-not-trim", "trim-silence"),
    Difference("documents", "play_continue_on_error", False, True),
    Difference("documents", "record_channels", "dual", "single"),
    Difference("documents", "record_timeout_secs", 0, 5),
    Difference("documents", "record_trim", "do-not-trim", "trim-silence"),
    Difference("documents", "templates", True, False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The values that hold for one application; each is described at its setting."""

    first_sequence: int
    request_fields: RequestFields
    signatures: Signatures
    timestamp_format: TimestampFormat
    twilio_extras: bool
    user_agent: str
    action_after_hangup: bool
    hangup_on_star: bool
    join_while_waiting: bool
    min_participants_to_start: int
    conference_trim: Trim
    play_continue_on_error: bool
    record_channels: Channels
    record_timeout_secs: int
    record_trim: Trim
    templates: bool


class OwnDialect(Section):
    """Settings that an application may have different from its dialect, or from all others."""

    dialect: DialectName | None = Field(
        default=None,
        description="the vendor whose ways the application expects, in all that they differ in. The "
        "application's own value of a key counts first, then the dialect's, then the one in `callbacks`, "
        "`conference` or `documents`",
    )
    first_sequence: FirstSequence | None = Field(
        default=None, description="as `callbacks.first_sequence`, of this application"
    )
    request_fields: RequestFields | None = Field(
        default=None, description="as `callbacks.request_fields`, of this application"
    )
    signatures: Signatures | None = Field(
        default=None, description="as `callbacks.signatures`, of this application"
    )
    timestamp_format: TimestampFormat | None = Field(
        default=None, description="as `callbacks.timestamp_format`, of this application"
    )
    twilio_extras: bool | None = Field(
        default=None, description="as `callbacks.twilio_extras`, of this application"
    )
    user_agent: UserAgent | None = Field(
        default=None, description="as `callbacks.user_agent`, of this application"
    )
    action_after_hangup: bool | None = Field(
        default=None, description="as `conference.action_after_hangup`, of this application"
    )
    hangup_on_star: bool | None = Field(
        default=None, description="as `conference.hangup_on_star`, of this application"
    )
    join_while_waiting: bool | None = Field(
        default=None, description="as `conference.join_while_waiting`, of this application"
    )
    min_participants_to_start: StartsWith | None = Field(
        default=None, description="as `conference.min_participants_to_start`, of this application"
    )
    conference_trim: Trim | None = Field(
        default=None, description="as `documents.conference_trim`, of this application"
    )
    play_continue_on_error: bool | None = Field(
        default=None, description="as `documents.play_continue_on_error`, of this application"
    )
    record_channels: Channels | None = Field(
        default=None, description="as `documents.record_channels`, of this application"
    )
    record_timeout_secs: RecordTimeout | None = Field(
        default=None, description="as `documents.record_timeout_secs`, of this application"
    )
    record_trim: Trim | None = Field(
        default=None, description="as `documents.record_trim`, of this application"
    )
    templates: bool | None = Field(default=None, description="as `documents.templates`, of this application")


def dialect_of(own: OwnDialect | None, sections: dict[str, Section]) -> Dialect:
    """`own`: the application's; `sections`: by name, those that hold for all applications."""
    values = {one.key: _value(one, own, sections[one.section]) for one in DIFFERENCES}
    return Dialect(**values)


def _value(difference: Difference, own: OwnDialect | None, section: Section) -> Any:
    explicit = getattr(own, difference.key) if own is not None else None
    if explicit is not None:
        return explicit
    if own is not None and own.dialect is not None:
        return difference.twilio if own.dialect == "twilio" else difference.telnyx
    return getattr(section, difference.key)
