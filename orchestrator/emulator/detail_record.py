"""The variables of a leg that has ended: causes, stamps, durations, what its media was (switch_channel.c)."""

from __future__ import annotations

import time

from orchestrator.emulator.causes import q850
from orchestrator.emulator.channel_variables import Variables
from orchestrator.emulator.profile import Profile

_INTERVALS = (
    ("duration", "created", "Hangup"),
    ("bill", "Answered", "Hangup"),
    ("progress", "created", "Progress"),
    ("answer", "created", "Answered"),
    ("wait", "created", "Bridged"),
    ("progress_media", "created", "Progress-Media"),
    ("flow_bill", "created", "Hangup"),
)


def _intervals(moments: dict[str, int], answered: bool) -> dict[str, int]:
    spans = {}
    for name, start, end in _INTERVALS:
        span = moments[end] - moments[start] if moments.get(start) and moments.get(end) else 0
        spans[name] = span if name != "flow_bill" or answered else 0
    return spans


def closing_variables(profile: Profile, cause: str, last_app: str, last_arg: str) -> Variables:
    """The call detail record of a leg that is hung up, all times from the profile (µs)."""
    moments = {**profile.times, "created": profile.created}
    answered = bool(moments.get("Answered"))
    out = {"hangup_cause": cause, "hangup_cause_q850": str(q850(cause)), "digits_dialed": "none"}
    stamps = [
        ("start", "created"),
        ("profile_start", "created"),
        ("answer", "Answered"),
        ("progress", "Progress"),
    ]
    stamps += [("progress_media", "Progress-Media"), ("bridge", "Bridged"), ("end", "Hangup")]
    for name, moment in stamps:
        if micros := moments.get(moment, 0):
            stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(micros / 1e6))
            out[f"{name}_stamp"] = stamp
    epochs = [
        ("start", "created"),
        ("profile_start", "created"),
        ("answer", "Answered"),
        ("bridge", "Bridged"),
    ]
    for name, moment in [*epochs, ("last_hold", "")]:
        out |= _epoch(name, moments.get(moment, 0))
    out |= {"hold_accum_seconds": "0", "hold_accum_usec": "0", "hold_accum_ms": "0"}
    for name, moment in (
        ("resurrect", ""),
        ("progress", "Progress"),
        ("progress_media", "Progress-Media"),
        ("end", "Hangup"),
    ):
        out |= _epoch(name, moments.get(moment, 0))
    if last_app:
        out["last_app"] = last_app
    if last_arg:
        out["last_arg"] = last_arg
    out["caller_id"] = (
        f'"{profile.cid_name}" <{profile.cid_number}>' if profile.cid_name else profile.cid_number
    )
    spans = _intervals(moments, answered)
    for prefix, suffix, divisor in (("", "sec", 1_000_000), ("m", "msec", 1000), ("u", "usec", 1)):
        out[f"{prefix}duration"] = str(spans["duration"] // divisor)
        for name in ("bill", "progress", "answer", "wait", "progress_media", "flow_bill"):
            out[f"{name}{suffix}"] = str(spans[name] // divisor)
    return out


def _epoch(name: str, micros: int) -> Variables:
    return {f"{name}_epoch": str(micros // 1_000_000), f"{name}_uepoch": str(micros)}


def rtp_statistics(seconds: float, seconds_out: float) -> Variables:
    """Set on a leg that had media, after everything else: so much came in, and went out."""
    packets, packets_out = int(seconds * 50), int(seconds_out * 50)
    size, size_out = str(packets * 172), str(packets_out * 172)
    into = {
        "raw_bytes": size,
        "media_bytes": size,
        "packet_count": str(packets),
        "media_packet_count": str(packets),
    }
    into |= {f"{kind}_packet_count": "0" for kind in ("skip", "jitter", "dtmf", "cng", "flush")}
    into |= {"largest_jb_size": "0", "jitter_min_variance": "0.00", "jitter_max_variance": "0.00"}
    into |= {
        "jitter_loss_rate": "0.00",
        "jitter_burst_rate": "0.00",
        "mean_interval": "20.00",
        "flaw_total": "0",
    }
    into |= {"quality_percentage": "100.00", "mos": "4.50"}
    out = {
        "raw_bytes": size_out,
        "media_bytes": size_out,
        "packet_count": str(packets_out),
        "media_packet_count": str(packets_out),
    }
    out |= {f"{kind}_packet_count": "0" for kind in ("skip", "dtmf", "cng")}
    figures = {f"rtp_audio_in_{key}": value for key, value in into.items()}
    figures |= {f"rtp_audio_out_{key}": value for key, value in out.items()}
    return figures | {
        "rtp_audio_rtcp_packet_count": str(packets),
        "rtp_audio_rtcp_octet_count": str(packets * 160),
    }
