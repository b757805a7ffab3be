"""Episodes in which, at some ticks, a copy of the market plays on with the factors held.

What is left of a period is a bidding problem of the same form, whose solution is again one constant
factor. So the worth of a factor at tick t is known by playing the rest of the period with it: no
bootstrapping. In each of E periods P ticks are probed; the copies are further markets in the same
scan, which stand still (nobody bids) until their tick comes.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from equibid.envs.game import GameState, MarkovGame

# From what is seen [E, N, F] and the factors bid last [E, N] to factors [E, N].
Factors = Callable[[jax.Array, Float[Array, "E N F"], Float[Array, "E N"]], Float[Array, "E N"]]


class Probes(NamedTuple):
    """P ticks of each of E periods.

    Attributes:
        tick: of the probe.
        seen: by every agent before it, float32.
        present: who had money and learns.
        last_factor: factors bid before it, currency per value unit.
        held: factors held from it to the end, currency per value unit.
        gained: reward of the period before it.
        gain: reward of the whole period, with the factor held.
        value: of the whole period, value units.
        spend: of the whole period, currency.
    """

    tick: Int[Array, "E P"]
    seen: Float[Array, "E P N F"]
    present: Bool[Array, "E P N"]
    last_factor: Float[Array, "E P N"]
    held: Float[Array, "E P N"]
    gained: Float[Array, "E P N"]
    gain: Float[Array, "E P N"]
    value: Float[Array, "E P N"]
    spend: Float[Array, "E P N"]


class Played(NamedTuple):
    """The periods themselves, whose factors were not held.

    Attributes:
        gain: reward of the period.
        value: value units.
        spend: currency.
        learns: who did.
    """

    gain: Float[Array, "E N"]
    value: Float[Array, "E N"]
    spend: Float[Array, "E N"]
    learns: Bool[Array, "E N"]


class _Markets(NamedTuple):
    """The periods played, in place 0, and their probes, [E, 1+P, …]."""

    state: GameState
    gain: Float[Array, "E M N"]
    probes: Probes


def probe_ticks(key: jax.Array, episodes: int, probes: int, steps: int) -> Int[Array, "E P"]:
    """A random tick from each of `probes` equal parts of the period."""
    uniform = jax.random.uniform(key, (episodes, probes))
    return jnp.floor((jnp.arange(probes) + uniform) / probes * steps).astype(jnp.int32)


def play_and_hold(
    game: MarkovGame,
    factors: Factors,
    start: GameState,
    tick: Int[Array, "E P"],
    disorder: Float[Array, "E N"],
    spread: Float[Array, "E P N"],
    key: jax.Array,
) -> tuple[Probes, Played]:
    """Play periods, and from each probed tick on a copy with the factors held.

    Args:
        game: to play.
        factors: the policy, exploration and all.
        start: E periods at their start.
        tick: when to probe.
        disorder: multiples of the policy's first factor that are played in its place.
        spread: multiples of a played factor that are held.
        key: of the policy's chance.
    """
    E, P = tick.shape
    N, F = game.agents, game.features

    def step(now: _Markets, number: Array) -> tuple[_Markets, None]:
        main = jax.tree.map(lambda x: x[:, 0], now.state)
        seen = jax.vmap(game.observe)(main)
        factor = factors(jax.random.fold_in(key, number), seen, main.last_factor)
        factor = jnp.where(number == 0, disorder, 1) * factor
        here = tick == number

        def forked(copies: Array, original: Array) -> Array:
            here_too = here.reshape(E, P, *(1,) * (original.ndim - 1))
            return jnp.where(here_too, original[:, None].astype(copies.dtype), copies)

        def fork(x: Array) -> Array:
            return x.at[:, 1:].set(forked(x[:, 1:], x[:, 0]))

        state = jax.tree.map(fork, now.state)
        gain = fork(now.gain)
        old = now.probes
        held = jnp.where(here[..., None], factor[:, None] * spread, old.held)
        probes = old._replace(
            seen=forked(old.seen, seen),
            present=forked(old.present, jax.vmap(game.acts)(main)),
            last_factor=forked(old.last_factor, main.last_factor),
            held=held,
            gained=forked(old.gained, now.gain[:, 0]),
        )
        waits = (tick > number)[..., None]
        asked = jnp.concatenate([factor[:, None], jnp.where(waits, -jnp.inf, held)], axis=1)
        flat = jax.tree.map(lambda x: x.reshape(E * (1 + P), *x.shape[2:]), (state, asked))
        after, result = jax.vmap(game.step)(*flat)
        after, reward = jax.tree.map(
            lambda x: x.reshape(E, 1 + P, *x.shape[1:]), (after, result.reward)
        )
        return _Markets(after, gain + reward, probes), None

    zero = jnp.zeros((E, P, N))
    nothing = Probes(
        tick=tick,
        seen=jnp.zeros((E, P, N, F), jnp.float32),
        present=jnp.zeros((E, P, N), bool),
        last_factor=zero,
        held=zero,
        gained=zero,
        gain=zero,
        value=zero,
        spend=zero,
    )
    copies = jax.tree.map(lambda x: jnp.repeat(x[:, None], 1 + P, axis=1), start)
    begun = _Markets(copies, jnp.zeros((E, 1 + P, N)), nothing)
    ended, _ = jax.lax.scan(step, begun, jnp.arange(game.steps))
    sums = ended.state.so_far
    probes = ended.probes._replace(
        gain=ended.gain[:, 1:], value=sums.value[:, 1:], spend=sums.spend[:, 1:]
    )
    learns = start.seat == 0
    return probes, Played(ended.gain[:, 0], sums.value[:, 0], sums.spend[:, 0], learns)
