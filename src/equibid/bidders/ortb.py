"""ORTB: the bid that is optimal against a simple curve of the win probability.

With win probability w(b) and budget multiplier λ (value units per currency), an impression of value
θ is worth ``θ · w(b) − λ · b · w(b)`` at bid b, where a win is taken to cost the bid. The maximum
has a closed form for two curves, in which the value enters only through ``u = θ / (c · λ)``:

    ORTB1  w(b) = b / (c + b)        b = c · (√(1 + u) − 1)
    ORTB2  w(b) = b² / (c² + b²)     b = 2c · sinh(asinh(u) / 3)

The second is the published ``c · (q^(1/3) − q^(−1/3))`` with ``q = u + √(1 + u²) = exp(asinh u)``,
written so that nothing cancels for small u.

Source: Zhang, Yuan and Wang, "Optimal real-time bidding for display advertising", KDD 2014.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.optimize import minimize_scalar

from equibid.auctions.clearing import ABSENT
from equibid.bidders.bidder import Bidder, Observation, State, pytree
from equibid.bidders.registry import BIDDERS
from equibid.bidders.search import average_value, best_base_bid, best_of_grid, price_grid, settled
from equibid.bidders.training import TrainingLog
from equibid.division import divided
from equibid.markets.history import PriceHistory
from equibid.settings import Within


@dataclass(frozen=True)
class WinCurve:
    """A win probability with one parameter, in units of it: bids as ``x = b / c``.

    Attributes:
        win: win probability at x.
        bid: the best x for ``u = θ / (c · λ)``.
        ratio: the inverse of `bid`: the u at which x is best.
    """

    win: Callable[[np.ndarray], np.ndarray]
    bid: Callable[[Array], Array]
    ratio: Callable[[Array], Array]


ORTB1 = WinCurve(
    win=lambda x: x / (1 + x),
    bid=lambda u: u / (1 + jnp.sqrt(1 + u)),
    ratio=lambda x: x * (x + 2),
)
ORTB2 = WinCurve(
    win=lambda x: x**2 / (1 + x**2),
    bid=lambda u: 2 * jnp.sinh(jnp.arcsinh(u) / 3),
    ratio=lambda x: x * (x**2 + 3) / 2,
)


@pytree("curve")
class Ortb(Bidder):
    """Optimal bidding against a win curve.

    Attributes:
        scale: c of the curve, currency per exposure.
        multiplier: λ, value units per currency.
        curve: the family of the curve.
    """

    scale: Float[Array, ""]
    multiplier: Float[Array, " N"]
    curve: WinCurve

    def bid(
        self, state: State, observation: Observation, values: Float[Array, "B N"], key: jax.Array
    ) -> Float[Array, "B N"]:
        """The closed form of the curve."""
        return optimal(self.curve, self.scale, self.scale * self.multiplier, values)


def optimal(
    curve: WinCurve,
    scale: Float[Array, ""],
    unit: Float[Array, " N"],
    values: Float[Array, "B N"],
) -> Float[Array, "B N"]:
    """Best bids, where `unit` is c · λ, value units; no bid where the value is zero."""
    bids = scale.astype(values.dtype) * curve.bid(divided(values, unit))
    return jnp.where(values > 0, bids, ABSENT)


def fit_scale(curve: WinCurve, history: PriceHistory) -> float:
    """Least squares for c on the empirical distribution of the market price.

    Args:
        curve: the family.
        history: its `counts` give the share of impressions a bid of each price level wins.

    Returns:
        c, currency per exposure.
    """
    share = history.counts.cumsum() / max(history.counts.sum(), 1)
    level = np.arange(len(share))

    def loss(log_scale: float) -> float:
        return float(np.square(curve.win(level / np.exp(log_scale)) - share).sum())

    # The loss may have several valleys: a grid finds the right one, Brent's method its floor.
    grid = np.linspace(np.log(1e-2), np.log(1e3 * len(share)), 200)
    near = int(np.argmin([loss(point) for point in grid]))
    bounds = grid[max(near - 1, 0)], grid[min(near + 1, len(grid) - 1)]
    best = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-9})
    return float(np.exp(best.x)) * history.step


Positive = Annotated[float, Within(above=0)]


def fit(
    log: TrainingLog,
    curve: WinCurve,
    scale: float | None = None,
    multiplier: float | None = None,
) -> Ortb:
    """Fit c to the price distribution, then choose the λ that buys most value on the log.

    λ is searched through the bid that it makes on an average impression; where prices come in
    levels, that is one of them.

    Args:
        log: to tune on.
        curve: the family of the win curve.
        scale: c, in the market's money; none: fitted.
        multiplier: λ, value units per currency; none: searched.
    """
    c = jnp.asarray(fit_scale(curve, log.history) if scale is None else float(scale))
    if multiplier is not None:
        return Ortb(c, settled(multiplier / log.per_currency, log), curve)
    average = jnp.asarray(average_value(log))

    def unit(bid: Array) -> Array:
        return average / curve.ratio(bid / c)

    def rule(bid: Array, values: Array) -> Array:
        return optimal(curve, c, unit(bid), values)

    in_levels = log.bid_step > 0
    bid = best_of_grid(log, rule, price_grid(log)) if in_levels else best_base_bid(log, rule)
    return Ortb(c, unit(bid) / c, curve)


@BIDDERS.add("ortb1", "Optimal against the win probability b / (c + b).")
def fit_ortb1(
    log: TrainingLog, scale: Positive | None = None, multiplier: Positive | None = None
) -> Ortb:
    """`fit` with the concave curve.

    Args:
        log: to tune on.
        scale: c of the win curve, in the market's money; none: fitted.
        multiplier: λ, value units per currency; none: searched.
    """
    return fit(log, ORTB1, scale, multiplier)


@BIDDERS.add("ortb2", "Optimal against the win probability b² / (c² + b²).")
def fit_ortb2(
    log: TrainingLog, scale: Positive | None = None, multiplier: Positive | None = None
) -> Ortb:
    """`fit` with the S-shaped curve.

    Args:
        log: to tune on.
        scale: c of the win curve, in the market's money; none: fitted.
        multiplier: λ, value units per currency; none: searched.
    """
    return fit(log, ORTB2, scale, multiplier)
