"""The example file works as it is and leaves no setting out."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from orchestrator.cli import example
from orchestrator.config import Settings, loads


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models(field.annotation)
    for argument in get_args(annotation):
        yield from models(argument)


KEYS = sorted(
    {field.alias or name for model in models(Settings) for name, field in model.model_fields.items()}
    # Of applications, profiles and trunks it is the key above.
    - {"name"}
)


def test_the_example_passes_as_it_is() -> None:
    settings = loads(example(), environ={})
    application = settings.application_for("+13125550001")
    assert application is not None
    assert application.voice_url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("key", KEYS)
def test_the_example_shows_every_key(key: str) -> None:
    assert re.search(rf"^[\s#{{-]*{key}:|[{{,] *{key}:", example(), re.MULTILINE), (
        f"{key} is nowhere in the example"
    )


DATABASE = {"DATABASE_URL": "postgresql://texml@127.0.0.1/texml"}
SECRETS = ("CARRIER_PASSWORD", "ORCHESTRATOR_METRICS_KEY", "TWILIO_AUTH_TOKEN")


def test_keys_commented_out_in_the_example_would_pass_too() -> None:
    # A comment that is a setting: `# key: value` or `# "pattern": value` or `# - item`.
    lines = [
        re.sub(r"^(\s*)# ( *)(?=(\"[^\"]+\"|[+\w-]+): |\w+:$)", r"\1\2", line)
        for line in example().splitlines()
    ]
    # `speech.command` goes with another engine, and the secrets have to exist.
    text = "\n".join(line for line in lines if "espeak-ng" not in line and "signing_key:" not in line)
    text = text.replace("numbers: {}", "numbers:")
    settings = loads(text, environ=dict.fromkeys(SECRETS, "x") | DATABASE)
    assert set(settings.trunks) == {"carrier", "existing", "peer"}
    assert len(settings.numbers) == 3
    assert settings.profiles["wide"].sounds.perpetual == "/srv/sounds/tick.wav"
