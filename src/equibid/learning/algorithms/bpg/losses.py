"""The losses of BPG: what the log densities of actions are multiplied by.

With a_j the action of advertiser j, R_j its return to go less a baseline, λ_j its price, λ̄ the sum
of prices and κ = λ / λ̄:

    all bid as θ                       S1 = Σ_t Σ_i log π_θ(a_i) · (O + Σ_j λ_j R_j)
    i ~ κ bids as ν, the others as θ   Ss = Σ_t Σ_{j≠i} log π_θ(a_j) · R_i
                                       Sg = Σ_t log π_ν(a_i) · R_i
    i ~ κ bids as x, the others as θ   Sw = Σ_t Σ_{j≠i} log π_θ(a_j) · R_i

    loss of θ = ξ Sw + (λ̄ - ξ) Ss - S1,    loss of ν = (λ̄ - ξ) Sg

and x climbs its own return. O is the return to go of the market's aim, the sum of all R where it is
welfare. All are in one unit, and are divided by one scale. An advertiser that was drawn with
probability q instead of κ counts κ / q times. Without violations λ̄ is 0, and θ climbs O alone.

Source: Mou et al., "Nash equilibrium constrained auto-bidding with bi-level reinforcement
learning", 2025, equation 11; the last term of its equation 10 is printed with the other sign, which
is not the gradient of its equation 35.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class Prices(NamedTuple):
    """What violations cost.

    Attributes:
        price: λ of each advertiser.
        probability: q of drawing the advertiser that deviates in each episode.
        competitive: ξ.
    """

    price: Float[Array, " N"]
    probability: Float[Array, " E"]
    competitive: Float[Array, ""]


class Weights(NamedTuple):
    """By what log densities are multiplied, to be climbed.

    Attributes:
        all_bid: those of θ where all bid as θ, the same for each advertiser.
        others: those of θ where one bids as ν, and where one bids as x; 0 for who deviates.
        optimiser: those of ν.
    """

    all_bid: Float[Array, "E T 1"]
    others: Float[Array, "2 E T N"]
    optimiser: Float[Array, "E T 1"]


def weights(
    aim: Float[Array, "E T 1"],
    own: Float[Array, "E T N"],
    deviated: Float[Array, "2 E T 1"],
    deviator: Int[Array, " E"],
    prices: Prices,
) -> Weights:
    """The weights of all log densities.

    Args:
        aim: O, returns to go or advantages of the market's aim.
        own: R of each advertiser where all bid as θ.
        deviated: R of who deviates, as ν and as x.
        deviator: who deviates in each episode.
        prices: of violations.
    """
    N, total = len(prices.price), prices.price.sum()
    # ξ / λ̄, and λ_i / q_i = λ̄ κ_i / q_i.
    ratio = jnp.where(total > 0, prices.competitive / jnp.where(total > 0, total, 1), 0)
    each = (prices.price[deviator] / prices.probability)[:, None, None]
    by_optimiser, by_response = (1 - ratio) * each, ratio * each
    other = deviator[:, None, None] != jnp.arange(N)
    return Weights(
        all_bid=aim + (prices.price * own).sum(axis=-1, keepdims=True),
        others=jnp.where(
            other, -jnp.stack([by_optimiser * deviated[0], by_response * deviated[1]]), 0
        ),
        optimiser=-by_optimiser * deviated[0],
    )
