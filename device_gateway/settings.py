"""The environment, read once. Every variable of the gateway is a field here, prefix `HOMEWARD_`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

PREFIX: Final = "HOMEWARD_"


class Settings(BaseModel):
    """What a gateway process is told by its environment; a command's options go before it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    homes: Path = Path("homeward-data/homes.json")
    spool_dir: Path = Path("homeward-data/spools")
    # Seconds without a receipt until a reading is sent again. Source: RELIABILITY.md B.6.
    resend_after_s: float = Field(default=30, gt=0)
    # Longest wait, in seconds, between two attempts to reach the broker.
    reconnect_max_s: int = Field(default=30, ge=1)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return what the environment says, defaults where it says nothing.

    Raises:
        ValidationError: a variable has a value that cannot be used.
    """
    named = {f"{PREFIX}{field.upper()}": field for field in Settings.model_fields}
    given = {named[name]: value for name, value in environ.items() if value and name in named}
    return Settings.model_validate(given)
