"""Several campaigns on shared traffic: every model predicts every impression.

Each log holds what one campaign bought. Together, in order of time, they are the traffic on which
all of them meet. What an impression did for the campaign that bought it is known; for the others
it is drawn from what their models predict.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from equibid.markets.market import Market
from equibid.markets.values.features import Columns, without_own
from equibid.markets.values.model import Fitted
from equibid.noise import Purpose, seed_of, uniform


class Predictions(NamedTuple):
    """What every campaign expects of every impression.

    Attributes:
        owner: which campaign bought it.
        raw: as the models give it.
        calibrated: as bidders see it.
    """

    owner: Int[np.ndarray, " K"]
    raw: Float[np.ndarray, "K N"]
    calibrated: Float[np.ndarray, "K N"]


def predict_all(logs: Sequence[Columns], fitted: Sequence[Fitted]) -> Predictions:
    """Predictions of all N models on the impressions of N logs, log after log.

    Args:
        logs: words of each campaign's impressions, see `features.NAMES`.
        fitted: the campaigns' models, in the same order.
    """
    raw, calibrated, owner = [], [], []
    for number, columns in enumerate(logs):
        seen = [columns if number == n else without_own(columns) for n in range(len(fitted))]
        chances = [each.model.predict(x) for each, x in zip(fitted, seen, strict=True)]
        curves = [each.calibration for each in fitted]
        raw.append(np.stack(chances, axis=1))
        calibrated.append(
            np.stack([curve.apply(p) for curve, p in zip(curves, chances, strict=True)], axis=1)
        )
        owner.append(np.full(len(chances[0]), number))
    return Predictions(np.concatenate(owner), np.concatenate(raw), np.concatenate(calibrated))


def draw_unknown(market: Market, known: Bool[np.ndarray, "K N"], seed: int) -> Market:
    """The market with outcomes that nobody saw drawn from the values.

    Args:
        market: dense, with outcomes where they are known.
        known: where they are.
        seed: of the draws; each has an address, see `equibid.noise`.
    """
    impression = jnp.arange(market.impressions)[:, None]
    advertiser = jnp.arange(market.advertisers)[None, :]
    # Not the key a period of this seed is played with.
    key = jax.random.fold_in(jax.random.key(seed), 1)
    coins = uniform(seed_of(key), Purpose.CONVERSION, impression, advertiser)
    drawn = coins < jnp.asarray(market.values)
    assert market.outcomes is not None
    return replace(market, outcomes=jnp.where(jnp.asarray(known), market.outcomes, drawn))
