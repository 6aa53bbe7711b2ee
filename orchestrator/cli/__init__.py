"""The command `orchestrator`: what runs the service, and what looks at it and steers it while it runs."""

from orchestrator.cli.command import example, main

__all__ = ["example", "main"]
