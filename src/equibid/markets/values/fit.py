"""Models of what an impression is worth: the chance of a click or a conversion.

Rows come in time order. The model learns from the first of them; on the rest, whose outcomes it
has not seen, it is calibrated, and bidders are tuned there.
"""

from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from jaxtyping import Bool, Float
from scipy.sparse import csr_array
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction import FeatureHasher
from sklearn.linear_model import LogisticRegression

from equibid.errors import InputError
from equibid.markets.values.calibration import fit_calibration
from equibid.markets.values.features import Columns, coded, words
from equibid.markets.values.model import Fitted

Kind = Literal["logistic", "trees"]

HASHES = 2**18


@dataclass(frozen=True)
class Logistic:
    """``1 / (1 + exp(-(w · x + intercept)))`` on hashed words x.

    Attributes:
        weights: w, one a hash.
        intercept: log odds of an impression without a known word.
    """

    weights: Float[np.ndarray, " D"]
    intercept: float

    def predict(self, columns: Columns) -> Float[np.ndarray, " K"]:
        """Chance of the outcome on each impression."""
        return expit(hashed(columns, len(self.weights)) @ self.weights + self.intercept)


@dataclass(frozen=True)
class Trees:
    """Gradient-boosted trees on coded words."""

    forest: HistGradientBoostingClassifier

    def predict(self, columns: Columns) -> Float[np.ndarray, " K"]:
        """Chance of the outcome on each impression."""
        return self.forest.predict_proba(coded(columns))[:, 1]


def hashed(columns: Columns, hashes: int = HASHES) -> csr_array:
    """[K, D] one for each word, at a place its hash gives: no list of words has to be kept.

    Two words may share a place; with 2^18 places few do (Weinberger et al., ICML 2009).
    """
    hasher = FeatureHasher(hashes, input_type="string", alternate_sign=False)
    return csr_array(hasher.transform(words(columns)))


def fit_logistic(
    columns: Columns, happened: Bool[np.ndarray, " K"], strength: float = 1.0, hashes: int = HASHES
) -> Logistic:
    """Logistic regression with an L2 penalty of ``|w|² / (2 · strength)`` beside the summed loss.

    Args:
        columns: see `features.NAMES`.
        happened: the outcome.
        strength: how much the data count against the penalty (scikit-learn's C).
        hashes: D, places of the hashed words.
    """
    rows = hashed(columns, hashes)
    # A place without a word keeps a weight of zero; leaving it out is much faster.
    used = np.unique(rows.indices)
    model = LogisticRegression(C=strength, max_iter=2000, tol=1e-6)
    model.fit(rows[:, used], happened)
    weights = np.zeros(hashes)
    weights[used] = model.coef_[0]
    return Logistic(weights, np.asarray(model.intercept_).item())


def fit_trees(columns: Columns, happened: Bool[np.ndarray, " K"], seed: int = 0) -> Trees:
    """Gradient boosting on histograms; few, slow, small trees, as outcomes are rare."""
    kinds = coded(columns)
    forest = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=100,
        max_leaf_nodes=15,
        l2_regularization=1.0,
        # The last column is a count.
        categorical_features=[True] * (kinds.shape[1] - 1) + [False],
        # Scikit-learn's annotation forgets that it may be a bool.
        early_stopping=cast(Any, False),
        random_state=seed,
    )
    return Trees(forest.fit(kinds, happened))


def fit_values(
    columns: Columns,
    happened: Bool[np.ndarray, " K"],
    kind: Kind = "logistic",
    calibrate: str = "platt",
    held_share: float = 0.25,
    strength: float = 1.0,
) -> Fitted:
    """A calibrated model from rows in time order.

    Args:
        columns: see `features.NAMES`.
        happened: the outcome.
        kind: of the model.
        calibrate: a name in `CALIBRATIONS`.
        held_share: of the rows, the last of them, held out to calibrate and to tune on.
        strength: of the logistic model, see `fit_logistic`.

    Raises:
        InputError: a share leaves no rows, or one of the two parts does not hold both rows with
            the outcome and rows without.
    """
    count = len(happened)
    held = count - round(held_share * count)
    if not 0 < held < count:
        raise InputError(f"a held-out share of {held_share:g} of {count} rows leaves a part empty")
    seen = {name: words[:held] for name, words in columns.items()}
    events = int(happened[:held].sum())
    if not 0 < events < held:
        raise InputError(
            f"{events} of the first {held} impressions have the outcome; a model needs some with "
            "and some without: give a longer log, or hold out less"
        )
    if kind == "trees":
        model = fit_trees(seen, happened[:held])
    else:
        model = fit_logistic(seen, happened[:held], strength)
    rest = {name: words[held:] for name, words in columns.items()}
    curve = fit_calibration(calibrate, model.predict(rest), happened[held:])
    return Fitted(model, curve, held)
