"""What a period ends with: the share of the best reward, less a fine for a cost above the target.

    G = min(R / R*, 1) − λ (γ^e − 1)

R is the whole period's reward, R* that of the best constant factor in hindsight, and e the share by
which the cost per value unit exceeds its target, if that is asked for.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.learning.algorithms.uscb.config import UscbConfig

# A cost per value is fined as if it were at most this many times the target beyond it.
WORST = 2.0


def score(
    settings: UscbConfig,
    target: Float[Array, " N"],
    best: Float[Array, " N"],
    gain: Float[Array, "... N"],
    value: Float[Array, "... N"],
    spend: Float[Array, "... N"],
) -> Float[Array, "... N"]:
    """G of periods.

    Args:
        settings: of the algorithm.
        target: the most a value unit should cost, currency.
        best: R*, in the reward's unit.
        gain: R, in the reward's unit.
        value: won, value units.
        spend: currency.
    """
    share = jnp.minimum(gain / best, settings.max_reward)
    if settings.target == "none":
        return share
    return share - settings.penalty_coef * fine(value, spend, target, settings.penalty_base)


def fine(
    value: Float[Array, "..."],
    spend: Float[Array, "..."],
    target: Float[Array, "..."],
    base: float,
) -> Float[Array, "..."]:
    """``γ^e − 1``, e the share by which a cost per value unit exceeds its target, at most `WORST`.

    Args:
        value: won, value units; where there is none nothing is fined.
        spend: currency.
        target: currency per value unit.
        base: γ, above 1.
    """
    cost = spend / jnp.where(value > 0, value, 1)
    exceeds = jnp.clip(cost / target - 1, 0, WORST)
    return jnp.where(value > 0, base**exceeds - 1, 0.0)
