"""The channel variables that FreeSWITCH sets by itself, in its order (taken from recorded conversations)."""

from __future__ import annotations

import random
import string
import time

from orchestrator.emulator.profile import Profile

Variables = dict[str, str]
SIP_ALLOW = "PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE, OPTIONS"

SDP = (
    "v=0\r\no={owner} {version} {version} IN IP4 {ip}\r\ns={owner}\r\nc=IN IP4 {ip}\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 0 120\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:120 telephone-event/8000\r\n"
    "a=fmtp:120 0-15\r\na=ptime:20\r\na=sendrecv\r\na=rtcp:{rtcp} IN IP4 {ip}\r\n"
)


def token(length: int = 32) -> str:
    return "".join(random.choices(string.ascii_letters + string.digits, k=length))


def sdp(owner: str, ip: str, port: int) -> str:
    return SDP.format(owner=owner, version=int(time.time()), ip=ip, port=port, rtcp=port + 1)


def inbound_variables(
    profile: Profile, session_id: int, port: int, headers: dict[str, str], sip_profile: str
) -> Variables:
    """The variables of a new inbound leg, from mod_sofia; of the SIP `headers`, X- ones become sip_h_*."""
    user, number, tag = profile.cid_number, profile.destination, token()
    media = 4000 + 2 * (session_id % 20000)
    from_display = f'"{profile.cid_name}" ' if profile.cid_name not in ("", user) else ""
    full_from = f"{from_display}<sip:{user}@127.0.0.1>" if from_display else f"sip:{user}@127.0.0.1"
    kept = {name: value for name, value in headers.items() if name.upper().startswith(("X-", "DIVERSION"))}
    extra = {f"sip_h_{name}": value for name, value in kept.items()}
    return {
        "direction": "inbound",
        "uuid": profile.uuid,
        "call_uuid": profile.uuid,
        "session_id": str(session_id),
        **({"sip_from_display": profile.cid_name} if from_display else {}),
        "sip_from_user": user,
        "sip_from_uri": f"{user}@127.0.0.1",
        "sip_from_host": "127.0.0.1",
        "video_media_flow": "disabled",
        "text_media_flow": "disabled",
        "channel_name": profile.channel_name,
        "sip_call_id": token(),
        "sip_local_network_addr": "127.0.0.1",
        "sip_network_ip": "127.0.0.1",
        "sip_network_port": str(port),
        "sip_invite_stamp": str(profile.created),
        "sip_received_ip": "127.0.0.1",
        "sip_received_port": str(port),
        "sip_via_protocol": "udp",
        "sip_from_user_stripped": user.lstrip("+"),
        "sip_from_tag": tag,
        "sofia_profile_name": sip_profile,
        "sofia_profile_url": "sip:mod_sofia@127.0.0.1:5060",
        "recovery_profile_name": sip_profile,
        "sip_full_via": f"SIP/2.0/UDP 127.0.0.1:{port};rport={port};branch=z9hG4bKPj{token(33)}",
        "sip_full_from": f"{full_from};tag={tag}",
        "sip_full_to": f"sip:{number}@127.0.0.1",
        "sip_allow": SIP_ALLOW,
        "sip_req_user": number,
        "sip_req_port": "5060",
        "sip_req_uri": f"{number}@127.0.0.1:5060",
        "sip_req_host": "127.0.0.1",
        "sip_to_user": number,
        "sip_to_uri": f"{number}@127.0.0.1",
        "sip_to_host": "127.0.0.1",
        "sip_contact_params": "ob",
        "sip_contact_user": user,
        "sip_contact_port": str(port),
        "sip_contact_uri": f"{user}@127.0.0.1:{port}",
        "sip_contact_host": "127.0.0.1",
        **extra,
        "sip_via_host": "127.0.0.1",
        "sip_via_port": str(port),
        "sip_via_rport": str(port),
        "max_forwards": "70",
        "switch_r_sdp": sdp("pjmedia", "192.0.2.2", media),
        "ep_codec_string": "CORE_PCM_MODULE.PCMU@8000h@20i@64000b",
        "rtp_use_codec_string": "PCMU",
        "remote_video_media_flow": "inactive",
        "remote_text_media_flow": "inactive",
        "remote_audio_media_flow": "sendrecv",
        "audio_media_flow": "sendrecv",
        "rtp_remote_audio_rtcp_port": str(media + 1),
        "remote_media_ip": "192.0.2.2",
        "remote_media_port": str(media),
        "rtp_audio_recv_pt": "0",
        "rtp_use_codec_name": "PCMU",
        "rtp_use_codec_rate": "8000",
        "rtp_use_codec_ptime": "20",
        "rtp_use_codec_channels": "1",
        "rtp_last_audio_codec_string": "PCMU@8000h@20i@1c",
        "read_codec": "PCMU",
        "original_read_codec": "PCMU",
        "read_rate": "8000",
        "original_read_rate": "8000",
        "write_codec": "PCMU",
        "write_rate": "8000",
        "dtmf_type": "rfc2833",
        "endpoint_disposition": "RECEIVED",
    }


def outbound_variables(
    profile: Profile, session_id: int, target: str, extra: Variables, originator: str
) -> Variables:
    """The variables of a new outbound leg.

    `extra` are those of the dial string, `originator` is the leg on whose behalf it calls, or empty.
    """
    media = 20000 + 2 * (session_id % 5000)
    host = target.rpartition("@")[2]
    bond = {
        "max_forwards": "69",
        "originator_codec": "PCMU@8000h@20i",
        "originator": originator,
        "signal_bond": originator,
        "call_uuid": originator,
    }
    return {
        "direction": "outbound",
        "is_outbound": "true",
        "uuid": profile.uuid,
        **({} if originator else {"call_uuid": profile.uuid}),
        "session_id": str(session_id),
        "sip_local_network_addr": "127.0.0.1",
        "sip_profile_name": "internal",
        "video_media_flow": "disabled",
        "text_media_flow": "disabled",
        "channel_name": profile.channel_name,
        "sip_destination_url": f"sip:{target}",
        **(bond if originator else {}),
        **extra,
        "originate_early_media": "false" if extra.get("ignore_early_media") == "true" else "true",
        **({"originating_leg_uuid": originator} if originator else {}),
        "originate_endpoint": "sofia",
        "rtp_use_codec_string": "PCMU",
        "local_media_ip": "127.0.0.1",
        "local_media_port": str(media),
        "advertised_media_ip": "127.0.0.1",
        "audio_media_flow": "sendrecv",
        "rtp_local_sdp_str": sdp("FreeSWITCH", "127.0.0.1", media),
        "sip_outgoing_contact_uri": "<sip:mod_sofia@127.0.0.1:5060>",
        "sip_req_uri": target,
        "sip_to_host": host,
        "sip_from_host": "127.0.0.1",
        "sofia_profile_name": "internal",
        "recovery_profile_name": "internal",
        "sofia_profile_url": "sip:mod_sofia@127.0.0.1:5060",
    }


def media_variables(variables: Variables, session_id: int) -> Variables:
    """Set, in this order, when FreeSWITCH opens its media port (183 or 200)."""
    port = 20000 + 2 * (session_id % 5000)
    return {
        "rtp_local_sdp_str": sdp("FreeSWITCH", "127.0.0.1", port),
        "local_media_ip": "127.0.0.1",
        "local_media_port": str(port),
        "advertised_media_ip": "127.0.0.1",
        "rtp_use_timer_name": "soft",
        "rtp_use_pt": "0",
        "rtp_use_ssrc": str(random.randrange(1 << 32)),
        "rtp_2833_send_payload": "120",
        "rtp_2833_recv_payload": "120",
        "remote_media_ip": variables.get("remote_media_ip", "192.0.2.2"),
        "remote_media_port": variables.get("remote_media_port", "4000"),
    }


def reply_variables(variables: Variables, *, reached: bool = True) -> Variables:
    """Set when a called phone's answer comes, or when there is none because nothing listens there."""
    found = {"sip_call_id": variables.get("sip_call_id") or token(), "sip_local_network_addr": "127.0.0.1"}
    if not reached:
        return {**found, "sip_reply_port": "0", "sip_network_port": "0"}
    number = variables.get("sip_req_uri", "").partition("@")[0]
    user = variables.get("origination_caller_id_number", "")
    via, from_tag, to_tag = (
        f"SIP/2.0/UDP 127.0.0.1:5060;rport=5060;branch=z9hG4bK{token(14)}",
        token(13),
        token(),
    )
    return {
        **found,
        "sip_reply_host": "127.0.0.1",
        "sip_reply_port": "5060",
        "sip_network_ip": "127.0.0.1",
        "sip_network_port": "5060",
        "sip_allow": SIP_ALLOW,
        "sip_recover_contact": f"<sip:{number}@127.0.0.1:5060>",
        "sip_full_via": via,
        "sip_recover_via": via,
        "sip_from_display": variables.get("origination_caller_id_name") or user,
        "sip_full_from": f"<sip:{user}@127.0.0.1>;tag={from_tag}",
        "sip_full_to": f"<sip:{number}@127.0.0.1>;tag={to_tag}",
        "sip_from_user": user,
        "sip_from_uri": f"{user}@127.0.0.1",
        "sip_from_host": "127.0.0.1",
        "sip_to_user": number,
        "sip_to_uri": f"{number}@127.0.0.1",
        "sip_to_host": "127.0.0.1",
        "sip_contact_user": number,
        "sip_contact_port": "5060",
        "sip_contact_uri": f"{number}@127.0.0.1:5060",
        "sip_contact_host": "127.0.0.1",
        "sip_to_tag": to_tag,
        "sip_from_tag": from_tag,
        "sip_cseq": str(random.randrange(1, 1 << 27)),
        "sip_call_id": found["sip_call_id"],
    }


def agreed_variables(variables: Variables, session_id: int) -> Variables:
    """Set when a called phone has answered with its SDP."""
    codec = {"rtp_use_codec_name": "PCMU", "rtp_use_codec_rate": "8000", "rtp_use_codec_ptime": "20"}
    codec |= {"rtp_use_codec_channels": "1", "rtp_last_audio_codec_string": "PCMU@8000h@20i@1c"}
    codec |= {"read_codec": "PCMU", "original_read_codec": "PCMU", "read_rate": "8000"}
    codec |= {
        "original_read_rate": "8000",
        "write_codec": "PCMU",
        "write_rate": "8000",
        "dtmf_type": "rfc2833",
    }
    media = media_variables(variables, session_id)
    del media["rtp_local_sdp_str"]
    flow = {f"remote_{kind}_media_flow": "inactive" for kind in ("video", "text")}
    flow |= {"remote_audio_media_flow": "sendrecv", "rtp_remote_audio_rtcp_port": "4001"}
    return {"ep_codec_string": "CORE_PCM_MODULE.PCMU@8000h@20i@64000b", **flow, **codec, **media}


def ack_variables(variables: Variables) -> Variables:
    """Set when the caller's ACK arrives."""
    tag = token(13)
    full_to = variables.get("sip_full_to", "")
    return {
        "sip_to_tag": tag,
        "sip_from_tag": variables.get("sip_from_tag", token()),
        "sip_cseq": str(random.randrange(1, 32768)),
        "sip_call_id": variables.get("sip_call_id", token()),
        "sip_full_via": variables.get("sip_full_via", ""),
        "sip_full_from": variables.get("sip_full_from", ""),
        "sip_full_to": f"{full_to};tag={tag}" if ";tag=" not in full_to else full_to,
    }


def rtp_variables(variables: Variables) -> Variables:
    """Set when the first RTP packet came from another address than the SDP named."""
    port = variables.get("remote_media_port", "4000")
    return {
        "remote_audio_ip_reported": variables.get("remote_media_ip", "192.0.2.2"),
        "remote_audio_ip": "127.0.0.1",
        "remote_audio_port_reported": port,
        "remote_audio_port": port,
        "rtp_auto_adjust_audio": "true",
    }
