"""What a reader makes of a log: a market to deliver in, and what its bidders may know before."""

from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Bool

from equibid.errors import InputError
from equibid.markets.history import PriceHistory, market_history
from equibid.markets.market import Market, dense, portion, span, tick_span


@dataclass(frozen=True)
class LogDataset:
    """A log, read.

    Attributes:
        name: of the campaign or delivery period.
        test: the market bidders are judged in.
        train: earlier impressions with their market prices, to tune bidders on; None when the log
            has none.
        history: totals of the training period; None when the log has none.
        period: impressions per delivery period, each of which starts with full budgets; None when
            the market is one period, or a period is a day.
        day_ticks: ticks of a delivery period, where it is a day: the markets are then whole days in
            a row (see `joined`), of as many impressions as came, and each day starts with full
            budgets. None where a period is no day.
        budgeted: whether the log says what the budgets are.
        known: [K, N] which outcomes of the test market were seen, where some were not: those are
            drawn from the values, anew for every seed. None when all were seen, or none.
        severed: whether the last tick of `train` goes on in `test`.
    """

    name: str
    test: Market
    train: Market | None = None
    history: PriceHistory | None = None
    period: int | None = None
    known: Bool[np.ndarray, "K N"] | None = None
    severed: bool = False
    day_ticks: int | None = None
    budgeted: bool = False

    def periods_in(self, market: Market) -> float:
        """How many delivery periods a part of the log holds."""
        if self.day_ticks is not None:
            return market.ticks / self.day_ticks
        return 1.0 if self.period is None else market.impressions / self.period

    @property
    def mean_period(self) -> float:
        """Impressions of an average delivery period of the whole log."""
        if self.period is not None:
            return self.period
        parts = [part for part in (self.train, self.test) if part is not None]
        return sum(part.impressions for part in parts) / sum(map(self.periods_in, parts))


def split_for_tuning(dataset: LogDataset, share: float = 0.2) -> LogDataset:
    """Make the first impressions of the test market the training log, if there is none.

    Where the market is one delivery period, each part becomes one, with its part of the budgets.

    Args:
        dataset: to split; one that has a training log is returned as it is.
        share: of the test impressions, or of its days, rounded to whole delivery periods (at least
            one).

    Raises:
        InputError: one of the two parts would be empty, or no market prices were logged.
    """
    if dataset.train is not None:
        return dataset
    market = dataset.test
    if market.market_price is None:
        raise InputError(f"{dataset.name}: no market prices were logged to tune bidders on")
    if dataset.day_ticks is None:
        count, unit, what = market.impressions, dataset.period or 1, "impressions"
        # Budgets are those of a delivery period; a market that is one period is cut into two.
        part = portion if dataset.period is None else span
    else:
        count, unit, what, part = market.ticks, dataset.day_ticks, "ticks", tick_span
    cut = max(round(share * count / unit), 1) * unit
    if not 0 < cut < count:
        raise InputError(
            f"{dataset.name}: a share of {share:g} of {count} {what} leaves "
            f"nothing to test on; each part needs at least {unit}"
        )
    train = part(market, 0, cut)
    return replace(
        dataset,
        train=train,
        test=part(market, cut, count),
        history=dataset.history or market_history(train),
    )


def in_periods(dataset: LogDataset, length: int) -> LogDataset:
    """The same log cut into delivery periods of `length` impressions.

    The money of a period is its share of the money there is, by impressions. Impressions that make
    no whole period are left out at the end.

    Args:
        dataset: a log, cut into periods or not.
        length: impressions of a period.

    Raises:
        InputError: the log has no training part and makes less than two periods, or a part of it
            makes none.
    """
    parts = 1 if dataset.train is not None else 2

    def cut(market: Market, periods: int) -> Market:
        if market.impressions < periods * length:
            raise InputError(
                f"{dataset.name}: {market.impressions} impressions make less than {periods} "
                f"period{'s' * (periods > 1)} of {length}; name fewer impressions a period"
            )
        last = market.impressions // length * length
        share = length * dataset.periods_in(market) / market.impressions
        budget = jnp.asarray(market.campaigns.budget, jnp.float64) * share
        return span(market, 0, last).with_budget(budget)

    test, known = cut(dataset.test, parts), dataset.known
    return replace(
        dataset,
        test=test,
        train=None if dataset.train is None else cut(dataset.train, 1),
        period=length,
        day_ticks=None,
        known=None if known is None else known[: test.impressions],
        severed=False,
    )


def whole(dataset: LogDataset) -> tuple[Market, npt.NDArray[np.float64] | None]:
    """All impressions of a dataset as one dense market, money in currency.

    Budgets are those of its parts together. The market has the market price where the bids behind
    it are outside of it: where `test` has one.

    Returns:
        The market, and prices that were logged of bids inside it, in no order; None without them.
    """
    parts = [part for part in (dataset.train, dataset.test) if part is not None]
    first, last = parts[0], parts[-1]
    unit = first.labels.per_currency
    counts = [np.diff(np.asarray(part.tick_start)) for part in parts]
    if dataset.severed and len(parts) > 1:
        counts[1][0] += counts[0][-1]
        counts[0] = counts[0][:-1]
    budget = sum(part.campaigns.budget * dataset.periods_in(part) for part in parts)
    market = Market(
        values=jnp.concatenate([dense(part) for part in parts]),
        tick_start=jnp.asarray(np.concatenate([[0], np.concatenate(counts).cumsum()]), jnp.int32),
        campaigns=replace(
            last.campaigns,
            budget=jnp.asarray(budget) / unit,
            target_cpa=last.campaigns.target_cpa / unit,
        ),
        labels=replace(last.labels, name=dataset.name, per_currency=1.0),
    )
    prices = [np.asarray(x.market_price) / unit for x in parts if x.market_price is not None]
    logged = np.concatenate(prices, dtype=np.float64) if prices else None
    if last.market_price is None or logged is None or len(logged) < market.impressions:
        return market, logged
    return replace(market, market_price=jnp.asarray(logged)), None
