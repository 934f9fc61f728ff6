"""What every section of a configuration is: unknown keys are errors, values cannot be changed."""

import math
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _check_scalar(value: Any) -> Any:
    """Refuse what is none of the kinds in one sentence; pydantic has one for each kind."""
    if not isinstance(value, bool | int | float | str) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError("must be true or false, a finite number, or a text")
    return value


Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[int, Field(gt=0)]
Scalar = Annotated[bool | int | float | str, BeforeValidator(_check_scalar)]


class Section(BaseModel):
    """Base of every section: unknown keys are errors, values cannot be changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
