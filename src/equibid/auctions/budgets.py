"""How a budget ends: exactly, and in order of arrival.

An advertiser leaves at the first impression whose charge it cannot pay in full; that impression
is cleared again without it, and it stays away for the rest of the period.

An advertiser's money is kept in multiples of its quantum, a power of two about 2^-52 of its
budget, and a charge is rounded up to the next multiple. Sums of multiples below 2^53 are exact in
float64 in any order, so a block may be summed in parallel and still equal a loop over impressions
bit for bit, and nobody overspends by a rounding error.

A budget without end, or one far beyond what all impressions are worth, would make a coarse quantum.
Its charges are booked as they are; sums may then differ in their last bits with the order.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from equibid.auctions.clearing import ABSENT, Auction, Clearing, Draws


class BudgetState(NamedTuple):
    """The advertisers' money.

    Attributes:
        remaining: money left, a multiple of `quantum`.
        active: False once an advertiser has left the market.
        quantum: the smallest amount of each advertiser's money, a power of two.
    """

    remaining: Float[Array, " N"]
    active: Bool[Array, " N"]
    quantum: Float[Array, " N"]


# A budget is endless beyond this multiple of what everything is worth.
ENDLESS = 2.0**10
# A quantum so small that it rounds no charge, and that its inverse is a number too.
FINEST = 2.0**-300


def init_budgets(
    budget: Float[Array, " N"], worth: Float[Array, ""] | float = jnp.inf
) -> BudgetState:
    """A state with full budgets, rounded down to the quantum.

    Args:
        budget: money; infinite for no limit.
        worth: about what all impressions to come are worth, money; it only decides which budgets
            are taken for endless.
    """
    budget = jnp.asarray(budget, jnp.float64)
    endless = ~(budget <= ENDLESS * worth) | jnp.isinf(budget)
    _, exponent = jnp.frexp(jnp.where(endless, 1.0, budget))
    quantum = jnp.maximum(jnp.ldexp(jnp.float64(1.0), exponent - 52), FINEST)
    quantum = jnp.where(endless, FINEST, quantum)
    whole = jnp.floor(budget / quantum) * quantum
    return BudgetState(whole, whole > 0, quantum)


def round_up(charge: Float[Array, "..."], quantum: Float[Array, "..."]) -> Float[Array, "..."]:
    """A charge as the state books it: the next multiple of the quantum."""
    return jnp.ceil(charge / quantum) * quantum


def by_advertiser(
    x: Float[Array, "B C"], ids: Int[Array, "B C"] | None, advertisers: int
) -> Float[Array, " N"]:
    """Column sums of a block by advertiser."""
    if ids is None:
        return x.sum(axis=0)
    total = jnp.zeros(advertisers + 1, x.dtype)
    return total.at[jnp.where(ids < 0, advertisers, ids)].add(x)[:-1]


def take(x: Array, ids: Int[Array, "B C"] | None, absent: float | bool) -> Array:
    """Spread advertisers' numbers [N] over the columns of a block, `absent` on padding."""
    if ids is None:
        return x[None, :]
    return jnp.where(ids < 0, absent, x[ids])


class Settlement(NamedTuple):
    """A block of impressions, cleared and booked.

    Attributes:
        clearing: each impression as it stood when it was booked.
        budgets: after the block.
        stayed: how many of the block's impressions each advertiser was there for; it left at the
            next one.
    """

    clearing: Clearing
    budgets: BudgetState
    stayed: Int[Array, " N"]


class _Progress(NamedTuple):
    done: Settlement
    first: Int[Array, ""]


@partial(jax.jit, static_argnames="auction")
def settle(
    auction: Auction,
    budgets: BudgetState,
    bids: Float[Array, "B C"],
    ids: Int[Array, "B C"] | None = None,
    outside: Float[Array, " B"] | None = None,
    draws: Draws | None = None,
) -> Settlement:
    """Clear a block of impressions under budgets.

    The whole block is cleared at once; if nobody runs out, that is all. Otherwise the impressions
    before the first one that somebody cannot pay are booked, that somebody leaves, and the rest of
    the block is cleared again. Cost: one clearing of the block and one for every departure.

    Args:
        auction: the rule.
        budgets: before the block.
        bids: money per exposure; ``-inf`` takes no part.
        ids: advertiser of each column (-1 padding), None when column c is advertiser c.
        outside: highest bid from outside on each impression.
        draws: drawn chance; None books expected charges.
    """
    rows = jnp.arange(bids.shape[0])[:, None]
    advertisers = budgets.remaining.shape[0]

    def total(charge: Array, first: Array, last: Array) -> Array:
        booked = jnp.where((rows >= first) & (rows < last), charge, 0)
        return by_advertiser(booked, ids, advertisers)

    def step(at: _Progress) -> _Progress:
        before, active, _ = at.done.budgets
        new = auction.clear(jnp.where(take(active, ids, False), bids, ABSENT), outside, draws)
        clearing = jax.tree.map(
            lambda x, old: jnp.where(rows.reshape(-1, *[1] * (x.ndim - 1)) >= at.first, x, old),
            new,
            at.done.clearing,
        )
        charge = round_up(clearing.charge, take(budgets.quantum, ids, 1.0))

        def late(last: Array) -> Array:
            """Who cannot pay the impressions from the first unbooked one up to `last`."""
            return total(charge, at.first, last) > before

        def narrow(_: int, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
            low, high = bounds
            middle = (low + high) // 2
            fails = late(middle).any()
            return jnp.where(fails, low, middle), jnp.where(fails, middle, high)

        end = jnp.asarray(bids.shape[0])
        leaving = late(end)

        def first_failure() -> tuple[Array, Array]:
            # Nobody fails up to `low`, somebody fails up to `high`, until the two meet.
            low, high = jax.lax.fori_loop(0, bids.shape[0].bit_length(), narrow, (at.first, end))
            return low, late(high)

        booked, leaving = jax.lax.cond(leaving.any(), first_failure, lambda: (end, leaving))
        after = BudgetState(
            before - total(charge, at.first, booked), active & ~leaving, budgets.quantum
        )
        stayed = jnp.where(leaving, booked, at.done.stayed)
        return _Progress(Settlement(clearing, after, stayed), booked)

    shape = jax.eval_shape(auction.clear, bids, outside, draws)
    blank = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shape)
    stayed = jnp.where(budgets.active, bids.shape[0], 0)
    return jax.lax.while_loop(
        lambda at: at.first < bids.shape[0],
        step,
        _Progress(Settlement(blank, budgets, stayed), jnp.asarray(0)),
    ).done
