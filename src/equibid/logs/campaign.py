"""One campaign's view of the market: click, market price and predicted CTR of each impression.

Prices of iPinYou are fen per thousand impressions. A price of p is p thousandths of a fen for one
impression, so money is counted in thousandths of a fen here: prices stay whole numbers, and their
sums are exact. Reports turn it into fen.
"""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from equibid.logs.dataset import LogDataset
from equibid.logs.table import Column, Table, flag, probability, whole
from equibid.markets.history import PriceHistory, market_history
from equibid.markets.market import Campaigns, Labels, Market

# Cai et al., WSDM 2017: auctions per episode, the middle of five budgets, the exchange's top bid.
PERIOD = 1000
BUDGET_SHARE = 1 / 8
BID_CAP = 300

COLUMNS: tuple[Column, ...] = (flag("click"), whole("price"), probability("pctr"))


def campaign_market(name: str, rows: Table, tick_start: npt.NDArray[np.integer]) -> Market:
    """A market of one advertiser against logged prices, its budget still zero.

    Args:
        name: of the campaign.
        rows: columns click, price (thousandths of a fen per impression) and pctr, each [K].
        tick_start: [T+1] first impression of each tick, and K.
    """
    nothing = jnp.zeros(1)
    return Market(
        values=jnp.asarray(rows["pctr"][:, None]),
        tick_start=jnp.asarray(tick_start, jnp.int32),
        campaigns=Campaigns(nothing, nothing, jnp.zeros(1, jnp.int32)),
        market_price=jnp.asarray(rows["price"]),
        outcomes=jnp.asarray(rows["click"][:, None] == 1),
        labels=Labels(name, (name,), value_unit="click", currency="fen", per_currency=1000.0),
        bid_step=1.0,
        bid_cap=float(BID_CAP),
    )


def campaign_budget(history: PriceHistory, share: float, period: float) -> int:
    """Budget of a delivery period: ``int(cost / impressions · share · period)`` (Cai et al. 2017).

    Args:
        history: totals of the training period.
        share: of the money that buys every impression at its market price (c0).
        period: impressions per delivery period.

    Returns:
        Whole units of the currency; the same integer as the published arithmetic, as totals below
        2^53 divide alike in float64 and as Python integers.
    """
    return int(history.cost / history.impressions * share * period)


def with_budget_share(dataset: LogDataset, share: float) -> LogDataset:
    """The same dataset under the budget that `share` gives, see `campaign_budget`.

    The target cost per click is what a click cost in training. Without totals of a training period
    both are set from the test market: they are terms of the experiment, no knowledge of a bidder.

    Campaigns that meet divide the money as the budgets they have, which a reader sets to what each
    paid in training. A market that is one period has the budget of as many impressions as it has;
    where periods are days, each has the budget of an average day.
    """
    history = dataset.history or market_history(dataset.test)
    paid = np.asarray(dataset.test.campaigns.budget, np.float64)
    part = paid / paid.sum() if len(paid) > 1 else np.ones(1)
    click_cost = history.cost * part / np.maximum(history.value, 1.0)

    def funded(market: Market) -> Market:
        one = dataset.period is None and dataset.day_ticks is None
        period = market.impressions if one else dataset.mean_period
        budget = campaign_budget(history, share, period)
        campaigns = replace(
            market.campaigns,
            budget=jnp.asarray(np.floor(budget * part)),
            target_cpa=jnp.asarray(click_cost),
        )
        return replace(market, campaigns=campaigns)

    return replace(
        dataset,
        test=funded(dataset.test),
        train=None if dataset.train is None else funded(dataset.train),
    )


def with_budget(dataset: LogDataset, money: float) -> LogDataset:
    """The same dataset, where each advertiser has `money` for a delivery period, in currency."""

    def funded(market: Market) -> Market:
        # As many decimals as a float has: 0.29 · 1000 is 290.
        budget = round(money * market.labels.per_currency, 6)
        return market.with_budget(jnp.full(market.advertisers, budget))

    return replace(
        dataset,
        test=funded(dataset.test),
        train=None if dataset.train is None else funded(dataset.train),
        budgeted=True,
    )
