"""The words that a home can always say: when to ring 111, and when 999. They ship with it."""

import tomllib
from functools import cache
from importlib import resources
from typing import Final

FILE: Final = "safety_net.toml"


@cache
def safety_net(language: str | None = None) -> tuple[str, ...]:
    """Return the plain words in a language, or in that of reference where there are none."""
    text = resources.files("device_gateway.advise").joinpath(FILE).read_text(encoding="utf-8")
    written = tomllib.loads(text)
    said = written.get(language or "") or written[written["reference_language"]]
    return said["before"].strip(), said["safety_net"].strip()
