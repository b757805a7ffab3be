"""How good predicted probabilities are: do they rank, and are they true?

All functions take the predictions p [K] and what happened y [K], 0 or 1.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import rankdata

BINS = 10
# Below it, a prediction that failed would cost more than any other hundred (log loss).
LEAST = 1e-15


class Reliability(NamedTuple):
    """What was predicted and what happened, bin by bin of the prediction; empty bins are left out.

    Attributes:
        predicted: mean prediction of the bin.
        happened: share of the bin that happened.
        impressions: how many the bin has.
    """

    predicted: Float[np.ndarray, " Q"]
    happened: Float[np.ndarray, " Q"]
    impressions: Float[np.ndarray, " Q"]


class Quality(NamedTuple):
    """Figures of predictions on one set of impressions.

    Attributes:
        impressions: K.
        events: how many happened.
        base_rate: events over impressions.
        mean_prediction: mean of p.
        auc: see `auc`; NaN where nothing, or everything, happened.
        log_loss: see `log_loss`, nats an impression.
        base_log_loss: log loss of always saying the base rate: what a model has to beat.
        brier: see `brier`.
        calibration_error: see `expected_calibration_error`.
    """

    impressions: int
    events: int
    base_rate: float
    mean_prediction: float
    auc: float
    log_loss: float
    base_log_loss: float
    brier: float
    calibration_error: float


def auc(predicted: Float[np.ndarray, " K"], happened: Bool[np.ndarray, " K"]) -> float:
    """Chance that a random event was given more than a random non-event, ties counting half.

    The Mann-Whitney statistic over its maximum (Hanley and McNeil 1982). NaN without both kinds.
    """
    events = int(happened.sum())
    others = len(happened) - events
    if events == 0 or others == 0:
        return float("nan")
    ranks = rankdata(predicted)[happened].sum()
    return float((ranks - events * (events + 1) / 2) / (events * others))


def log_loss(predicted: Float[np.ndarray, " K"], happened: Bool[np.ndarray, " K"]) -> float:
    """Mean of ``-ln p`` of what happened, nats an impression; p is kept `LEAST` off 0 and 1."""
    sure = np.clip(predicted, LEAST, 1 - LEAST)
    return float(-np.where(happened, np.log(sure), np.log1p(-sure)).mean())


def brier(predicted: Float[np.ndarray, " K"], happened: Bool[np.ndarray, " K"]) -> float:
    """Mean of ``(p - y)²`` (Brier 1950)."""
    return float(((predicted - happened) ** 2).mean())


def reliability(
    predicted: Float[np.ndarray, " K"], happened: Bool[np.ndarray, " K"], bins: int = BINS
) -> Reliability:
    """The reliability curve over bins of about equally many impressions.

    Bins are cut at quantiles of p, because click rates crowd near zero. Equal predictions share a
    bin, so there may be fewer.
    """
    edges = np.quantile(predicted, np.linspace(0, 1, bins + 1)[1:-1])
    place = np.searchsorted(edges, predicted)
    count = np.bincount(place, minlength=bins).astype(np.float64)
    filled = count > 0
    sums = (np.bincount(place, x, minlength=bins)[filled] for x in (predicted, happened))
    mean, rate = (x / count[filled] for x in sums)
    return Reliability(mean, rate, count[filled])


def expected_calibration_error(
    predicted: Float[np.ndarray, " K"], happened: Bool[np.ndarray, " K"], bins: int = BINS
) -> float:
    """Mean over impressions of ``|predicted - happened|`` of their bin (Naeini et al., AAAI 2015).

    Here over the bins of `reliability`. It is never zero by chance alone: a bin of n impressions
    with rate r strays by about √(r / n).
    """
    curve = reliability(predicted, happened, bins)
    return float(np.average(np.abs(curve.predicted - curve.happened), weights=curve.impressions))


def quality(predicted: Float[np.ndarray, " K"], happened: Bool[np.ndarray, " K"]) -> Quality:
    """All figures of `Quality`."""
    rate = float(happened.mean())
    return Quality(
        impressions=len(happened),
        events=int(happened.sum()),
        base_rate=rate,
        mean_prediction=float(predicted.mean()),
        auc=auc(predicted, happened),
        log_loss=log_loss(predicted, happened),
        base_log_loss=log_loss(np.full(len(happened), rate), happened),
        brier=brier(predicted, happened),
        calibration_error=expected_calibration_error(predicted, happened),
    )
