"""Training of the practical predictor: regression on equilibria of what is left of a day.

    loss = Σ w · (f(F_{1:t}) - log(α*(t) / αref))² / Σ w

over periods, ticks and advertisers, with the weight w the share of the advertiser's value that is
still to come: near the end few impressions set the target, and little hangs on it.

What money is left at t depends on who was bidding. So data are gathered in rounds (DAgger: Ross,
Gordon and Bagnell 2011): the predictor of the moment plays every training day, with factors tilted
at random, and what it saw is set beside the targets of the games it left. All rounds are kept.
Source: Nash-equilibrium constrained bidding at scale (arXiv 2503.10304), equation 23; on logarithms
here, because factors are.

    state = init(days, settings, key)
    for every round:
        state = refresh(state, days, settings)
        for every step:
            state, loss = step(state, settings)
    bidder = policy(state, reference, cap, ticks)
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, UInt32

from equibid.errors import InputError
from equibid.learning.ncb.config import NcbConfig
from equibid.learning.ncb.data import Data, Day, observe_day
from equibid.learning.ncb.predictor import Predictor
from equibid.learning.networks.transformer import Transformer, transformer, whole
from equibid.simulation.features import NAMES, Reference

Progress = Callable[[int, float], None]


class Training(NamedTuple):
    """All of a training run: a run that goes on from it ends at the same bits.

    Attributes:
        network: the weights.
        moments: of the optimiser.
        data: gathered so far.
        filled: periods in it.
        steps: of the optimiser so far.
        key: key data; each round and each step has its own key of it.
    """

    network: Transformer
    moments: Any
    data: Data
    filled: Int[Array, ""]
    steps: Int[Array, ""]
    key: UInt32[Array, " 2"]


def init(days: Sequence[Day], settings: NcbConfig, key: jax.Array) -> Training:
    """The start of a run: an untrained network and no data.

    Raises:
        InputError: there is no day, or days differ in ticks or advertisers.
    """
    sizes = {(day.game.market.ticks, day.game.market.advertisers) for day in days}
    if len(sizes) != 1:
        raise InputError("training: give at least one day, all of as many ticks and advertisers")
    ticks, advertisers = sizes.pop()
    return blank(ticks, advertisers, settings.rounds * len(days), settings, key)


def blank(
    ticks: int, advertisers: int, periods: int, settings: NcbConfig, key: jax.Array
) -> Training:
    """An untrained network, and room for the data of so many periods."""
    T, N, P, F = ticks, advertisers, periods, len(NAMES)
    network = transformer(settings.shape, F, jax.random.fold_in(key, 0))
    return Training(
        network=network,
        moments=_optimiser(settings).init(cast(Any, network)),
        data=Data(
            jnp.zeros((P, T, N, F), jnp.float32),
            jnp.zeros((P, T, N), jnp.float32),
            jnp.zeros((P, T, N), jnp.float32),
        ),
        filled=jnp.asarray(0),
        steps=jnp.asarray(0),
        key=jax.random.key_data(key),
    )


def refresh(state: Training, days: Sequence[Day], settings: NcbConfig) -> Training:
    """One round: play every day with the present network and solve what it left.

    Where there is no room for more periods, the new ones take the place of the oldest.
    """
    data, first = state.data, int(state.filled)
    room = data.target.shape[0]
    for number, day in enumerate(days, first):
        key = jax.random.fold_in(jax.random.fold_in(_key(state), 1), number)
        bidder = policy(state, day.reference, jnp.asarray(day.game.cap), day.game.market.ticks)
        seen = observe_day(
            bidder,
            day,
            key,
            first=number % min(settings.target_every, day.game.market.ticks),
            every=settings.target_every,
            tilt=settings.factor_noise,
            sampled=settings.sampled,
            solver=settings.solver,
        )
        data = Data(*(x.at[number % room].set(y) for x, y in zip(data, seen, strict=True)))
    return state._replace(data=data, filled=state.filled + len(days))


@partial(jax.jit, static_argnames="settings")
def step(state: Training, settings: NcbConfig) -> tuple[Training, Float[Array, ""]]:
    """One step of Adam on a batch of advertiser-days, drawn with replacement; and its loss."""
    key = jax.random.fold_in(jax.random.fold_in(_key(state), 2), state.steps)
    which, who, drop = jax.random.split(key, 3)
    P, _, N = state.data.target.shape
    size = (settings.batch_size,)
    period = jax.random.randint(which, size, 0, jnp.minimum(jnp.maximum(state.filled, 1), P))
    advertiser = jax.random.randint(who, size, 0, N)
    features, target, weight = (x[period, :, advertiser] for x in state.data)

    def loss(network: Transformer) -> Array:
        error = whole(network, features, drop) - target
        return (weight * error**2).sum() / jnp.maximum(weight.sum(), 1e-6)

    value, gradient = jax.value_and_grad(loss)(state.network)
    change, moments = _optimiser(settings).update(cast(Any, gradient), state.moments)
    network = cast(Transformer, optax.apply_updates(cast(Any, state.network), change))
    return state._replace(network=network, moments=moments, steps=state.steps + 1), value


def learn(
    state: Training, settings: NcbConfig, callback: Progress | None = None
) -> tuple[Training, list[Float[Array, ""]]]:
    """The updates of a round, and their losses."""
    losses: list[Float[Array, ""]] = []
    for _ in range(settings.num_updates):
        state, loss = step(state, settings)
        losses.append(loss)
        if callback:
            callback(int(state.steps), float(loss))
    return state, losses


def policy(state: Training, reference: Reference, cap: Float[Array, " N"], ticks: int) -> Predictor:
    """The bidder of the present network.

    Args:
        state: of the run.
        reference: the day before the one to be played.
        cap: [N] the highest factor, currency per value unit.
        ticks: of a day.
    """
    return Predictor(state.network, reference, cap, ticks)


def train(
    days: Sequence[Day], settings: NcbConfig, key: jax.Array, callback: Progress | None = None
) -> Training:
    """A whole run.

    Args:
        days: to train on.
        settings: of the run.
        key: of all its chance.
        callback: told the number of each step and its loss.
    """
    state = init(days, settings, key)
    for _ in range(settings.rounds):
        state = refresh(state, days, settings)
        state, _ = learn(state, settings, callback)
    return state


def save(path: Path, state: Training) -> None:
    """Write a run, whole, to a file; a path without a suffix gets ``.eqx``."""
    eqx.tree_serialise_leaves(path, state)


def load(path: Path, like: Training) -> Training:
    """Read a run.

    Args:
        path: of the file.
        like: a run of the same days and settings, such as `init` gives.

    Raises:
        InputError: the file is of a run of other sizes, or of none.
    """
    try:
        return eqx.tree_deserialise_leaves(path, like)
    except (OSError, RuntimeError, ValueError, EOFError) as error:
        raise InputError(f"{path}: not a training run of these days and settings") from error


def _optimiser(settings: NcbConfig) -> optax.GradientTransformation:
    adam = optax.adam(settings.learning_rate)
    return optax.chain(optax.clip_by_global_norm(settings.max_grad_norm), adam)


def _key(state: Training) -> jax.Array:
    return jax.random.wrap_key_data(state.key)
