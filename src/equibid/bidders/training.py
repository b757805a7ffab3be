"""What a bidder may be tuned on: the training log, and nothing else.

A log says which impressions came, what each was worth to each advertiser, and the price that would
have won it, or each of its slots. An advertiser is taken as small: it buys against those prices
and does not move them.
"""

from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from equibid.auctions.clearing import Auction
from equibid.bidders.price_rule import SECOND_PRICE, PriceRule, logged_prices, price_rule
from equibid.markets.history import PriceHistory, market_history
from equibid.markets.market import Campaigns, Market, dense

# Values of a log that are kept, impressions × advertisers; a longer log is thinned.
MOST = 3_000_000


@dataclass(frozen=True)
class TrainingLog:
    """Logged impressions with the prices that would have won them.

    Attributes:
        values: value units; zero where not eligible.
        prices: of each slot to each advertiser, currency per exposure, the best slot first; one
            column for all where a single price was logged. See `price_rule.Prices`.
        campaigns: budgets of one delivery period.
        period: impressions of one delivery period; the log may hold several periods, or a part.
        ticks: ticks of one delivery period.
        history: totals of the training period.
        exposure: probability that each slot is shown.
        bid_step: as in `Market`.
        bid_cap: as in `Market`.
        tick_start: as in `Market`, where the ticks of the log's impressions are known; of several
            periods in a row, as many ticks each.
        rule: how a price is paid.
        even: the bid that wins with even chance under a soft rule, currency per exposure.
        per_currency: units of the log's money in one unit of what people count in; see `Labels`.
        impressions: that a delivery period is expected to have, those that were thinned out too;
            None where nothing was: as many as `period`.
    """

    values: Float[Array, "K N"]
    prices: Float[Array, "K #N L"]
    campaigns: Campaigns
    period: int
    ticks: int
    history: PriceHistory
    exposure: tuple[float, ...] = (1.0,)
    bid_step: float = 0.0
    bid_cap: float = float("inf")
    tick_start: Int[Array, " T+1"] | None = None
    rule: PriceRule = SECOND_PRICE
    even: Float[Array, "K #N"] | None = None
    per_currency: float = 1.0
    impressions: int | None = None

    @property
    def expected(self) -> int:
        """Impressions that a delivery period is expected to have."""
        return self.period if self.impressions is None else self.impressions

    @property
    def period_start(self) -> Int[np.ndarray, " D"]:
        """The first impression of each delivery period: there budgets are filled."""
        if self.tick_start is None:
            return np.arange(0, len(self.values), self.period)
        return np.asarray(self.tick_start)[: -1 : self.ticks]

    @property
    def period_share(self) -> Float[np.ndarray, " D"]:
        """How much of each delivery period the log holds; the last one may be cut."""
        if self.tick_start is not None:
            return np.ones(len(self.period_start))
        return np.minimum((len(self.values) - self.period_start) / self.period, 1.0)

    @property
    def periods(self) -> float:
        """How many delivery periods the log holds; less than 1 where it is a part of one."""
        return float(self.period_share.sum())

    def best_slot_prices(self) -> Float[np.ndarray, " M"]:
        """The price of the best slot wherever an advertiser was eligible, in no order."""
        prices = np.asarray(self.prices[..., 0], np.float64)
        if prices.shape[1] == 1:
            return prices[:, 0]
        return prices[np.asarray(self.values) > 0]

    def tuning_for(
        self, campaigns: Campaigns, impressions: int, ticks: int, logged: int
    ) -> "TrainingLog":
        """The log as a sample of a delivery period to come, whose money and time it gets.

        Args:
            campaigns: with the budgets of that period.
            impressions: of that period.
            ticks: of that period.
            logged: impressions the log stands for; it may have been thinned.
        """
        share = len(self.values) / logged
        return replace(
            self,
            campaigns=replace(campaigns, budget=jnp.asarray(campaigns.budget) * share),
            period=max(round(impressions * share), 1),
            ticks=ticks,
            tick_start=None,
            impressions=impressions,
        )


def training_log(
    market: Market,
    auction: Auction,
    period: int | None = None,
    history: PriceHistory | None = None,
    most: int = MOST,
    day_ticks: int | None = None,
) -> TrainingLog:
    """The training log of a market whose `market_price` was logged.

    A log of more than `most` values (impressions × advertisers) is thinned evenly, and budgets and
    period with it; the totals are always those of the whole log.

    Args:
        market: of which each advertiser bids alone against the logged price.
        auction: the rule.
        period: impressions of a delivery period; None takes the market as one.
        history: totals of the training period; None takes those of the market.
        most: values that are kept.
        day_ticks: ticks of a day, where the market is days in a row, of any number of impressions
            each; a day is then a period.

    Raises:
        InputError: it is not known what a win costs under the rule.
    """
    if market.market_price is None:
        raise ValueError("a training log needs market prices")
    rule = price_rule(auction)
    values = np.asarray(dense(market))
    every = -(-values.size // most)
    kept = np.arange(every // 2, len(values), every)
    tick_start = None
    if day_ticks is not None:
        period = round(len(values) * day_ticks / market.ticks)
        tick_start = jnp.asarray(np.searchsorted(kept, market.tick_start), jnp.int32)
    period = period or len(values)
    met = logged_prices(auction, np.asarray(market.market_price)[kept])
    history = history or market_history(market)
    campaigns = replace(market.campaigns, budget=jnp.asarray(market.campaigns.budget) / every)
    return TrainingLog(
        values=jnp.asarray(values[kept]),
        prices=met.price,
        campaigns=campaigns,
        period=max(period // every, 1),
        ticks=day_ticks or market.ticks,
        history=history.at_least(rule.reserve),
        exposure=auction.expected_exposure,
        bid_step=market.bid_step,
        bid_cap=market.bid_cap,
        tick_start=tick_start,
        rule=rule,
        even=met.even,
        per_currency=market.labels.per_currency,
        impressions=period,
    )
