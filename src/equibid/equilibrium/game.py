"""The bidding game: everybody chooses one bidding factor for the whole period.

Advertiser i bids ``α_i · v_ki`` on impression k, at most the exchange's highest bid, and wants as
much value as its budget buys. A factor of zero sits out: the soft auctions would charge a bid of
zero, so there has to be a way not to bid. Budgets are constraints in expectation.

Source: Nash-equilibrium constrained bidding at scale (arXiv 2503.10304), section 2.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from equibid.auctions.soft import Soft
from equibid.errors import InputError
from equibid.markets.market import Market, limited

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Question(NamedTuple):
    """Sums over the impressions of a game, see `equibid.equilibrium.response.response`.

    Attributes:
        quantity: which sums.
        factors: [N] or [T N] what everybody bids.
        arguments: [N] each.
        by_xla: whether XLA is to compute them.
    """

    quantity: str
    factors: Floats
    arguments: tuple[Floats, ...]
    by_xla: bool


@dataclass(frozen=True)
class Game:
    """A market, its rule, and the highest factor of each advertiser.

    Attributes:
        market: one market (no axis S). Its `bid_step` plays no part: bids are real numbers.
        auction: softmax allocation with a temperature, without reserve.
        cap: [N] ᾱ, the highest factor, currency per value unit.
        shares: gives the sums over blocks of impressions, in order, where other processes compute
            them too; None where this one does it alone.
    """

    market: Market
    auction: Soft
    cap: Floats
    shares: "Callable[[Game, Question], Iterable[Floats]] | None" = None

    @cached_property
    def budget(self) -> Floats:
        """[N] currency."""
        return np.asarray(self.market.campaigns.budget, np.float64)

    @cached_property
    def worth(self) -> Floats:
        """[N] value of the whole market to each advertiser, value units."""
        values = np.asarray(self.market.values)
        if self.market.candidates is None:
            return values.sum(axis=0, dtype=np.float64)
        ids = np.asarray(self.market.candidates)
        here = ids >= 0
        total = np.zeros(self.market.advertisers)
        np.add.at(total, ids[here], values[here])
        return total

    @cached_property
    def players(self) -> Mask:
        """[N] who can gain anything: it has a budget, and values something."""
        return (self.budget > 0) & (self.worth > 0) & (self.cap > 0)

    def at(self, temperature: float) -> "Game":
        """The same game at another temperature."""
        return replace(self, auction=replace(self.auction, temperature=temperature))


def game_of(market: Market, auction: Soft, cap: float | npt.ArrayLike = 1.0) -> Game:
    """The game of a market.

    Args:
        market: one market.
        auction: a soft auction.
        cap: ᾱ in multiples of each advertiser's target CPA. Who has no target CPA may bid its
            whole budget on what it values least.

    Raises:
        InputError: the auction has a reserve or no temperature, or a cap is not positive.
    """
    name = market.labels.name
    if not isinstance(auction, Soft):
        raise InputError(
            f"market {name}: equilibria are computed under soft auctions; "
            "name soft or soft-hard, with a small temperature for a sharp one"
        )
    if auction.reserve > 0 or auction.minimum_budget > 0:
        raise InputError(f"market {name}: equilibria are computed without reserve; leave it out")
    multiple = np.broadcast_to(np.asarray(cap, np.float64), market.advertisers)
    if not (multiple > 0).all() or not np.isfinite(multiple).all():
        raise InputError(f"market {name}: cap must be a positive number of target CPAs")
    target = np.asarray(market.campaigns.target_cpa, np.float64)
    market = limited(market)
    game = Game(market, auction, np.ones(market.advertisers))
    without = ~np.isfinite(target)
    if without.any():
        target = np.where(without, game.budget / least_value(market), target)
    return replace(game, cap=multiple * target)


def least_value(market: Market) -> Floats:
    """[N] the smallest positive value of each advertiser; infinite where there is none."""
    values = np.asarray(market.values, np.float64)
    least = np.full(market.advertisers, np.inf)
    if market.candidates is None:
        return np.where(values > 0, values, np.inf).min(axis=0, initial=np.inf)
    here = values > 0
    np.minimum.at(least, np.asarray(market.candidates)[here], values[here])
    return least


def default_temperature(market: Market, share: float = 0.01) -> float:
    """A temperature for a market: a share of the mean second-highest bid.

    Everybody bids its target CPA, or, where nobody has one, the budget over the worth. Impressions
    that fewer than two advertisers value do not count.
    """
    target = np.asarray(market.campaigns.target_cpa, np.float64)
    unit = Game(market, Soft(1.0), np.ones(market.advertisers))
    factor = np.where(np.isfinite(target), target, unit.budget / np.maximum(unit.worth, 1e-300))
    values = jnp.asarray(market.values)
    level = jnp.asarray(factor, values.dtype)
    bids = values * (level if market.candidates is None else level[market.candidates])
    top = bids.argmax(axis=1)
    second = np.asarray(
        jnp.where(jnp.arange(bids.shape[1]) == top[:, None], 0, bids).max(axis=1), np.float64
    )
    if market.market_price is not None:
        outside = np.asarray(market.market_price, np.float64)
        second = np.maximum(second, np.minimum(outside, np.asarray(bids.max(axis=1), np.float64)))
    contested = second[second > 0]
    if contested.size == 0:
        raise InputError(
            f"market {market.labels.name}: no impression has two bidders, so nothing sets a "
            "temperature; name one, as in soft:temperature=0.05"
        )
    return float(share * contested.mean())
