"""Faults of a server or its database in words, each with its remedy."""

from __future__ import annotations

from typing import Final

import psycopg

from orchestrator.store.interface import OutboxError

_WORDS: Final = (
    (
        ("password authentication failed", "no password supplied", "28P01"),
        "the user or password is wrong",
        "correct them in callbacks.postgresql",
    ),
    (("no pg_hba.conf entry", "28000"), "", "allow this user and address in pg_hba.conf of the server"),
    (("does not exist", "3D000"), "", "make it: createuser and createdb, or correct callbacks.postgresql"),
    (
        ("Connection refused", "No such file or directory"),
        "nothing listens there",
        "start PostgreSQL, or correct host and port in callbacks.postgresql",
    ),
    (("timeout", "timed out"), "it does not answer", "is it reachable from here, and not overloaded?"),
    (
        ("42501", "permission denied", "no schema has been selected", "3F000"),
        "",
        "the user must own the database, or may create tables in it",
    ),
    (("53300", "too many clients", "remaining connection slots"), "", "raise max_connections of the server"),
    (("53100",), "its disk is full", "free space on the server's disk"),
    (
        ("25006", "read-only transaction", "session is read-only"),
        "it is a standby, or read-only",
        "give all hosts, and target_session_attrs=read-write",
    ),
    (("57P0", "starting up", "shutting down"), "", "it is retried by itself"),
)


def explain(place: str, error: Exception) -> OutboxError:
    """psycopg's error with a remedy."""
    text = " ".join(str(error).split())
    code = getattr(error, "sqlstate", None) or ""
    for marks, fault, remedy in _WORDS:
        if any(mark in text or code.startswith(mark) for mark in marks):
            return OutboxError(place, f"{fault} ({text})" if fault else text, remedy)
    if isinstance(error, psycopg.OperationalError):
        return OutboxError(place, text, "is the server running, and reachable from here?")
    return OutboxError(place, f"{text} {code}".strip(), "this is a fault of the program: please report it")
