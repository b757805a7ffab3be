"""What a reader makes of a log: a market to deliver in, and what its bidders may know before."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool

from equibid.errors import InputError
from equibid.markets.history import PriceHistory, market_history
from equibid.markets.market import Market, span


@dataclass(frozen=True)
class Recording:
    """A log, read.

    Attributes:
        name: of the campaign or delivery period.
        test: the market bidders are judged in.
        train: earlier impressions with their market prices, to tune bidders on; None when the log
            has none.
        history: totals of the training period; None when the log has none.
        period: impressions per delivery period, each of which starts with full budgets; None when
            the market is one period.
        known: [K, N] which outcomes of the test market were seen, where some were not: those are
            drawn from the values, anew for every seed. None when all were seen, or none.
    """

    name: str
    test: Market
    train: Market | None = None
    history: PriceHistory | None = None
    period: int | None = None
    known: Bool[np.ndarray, "K N"] | None = None


def split_for_tuning(recording: Recording, share: float = 0.2) -> Recording:
    """Make the first impressions of the test market the training log, if there is none.

    Args:
        recording: to split; one that has a training log is returned as it is.
        share: of the test impressions, rounded to whole delivery periods (at least one).

    Raises:
        InputError: one of the two parts would be empty, or no market prices were logged.
    """
    if recording.train is not None:
        return recording
    market = recording.test
    if market.market_price is None:
        raise InputError(f"{recording.name}: no market prices were logged to tune bidders on")
    unit = recording.period or 1
    cut = max(round(share * market.impressions / unit), 1) * unit
    if not 0 < cut < market.impressions:
        raise InputError(
            f"{recording.name}: a share of {share:g} of {market.impressions} impressions leaves "
            f"nothing to test on; each part needs at least {unit}"
        )
    train = span(market, 0, cut)
    return replace(
        recording,
        train=train,
        test=span(market, cut, market.impressions),
        history=recording.history or market_history(train),
    )
