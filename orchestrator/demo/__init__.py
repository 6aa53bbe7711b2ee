"""`orchestrator demo`: a conference to look at, with an emulated FreeSWITCH or a real one."""

from orchestrator.demo.command import main

__all__ = ["main"]
