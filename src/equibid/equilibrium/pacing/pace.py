"""PACE: first-price factors learned impression by impression.

On impression t the highest bid ``α_i v_i`` wins, at its own price. With u the running mean of the
value each advertiser won and b its budget per impression,

    u_{t+1} = u_t + (won_t - u_t) / t,      α_{t+1} = clip(b / u_{t+1}, floor · cap, cap).

On impressions drawn independently the factors go to the first-price pacing equilibrium of the
drawn distribution, in mean square at the rate ``log t / t``.

Source: Gao, Peysakhovich and Kroer, "Online market equilibrium with application to fair
division", NeurIPS 2021, algorithm 1, with the upper bound of quasi-linear bidders.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int

from equibid.equilibrium.pacing.market import checked
from equibid.errors import InputError


class Path(NamedTuple):
    """Where the dynamics went.

    Attributes:
        average: mean of the factors over the steps, currency per value unit.
        last: factors after the last step, currency per value unit.
    """

    average: Float[Array, " N"]
    last: Float[Array, " N"]


def pace(
    values: npt.ArrayLike,
    budget: npt.ArrayLike,
    cap: npt.ArrayLike = 1.0,
    *,
    draws: int = 0,
    key: jax.Array | None = None,
    floor: float = 1e-3,
) -> Path:
    """Run the dynamics over a market once, or over impressions drawn from it.

    Args:
        values: [K, N] value units per impression, in order of arrival.
        budget: [N] for K impressions, currency; drawn streams get as much per impression.
        cap: [N] or one number, highest factor, currency per value unit.
        draws: number of impressions drawn with replacement; 0 takes the K impressions in order.
        key: for the draws.
        floor: lowest factor, as a share of the cap.

    Raises:
        InputError: input is malformed, `floor` is not within 0 … 1, or draws come without key.
    """
    market = checked(values, budget, cap)
    impressions = len(market.values)
    if not 0 < floor <= 1:
        raise InputError(f"floor {floor:g} must be a share of the cap above 0 and at most 1")
    if draws < 0 or (draws > 0) != (key is not None):
        raise InputError(f"draws {draws} and key go together: give both, or neither")
    order = (
        jnp.arange(impressions)
        if key is None
        else jax.random.randint(key, (draws,), 0, impressions)
    )
    # In units of the cap, the factors are the β of the equilibrium program.
    worth = market.values * market.cap
    path = _run(jnp.asarray(worth), jnp.asarray(market.budget / impressions), order, floor)
    return Path(path.average * np.asarray(market.cap), path.last * np.asarray(market.cap))


@jax.jit
def _run(
    worth: Float[Array, "K N"], income: Float[Array, " N"], order: Int[Array, " T"], floor: float
) -> Path:
    """The recursion on values in currency; `income` is budget per impression."""

    def step(
        carry: tuple[Float[Array, " N"], Float[Array, " N"], Float[Array, " N"]],
        turn: tuple[Int[Array, ""], Int[Array, ""]],
    ) -> tuple[tuple[Float[Array, " N"], Float[Array, " N"], Float[Array, " N"]], None]:
        beta, won, total = carry
        impression, t = turn
        value = worth[impression]
        # Ties go to the first, as any fixed order does.
        winner = jnp.arange(value.shape[0]) == jnp.argmax(beta * value)
        won = won + (jnp.where(winner, value, 0) - won) / t
        beta = jnp.clip(jnp.where(won > 0, income / jnp.where(won > 0, won, 1), 1), floor, 1)
        return (beta, won, total + beta), None

    nothing = jnp.zeros_like(income)
    steps = jnp.arange(1, order.shape[0] + 1)
    (beta, _, total), _ = jax.lax.scan(
        step, (jnp.ones_like(income), nothing, nothing), (order, steps)
    )
    return Path(total / order.shape[0], beta)
