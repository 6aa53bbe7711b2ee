"""The FreeSWITCH nodes as the page shows them: whether each can be used, and the account's share of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.conference.machine.state import Room
from orchestrator.node_availability import NodeState
from orchestrator.web.console.view import View, is_shown


def nodes_view(states: Sequence[NodeState], rooms: Iterable[Room], account_sid: str) -> View:
    """`rooms` of all accounts: those of others are not counted."""
    own = [room for room in rooms if room.account_sid == account_sid and is_shown(room)]
    return {"nodes": [_node(state, [room for room in own if room.node == state.name]) for state in states]}


def _node(state: NodeState, rooms: Sequence[Room]) -> View:
    return {
        "name": state.name,
        "state": state.state,
        "problem": state.problem,
        "conferences": len(rooms),
        "participants": sum(len(room.participants) for room in rooms),
    }
