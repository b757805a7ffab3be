"""What it takes to win an impression of a log, and what a win costs, under an auction's rule.

Against bids that stand, all an advertiser needs to know of them are a few numbers an impression:

- Ranked rules sell slot l to whoever bids its price, the l-th highest of the other bids. A win
  costs that price (second price, GSP), or the own bid (first price).
- Soft rules sell with probability ``σ((b - h) / τ)`` for a bid of b, where
  ``h = τ · log Σ_j exp(b_j / τ)`` over the others, at a price that the others' bids make.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from equibid.auctions.clearing import ABSENT, Auction
from equibid.auctions.ranked import Ranked
from equibid.auctions.soft import Soft
from equibid.errors import InputError


class PriceRule(NamedTuple):
    """How a logged price is paid.

    Attributes:
        own_bid: a win costs the bid itself; else the price of what is won.
        wins_ties: whether a bid of just the price wins.
        temperature: τ of a soft rule, currency per exposure; 0 where the highest bid wins.
        reserve: a lower bid takes no part, currency per exposure.
    """

    own_bid: bool = False
    wins_ties: bool = True
    temperature: float = 0.0
    reserve: float = 0.0

    @property
    def second_price(self) -> bool:
        """Whether the highest bid wins and pays the price."""
        return not self.own_bid and self.temperature == 0


SECOND_PRICE = PriceRule()


def price_rule(auction: Auction) -> PriceRule:
    """How a price logged under an auction is paid.

    Raises:
        InputError: the auction is neither ranked nor soft, so that this is not known.
    """
    if isinstance(auction, Ranked):
        return PriceRule(
            own_bid=auction.pricing == "own",
            wins_ties=not auction.outside_wins_ties,
            reserve=auction.reserve,
        )
    if isinstance(auction, Soft):
        return PriceRule(temperature=auction.temperature, reserve=auction.reserve)
    raise InputError(
        f"auction {type(auction).__name__}: what a win costs is known of ranked and soft auctions "
        "only, so bidders cannot be tuned for it"
    )


class Prices(NamedTuple):
    """What the others' bids mean to each advertiser.

    Attributes:
        price: of each slot, the best first, currency per exposure; infinite where it is not sold.
            Under first price it is the bid to reach, under a soft rule what a win costs.
        even: h, the bid that wins with even chance under a soft rule; None under ranked ones.
    """

    price: Float[Array, "K N L"]
    even: Float[Array, "K N"] | None = None


def prices_of(
    auction: Auction, bids: Float[Array, "K N"], outside: Float[Array, " K"] | None
) -> Prices:
    """What each advertiser meets on each impression, all other bids standing.

    Args:
        auction: a ranked or soft rule.
        bids: of the advertisers, currency per exposure, ``-inf`` where there is none.
        outside: highest bid from outside.
    """
    return _prices(auction, bids, outside)


@partial(jax.jit, static_argnames="auction")
def _prices(
    auction: Auction, bids: Float[Array, "K N"], outside: Float[Array, " K"] | None
) -> Prices:
    def row(at: tuple[Array, Array | None]) -> Prices:
        bids, outside = (None if x is None else x[None] for x in at)
        assert bids is not None
        if isinstance(auction, Soft):
            price, even = auction.competition(bids, outside)
            return Prices(price[0, :, None], even[0])
        price = auction.clear(bids, outside).slot_prices[0]
        if isinstance(auction, Ranked) and not auction.sell_at_reserve:
            price = jnp.where(price > auction.reserve, price, jnp.inf)
        return Prices(price)

    return jax.lax.map(row, (bids, outside), batch_size=1024)


def logged_prices(auction: Auction, logged: Float[np.ndarray, " K"]) -> Prices:
    """What an advertiser meets alone against a logged price, the highest bid from outside."""
    nobody = jnp.full((len(logged), 1), ABSENT, jnp.float64)
    return prices_of(auction, nobody, jnp.asarray(logged, jnp.float64))
