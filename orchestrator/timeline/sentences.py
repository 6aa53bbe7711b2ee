"""Entries of the timeline in plain English, with a remedy where there is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from orchestrator.timeline.entry import Entry, Fact
from orchestrator.timeline.hangups import callee_ended, hangup, rejected


def sentence(entry: Entry) -> str:
    """One sentence or two about any entry, without its time."""
    say = _SENTENCES.get(entry.kind)
    if say is not None:
        return say(Said(entry))
    facts = ", ".join(f"{name} {_text(fact)}" for name, fact in entry.facts.items())
    return f"{entry.kind}: {facts}." if facts else f"{entry.kind}."


class Said:
    """An entry's facts as text; empty where it has none."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry

    def __getattr__(self, name: str) -> str:
        return _text(self.entry.facts.get(name))

    def number(self, name: str) -> float:
        fact = self.entry.facts.get(name)
        return float(fact) if isinstance(fact, (int, float)) else 0.0

    def after(self, word: str, name: str, behind: str = "") -> str:
        """` word fact`, or nothing."""
        fact = _text(self.entry.facts.get(name))
        return f" {word} {fact}{behind}" if fact else ""

    def at_line(self) -> str:
        """Of the document; a generated one has no lines."""
        return self.after("(line", "line", ")") if self.number("line") else ""


def _text(fact: Fact) -> str:
    if isinstance(fact, bool):
        return "yes" if fact else "no"
    if isinstance(fact, list):
        return ", ".join(map(str, fact))
    return "" if fact is None else f"{fact:g}" if isinstance(fact, float) else str(fact)


def _by(s: Said) -> str:
    by = {"api": "through the API", "console": "from the console", "document": "by the document"}
    return (
        f" {by.get(s.by, f'by the {s.by}' if s.by == 'caller' else f'by {s.by}')}{s.after('with', 'key')}"
        if s.by
        else ""
    )


# Calls


def _arrived(s: Said) -> str:
    origin = f"{s.after('from', 'address')}{s.after('(', 'came_from', ')').replace('( ', '(')}"
    return f"Call from {s.caller or 'an unknown number'} to {s.called}{origin}: application {s.application}."


def _dialled(s: Said) -> str:
    trunk = s.after("through trunk", "trunk")
    return f"Call to {s.called}{s.after('from', 'caller')}, dialled{_by(s)}{trunk}."


def _status(s: Said) -> str:
    words = {
        "ringing": "The phone rings.",
        "early-media": "The phone sends sound before it answers.",
        "answered": "Answered.",
        "hanging-up": f"The orchestrator hangs up{s.after('with', 'cause')}: {s.why}.",
        "lost-freeswitch": "The connection to FreeSWITCH was lost: the call goes on when it is back.",
        "redirected": f"Other instructions came{_by(s)}: the current document ends here.",
    }
    return words.get(s.status, f"The call is {s.status}.")


def _resumed(s: Said) -> str:
    return f"The orchestrator was restarted, and goes on with the call{s.after('in', 'document')}."


# Documents


def _request(s: Said) -> str:
    return f"Document requested{_purpose(s)}: {s.method} {s.url}."


def _answer(s: Said) -> str:
    kind = s.after("of type", "type")
    return f"Document received{_purpose(s)} from {s.url}: {s.status}, {s.bytes} bytes{kind}, in {s.ms} ms."


def _document_failed(s: Said) -> str:
    after = f" after {s.ms} ms" if s.ms else ""
    onward = {"fallback": " The fallback URL is requested.", "end": " The call ends."}.get(s.then, "")
    if s.outcome == "abandoned":
        why = {
            "hangup": "the caller hung up while it was fetched",
            "redirect": "other instructions came while it was fetched",
        }.get(s.why, "its result was no longer needed")
        return f"Document not used{_purpose(s)}: {why}{after} ({s.url})."
    return f"Document{_purpose(s)} cannot be used: {s.url}: {s.problem}{after}.{_remedy(s)}{onward}"


def _document_warning(s: Said) -> str:
    return f"Warning in the document{s.at_line()}: {s.problem}."


def _purpose(s: Said) -> str:
    return s.after("for", "purpose")


def _remedy(s: Said) -> str:
    return f" {s.remedy}." if s.remedy else ""


# Verbs


def _verb_begin(s: Said) -> str:
    return f"{s.verb}{s.after('of', 'subject')} begins{s.at_line()}."


def _verb_end(s: Said) -> str:
    return f"{s.verb} ends after {s.ms} ms{s.at_line()}: {s.outcome}."


def _verb_warning(s: Said) -> str:
    named = ("what", "line", "problem", "url", "remedy")
    more = [f"{name} {_text(fact)}" for name, fact in s.entry.facts.items() if name not in named and fact]
    parts = [s.what[:1].upper() + s.what[1:] + s.at_line(), s.problem, ", ".join(more)]
    return f"{': '.join(part for part in parts if part)}.{_remedy(s)}"


# Conferences


def _waiting(s: Said) -> str:
    return f"Waits for conference {s.name} to start."


def _as(s: Said) -> str:
    """Which of the participants it is."""
    return s.after("as", "label") or s.after("as", "number")


def _join(s: Said) -> str:
    how = _as(s) + s.after(",", "state").replace(" , ", ", ")
    return f"Joined conference {s.name}{how}: {s.participants} in it."


def _leave(s: Said) -> str:
    return f"Left conference {s.name}{_as(s)}: {s.reason or 'hung up'}; {s.participants} in it."


def _started(s: Said) -> str:
    return f"Conference {s.name} started."


def _ended(s: Said) -> str:
    return f"Conference {s.name} ended: {s.reason}."


def _changed(s: Said) -> str:
    return f"{s.change}{_by(s)}."


def _refused(s: Said) -> str:
    return f"Not admitted to conference {s.name}: {s.reason}."


def _announcement(s: Said) -> str:
    if s.problem:
        return f"Announcement {s.url} was not played: {s.problem}."
    return f"Announcement {s.url} was played." if s.over else f"Announcement {s.url} asked for{_by(s)}."


# Recordings


def _recorded(s: Said) -> str:
    if s.problem:
        return f"Recording {s.recording} ended early after {s.seconds} s: {s.problem}.{_remedy(s)}"
    return f"Recording {s.recording} completed: {s.seconds} s."


def _absent(s: Said) -> str:
    return f"Recording {s.recording} is absent: {s.problem or 'nothing was recorded'}.{_remedy(s)}"


def _recording(word: str) -> Callable[[Said], str]:
    return lambda s: f"Recording {s.recording} {word}{_by(s)}."


# Callbacks


def _attempt(s: Said) -> str:
    answer = f"answered {s.status}" if s.status else s.error
    text = f", with: {s.answer}" if s.answer and s.verdict != "delivered" else ""
    head = f"Callback {s.event} to {s.url}"
    if s.verdict == "delivered":
        late = s.after("at attempt", "attempt") if s.number("attempt") > 1 else ""
        return f"{head} delivered{late}: {answer} in {s.ms} ms."
    again = f" Tried again in {s.again_in} s." if s.number("again_in") else ""
    return f"{head}, attempt {s.attempt}: {answer} after {s.ms} ms{text}.{again}"


def _callback_failed(s: Said) -> str:
    tried = int(s.number("attempts"))
    attempts = "1 attempt" if tried == 1 else f"{tried} attempts"
    return (
        f"Callback {s.event} to {s.url} failed {f'after {attempts}' if tried else 'without an attempt'}: "
        f"{s.error}. Once the receiver works, `orchestrator callbacks retry` sends it again."
    )


# Media


def _quality(s: Said) -> str:
    jitter, mos = s.after(", jitter", "jitter_ms", " ms"), s.after(", MOS", "mos")
    lost = f"about {s.lost} lost ({s.loss_percent} %)" if s.number("lost") else "none lost"
    received = f"{s.packets_in} packets received, {lost}{jitter}{mos}".replace(" , ", ", ")
    return f"Media: {received}; {s.packets_out} sent."


def _silent(s: Said) -> str:
    since = "for" if s.ever == "yes" else "since it joined, for"
    return (
        f"Nothing has been received from the phone {since} {s.seconds} s: the others cannot hear it. "
        "A firewall or NAT may keep its RTP away, or FreeSWITCH's advertised media address is not its own."
    )


def _heard(s: Said) -> str:
    return f"Its RTP is received again, after {s.seconds} s."


def _digits(s: Said) -> str:
    return f"Key pressed: {s.digits}."


def _command(s: Said) -> str:
    by, label = s.after("with", "key"), s.after("(participant", "label", ")")
    if s.problem:
        return f"Refused through the API{by}: {s.command}: {s.problem}"
    return f"Asked for through the API{by}: {s.command}{label}{s.after('with', 'fields')}."


def _full(s: Said) -> str:
    return (
        f"The timeline has {s.entries} entries, as many as it may have (timeline.entries): more are left out."
    )


_SENTENCES: Final[dict[str, Callable[[Said], str]]] = {
    "api.command": _command,
    "call.arrived": _arrived,
    "call.callee": lambda s: callee_ended(s.entry.facts),
    "call.dialled": _dialled,
    "call.hangup": lambda s: hangup(s.entry.facts),
    "call.rejected": lambda s: rejected(s.entry.facts),
    "call.resumed": _resumed,
    "call.status": _status,
    "callback.attempt": _attempt,
    "callback.failed": _callback_failed,
    "conference.announcement": _announcement,
    "conference.change": _changed,
    "conference.end": _ended,
    "conference.join": _join,
    "conference.leave": _leave,
    "conference.rejected": _refused,
    "conference.start": _started,
    "conference.waiting": _waiting,
    "document.answer": _answer,
    "document.failed": _document_failed,
    "document.request": _request,
    "document.warning": _document_warning,
    "dtmf": _digits,
    "media.heard": _heard,
    "media.quality": _quality,
    "media.silent": _silent,
    "recording.absent": _absent,
    "recording.completed": _recorded,
    "recording.paused": _recording("paused"),
    "recording.resumed": _recording("goes on"),
    "recording.start": _recording("begins"),
    "timeline.full": _full,
    "verb.begin": _verb_begin,
    "verb.end": _verb_end,
    "verb.warning": _verb_warning,
}
