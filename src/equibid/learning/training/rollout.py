"""Episodes: periods played in parallel, as trainers learn from them."""

from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from equibid.auctions.tally import Tally
from equibid.envs.game import GameState, MarkovGame


class Episodes(NamedTuple):
    """E periods of T steps.

    Attributes:
        observation: what was seen before each step, and after the last; float32.
        present: whose action is bid at each step: who had money and learns; after the last, nobody.
        action: what the policy said.
        last_factor: what each agent had bid before each step, currency per value unit.
        factor: what was asked of the game, currency per value unit.
        reward: of each step, float32, in the reward's unit.
        tally: sums of each step: every field [E, T, N].
        remaining: money before each step and after the last, currency.
        period: which of the game's periods was played.
    """

    observation: Float[Array, "E T+1 N F"]
    present: Bool[Array, "E T+1 N"]
    action: Float[Array, "E T N A"]
    last_factor: Float[Array, "E T N"]
    factor: Float[Array, "E T N"]
    reward: Float[Array, "E T N"]
    tally: Tally
    remaining: Float[Array, "E T+1 N"]
    period: Int[Array, " E"]


class Act(Protocol):
    """Decides for all agents of all markets at once."""

    def __call__(
        self, key: jax.Array, seen: Float[Array, "E N F"], state: GameState
    ) -> tuple[Float[Array, "E N A"], Float[Array, "E N"]]:
        """What the policy says, and the factors to play."""
        ...


def play(game: MarkovGame, act: Act, key: jax.Array, episodes: int) -> Episodes:
    """Play `episodes` whole periods in parallel, drawn at random from the game's.

    Args:
        game: to play.
        act: the policy, exploration and all.
        key: of the choice of periods, of their chance and of the policy's.
        episodes: E.
    """
    which, chance, own = jax.random.split(key, 3)
    period = drawn_periods(game, which, episodes)
    return play_periods(game, act, jax.random.split(chance, episodes), period, own)


def drawn_periods(game: MarkovGame, key: jax.Array, episodes: int) -> Int[Array, " E"]:
    """Periods of the game, drawn at random; none twice before each is there once."""
    if game.periods > episodes:
        return jax.random.choice(key, game.periods, (episodes,), replace=False)
    return jax.random.permutation(key, jnp.arange(episodes) % game.periods)


def play_periods(
    game: MarkovGame,
    act: Act,
    chance: jax.Array,
    period: Int[Array, " E"],
    key: jax.Array,
    seat: Int[Array, "E N"] | None = None,
) -> Episodes:
    """Play given periods in parallel.

    Args:
        game: to play.
        act: the policy.
        chance: [E] keys of exposures, conversions and opponents.
        period: which period each market plays.
        key: of the policy's own chance.
        seat: who drives whom in each market; default as the game has it.
    """

    def observe(state: GameState) -> tuple[Array, Array]:
        return jax.vmap(game.observe)(state), jax.vmap(game.acts)(state)

    def step(state: GameState, number: Array) -> tuple[GameState, Episodes]:
        seen, present = observe(state)
        action, factor = act(jax.random.fold_in(key, number), seen, state)
        after, result = jax.vmap(game.step)(state, factor)
        row = Episodes(
            seen,
            present,
            action,
            state.last_factor,
            factor,
            result.reward.astype(jnp.float32),
            result.tally,
            state.budgets.remaining,
            state.period,
        )
        return after, row

    # Without seats there is nothing to map over.
    start = jax.vmap(game.reset, in_axes=(0, 0, None if seat is None else 0))(chance, period, seat)
    end, rows = jax.lax.scan(step, start, jnp.arange(game.steps))
    seen, present = observe(end)
    rows = jax.tree.map(lambda x: jnp.moveaxis(x, 0, 1), rows)

    def close(x: Array, last: Array) -> Array:
        return jnp.concatenate([x, last[:, None]], axis=1)

    return rows._replace(
        observation=close(rows.observation, seen),
        present=close(rows.present, present),
        remaining=close(rows.remaining, end.budgets.remaining),
        period=period,
    )


def time_left(steps: int) -> Float[Array, " T+1"]:
    """Share of a period that is left before each step, and 0 after the last.

    One minus a quotient may end a little below zero in a compiled program, and has no root there.
    """
    return (steps - jnp.arange(steps + 1)) / steps
