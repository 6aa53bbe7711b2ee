"""The settings, converted into the types of the parts that use them."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from orchestrator.callbacks.retry import DeliverySettings
from orchestrator.callbacks.signature import AccountKeys
from orchestrator.callbacks.style import keys_of
from orchestrator.conference.machine.effects import BeepKind
from orchestrator.config.service import Tone
from orchestrator.config.settings import Settings
from orchestrator.media.audio_cache import AudioCache, AudioFile
from orchestrator.net.addresses import AddressPolicy
from orchestrator.recordings.signed_urls import KEY_BYTES, UrlSigner
from orchestrator.store.interface import StateStore
from orchestrator.timeline.recorder import TimelineLimits

RECORDING_URL_KEY = "recording url key"
INSTALLATION = "installation"
CONSOLE_SECRET = "console secret"


def beeps(settings: Settings, audio_cache: AudioCache) -> dict[BeepKind, AudioFile]:
    """A file for each beep; two that sound alike share one."""
    conference = settings.conference
    tones: dict[BeepKind, Tone] = {
        "enter": conference.enter_beep,
        "exit": conference.exit_beep,
        "record": conference.record_beep,
    }
    return {kind: audio_cache.beep(tone.hz, tone.ms) for kind, tone in tones.items()}


def account_keys(settings: Settings) -> dict[str, AccountKeys]:
    """The signing keys of each account, by its sid."""
    return {account.sid: keys_of(account) for account in settings.accounts}


def address_policy(settings: Settings) -> AddressPolicy:
    network = settings.network
    return AddressPolicy(network.private_addresses == "allow", network.allow, network.deny)


def url_signer(settings: Settings, store: StateStore) -> UrlSigner | None:
    """Its key is made once: URLs from before a restart stay valid."""
    lifetime = settings.recordings.url_lifetime_secs
    if lifetime is None:
        return None
    return UrlSigner(_made_once(store, RECORDING_URL_KEY, lambda: secrets.token_bytes(KEY_BYTES)), lifetime)


def console_secret(store: StateStore) -> bytes:
    """Signs the console's cookies: a restart signs nobody out."""
    return _made_once(store, CONSOLE_SECRET, lambda: secrets.token_bytes(32))


def installation(store: StateStore) -> str:
    """Identifies this database."""
    return _made_once(store, INSTALLATION, lambda: secrets.token_hex(8).encode()).decode()


def _made_once(store: StateStore, kind: str, make: Callable[[], bytes]) -> bytes:
    """Kept in the database, which its user alone can read."""
    kept = store.get(kind, "")
    if kept is None:
        kept = make()
        store.commit(put=[(kind, "", kept)])
    return kept


def delivery_settings(settings: Settings) -> DeliverySettings:
    callbacks = settings.callbacks
    return DeliverySettings(
        timeout=callbacks.timeout_secs,
        attempts=callbacks.attempts,
        backoff=callbacks.backoff_secs,
        max_retry_after=callbacks.max_retry_after_secs,
        max_age=callbacks.max_age_secs,
        max_waiting=callbacks.max_waiting,
        concurrency=callbacks.concurrency,
        per_host=callbacks.concurrency_per_destination,
    )


def timeline_limits(settings: Settings) -> TimelineLimits:
    timeline = settings.timeline
    return TimelineLimits(timeline.entries, timeline.document_bytes, timeline.digits)
