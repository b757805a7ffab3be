"""What an update of BPG moves, and how."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from equibid.envs.problem import Task
from equibid.learning.algorithms.bpg.config import BpgConfig
from equibid.learning.climbing import (
    HUBER,
    Played,
    Side,
    descended,
    new_policy,
    new_side,
    optimiser,
)
from equibid.learning.losses.actor_critic import masked_mean
from equibid.learning.losses.targets import huber
from equibid.learning.networks.mlp import MLP, mlp

# How fast a scale follows what is seen.
FOLLOW = 0.2


class Contribution(NamedTuple):
    """What an action adds to the advantage of all, by what its advertiser sees and does.

    Attributes:
        network: of it, in units of `scale`.
        opt_state: of its optimiser.
        scale: root mean square of the advantages; 0 before the first step.
    """

    network: MLP
    opt_state: optax.OptState
    scale: Float[Array, ""]


class Learner(NamedTuple):
    """What an update moves.

    Attributes:
        contribution: which takes the others' actions out of an advertiser's weight.
        everyone: θ, which all advertisers bid as.
        optimiser: ν, the unified optimiser.
        response: x, the unified best response.
    """

    contribution: Contribution
    everyone: Side
    optimiser: Side
    response: Side


def init_learner(config: BpgConfig, task: Task, key: jax.Array) -> Learner:
    """Untrained networks; all three policies keep the factors of the day before."""
    features = task.game.features
    for_actor, for_contribution, *for_critics = jax.random.split(key, 5)
    policy = new_policy(config, features, task.game.agents, for_actor)
    sides = [
        new_side(config, policy, rate, key)
        for rate, key in zip(rates(config), for_critics, strict=True)
    ]
    network = mlp(for_contribution, (features + 1, *config.hidden_sizes, 1), last_scale=0.1)
    memory = optimiser(config, config.critic_learning_rate).init(eqx.filter(network, eqx.is_array))
    contribution = Contribution(network, memory, jnp.zeros((), jnp.float32))
    return Learner(contribution, *sides)


def rates(config: BpgConfig) -> tuple[float, float, float]:
    """Learning rates of θ, ν and x."""
    return (
        config.actor_learning_rate,
        config.optimiser_learning_rate,
        config.response_learning_rate,
    )


def credited(
    config: BpgConfig,
    contribution: Contribution,
    played: Played,
    advantage: Float[Array, "E T 1"],
) -> tuple[Float[Array, "E T N"], Contribution]:
    """The advantage of all without what the others' actions add to it.

    The weight of an action may be lessened by any number that the action does not change, and its
    gradient stays the same in expectation: here by the sum of the others' contributions, whose
    noise grows with their number (Wu et al., "Variance reduction for policy gradient with
    action-dependent factorized baselines", 2018).

    Returns:
        The advantage for each advertiser, and contributions that sum more nearly to it.
    """
    acted = played.present[:, :-1]
    told = jnp.concatenate([played.seen[:, :-1], played.action], axis=-1)
    any_acted = acted.any(axis=-1)
    now = jnp.sqrt(masked_mean(advantage[..., 0] ** 2, any_acted))
    scale = jnp.where(
        contribution.scale > 0, contribution.scale + FOLLOW * (now - contribution.scale), now
    )
    unit = jnp.where(scale > 0, scale, 1)

    def added(network: MLP) -> Array:
        return jnp.where(acted, network(told)[..., 0], 0)

    def loss(network: MLP) -> Array:
        missing = advantage[..., 0] / unit - added(network).sum(axis=-1)
        return masked_mean(huber(missing, HUBER), any_acted)

    own = unit * added(contribution.network)
    left = advantage - own.sum(axis=-1, keepdims=True) + own
    start = (contribution.network, contribution.opt_state)
    network, memory = descended(config, loss, start)
    return left, Contribution(network, memory, scale)
