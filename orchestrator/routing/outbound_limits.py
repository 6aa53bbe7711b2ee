"""Limits of outgoing calls: each is checked here before it is dialled, and counted until it ends."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from orchestrator.config.current import CurrentSettings
from orchestrator.config.trunks import Trunk
from orchestrator.esl.errors import SwitchError
from orchestrator.logs import get_logger
from orchestrator.routing.endpoints import Route

log = get_logger(__name__)

MINUTE = 60.0


class OutboundLimitReached(ValueError):
    """A limit says that this call is not to be made: which one, and what it is."""


class _OutboundCall(NamedTuple):
    trunk: str
    account: str
    node: str


class OutboundLimits:
    """Counts outgoing calls by trunk and account. The counts end with the process, save for
    calls that are resumed."""

    def __init__(self, current: CurrentSettings) -> None:
        self._current = current
        self._calls: dict[str, _OutboundCall] = {}
        self._begun: dict[str, deque[float]] = {}

    def admit(self, uuid: str, account_sid: str, route: Route, node: str = "") -> None:
        """Of the call that will have the leg `uuid` on this FreeSWITCH node. Raises OutboundLimitReached."""
        now, trunk = time.monotonic(), route.trunk
        if trunk is not None and route.called is not None:
            if not trunk.allows(route.called):
                number = route.called.number
                raise OutboundLimitReached(f"trunk {trunk.name} may not call {number}: its destinations")
            going = sum(one.trunk == trunk.name for one in self._calls.values())
            _below(going, trunk.max_calls, f"trunk {trunk.name}: max_calls")
            lately = self._lately(trunk.name, now)
            _below(lately, trunk.calls_per_minute, f"trunk {trunk.name}: calls_per_minute")
        account = self._current.settings.account(account_sid)
        if account is not None:
            going = sum(one.account == account_sid for one in self._calls.values())
            name = f"account {account.name or account.sid}"
            _below(going, account.max_outgoing_calls, f"{name}: max_outgoing_calls")
            lately = self._lately(account_sid, now)
            _below(lately, account.outgoing_calls_per_minute, f"{name}: outgoing_calls_per_minute")
        self.resume(uuid, account_sid, trunk, node)
        for whose in (account_sid, *([trunk.name] if trunk else [])):
            self._lately(whose, now)
            self._begun.setdefault(whose, deque()).append(now)

    def resume(self, uuid: str, account_sid: str, trunk: Trunk | None, node: str = "") -> None:
        """One that an earlier process dialled goes on; it is admitted whatever the limits are now."""
        self._calls[uuid] = _OutboundCall(trunk.name if trunk else "", account_sid, node)

    def ended(self, uuid: str) -> None:
        """Its leg is gone, or never came to be."""
        self._calls.pop(uuid, None)

    def lost(self, node: str, exists: Callable[[str], bool]) -> None:
        """Forget legs that this FreeSWITCH no longer has: it was out of reach. Blocks while `exists` asks."""
        try:
            for uuid, going in tuple(self._calls.items()):
                if going.node == node and not exists(uuid):
                    self.ended(uuid)
        except SwitchError as error:
            log.warning("outgoing calls not looked through", problem=str(error))

    def _lately(self, whose: str, now: float) -> int:
        begun = self._begun.get(whose, deque())
        while begun and now - begun[0] >= MINUTE:
            begun.popleft()
        return len(begun)


def _below(count: int, most: int | None, what: str) -> None:
    if most is not None and count >= most:
        raise OutboundLimitReached(f"{what} is {most}")
