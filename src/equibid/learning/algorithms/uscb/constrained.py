"""Bidding under a budget and caps on ratios: a linear program, and the bid that solves it.

    max Σ x v   with   Σ x c ≤ B,   Σ x c_j ≤ k_j Σ x p_j,   0 ≤ x ≤ 1

over impressions of value v at prices c. Ratio j is of cost, and c_j the price itself (a cap on the
cost per click, p_j the click rate), or of a quantity q_j that has nothing to do with the price.
With the multipliers α of the budget and β_j of the ratios an impression is bought wherever
``v − α c − Σ β_j (c_j − k_j p_j) ≥ 0``, that is where its price is at most the bid

    b = w_0 v − Σ w_j (q_j − k_j p_j),   w_0 = 1 / (α + Σ_cost β_j),   w_j = β_j w_0

with q_j = 0 in ratios of cost. One ratio of cost whose performance is the value itself, a target
cost k per value unit, gives ``b = (w_0 + w_1 k) v``: the pair is one factor, and no bid tells one
from the other. A higher factor spends more and pays more for a unit, so the best is the smaller of
the two that just meet the budget and the target.

Source: He et al., "A unified solution to constrained bidding in online display advertising", KDD
2021, section 3.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


class Ratios(NamedTuple):
    """J caps on ratios.

    Attributes:
        bound: k_j.
        performance: p_j of every impression.
        quantity: q_j of every impression; not read where the ratio is of cost.
        of_cost: whether what is divided is the price paid.
    """

    bound: Float[Array, " J"]
    performance: Float[Array, "K J"]
    quantity: Float[Array, "K J"]
    of_cost: Bool[Array, " J"]


class Optimum(NamedTuple):
    """The program's solution for every advertiser.

    Attributes:
        bought: x, share of each impression that is bought.
        value: bought, value units.
        spend: paid for it, currency.
        factor: bid per value that buys it, currency per value unit; of the dearest purchase.
        weights: w_0 and w_1 of that factor; w_1 = 0 unless the target binds.
    """

    bought: Float[Array, "K N"]
    value: Float[Array, " N"]
    spend: Float[Array, " N"]
    factor: Float[Array, " N"]
    weights: Float[Array, "2 N"]


def weights(
    budget: Float[Array, ""], ratios: Float[Array, " J"], of_cost: Bool[Array, " J"]
) -> Float[Array, " J+1"]:
    """w_0 … w_J from the multipliers.

    Args:
        budget: α, value units per currency.
        ratios: β_j, value units per unit of what is divided.
        of_cost: which ratios are of cost.
    """
    first = 1 / (budget + jnp.where(of_cost, ratios, 0).sum())
    return jnp.concatenate([first[None], ratios * first])


def bid(
    value: Float[Array, " K"], weights: Float[Array, " J+1"], ratios: Ratios
) -> Float[Array, " K"]:
    """The bid b on every impression, currency."""
    quantity = jnp.where(ratios.of_cost, 0.0, ratios.quantity)
    return weights[0] * value - (quantity - ratios.bound * ratios.performance) @ weights[1:]


def optimum(
    value: Float[Array, "K N"],
    price: Float[Array, "K N"],
    budget: Float[Array, " N"],
    target: Float[Array, " N"] | float = jnp.inf,
) -> Optimum:
    """The best purchases in hindsight, by the greedy of the fractional knapsack.

    Impressions are bought from the lowest price per value on, until the budget or the target is
    met in the middle of one: exact, as both multipliers rank impressions by price per value.

    Args:
        value: value units; zero where there is nothing to buy.
        price: currency.
        budget: of the period, currency.
        target: the most a value unit may cost on average, currency; infinite for none.
    """
    value, price = jnp.asarray(value, jnp.float64), jnp.asarray(price, jnp.float64)
    there = value > 0
    ratio = jnp.where(there, price / jnp.where(there, value, 1), jnp.inf)
    order = jnp.argsort(ratio, axis=0)
    v, c = (jnp.take_along_axis(jnp.where(there, x, 0), order, axis=0) for x in (value, price))
    ratio = jnp.take_along_axis(ratio, order, axis=0)

    def before(x: Array) -> Array:
        return jnp.cumsum(x, axis=0) - x

    def share(slack: Array, need: Array) -> Array:
        return jnp.where(need > 0, jnp.clip(slack / jnp.where(need > 0, need, 1), 0, 1), 1.0)

    # What the target leaves: the excess of a price over the target's is paid from earlier bargains.
    cap = jnp.where(jnp.isfinite(target), target, 0.0)
    excess = jnp.where(jnp.isfinite(target), c - cap * v, 0.0)
    by_budget = share(budget - before(c), c)
    by_target = share(-before(excess), excess)
    taken = jnp.where(v > 0, jnp.minimum(by_budget, by_target), 0.0)
    factor = jnp.where(taken > 0, ratio, 0.0).max(axis=0)
    binds = ((by_target < by_budget) & (by_target < 1) & (v > 0)).any(axis=0)
    bought = jnp.take_along_axis(taken, jnp.argsort(order, axis=0), axis=0)
    pair = jnp.stack([factor - jnp.where(binds, cap, 0.0), binds.astype(factor.dtype)])
    return Optimum(bought, (taken * v).sum(axis=0), (taken * c).sum(axis=0), factor, pair)
