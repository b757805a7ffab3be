"""Totals of a past period: how many impressions, at which prices, worth how much."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from equibid.errors import InputError
from equibid.markets.market import Market, dense

LEVELS = 301


@dataclass(frozen=True)
class PriceHistory:
    """Totals of the training period, as a campaign's statement would give them.

    Attributes:
        counts: [P] impressions by market price; price level p means ``p * step``.
        step: currency per price level.
        impressions: how many impressions there were.
        cost: their summed market price.
        value: [N] their summed value (or conversions) for each advertiser.
    """

    counts: npt.NDArray[np.float64]
    step: float
    impressions: float
    cost: float
    value: npt.NDArray[np.float64]

    @property
    def mean_value(self) -> npt.NDArray[np.float64]:
        """[N] value of an average impression (theta_avg)."""
        return self.value / self.impressions

    @property
    def mean_price(self) -> float:
        """Market price of an average impression."""
        return self.cost / self.impressions

    def at_least(self, reserve: float) -> "PriceHistory":
        """The same impressions where nobody pays less than a reserve, currency per exposure."""
        if not reserve > 0:
            return self
        level = int(np.ceil(reserve / self.step))
        price = np.arange(len(self.counts)) * self.step
        cost = self.cost + float((self.counts * np.maximum(reserve - price, 0)).sum())
        counts = np.pad(self.counts, (0, max(level + 1 - len(self.counts), 0)))
        counts[level] += counts[:level].sum()
        counts[:level] = 0
        return replace(self, counts=counts, cost=cost)


def price_history(
    prices: npt.NDArray[np.floating],
    value: npt.NDArray[np.float64],
    step: float = 0.0,
    levels: int = LEVELS,
) -> PriceHistory:
    """Totals from logged prices.

    Args:
        prices: [K] currency per exposure.
        value: [N] summed values.
        step: currency per price level; 0 spreads the levels up to the highest price.
        levels: P, the number of price levels; higher prices count as the highest.
    """
    top = float(prices.max(initial=0.0))
    step = step or (top / (levels - 1) if top > 0 else 1.0)
    level = np.minimum(np.rint(prices / step).astype(np.int64), levels - 1)
    return PriceHistory(
        counts=np.bincount(level, minlength=levels).astype(np.float64),
        step=step,
        impressions=float(len(prices)),
        cost=float(prices.sum(dtype=np.float64)),
        value=value,
    )


def market_history(market: Market, levels: int = LEVELS) -> PriceHistory:
    """Totals of a market whose `market_price` was logged; outcomes count before values.

    Raises:
        InputError: there are no market prices.
    """
    if market.market_price is None:
        raise InputError(f"market {market.labels.name}: no market prices were logged")
    if market.outcomes is not None:
        market = replace(market, values=market.outcomes)
    total = np.asarray(dense(market)).sum(axis=0, dtype=np.float64)
    return price_history(np.asarray(market.market_price), total, market.bid_step, levels)
