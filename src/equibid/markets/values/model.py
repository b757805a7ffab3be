"""What a value model is, however it was made."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float

from equibid.markets.values.calibration import Calibration
from equibid.markets.values.features import Columns


class ValueModel(Protocol):
    """A fitted model."""

    def predict(self, columns: Columns) -> Float[np.ndarray, " K"]:
        """Chance of the outcome on each impression."""
        ...


@dataclass(frozen=True)
class Fitted:
    """A model with the curve that makes it true.

    Attributes:
        model: learned from the rows before `held`.
        calibration: fitted on the rows from `held` on.
        held: how many rows were learned from.
    """

    model: ValueModel
    calibration: Calibration
    held: int

    def predict(self, columns: Columns) -> Float[np.ndarray, " K"]:
        """Calibrated chance of the outcome on each impression."""
        return self.calibration.apply(self.model.predict(columns))
