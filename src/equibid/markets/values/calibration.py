"""Make predicted probabilities true: a curve from what was predicted to what happened.

A curve is fitted on impressions whose outcomes the model has not learned from, and never on those
that bidders are judged on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import isotonic_regression
from scipy.special import expit, logit

from equibid.errors import InputError
from equibid.markets.values.quality import LEAST
from equibid.registry import Registry

# Of Newton's method; it needs about ten.
STEPS = 100
TOLERANCE = 1e-10


class Calibration(Protocol):
    """A curve, never falling."""

    def apply(self, predicted: Float[np.ndarray, " K"]) -> Float[np.ndarray, " K"]:
        """Calibrated probabilities."""
        ...


@dataclass(frozen=True)
class Identity:
    """Predictions as they are."""

    def apply(self, predicted: Float[np.ndarray, " K"]) -> Float[np.ndarray, " K"]:
        """The same."""
        return predicted


@dataclass(frozen=True)
class Scale:
    """``min(factor · p, 1)``: the right mean, and the same order."""

    factor: float

    def apply(self, predicted: Float[np.ndarray, " K"]) -> Float[np.ndarray, " K"]:
        """Scaled."""
        return np.minimum(self.factor * predicted, 1.0)


@dataclass(frozen=True)
class Platt:
    """``1 / (1 + exp(-(slope · logit p + shift)))``, slope >= 0."""

    slope: float
    shift: float

    def apply(self, predicted: Float[np.ndarray, " K"]) -> Float[np.ndarray, " K"]:
        """On the logistic curve."""
        return expit(self.slope * _logit(predicted) + self.shift)


@dataclass(frozen=True)
class Isotonic:
    """Straight lines between the points (at, rate), level beyond the ends."""

    at: Float[np.ndarray, " Q"]
    rate: Float[np.ndarray, " Q"]

    def apply(self, predicted: Float[np.ndarray, " K"]) -> Float[np.ndarray, " K"]:
        """On the broken line."""
        return np.interp(predicted, self.at, self.rate)


Fit = Callable[[Float[np.ndarray, " K"], Bool[np.ndarray, " K"]], Calibration]
CALIBRATIONS: Registry[Fit] = Registry("calibration")


def fit_calibration(
    kind: str, predicted: Float[np.ndarray, " K"], happened: Bool[np.ndarray, " K"]
) -> Calibration:
    """The curve of one of `CALIBRATIONS`.

    Raises:
        InputError: there is no such kind, or it cannot be told where nothing, or everything,
            happened.
    """
    fit = CALIBRATIONS[kind]
    if kind != "none" and not 0 < happened.sum() < len(happened):
        raise InputError(
            f"{int(happened.sum())} of the {len(happened)} impressions held out to calibrate on "
            "have the outcome, and there must be some with and some without; hold out a larger "
            "share, or do not calibrate"
        )
    return fit(predicted, happened)


@CALIBRATIONS.add("isotonic", "The best curve that never falls; needs many outcomes.")
def isotonic(predicted: Float[np.ndarray, " K"], happened: Bool[np.ndarray, " K"]) -> Isotonic:
    """Isotonic regression (Zadrozny and Elkan, KDD 2002), anchored at both ends.

    A lowest step without events would be worth exactly nothing, and a value of zero means no bid;
    a highest step may be a single event. So one further impression with the base rate is counted
    at the lowest and one at the highest prediction.
    """
    at, target = _anchored(predicted, happened)
    at, place, count = np.unique(at, return_inverse=True, return_counts=True)
    mean = np.bincount(place, target) / count
    rate = np.asarray(isotonic_regression(mean, weights=count).x)
    # The corners of the steps say it all.
    left = np.concatenate([[True], rate[1:] != rate[:-1]])
    corner = left | np.concatenate([left[1:], [True]])
    return Isotonic(at[corner], rate[corner])


@CALIBRATIONS.add("platt", "A logistic curve in the log odds, two numbers; for few outcomes.")
def platt(predicted: Float[np.ndarray, " K"], happened: Bool[np.ndarray, " K"]) -> Platt:
    """Logistic regression on the log odds (Platt 1999), anchored at both ends as `isotonic`.

    The anchors keep few events from making the curve steep. Platt's own targets do so too, but
    count every event as less than one: of rare events they get the mean wrong. Where the best
    slope falls, the best curve that does not fall is level.
    """
    at, target = _anchored(predicted, happened)
    odds = _logit(at)
    flat = float(logit(target.mean()))
    if np.ptp(odds) == 0:
        return Platt(0.0, flat)
    slope, shift = _logistic_line(odds, target)
    return Platt(slope, shift) if slope > 0 else Platt(0.0, flat)


@CALIBRATIONS.add("scale", "One factor, so that the mean is right and the order is kept.")
def scale(predicted: Float[np.ndarray, " K"], happened: Bool[np.ndarray, " K"]) -> Scale:
    """Events over the sum of predictions."""
    return Scale(float(happened.sum() / max(float(predicted.sum()), LEAST)))


@CALIBRATIONS.add("none", "Predictions as the model gives them.")
def none(predicted: Float[np.ndarray, " K"], happened: Bool[np.ndarray, " K"]) -> Identity:
    """Nothing to fit."""
    return Identity()


def _logistic_line(
    x: Float[np.ndarray, " K"], target: Float[np.ndarray, " K"]
) -> tuple[float, float]:
    """Slope and shift of greatest likelihood, by Newton steps that are halved until it grows."""
    design = np.stack([x, np.ones_like(x)], axis=1)

    def loss(line: Float[np.ndarray, " 2"]) -> float:
        z = design @ line
        return float((np.logaddexp(0, z) - target * z).sum())

    line = np.array([0.0, logit(target.mean())])
    for _ in range(STEPS):
        p = expit(design @ line)
        slope = design.T @ (p - target)
        step = np.linalg.solve((design.T * (p * (1 - p))) @ design, slope)
        now = loss(line)
        while loss(line - step) > now and np.abs(step).max() > TOLERANCE:
            step = step / 2
        line = line - step
        if np.abs(step).max() <= TOLERANCE:
            break
    return float(line[0]), float(line[1])


def _anchored(
    predicted: Float[np.ndarray, " K"], happened: Bool[np.ndarray, " K"]
) -> tuple[Float[np.ndarray, " K+2"], Float[np.ndarray, " K+2"]]:
    """Predictions and outcomes, and the base rate at the lowest and the highest prediction."""
    at = np.concatenate([predicted, [predicted.min(), predicted.max()]])
    return at, np.concatenate([happened, [happened.mean()] * 2])


def _logit(predicted: Float[np.ndarray, " K"]) -> Float[np.ndarray, " K"]:
    return logit(np.clip(predicted, LEAST, 1 - LEAST))
