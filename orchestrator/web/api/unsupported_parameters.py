"""Parameters that the vendors' clients have and this API does not honour: each is refused by its name."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.texml import values
from orchestrator.web.api.parameter_types import InvalidValue, Parameter, ParameterType

TITLE = "Not supported"


def unsupported(*names: str, why: str, neutral: Iterable[str] = ()) -> tuple[Parameter, ...]:
    """Parameters that are refused by name, unless their value asks for nothing: `neutral`, or empty."""
    kind = _refusing(why, tuple(neutral))
    return tuple(Parameter(name, kind, f"not supported: {why}") for name in names)


def _refusing(why: str, neutral: tuple[str, ...]) -> ParameterType:
    accepted = {"", *(value.lower() for value in neutral)}

    def convert(value: object) -> None:
        text = str(value).strip().lower() if isinstance(value, (str, int, float)) else None
        if text in accepted or ("false" in neutral and text is not None and values.boolean(text) is False):
            return
        only = f"; only {' or '.join(neutral)} is" if neutral else ""
        raise InvalidValue("10015", TITLE, f"is not supported here: {why}{only}", unsupported=True)

    return ParameterType({"type": "string", "enum": ["", *neutral]}, convert)


_AMD = "answering-machine detection is not built"
_BEEP = "MachineDetectionBeep"
DETECTION = (
    *unsupported("MachineDetection", why=_AMD, neutral=("Disable",)),
    *unsupported("AsyncAmd", why=_AMD, neutral=("false",)),
    *unsupported("DetectionMode", why=_AMD),
    *unsupported(
        "MachineDetectionTimeout",
        "MachineDetectionSpeechThreshold",
        "MachineDetectionSpeechEndThreshold",
        "MachineDetectionSilenceTimeout",
        "MachineDetectionPromptEndTimeout",
        f"{_BEEP}Profile",
        f"{_BEEP}MaxFrequency",
        f"{_BEEP}MinFrequency",
        f"{_BEEP}MinToneDuration",
        f"{_BEEP}SpectralMinPurity",
        f"{_BEEP}SpectralWindow",
        "AmdStatusCallback",
        "AmdStatusCallbackMethod",
        "AsyncAmdStatusCallback",
        "AsyncAmdStatusCallbackMethod",
        why=_AMD,
    ),
    *unsupported(
        f"{_BEEP}SpectralConfirmation",
        f"{_BEEP}SpectralRejectFaxCng",
        "CancelPlaybackOnDetectMessageEnd",
        "CancelPlaybackOnMachineDetection",
        why=_AMD,
        neutral=("false",),
    ),
    *unsupported("DeepfakeDetection", why="deepfake detection is not built", neutral=("Disable",)),
    *unsupported(
        "DeepfakeDetectionCallbackUrl",
        "DeepfakeDetectionCallbackMethod",
        why="deepfake detection is not built",
    ),
)
"""Of an answering machine, and of a voice that a machine makes."""

CARRIER = (
    *unsupported("MediaEncryption", why="FreeSWITCH's SIP profile decides", neutral=("disabled",)),
    *unsupported("PreferredCodecs", why="FreeSWITCH's SIP profile decides"),
    *unsupported("SipRegion", "Region", why="there is one place, your FreeSWITCH"),
    *unsupported("JitterBufferSize", why="FreeSWITCH's SIP profile decides", neutral=("off",)),
    *unsupported("Byoc", why="the trunks in the settings decide"),
    *unsupported("CallToken", "Passports", why="calls are not signed (STIR/SHAKEN)"),
    *unsupported("ClientNotificationUrl", why="there are no push notifications"),
)
"""Features of a vendor's own network."""

EMERGENCY = unsupported(
    "EmergencyAddress",
    "EmergencyCallerLocation",
    "EmergencyCallerPosition",
    "EmergencyCity",
    "EmergencyCountry",
    "EmergencyName",
    "EmergencyState",
    "EmergencyZipCode",
    why="no address is handed on to an emergency service",
)
RECORDING_CONFIGURATION = unsupported(
    "RecordingConfigurationId", why="recordings are configured in the settings and by parameters"
)
