"""Every model sees every impression, and of another campaign's only what anybody would see."""

from dataclasses import dataclass

import numpy as np

from equibid.markets.values.calibration import Scale
from equibid.markets.values.features import NAMES, Columns
from equibid.markets.values.joint import predict_all
from equibid.markets.values.model import Fitted


@dataclass(frozen=True)
class Reader:
    """Predicts `known` where it is told the creative, else a hundredth for each city."""

    known: float

    def predict(self, columns: Columns) -> np.ndarray:
        pairs = zip(columns["creative"], columns["city"], strict=True)
        return np.array([self.known if word else int(city) / 100 for word, city in pairs])


def log(cities: list[str]) -> Columns:
    return {name: ["x"] * len(cities) for name in NAMES} | {"city": cities}


def test_what_the_buyer_brought_is_told_to_its_own_model_only() -> None:
    fitted = [Fitted(Reader(0.5), Scale(0.5), 0), Fitted(Reader(0.25), Scale(2.0), 0)]
    found = predict_all([log(["1", "2"]), log(["3"])], fitted)
    assert found.owner.tolist() == [0, 0, 1]
    assert found.raw.tolist() == [[0.5, 0.01], [0.5, 0.02], [0.03, 0.25]]
    # Each model has the curve of its own.
    np.testing.assert_allclose(found.calibrated, [[0.25, 0.02], [0.25, 0.04], [0.015, 0.5]])
