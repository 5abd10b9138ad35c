"""The environment, read once. Every variable of the gateway is a field here, prefix `HOMEWARD_`."""

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from device_gateway.publish.connection import Pace
from device_gateway.spool.bounds import MB, Bounds

PREFIX: Final = "HOMEWARD_"


class Settings(BaseModel):
    """What a gateway process is told by its environment; a command's options go before it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    homes: Path = Path("homeward-data/homes.json")
    spool_dir: Path = Path("homeward-data/spools")
    # Seconds without a receipt until a reading is sent again.
    # Source: see docs/reference/brokers-and-databases.md#delivery.
    resend_after_s: float = Field(default=30, gt=0)
    # Longest wait, in seconds, between two attempts to reach the broker.
    reconnect_max_s: int = Field(default=30, ge=1)
    # Readings of a backlog that one home sends in a second; why this many stands at `Pace`.
    drain_per_s: float = Field(default=Pace().drain_per_s, gt=0)
    # How large one home's spool may become, and what its disk keeps free; why stands at `Bounds`.
    spool_max_mb: int = Field(default=Bounds().max_bytes // MB, ge=3)
    spool_keep_free_mb: int = Field(default=Bounds().keep_free_bytes // MB, ge=0)
    kept_days: int = Field(default=Bounds().kept_days, ge=1)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    def pace(self, *, hurry: bool = False) -> Pace:
        """Return how fast homes send; in a hurry a backlog goes as fast as the ward takes it."""
        drain_per_s = math.inf if hurry else self.drain_per_s
        return Pace(self.resend_after_s, self.reconnect_max_s, drain_per_s)

    def bounds(self) -> Bounds:
        """Return how large the spool of each home may become."""
        return Bounds(
            max_bytes=self.spool_max_mb * MB,
            keep_free_bytes=self.spool_keep_free_mb * MB,
            kept_days=self.kept_days,
        )


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return what the environment says, defaults where it says nothing.

    Raises:
        ValidationError: a variable has a value that cannot be used.
    """
    named = {f"{PREFIX}{field.upper()}": field for field in Settings.model_fields}
    given = {named[name]: value for name, value in environ.items() if value and name in named}
    return Settings.model_validate(given)
