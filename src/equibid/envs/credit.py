"""Credit beyond the own outcome: what a bidder adds to welfare, bars, and signs of collusion."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from equibid.auctions.clearing import ABSENT, drop_outside, join_outside
from equibid.auctions.ranked import Ranked
from equibid.errors import InputError


@partial(jax.jit, static_argnames="auction")
def difference_rewards(
    auction: Ranked,
    bids: Float[Array, "K N"],
    values: Float[Array, "K N"],
    outside: Float[Array, " K"] | None = None,
) -> Float[Array, " N"]:
    """What each bidder adds to welfare: ``D_i = SW − SW(without i)``, value units, no budgets.

    Where i stood in the ranking, those below move up. Only the first L + 1 ranks change anything
    when they go, so L + 2 ranks are looked at: O(K · N · L). Nobody's D is negative where the
    ranking by bids is the ranking by values.

    Source: Wolpert and Tumer, "Optimal payoff functions for members of collectives", 2001.

    Args:
        auction: with ties for the lowest id.
        bids: currency per exposure; ``-inf`` takes no part.
        values: value units; those of the outside bidder count nothing.
        outside: highest bid from outside on each impression.

    Raises:
        InputError: the auction settles ties by chance.
    """
    if auction.ties != "lowest":
        raise InputError(f"difference rewards need an auction with ties=lowest, not {auction.ties}")
    first = auction.outside_wins_ties
    table, worth = jnp.asarray(bids, jnp.float64), jnp.asarray(values, jnp.float64)
    if outside is not None:
        table = join_outside(table, outside, first)
        worth = join_outside(worth, jnp.zeros(len(worth)), first)
    column = jnp.arange(table.shape[1])
    exposure = np.asarray(auction.expected_exposure)
    slots = auction.slots

    top_bids, leaders, left = [], [], table
    for _ in range(slots + 2):
        leader = left.argmax(axis=1)[:, None]
        top_bids.append(jnp.take_along_axis(left, leader, axis=1))
        leaders.append(leader)
        left = jnp.where(column == leader, ABSENT, left)
    rung = jnp.concatenate(top_bids, axis=1)
    value = jnp.take_along_axis(worth, jnp.concatenate(leaders, axis=1), axis=1)

    def welfare(ranks: list[int]) -> Float[Array, " K"]:
        """With these ranks of the ladder, the best first, in the market."""
        here, following = (rung[:, ranks[at : at + slots]] for at in (0, 1))
        sold = (here >= auction.reserve) & (here > ABSENT)
        if not auction.sell_at_reserve:
            sold &= following > auction.reserve
        return jnp.where(sold, value[:, ranks[:slots]] * exposure, 0).sum(axis=1)

    everybody = list(range(slots + 2))
    whole = welfare(everybody)
    total = jnp.zeros(table.shape[1])
    for rank in everybody[:-1]:
        gain = whole - welfare([r for r in everybody if r != rank])
        stood = (column == leaders[rank]) & (rung[:, rank, None] > ABSENT)
        total += jnp.where(stood, gain[:, None], 0).sum(axis=0)
    return total if outside is None else drop_outside(total[None], first)[0]


def barred(
    reward: Float[Array, "*K N"],
    bids: Float[Array, "*K N"],
    bars: Float[Array, "*K N"],
    payments: Float[Array, "*K #N"],
) -> tuple[Float[Array, "*K N"], Float[Array, "*K N"]]:
    """What bidders and their bar agents are trained on: both get nothing below the bar.

    A bar agent wants the highest payment that its bidder still clears; bars are part of the
    training alone. Source: Wen et al. (MAAB), WSDM 2022.

    Args:
        reward: of the bidders.
        bids: currency per exposure.
        bars: as high as the bids have to be.
        payments: of the auction, currency; one for all or one a bidder.

    Returns:
        The bidders' rewards and the bar agents'.
    """
    cleared = bids >= bars
    return jnp.where(cleared, reward, 0), jnp.where(cleared, payments, 0)


def collusion(
    revenue: Float[Array, "*S"], competitive_revenue: Float[Array, "*S"], least: float = 0.5
) -> Bool[Array, "*S"]:
    """Whether revenue is below a share of what bidders that compete would have paid.

    Args:
        revenue: of the learned bidders, currency.
        competitive_revenue: of the same market with bidders that each maximise their own.
        least: the share.
    """
    return jnp.asarray(revenue) < least * jnp.asarray(competitive_revenue)
