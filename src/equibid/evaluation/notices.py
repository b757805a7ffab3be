"""What is out of the ordinary in a market or a profile, in sentences."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from equibid.equilibrium.best_response import entry_cost
from equibid.equilibrium.certificate import Certificate, Status
from equibid.equilibrium.game import Game
from equibid.markets.market import Market

# Names in a sentence at most; who follows is counted.
MOST_NAMES = 4


def notices(game: Game, certificate: Certificate) -> list[str]:
    """The sentences; none for a usual market.

    Args:
        game: the game.
        certificate: of a profile in it.
    """
    market = game.market
    said = []
    if not game.players.any():
        said.append("nobody can play: no advertiser has both a budget and something to buy")
    if market.impressions == 1:
        said.append("the market is a single impression")
    of = certificate.status
    no_budget, no_value = (
        [i for i, status in enumerate(of) if status is wanted]
        for wanted in (Status.NO_BUDGET, Status.NO_VALUE)
    )
    said += phrase(market, no_budget, "has no budget and sits out", "have no budget and sit out")
    said += phrase(market, no_value, "values nothing and sits out", "value nothing and sit out")
    said += priced_out(game, certificate)
    # Caps are products of rounded numbers.
    high = (np.atleast_2d(certificate.factors) > game.cap * (1 + 1e-9)).any(axis=0)
    above = np.flatnonzero(high & game.players).tolist()
    said += phrase(market, above, "bids above its cap", "bid above their caps")
    for group in identical(market):
        said += phrase(
            market, group, "", "value everything alike; their factors need not be unique"
        )
    return said


def phrase(market: Market, who: Sequence[int], one: str, many: str) -> list[str]:
    """A sentence about some advertisers; none about nobody."""
    if not who:
        return []
    names = [market.labels.advertiser(i) for i in who[:MOST_NAMES]]
    left = len(who) - len(names)
    if left:
        names.append(f"{left} other{'s' * (left > 1)}")
    if len(who) == 1:
        return [f"advertiser {names[0]} {one}"]
    return [f"advertisers {', '.join(names[:-1])} and {names[-1]} {many}"]


def priced_out(game: Game, certificate: Certificate) -> list[str]:
    """Who cannot pay for the smallest bid: the soft auctions charge it too."""
    priced = np.array([status is Status.PRICED_OUT for status in certificate.status])
    if not priced.any():
        return []
    entry = entry_cost(game, certificate.factors)
    money = game.market.labels.per_currency
    who = np.flatnonzero(priced).tolist()
    said = [
        f"advertiser {game.market.labels.advertiser(i)} would be charged {entry[i] / money:.3g} "
        f"for the smallest bid, more than its budget {game.budget[i] / money:.3g}; it sits out"
        for i in who[:MOST_NAMES]
    ]
    left = who[MOST_NAMES:]
    cannot = "cannot pay for the smallest bid and sit"
    return said + phrase(game.market, left, f"{cannot}s out", f"{cannot} out")


def identical(market: Market) -> list[list[int]]:
    """Groups of advertisers that value every impression alike, of those who value anything.

    Columns are told apart by their sums under random weights, and equals are compared in full.
    """
    values = np.asarray(market.values)
    weight = np.random.default_rng(0).uniform(1, 2, market.impressions)
    mark = np.zeros(market.advertisers)
    if market.candidates is None:
        mark += weight @ values
    else:
        row, column = values.nonzero()
        np.add.at(
            mark, np.asarray(market.candidates)[row, column], weight[row] * values[row, column]
        )
    alike: dict[str, list[int]] = defaultdict(list)
    for i in np.flatnonzero(mark > 0).tolist():
        # Sums of equal columns may differ in their last bits.
        alike[f"{mark[i]:.9e}"].append(i)
    groups = []
    for likely in (group for group in alike.values() if len(group) > 1):
        columns: dict[bytes, list[int]] = defaultdict(list)
        for i in likely:
            columns[_column(market, i).tobytes()].append(i)
        groups += [group for group in columns.values() if len(group) > 1]
    return groups


def _column(market: Market, advertiser: int) -> npt.NDArray[np.floating]:
    """[K] values of one advertiser."""
    if market.candidates is None:
        return np.ascontiguousarray(np.asarray(market.values)[:, advertiser])
    mine = np.asarray(market.candidates) == advertiser
    return np.where(mine, np.asarray(market.values), 0).sum(axis=1)
