"""Conference profiles, and which events they silence (conference.conf, conference_utils.c)."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.emulator.events import Origin
from orchestrator.emulator.sound import RATE

ACTION_ORIGINS = {
    "conference-create": Origin("mod_conference.c", "conference_new", 3848),
    "conference-destroy": Origin("mod_conference.c", "conference_thread_run", 863),
    "add-member": Origin("conference_member.c", "conference_member_add", 962),
    "del-member": Origin("conference_member.c", "conference_member_del", 1355),
    "floor-change": Origin("conference_member.c", "conference_member_set_floor_holder", 1158),
    "start-talking": Origin("conference_loop.c", "conference_loop_input", 1154),
    "stop-talking": Origin("conference_loop.c", "stop_talking_handler", 783),
    "mute-detect": Origin("conference_loop.c", "conference_loop_input", 1167),
    "mute-member": Origin("conference_api.c", "conference_api_sub_mute", 339),
    "unmute-member": Origin("conference_api.c", "conference_api_sub_unmute", 492),
    "deaf-member": Origin("conference_api.c", "conference_api_sub_deaf", 797),
    "undeaf-member": Origin("conference_api.c", "conference_api_sub_undeaf", 839),
    "hold-member": Origin("conference_api.c", "conference_api_sub_hold", 440),
    "unhold-member": Origin("conference_api.c", "conference_api_sub_unhold", 389),
    "kick-member": Origin("conference_api.c", "conference_api_sub_kick", 902),
    "hup-member": Origin("conference_api.c", "conference_api_sub_hup", 940),
    "play-file": Origin("conference_api.c", "conference_api_sub_play", 2817),
    "play-file-member": Origin("conference_api.c", "conference_api_sub_play", 2846),
    "play-file-done": Origin("conference_file.c", "conference_file_close", 52),
    "play-file-member-done": Origin("conference_file.c", "conference_file_close", 52),
    "start-recording": Origin("conference_record.c", "conference_record_thread_run", 319),
    "stop-recording": Origin("conference_record.c", "conference_record_thread_run", 427),
    "pause-recording": Origin("conference_api.c", "conference_api_sub_pauserec", 3556),
    "resume-recording": Origin("conference_api.c", "conference_api_sub_pauserec", 3556),
    "speak-text": Origin("conference_api.c", "conference_api_sub_say", 2871),
    "speak-text-member": Origin("conference_api.c", "conference_api_sub_saymember", 2932),
    "lock": Origin("conference_api.c", "conference_api_sub_lock", 3181),
    "unlock": Origin("conference_api.c", "conference_api_sub_unlock", 3205),
    "rejected-join-only": Origin("mod_conference.c", "conference_function", 2127),
}


# which word of suppress-events silences which action, where they differ (conference_utils.c)
EVENT_WORDS = {
    "play-file-member-done": "play-file-done",
    "unmute-member": "mute-member",
    "unhold-member": "hold-member",
    "start-recording": "record",
}


@dataclass(frozen=True)
class ConferenceProfile:
    """The parameters of conference.conf that change what is seen on the event socket."""

    energy_level: int = 100
    moh_sound: str = ""
    enter_sound: str = ""
    exit_sound: str = ""
    max_members: int = 0
    rate: int = RATE
    tts: bool = False  # the profile names a tts-engine and a tts-voice
    suppress: frozenset[str] = frozenset()  # suppress-events: play-file-member, start-talking …
