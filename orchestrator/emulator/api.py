"""`api` and `bgapi` commands (mod_commands.c)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from orchestrator.emulator.causes import cause_name
from orchestrator.emulator.channel import ORIGINS
from orchestrator.emulator.conference_api import conference_api
from orchestrator.emulator.conference_list import compact_json
from orchestrator.emulator.configuration_api import sofia, xml_locate
from orchestrator.emulator.core import VERSION
from orchestrator.emulator.instance import Instance
from orchestrator.emulator.originate import dial
from orchestrator.emulator.session import Session
from orchestrator.emulator.session_recording import (
    record_action,
    record_session,
    recordings_of,
    stop_record_session,
)

NO_CHANNEL = "-ERR No such channel!\n"


def _with_leg(run: Callable[[Instance, Session, str], str], usage: str) -> Callable[[Instance, str], str]:
    def command(instance: Instance, argument: str) -> str:
        if not argument.strip():
            return f"-USAGE: {usage}\n"
        uuid, _, rest = argument.strip().partition(" ")
        session = instance.sessions.locate(uuid)
        return NO_CHANNEL if session is None else run(instance, session, rest.strip())

    return command


def _break(instance: Instance, session: Session, rest: str) -> str:
    session.break_off("all" in rest)
    return "+OK\n"


def _transfer(instance: Instance, session: Session, rest: str) -> str:
    """`<uuid> <application> inline`, of a leg that is bridged."""
    application, _, dialplan = rest.partition(" ")
    if dialplan != "inline" or session.partner is None:
        return "-ERR unable to transfer\n"
    session.transfer_now.clear()
    session.transfer = ((application, ""),)
    for leg in (session, session.partner):
        leg.wake()
    return "+OK\n"


def _kill(instance: Instance, session: Session, rest: str) -> str:
    session.hangup(cause_name(rest) if rest else "NORMAL_CLEARING")
    return "+OK\n"


def _dump(instance: Instance, session: Session, rest: str) -> str:
    headers = instance.bus.prefix("CHANNEL_DATA", ORIGINS["CHANNEL_DATA"]) + session.all_data()
    if rest == "json":
        return compact_json(dict(headers))
    return "".join(f"{name}: {value}\n" for name, value in headers) + "\n"


def _record(instance: Instance, session: Session, rest: str) -> str:
    action, _, path = rest.partition(" ")
    if action == "start":
        record_session(session, path)
    elif action == "stop":
        stop_record_session(session, path)
    elif action not in ("mask", "unmask", "pause", "resume"):
        return "-USAGE: <uuid> [start|stop|mask|unmask] <path> [<limit>] [<recording_vars>]\n"
    elif not record_action(session, action, path):
        return f"-ERR Cannot {action} recording session!\n"
    return "+OK Success\n"


def _buglist(instance: Instance, argument: str) -> str:
    session = instance.sessions.locate(argument.strip())
    if session is None:
        return ""
    bugs = "".join(
        " <media-bug>\n"
        "  <function>session_record</function>\n"
        f"  <target>{path}</target>\n"
        "  <thread-locked>0</thread-locked>\n"
        " </media-bug>\n"
        for path in recordings_of(session)
    )
    return f"<media-bugs>\n{bugs}</media-bugs>\n"


def _setvar(instance: Instance, session: Session, rest: str) -> str:
    if not rest:
        return "-USAGE: <uuid> <var> [value]\n"
    name, _, value = rest.partition(" ")
    session.set(name, value or None)
    return "+OK\n"


def _set_media_stats(instance: Instance, session: Session, rest: str) -> str:
    if session.media_was_up and session.sip:
        session.count_packets()
    return "+OK:\n"


def _getvar(instance: Instance, session: Session, rest: str) -> str:
    return session.variables.get(rest, "_undef_")


def _send_dtmf(instance: Instance, session: Session, rest: str) -> str:
    if session.phone:
        session.phone.receive(rest.partition("@")[0])
    return f"+OK {session.uuid} sent DTMF {rest}.\n"


def _ring_ready(instance: Instance, argument: str) -> str:
    session = instance.sessions.locate(argument.strip())
    if session is None:
        return "-ERROR\n"
    session.ring_ready()
    return "+OK\n"


def _hupall(instance: Instance, argument: str) -> str:
    cause = cause_name(argument.split()[0]) if argument.split() else "MANAGER_REQUEST"
    for session in list(instance.sessions.values()):
        session.hangup(cause)
    return f"+OK hangup all channels with cause {cause}\n"


def _status(instance: Instance, argument: str) -> str:
    up = int(instance.clock.now() - instance.started)
    days, rest = divmod(up, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    now = len(instance.sessions)
    return (
        f"UP 0 years, {days} days, {hours} hours, {minutes} minutes, {seconds} seconds, 0 milliseconds, "
        f"0 microseconds\nFreeSWITCH (Version {VERSION} 64bit) is ready\n"
        f"{instance.session_count} session(s) since startup\n"
        f"{now} session(s) - peak {now}, last 5min {now} \n"
        "0 session(s) per Sec out of max 500, peak 1, last 5min 1 \n"
        f"{instance.max_sessions} session(s) max\n"
        "min idle cpu 0.00/99.00\nCurrent Stack Size/Max 240K/8192K\n"
    )


def _show(instance: Instance, argument: str) -> str:
    words = argument.split()
    if words[:1] not in (["channels"], ["calls"]):
        return "-USAGE: show channels\n"
    rows = [_row(session) for session in instance.sessions.values()]
    if words[1:] == ["as", "json"]:
        if not rows:
            return '{"row_count": 0}\n'
        return compact_json({"row_count": len(rows), "rows": rows})
    if words[1:] == ["count"]:
        return f"\n{len(rows)} total.\n"
    if not rows:
        return "\n0 total.\n"
    lines = [",".join(rows[0])] + [",".join(row.values()) for row in rows]
    return "\n".join(lines) + f"\n\n{len(rows)} total.\n"


def _row(session: Session) -> dict[str, str]:
    profile = session.profile
    read, write = session.read_codec or ("", "", ""), session.write_codec or ("", "", "")
    created = profile.created // 1_000_000
    row = {
        "uuid": session.uuid,
        "direction": profile.direction,
        "created": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(created)),
        "created_epoch": str(created),
        "name": profile.channel_name,
        "state": session.state,
        "cid_name": profile.cid_name,
        "cid_num": profile.cid_number,
        "ip_addr": profile.network_addr,
        "dest": profile.destination,
        "application": session.get("current_application"),
        "application_data": session.get("current_application_data"),
        "dialplan": profile.dialplan,
        "context": profile.context,
        "read_codec": read[0],
        "read_rate": read[1],
        "read_bit_rate": read[2],
        "write_codec": write[0],
        "write_rate": write[1],
        "write_bit_rate": write[2],
        "secure": "",
        "hostname": session.core.identity.hostname,
        "presence_id": "",
        "presence_data": "",
        "accountcode": session.get("accountcode"),
        "callstate": session.callstate,
        "callee_name": profile.callee_name,
        "callee_num": profile.callee_number,
        "callee_direction": "",
        "call_uuid": session.get("call_uuid") if session.partner else "",
        "sent_callee_name": "",
        "sent_callee_num": "",
        "initial_cid_name": profile.cid_name,
        "initial_cid_num": profile.cid_number,
        "initial_ip_addr": profile.network_addr,
        "initial_dest": profile.destination,
        "initial_dialplan": profile.dialplan,
        "initial_context": profile.context,
    }
    return row


def _originate(instance: Instance, argument: str) -> str:
    """`<dial string> &app(arg)`; blocks until it is answered, as the real one does."""
    split = argument.rfind(" &")
    if split < 0:
        return "-USAGE: <call url> <exten>|&<application_name>(<app_args>)\n"
    attempt = dial(instance.sessions, instance.phones, _one_word(argument[:split]))
    if attempt.winner is None:
        return f"-ERR {attempt.cause}\n"
    app, _, rest = argument[split + 2 :].partition("(")
    attempt.winner.core.spawn(_run_script, attempt.winner, ((app.strip(), rest.rpartition(")")[0]),))
    return f"+OK {attempt.winner.uuid}\n"


def _one_word(text: str) -> str:
    """As separate_string_blank_delim() in switch_utils.c takes the backslashes out of a word."""
    return re.sub(r"\\([\\'s])", lambda found: " " if found[1] == "s" else found[1], text)


def _run_script(session: Session, script: tuple[tuple[str, str], ...]) -> None:
    """An answered outbound leg takes its extension: from here on the called one is its caller."""
    profile = session.profile
    session.set("pre_transfer_caller_id_name", profile.cid_name)
    session.set("pre_transfer_caller_id_number", profile.cid_number)
    profile.cid_name, profile.callee_name = profile.callee_name, profile.cid_name
    profile.cid_number, profile.callee_number = profile.callee_number, profile.cid_number
    session.set("channel_cid_flipped", "yes")
    session.set("call_uuid", session.uuid)
    session.script = script
    session.follow_script()


def _global_getvar(instance: Instance, argument: str) -> str:
    if not argument:
        return "".join(f"{name}={value}\n" for name, value in instance.globals.items())
    return instance.globals.get(argument, "")


def _reload(instance: Instance, module: str) -> str:
    act = instance.reloads.get(module.strip())
    if act is None:
        return "-ERR unloading module [No such module!]\n"
    act()
    return "+OK Reloading XML\n+OK module unloaded\n+OK module loaded\n"


def _global_setvar(instance: Instance, argument: str) -> str:
    """`<name>=<value>[=<expected>]`; +OK also where another value than the expected one is there."""
    name, _, value = argument.partition("=")
    value, _, expected = value.partition("=")
    if not name:
        return "-USAGE: <var>=<value> [=<value2>]\n"
    if expected and instance.globals.get(name) != expected:
        return "+OK"
    if value:
        instance.globals[name] = value
    else:
        instance.globals.pop(name, None)
    return "+OK"


def _sched_hangup(instance: Instance, argument: str) -> str:
    """`[+]<seconds> <uuid> [<cause>]`."""
    words = argument.split()
    if len(words) < 2:
        return NO_CHANNEL
    session = instance.sessions.locate(words[1])
    if session is None:
        return NO_CHANNEL
    seconds = float(words[0].lstrip("+"))
    if not words[0].startswith("+"):
        seconds -= instance.clock.now()
    cause = cause_name(words[2]) if len(words) > 2 else "ALLOTTED_TIMEOUT"
    if seconds <= 0:
        session.hangup(cause)
    else:
        instance.schedule(seconds, session.uuid, session.hangup, cause)
    return "+OK\n"


COMMANDS: dict[str, Callable[[Instance, str], str]] = {
    "uuid_ring_ready": _ring_ready,
    "uuid_break": _with_leg(_break, "<uuid> [all]"),
    "break": _with_leg(_break, "<uuid> [all]"),
    "uuid_kill": _with_leg(_kill, "<uuid> [cause]"),
    "uuid_dump": _with_leg(_dump, "<uuid> [format]"),
    "uuid_record": _with_leg(_record, "<uuid> [start|stop|mask|unmask] <path>"),
    "uuid_buglist": _buglist,
    "uuid_setvar": _with_leg(_setvar, "<uuid> <var> [value]"),
    "uuid_set_media_stats": _with_leg(_set_media_stats, "<uuid>"),
    "uuid_getvar": _with_leg(_getvar, "<uuid> <var>"),
    "uuid_send_dtmf": _with_leg(_send_dtmf, "<uuid> <dtmf_data>"),
    "uuid_exists": lambda instance, uuid: "true" if instance.sessions.locate(uuid.strip()) else "false",
    "uuid_transfer": _with_leg(_transfer, "<uuid> [-bleg|-both] <dest-exten> [<dialplan>] [<context>]"),
    "hupall": _hupall,
    "status": _status,
    "version": lambda instance, _: f"FreeSWITCH Version {VERSION}~64bit ( 64bit)\n",
    "show": _show,
    "originate": _originate,
    "conference": conference_api,
    "global_getvar": _global_getvar,
    "global_setvar": _global_setvar,
    "sched_hangup": _sched_hangup,
    "sched_del": lambda instance, task: f"+OK Deleted: {instance.unschedule(task.strip())}\n",
    "reload": _reload,
    "reloadxml": lambda instance, _: "+OK [Success]\n",
    "reloadacl": lambda instance, _: "+OK acl reloaded\n",
    "sofia": sofia,
    "strepoch": lambda instance, _: str(int(instance.clock.now())),
    "module_exists": lambda instance, name: "true" if name.strip() in instance.modules else "false",
    "xml_locate": xml_locate,
    "echo": lambda instance, argument: argument,
}
