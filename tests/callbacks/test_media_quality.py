"""Media quality of a leg, from what FreeSWITCH has measured."""

from __future__ import annotations

import json

import pytest

from orchestrator.callbacks.media_quality import MediaQuality, quality_of
from orchestrator.esl.events import HangupEvent

MEASURED = {
    "packets_in": "190",
    "packets_out": "201",
    "flaws": "27",
    "skipped": "3",
    "skipped_out": "4",
    "jitter_max_variance": "12.25",
    "jitter_packets": "7",
    "mos": "4.21",
}


def test_each_figure_is_read() -> None:
    assert quality_of(HangupEvent(**MEASURED)) == MediaQuality(190, 201, 27, 3, 4, 12.25, 7, 4.21)


@pytest.mark.parametrize(
    ("packets_in", "packets_out", "has_quality"),
    [("", "", False), ("0", "", True), ("", "5", True), ("5", "", True), ("0", "0", True)],
)
def test_a_leg_that_never_had_media_has_none(packets_in: str, packets_out: str, has_quality: bool) -> None:
    found = quality_of(HangupEvent(packets_in=packets_in, packets_out=packets_out, mos="4.5"))
    assert (found is not None) is has_quality
    if found is not None:
        # FreeSWITCH has a MOS also of nothing.
        assert found.mos == (4.5 if packets_in == "5" else 0.0)


@pytest.mark.parametrize("text", ["", "-1", "many", "nan", "inf", "1e999", "\u0667"])
def test_a_word_in_place_of_a_figure_is_none(text: str) -> None:
    event = HangupEvent(**(dict.fromkeys(MEASURED, text) | {"packets_in": "5"}))
    expected = -1.0 if text == "-1" else 7.0 if text == "\u0667" else 0.0
    assert quality_of(event) == MediaQuality(5, jitter_max_variance=expected, mos=expected)


@pytest.mark.parametrize(
    ("packets", "flaws", "lost", "percent"),
    [
        (190, 27, 10, 5.0),
        (180, 54, 20, 10.0),
        (160, 111, 40, 20.0),
        (200, 0, 0, 0.0),
        (200, 1, 0, 0.0),
        (0, 0, 0, 0.0),
        (2, 3, 1, 33.33),
    ],
)
def test_of_two_hundred_packets_so_many_were_lost(
    packets: int, flaws: int, lost: int, percent: float
) -> None:
    """As measured: without each 20th, 10th or 5th of 200 packets there were 27, 54 and 111 flaws."""
    quality = MediaQuality(packets, flaws=flaws)
    assert (quality.lost, quality.loss_percent) == (lost, percent)


@pytest.mark.parametrize(("variance", "ms"), [(0.0, 0.0), (-1.0, 0.0), (12.25, 3.5), (2.0, 1.4)])
def test_jitter_is_in_milliseconds(variance: float, ms: float) -> None:
    assert MediaQuality(1, jitter_max_variance=variance).jitter_ms == ms


def test_telnyx_s_field_has_all_of_it() -> None:
    found = quality_of(HangupEvent(**MEASURED))
    assert found is not None
    assert json.loads(found.text) == {
        "inbound": {
            "jitter_max_variance": "12.25",
            "jitter_packet_count": "7",
            "mos": "4.21",
            "packet_count": "190",
            "skip_packet_count": "3",
        },
        "jitter": 3.5,
        "mos": 4.21,
        "outbound": {"packet_count": "201", "skip_packet_count": "4"},
        "packet_loss": 5.0,
    }
