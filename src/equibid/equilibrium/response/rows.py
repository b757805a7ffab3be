"""The response of a block of impressions: who wins, what a win costs, and how both change.

On one impression, with bids b and temperature τ,

    win      p_i = exp(b_i/τ) / Σ_j exp(b_j/τ)
    price    m_i = Σ_{j≠i} q_j b_j, q the softmax over j ≠ i  (soft),  max_{j≠i} b_j  (hard)
    returns  p_i v_i,   cost  p_i m_i.

Bids and their differences are float64 in every market: at τ of a thousandth of a bid, one rounding
of a float32 bid moves a weight by 1e-4. All else has the type of the values.

Source: Nash-equilibrium constrained bidding at scale (arXiv 2503.10304), section 2.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax.nn import sigmoid
from jaxtyping import Array, Float, Int

from equibid.auctions.clearing import ABSENT
from equibid.equilibrium.response.contest_xla import (
    FAR,
    ActiveBids,
    Pricing,
    centred,
    finite,
    meet,
    met_back,
    price,
    price_along,
    price_back,
)


class Rows(NamedTuple):
    """Impressions.

    Attributes:
        values: value units; zero is no bid.
        ids: advertiser of each column, -1 for none; None where column = advertiser.
        outside: the bid from outside the market, currency per impression.
        tick: of each impression; None where nothing depends on it.
    """

    values: Float[Array, "K C"]
    ids: Int[Array, "K C"] | None = None
    outside: Float[Array, " K"] | None = None
    tick: Int[Array, " K"] | None = None


class Rule(NamedTuple):
    """Temperature and highest bid, currency per impression; traced, so never compiled anew."""

    temperature: Float[Array, ""]
    bid_cap: Float[Array, ""]


class Bids(NamedTuple):
    """A block's bids; the bid from outside, if any, is one more column, worth nothing.

    Attributes:
        values: value units.
        bid: currency per impression, float64, -inf absent.
        slope: of the bid in the advertiser's factor.
    """

    values: Float[Array, "B C"]
    bid: Float[Array, "B C"]
    slope: Float[Array, "B C"]


def respond(
    rows: Rows, rule: Rule, pricing: Pricing, factors: Float[Array, "*T N"]
) -> tuple[Float[Array, "B C"], ...]:
    """Returns (value units) and cost (currency) of every cell."""
    bids = bid(rows, rule, factors)
    contest = enter(bids, rule)
    win = contest.win
    return win * bids.values, win * price(contest, rule.temperature, pricing)


def jvp(
    rows: Rows,
    rule: Rule,
    pricing: Pricing,
    factors: Float[Array, "*T N"],
    direction: Float[Array, "*T N"],
) -> tuple[Float[Array, "B C"], ...]:
    """Returns and cost, and their change along a direction of the factors."""
    bids = bid(rows, rule, factors)
    contest = enter(bids, rule)
    win, paid = contest.win, price(contest, rule.temperature, pricing)
    moved = bids.slope * spread(rows, direction).astype(bids.values.dtype)
    win_moved = win * centred(contest, moved) / rule.temperature.astype(moved.dtype)
    cost_moved = win_moved * paid + win * price_along(contest, moved, pricing)
    return win * bids.values, win * paid, win_moved * bids.values, cost_moved


def vjp(
    rows: Rows,
    rule: Rule,
    pricing: Pricing,
    factors: Float[Array, "*T N"],
    returns_weight: Float[Array, " N"],
    cost_weight: Float[Array, " N"],
) -> tuple[Float[Array, "B C"], ...]:
    """Returns and cost, and the change of their weighted total with the factor of a cell."""
    bids = bid(rows, rule, factors)
    contest = enter(bids, rule)
    win, paid = contest.win, price(contest, rule.temperature, pricing)
    each = spread(rows, cost_weight).astype(win.dtype)
    worth = spread(rows, returns_weight).astype(win.dtype) * bids.values + each * paid
    by_win = win * centred(contest, worth) / rule.temperature.astype(win.dtype)
    gradient = bids.slope * (by_win + price_back(contest, each, pricing))
    return win * bids.values, win * paid, gradient


def deviate(
    rows: Rows,
    rule: Rule,
    pricing: Pricing,
    factors: Float[Array, "*T N"],
    trial: Float[Array, "*T N"],
) -> tuple[Float[Array, "B C"], ...]:
    """Returns, cost, its slope and theirs in the trial factor, each advertiser moving alone.

    An own bid moves neither the others' price nor their level ℓ = τ log Σ_{j≠i} exp(b_j/τ), so
    p_i = sigmoid((b_i − ℓ)/τ) at any trial.
    """
    contest = enter(bid(rows, rule, factors), rule)
    own = bid(rows, rule, trial, outside=ABSENT)
    win, steep = alone(contest, own, rule)
    paid = price(contest, rule.temperature, pricing)
    by_own = own.slope * steep
    return win * own.values, win * paid, paid * by_own, own.values * by_own


def deviation_vjp(
    rows: Rows,
    rule: Rule,
    pricing: Pricing,
    factors: Float[Array, " N"],
    trial: Float[Array, " N"],
    returns_weight: Float[Array, " N"],
    cost_weight: Float[Array, " N"],
) -> tuple[Float[Array, "B C"], ...]:
    """The change of the weighted total of all deviations with the factor of a cell.

    The factor moves what the others meet, and not its own deviation; see the compiled form.
    """
    bids = bid(rows, rule, factors)
    contest = enter(bids, rule)
    own = bid(rows, rule, trial, outside=ABSENT)
    win, steep = alone(contest, own, rule)
    each = spread(rows, cost_weight).astype(win.dtype)
    worth = spread(rows, returns_weight).astype(win.dtype) * own.values
    drop = (worth + each * price(contest, rule.temperature, pricing)) * steep
    return (bids.slope * met_back(contest, drop, each * win, pricing),)


def alone(
    contest: ActiveBids, own: Bids, rule: Rule
) -> tuple[Float[Array, "B C"], Float[Array, "B C"]]:
    """The chance of each bid against the others', and its change with the own bid."""
    dtype = own.values.dtype
    level = jnp.log(jnp.where(contest.is_top, contest.opponents, contest.others))
    best = contest.best_other
    above = (own.bid - finite(best)) / rule.temperature
    above = jnp.clip(above, -FAR, FAR).astype(dtype) - level
    above = jnp.where(best > ABSENT, above, FAR)
    here = own.bid > ABSENT
    win = jnp.where(here, sigmoid(above), 0)
    return win, win * sigmoid(-above) / rule.temperature.astype(dtype)


def bid(
    rows: Rows, rule: Rule, factors: Float[Array, "*T N"], outside: float | None = None
) -> Bids:
    """Bids of a block; `outside` overrides the bid from outside, where there is one."""
    raw = spread(rows, factors)[:, : rows.values.shape[1]] * rows.values
    here = raw > 0
    offer = jnp.where(here, jnp.minimum(raw, rule.bid_cap), ABSENT)
    slope = jnp.where(here & (raw < rule.bid_cap), rows.values, 0)
    if rows.outside is None:
        return Bids(rows.values, offer, slope)
    market = rows.outside if outside is None else jnp.full_like(rows.outside, outside)
    return Bids(join(rows.values, 0), join(offer, market[:, None]), join(slope, 0))


def enter(bids: Bids, rule: Rule) -> ActiveBids:
    """The contests of a block."""
    return meet(bids.bid, rule.temperature, bids.values.dtype)


def spread(rows: Rows, profile: Float[Array, "*T N"]) -> Float[Array, "#B C"]:
    """A number an advertiser, or an advertiser and tick, at its cells; zero where nobody is."""
    ids = None if rows.ids is None else jnp.maximum(rows.ids, 0)
    if profile.ndim == 1:
        table = profile[None] if ids is None else profile[ids]
    else:
        assert rows.tick is not None
        table = profile[rows.tick] if ids is None else profile[rows.tick[:, None], ids]
    if rows.ids is not None:
        table = jnp.where(rows.ids < 0, 0, table)
    return table if rows.outside is None else join(table, 0)


def join(table: Float[Array, "B C"], column: Float[Array, "B 1"] | float) -> Float[Array, "B C+1"]:
    """The table with one more column."""
    last = jnp.broadcast_to(jnp.asarray(column, table.dtype), (table.shape[0], 1))
    return jnp.concatenate([table, last], axis=1)
