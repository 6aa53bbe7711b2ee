"""Number and Sip, each like Telnyx's page of it; what Telnyx lacks says whose it is."""

# attribute() makes a field of the dataclass, as field() does, and ruff cannot know.
# ruff: noqa: RUF009

from dataclasses import dataclass
from typing import get_args

from orchestrator.texml import converters as to
from orchestrator.texml.schema import Element, attribute, body, children
from orchestrator.texml.sip_uri import header_name, header_value, sip_uri, sip_uri_or_empty, split_headers
from orchestrator.texml.values import Options
from orchestrator.texml.vocabulary import (
    CALL_EVENT,
    MACHINE_DETECTIONS,
    METHOD,
    MILLISECONDS_OF_DETECTION,
    NO_BYOC,
    NO_DEEPFAKE_DETECTION,
    NO_DETECTION,
    ONE_PLACE,
    SENT_KEYS,
    CallProgressEvent,
    DetectionMode,
    MachineDetection,
)
from orchestrator.types import Method


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledParty(Element):
    """The attributes common to Number and Sip."""

    status_callback: str | None = attribute(to.url, None)
    status_callback_method: Method = attribute(METHOD, "POST")
    status_callback_event: frozenset[CallProgressEvent] = attribute(CALL_EVENT, frozenset({"completed"}))
    # A document that the callee hears before the two are connected.
    url: str | None = attribute(to.url, None)
    method: Method = attribute(METHOD, "POST")
    machine_detection: MachineDetection = attribute(
        to.one_of(MACHINE_DETECTIONS), "Disable", ignored=NO_DETECTION
    )
    detection_mode: DetectionMode = attribute(
        to.one_of(Options[DetectionMode](get_args(DetectionMode))), "Regular", ignored=NO_DETECTION
    )
    machine_detection_timeout: int = attribute(MILLISECONDS_OF_DETECTION, 3500, ignored=NO_DETECTION)
    machine_detection_prompt_end_timeout: str | None = attribute(to.text, None, ignored=NO_DETECTION)
    machine_detection_beep_profile: str | None = attribute(to.text, None, ignored=NO_DETECTION)
    # Twilio has these three here, Telnyx at Dial.
    machine_detection_speech_threshold: str | None = attribute(to.text, None, ignored=NO_DETECTION)
    machine_detection_speech_end_threshold: str | None = attribute(to.text, None, ignored=NO_DETECTION)
    machine_detection_silence_timeout: str | None = attribute(to.text, None, ignored=NO_DETECTION)
    amd_status_callback: str | None = attribute(to.url, None, ignored=NO_DETECTION)
    amd_status_callback_method: Method = attribute(METHOD, "POST", ignored=NO_DETECTION)
    sip_region: str | None = attribute(to.text, None, ignored=ONE_PLACE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(CalledParty):
    """A telephone number to call."""

    number: str = body(to.text, "", required=True)
    # Keys pressed once the callee has answered; w: half a second's pause.
    send_digits: str | None = attribute(to.keys(SENT_KEYS), None)
    deepfake_detection: str | None = attribute(to.text, None, ignored=NO_DEEPFAKE_DETECTION)
    deepfake_detection_callback_url: str | None = attribute(to.url, None, ignored=NO_DEEPFAKE_DETECTION)
    # Twilio.
    byoc: str | None = attribute(to.text, None, ignored=NO_BYOC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header(Element):
    """A SIP header of the INVITE. Twilio."""

    name: str = attribute(header_name, "")
    value: str = attribute(header_value, "")

    def fault(self) -> str:
        return "" if self.name else "has no name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers(Element):
    """The SIP headers of the INVITE. Twilio."""

    headers: tuple[Header, ...] = children(Header)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uri(Element):
    """The address in an element of its own. Twilio."""

    address: str = body(sip_uri, "", required=True)
    username: str | None = attribute(to.text, None)
    password: str | None = attribute(to.text, None)
    priority: str | None = attribute(to.text, None, ignored="only the first Uri is dialled")
    weight: str | None = attribute(to.text, None, ignored="only the first Uri is dialled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sip(CalledParty):
    """A SIP address to call; it may bring headers, `sip:a@b?X-Name=value`."""

    uri: str = body(sip_uri_or_empty, "")
    username: str | None = attribute(to.text, None)
    password: str | None = attribute(to.text, None)
    parts: tuple[Uri | Headers, ...] = children(Uri, Headers)

    def fault(self) -> str:
        return "" if self._written else "has no address"

    @property
    def _written(self) -> str:
        return self.uri or next((part.address for part in self.parts if isinstance(part, Uri)), "")

    @property
    def address(self) -> str:
        """The address to call, without headers."""
        return split_headers(self._written)[0]

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Name and value of each header of the INVITE."""
        own = [header for part in self.parts if isinstance(part, Headers) for header in part.headers]
        return (*split_headers(self._written)[1], *((header.name, header.value) for header in own))

    @property
    def credentials(self) -> tuple[str, str] | None:
        """User and password for a host that asks."""
        uris = [part for part in self.parts if isinstance(part, Uri)]
        given = [(self.username, self.password), *((uri.username, uri.password) for uri in uris)]
        return next(((name, secret) for name, secret in given if name and secret), None)
