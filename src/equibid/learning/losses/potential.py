"""What money still buys: a guess of every agent's future, from the day before and from play.

With a share m of its budget and a share τ of the period left, an advertiser can buy about

    Φ = m^e τ^(1 - e)

of what the log's best factor α buys in a whole period, V value units with the budget B. e is the
elasticity of value to money, (dV/dB) B / V. Where the last unit of value costs what is bid for it,
as in a second-price auction of one slot, dV/dB = 1/α and e = B / (α V), 1/2 if prices are uniform;
where climbing a slot costs more than it, e is less. So that is the guess, and play corrects it:
bids that chance moved (z) buy more value and cost more, and e is the ratio of the two effects,

    e = cov(z, value / V) / cov(z, spend / B).

Rewards shaped by the change of Φ (Ng, Harada and Russell, ICML 1999) have the same best policies,
and show at once what a bid was worth: value won less value of the money spent. A discount below one
then shortens the horizon over which Φ is corrected, not the one that is planned for (Cheng, Kolobov
and Swaminathan, "Heuristic-guided reinforcement learning", NeurIPS 2021).
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.envs.problem import Task

# Bounds of e.
LEAST, MOST = 0.05, 0.95
# What the guess counts for, in sums of z times shares of a plan's even spend.
GUESS_WEIGHT = 20.0
# Share of older sums that is kept as new ones come.
KEPT = 0.995


class Slopes(NamedTuple):
    """Sums over steps of chance moves times what came of them, as shares of an even plan's.

    Attributes:
        value: z · value, over V / T.
        spend: z · spend, over B / T.
    """

    value: Float[Array, " N"]
    spend: Float[Array, " N"]


def no_slopes(agents: int) -> Slopes:
    """Nothing seen yet."""
    return Slopes(jnp.zeros(agents, jnp.float32), jnp.zeros(agents, jnp.float32))


def seen_slopes(
    slopes: Slopes,
    moved: Float[Array, "E T N"],
    value: Float[Array, "E T N"],
    spend: Float[Array, "E T N"],
    random: Float[Array, "E T N"],
) -> Slopes:
    """With more steps seen, and older ones faded.

    Args:
        slopes: so far.
        moved: z, of any unit; its mean is taken off.
        value: won, shares of V.
        spend: shares of B.
        random: 1 where z was drawn by chance alone, else 0.
    """
    T = moved.shape[1]
    mean = (moved * random).sum(axis=(0, 1)) / jnp.maximum(random.sum(axis=(0, 1)), 1)
    z = (moved - mean) * random * T
    value, spend = ((z * x).sum(axis=(0, 1)).astype(jnp.float32) for x in (value, spend))
    return Slopes(KEPT * slopes.value + value, KEPT * slopes.spend + spend)


def guessed_elasticity(task: Task) -> Float[Array, " N"]:
    """Of value to money where the last unit of value costs what is bid for it."""
    worth = task.reference.factor * task.best
    return jnp.clip(task.game.campaigns.budget / worth, LEAST, MOST).astype(jnp.float32)


def elasticity(slopes: Slopes, guess: Float[Array, " N"]) -> Float[Array, " N"]:
    """Of value to money: the guess and what was seen, each by its weight."""
    seen = jnp.maximum(slopes.spend, 0)
    e = (slopes.value + GUESS_WEIGHT * guess) / (seen + GUESS_WEIGHT)
    return jnp.clip(e, LEAST, MOST)


def prospects(
    money: Float[Array, "... N"], time: Float[Array, "..."], e: Float[Array, " N"]
) -> Float[Array, "... N"]:
    """Φ; 0 at the end.

    Args:
        money: left, share of the budget.
        time: left, share of the period.
        e: elasticity.
    """
    return jnp.clip(money, 0, 1) ** e * time[..., None] ** (1 - e)
