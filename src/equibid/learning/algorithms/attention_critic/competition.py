"""How hard bidders compete, and how far they bid for all or each for itself.

Much money after few impressions is a scarce market, in which an agent does best to look after
itself; in an abundant one a bidding war only moves money to the platform. The competition index is
the money left over the price of all that is left to buy,

    I_t = Σ_i b_i / (p̄_t · τ_t),

and a temperature follows from it, low for cooperation and high for independence:

    T_t = T_min + (T_max - T_min) · sigmoid(4 (I_t / I_ref - 1)),
    κ   = exp(-T / T_0)   in [0, 1],   U_i = (1 - κ) Q_own / s_own + κ Q_team / s_team.

An agent that gets less than its share becomes more independent: its temperature is raised by
η (entitled - got) / entitled, shares of all agents' value and of all agents' budgets, within ±0.5.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

# The temperature at an index far below the usual one and far above it.
COOL, HOT = 0.05, 3.0
STEEPNESS = 4.0
# Of the adjustment by an agent's own success.
MOST_ADJUSTED = 0.5


def competition_index(
    remaining: Float[Array, "... T N"],
    price: Float[Array, "... T"],
    impressions_left: Float[Array, " T"],
) -> Float[Array, "... T"]:
    """I_t, money left over the price of the impressions left; 0 where that is nothing.

    Args:
        remaining: money of those who bid before each step, currency.
        price: mean market price, currency per impression.
        impressions_left: that are to come, the step's own included.
    """
    worth = price * impressions_left
    return jnp.where(worth > 0, remaining.sum(axis=-1) / jnp.where(worth > 0, worth, 1), 0.0)


def mean_price(
    market_price: Float[Array, "... T N"],
    offered: Float[Array, "... T N"],
    usual: Float[Array, ""],
    prior: float | Float[Array, ""],
) -> Float[Array, "... T"]:
    """The mean market price that is known before each step, currency per impression.

    It starts at the usual price, which counts as `prior` bids seen, and moves with what is sold.

    Args:
        market_price: sums of the market prices of the impressions each agent bid on.
        offered: those impressions.
        usual: the mean price of earlier periods.
        prior: in bids of all agents; above 0.
    """

    def before(x: Array) -> Array:
        """Sums over agents and all earlier steps."""
        each = x.sum(axis=-1)
        return jnp.cumsum(each, axis=-1) - each

    return (before(market_price) + prior * usual) / (before(offered) + prior)


def scheduled_temperature(
    index: Float[Array, "..."], usual: Float[Array, ""] | float
) -> Float[Array, "..."]:
    """T_t of an index against the usual one, I_ref, that of a period's start."""
    relative = index / jnp.where(usual > 0, usual, 1)
    return COOL + (HOT - COOL) * jax.nn.sigmoid(STEEPNESS * (relative - 1))


def adjustment(
    value: Float[Array, "... T N"],
    budget: Float[Array, " N"],
    among: Bool[Array, "... N"],
    rate: float,
) -> Float[Array, "... T N"]:
    """What is added to each agent's temperature: more, the less it got of what it is entitled to.

    Args:
        value: won in each step, value units.
        budget: of the period, currency; shares of it are what agents are entitled to.
        among: the agents whose shares are compared; broadcasts against `value`.
        rate: η.
    """
    won = jnp.where(among, jnp.cumsum(value, axis=-2) - value, 0)
    money = jnp.where(among, budget, 0)
    total = won.sum(axis=-1, keepdims=True)
    entitled = money / jnp.maximum(money.sum(axis=-1, keepdims=True), 1e-300)
    got = won / jnp.where(total > 0, total, 1)
    short = (entitled - got) / jnp.where(entitled > 0, entitled, 1)
    # Before anything is won nobody is behind.
    return jnp.where(total > 0, jnp.clip(rate * short, -MOST_ADJUSTED, MOST_ADJUSTED), 0.0)


def cooperation(temperature: Float[Array, "..."] | float, unit: float = 1.0) -> Float[Array, "..."]:
    """κ = exp(-T / T_0), T at least 0: 1 for all as a team, 0 each for itself (T infinite)."""
    return jnp.exp(-jnp.maximum(jnp.asarray(temperature), 0) / unit)
