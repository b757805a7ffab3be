"""The market's response to a profile of factors, for every device XLA knows.

A market is taken in blocks of impressions, so that what is in memory at once is a block and a few
numbers an advertiser. Sums are float64 whatever the type of the values.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy.typing as npt
from jaxtyping import Array, Float

from equibid.equilibrium.game import Game
from equibid.equilibrium.response import rows as response_rows
from equibid.equilibrium.response.contest_xla import Pricing
from equibid.equilibrium.response.rows import Rows, Rule
from equibid.errors import InputError
from equibid.markets.market import Market

Sums = tuple[Float[Array, " N"], ...]
Quantity = Callable[..., tuple[Float[Array, "B C"], ...]]
# Cells of a block: on a CPU a few tables of a block stay in its cache, elsewhere they fill it.
CELLS = {"cpu": 1 << 15}
CELLS_ELSEWHERE = 1 << 24


def respond(game: Game, factors: npt.ArrayLike) -> tuple[Array, Array]:
    """What everybody wins and pays in expectation.

    Args:
        game: the game; values of float32 make for float32 arithmetic with float64 sums.
        factors: [N], or [T, N] a row a tick; currency per value unit, zero sits out.

    Returns:
        [N] value units, [N] currency.

    Raises:
        InputError: factors of another shape.
    """
    won, paid = _over(game, response_rows.respond, factors)
    return won, paid


def jvp(
    game: Game, factors: npt.ArrayLike, direction: npt.ArrayLike
) -> tuple[Array, Array, Array, Array]:
    """The response and its derivative along a direction (Jacobian-vector product).

    Args:
        game: the game.
        factors: [N] or [T, N] currency per value unit.
        direction: likewise.

    Returns:
        [N] value units, [N] currency, and the change of both per unit of the direction.

    Raises:
        InputError: arguments of another shape.
    """
    won, paid, won_moved, paid_moved = _over(game, response_rows.jvp, factors, direction)
    return won, paid, won_moved, paid_moved


def vjp(
    game: Game,
    factors: npt.ArrayLike,
    returns_weight: npt.ArrayLike,
    cost_weight: npt.ArrayLike,
) -> tuple[Array, Array, Array]:
    """The response, and the gradient of a weighted total of it (vector-Jacobian product).

    Args:
        game: the game.
        factors: [N] α, currency per value unit.
        returns_weight: [N] w per value unit.
        cost_weight: [N] u per currency.

    Returns:
        [N] returns R, value units; [N] cost C, currency; [N] Σ_i w_i ∂R_i/∂α_j + u_i ∂C_i/∂α_j.

    Raises:
        InputError: arguments of another shape.
    """
    won, paid, gradient = _over(game, response_rows.vjp, factors, returns_weight, cost_weight)
    return won, paid, gradient


def deviate(
    game: Game, factors: npt.ArrayLike, trial: npt.ArrayLike
) -> tuple[Array, Array, Array, Array]:
    """What each advertiser would win and pay if it alone moved to its trial factor.

    Args:
        game: the game.
        factors: [N] or [T, N], what the others keep; currency per value unit.
        trial: [N] (or [T, N]) currency per value unit; zero sits out.

    Returns:
        [N] value units, [N] currency, and [N] the changes of the cost and of the value units with
        the trial factor.

    Raises:
        InputError: arguments of another shape.
    """
    won, paid, slope, returns_slope = _over(game, response_rows.deviate, factors, trial)
    return won, paid, slope, returns_slope


def deviation_vjp(
    game: Game,
    factors: npt.ArrayLike,
    trial: npt.ArrayLike,
    returns_weight: npt.ArrayLike,
    cost_weight: npt.ArrayLike,
) -> Sums:
    """The gradient of a weighted total of what each would get alone, by what the others keep.

    Args:
        game: the game.
        factors: [N] what the others keep, currency per value unit.
        trial: [N] likewise; zero sits out.
        returns_weight: [N] w per value unit.
        cost_weight: [N] u per currency.

    Returns:
        [N] Σ_{i≠j} w_i ∂R_i(β_i, α_-i)/∂α_j + u_i ∂C_i(β_i, α_-i)/∂α_j.

    Raises:
        InputError: arguments of another shape.
    """
    weights = (returns_weight, cost_weight)
    return _over(game, response_rows.deviation_vjp, factors, trial, *weights)


def rows_of(market: Market, by_tick: bool = True) -> Rows:
    """The impressions of a market; their ticks only if they are wanted."""
    tick = None
    if by_tick:
        number = jnp.arange(market.impressions, dtype=jnp.int32)
        inner = jnp.asarray(market.tick_start)[1:-1]
        tick = jnp.searchsorted(inner, number, side="right").astype(jnp.int32)
    values = jnp.asarray(market.values)
    ids = None if market.candidates is None else jnp.asarray(market.candidates)
    outside = None if market.market_price is None else jnp.asarray(market.market_price)
    return Rows(values, ids, outside, tick)


def rule_of(game: Game) -> Rule:
    """The numbers of the game's rule, as arguments of a compiled program."""
    temperature = jnp.asarray(game.auction.temperature, jnp.float64)
    return Rule(temperature, jnp.asarray(game.market.bid_cap, jnp.float64))


def profiles_of(market: Market, *profiles: npt.ArrayLike) -> list[Float[Array, "*T N"]]:
    """Arguments as arrays.

    Raises:
        InputError: one is neither [N] nor [T, N].
    """
    arrays = [jnp.asarray(profile, jnp.float64) for profile in profiles]
    for array in arrays:
        if array.shape not in ((market.advertisers,), (market.ticks, market.advertisers)):
            raise InputError(
                f"market {market.labels.name}: factors and weights of shape {array.shape}; give "
                f"one number for each of {market.advertisers} advertisers, "
                f"or for each of {market.ticks} ticks and every advertiser"
            )
    return arrays


def block_rows(columns: int) -> int:
    """B, impressions taken at once."""
    return max(CELLS.get(jax.default_backend(), CELLS_ELSEWHERE) // max(columns, 1), 1)


def sums(
    quantity: Quantity,
    pricing: Pricing,
    advertisers: int,
    block: int,
    rows: Rows,
    rule: Rule,
    profiles: list[Float[Array, "*T N"]],
) -> Sums:
    """Sums by advertiser of what `quantity` says of each cell, block by block.

    Args:
        quantity: one of the four of `response_rows`.
        pricing: soft or hard.
        advertisers: N.
        block: B, impressions taken at once.
        rows: impressions.
        rule: temperature and highest bid.
        profiles: further arguments of `quantity`.
    """
    count = rows.values.shape[0]
    length = min(block, count)

    def of_block(number: Array | int) -> Sums:
        # The last block is a whole one; what it shares with the one before has no value here.
        begin = jnp.minimum(number * length, count - length)
        part = jax.tree.map(lambda x: jax.lax.dynamic_slice_in_dim(x, begin, length), rows)
        fresh = begin + jnp.arange(length) >= number * length
        part = part._replace(values=jnp.where(fresh[:, None], part.values, 0))
        return tuple(
            by_advertiser(table[:, : part.values.shape[1]], part, advertisers)
            for table in quantity(part, rule, pricing, *profiles)
        )

    def add(number: Array, total: Any) -> Any:
        return jax.tree.map(jnp.add, total, of_block(number))

    zero = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(of_block, 0))
    return jax.lax.fori_loop(0, -(-count // max(length, 1)), add, zero)


def by_advertiser(table: Float[Array, "B C"], rows: Rows, advertisers: int) -> Float[Array, " N"]:
    """Sums of a block's cells by their advertiser.

    On a GPU candidate lists are added in no fixed order: the last bits may differ between runs.
    """
    if rows.ids is None:
        return table.sum(axis=0, dtype=jnp.float64)
    total = jnp.zeros(advertisers, jnp.float64)
    where = jnp.where(rows.ids < 0, advertisers, rows.ids)
    return total.at[where].add(table.astype(jnp.float64), mode="drop")


_sums = jax.jit(sums, static_argnames=("quantity", "pricing", "advertisers", "block"))


def _over(game: Game, quantity: Quantity, *profiles: npt.ArrayLike) -> Sums:
    """The sums of a whole game."""
    market, pricing = game.market, game.auction.pricing
    arrays = profiles_of(market, *profiles)
    rows = rows_of(market, any(array.ndim == 2 for array in arrays))
    block = block_rows(market.values.shape[1])
    return _sums(quantity, pricing, market.advertisers, block, rows, rule_of(game), arrays)
