"""Our part of a FreeSWITCH that was there before us: added, shown first, and taken away again."""

from orchestrator.fsconfig.existing.layout import NotUnderstood, is_existing
from orchestrator.fsconfig.existing.plan import MANIFEST, Change, add, carry_out, show, take_away

__all__ = ["MANIFEST", "Change", "NotUnderstood", "add", "carry_out", "is_existing", "show", "take_away"]
