"""What every answer of the API has in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class View(BaseModel):
    """An answer: frozen, and a field that this version does not know is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


Code = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,60}$")]
