"""What an update of BPG moves, and how."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float

from equibid.envs.problem import Task
from equibid.learning.algorithms.bpg.config import BpgConfig
from equibid.learning.algorithms.bpg.losses import surrogate
from equibid.learning.losses.actor_critic import adam, masked_mean, moved
from equibid.learning.losses.ppo import Gaussian
from equibid.learning.losses.targets import gae, huber
from equibid.learning.networks.communication import actor
from equibid.learning.networks.mlp import MLP, mlp
from equibid.learning.networks.normalise import Moments, moments, normal, observe, restored

# How fast a scale follows what is seen.
FOLLOW = 0.2
# Error from which a baseline's loss is linear, in standard deviations of returns.
HUBER = 10.0


class Critic(NamedTuple):
    """A baseline: what an advertiser still gets, by what it sees itself.

    Attributes:
        network: from what is seen to the return to come less the credit, normalised.
        opt_state: of its optimiser.
        moments: of what it is fitted to.
    """

    network: MLP
    opt_state: optax.OptState
    moments: Moments


class Side(NamedTuple):
    """A policy with what it learns by.

    Attributes:
        policy: drawn from.
        opt_state: of its optimiser.
        critic: of its returns.
    """

    policy: Gaussian
    opt_state: optax.OptState
    critic: Critic


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


class Played(NamedTuple):
    """What a policy did in E periods, of N advertisers, or of the one that deviated.

    Attributes:
        seen: before each step, and after the last.
        present: who acted; nobody after the last step.
        action: that was drawn.
        reward: over what the advertiser's factor of the day before buys in a period.
        credit: about what is still to come, in the same unit.
    """

    seen: Float[Array, "E T+1 N F"]
    present: Bool[Array, "E T+1 N"]
    action: Float[Array, "E T N 1"]
    reward: Float[Array, "E T N"]
    credit: Float[Array, "E T+1 N"]


def init_learner(config: BpgConfig, task: Task, key: jax.Array) -> Learner:
    """Untrained networks; all three policies keep the factors of the day before."""
    features = task.game.features
    for_actor, for_contribution, *for_critics = jax.random.split(key, 5)
    networks = actor(for_actor, features, 1, task.game.agents, hidden=config.hidden_sizes)
    policy = Gaussian(networks, jnp.log(jnp.full((1, 1), config.init_std, jnp.float32)))

    def side(rate: float, key: jax.Array) -> Side:
        network = mlp(key, (features, *config.hidden_sizes, 1), last_scale=0.1)
        memory = _adam(config, config.critic_learning_rate).init(network)
        of_policy = _adam(config, rate).init(eqx.filter(policy, eqx.is_array))
        return Side(policy, of_policy, Critic(network, memory, moments()))

    network = mlp(for_contribution, (features + 1, *config.hidden_sizes, 1), last_scale=0.1)
    memory = _adam(config, config.critic_learning_rate).init(network)
    contribution = Contribution(network, memory, jnp.zeros((), jnp.float32))
    return Learner(contribution, *map(side, rates(config), for_critics))


def rates(config: BpgConfig) -> tuple[float, float, float]:
    """Learning rates of θ, ν and x."""
    return (
        config.actor_learning_rate,
        config.optimiser_learning_rate,
        config.response_learning_rate,
    )


def advantages(
    config: BpgConfig, critic: Critic, played: Played
) -> tuple[Float[Array, "E T N"], Critic]:
    """Returns to go less the baseline, and a critic that is nearer to them."""
    credit = played.credit
    said = restored(critic.moments, critic.network(played.seen)[..., 0])
    value = jnp.where(played.present, credit + said, 0.0)
    advantage, target = gae(played.reward, value, config.gamma, config.gae_lambda)
    return advantage, _fitted(config, critic, played, target - credit[:, :-1])


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
    network, memory = _descended(config, loss, start)
    return left, Contribution(network, memory, scale)


def climbed(
    config: BpgConfig,
    side: Side,
    rate: float,
    parts: Sequence[tuple[Played, Float[Array, "..."]]],
    epochs: int,
) -> Side:
    """A side whose policy was moved by weights of its actions.

    Args:
        config: of the algorithm.
        side: before.
        rate: of learning.
        parts: what was played, and by what its log densities are multiplied [E, T, N]; all weights
            in one unit, which is divided out.
        epochs: updates on all of it.
    """
    alone = jnp.zeros(1, jnp.int32)

    def density(policy: Gaussian, played: Played) -> Array:
        return policy.log_density(played.seen[:, :-1], played.action, alone)

    before = [density(side.policy, played) for played, _ in parts]
    acted = [played.present[:, :-1] for played, _ in parts]
    count = jnp.maximum(sum(mask.sum() for mask in acted), 1)
    squares = [
        jnp.where(mask, weight**2, 0).sum() for mask, (_, weight) in zip(acted, parts, strict=True)
    ]
    size = jnp.sqrt(sum(squares) / count) * count

    def loss(policy: Gaussian) -> Array:
        lost = [
            surrogate(density(policy, played) - old, weight, mask, config.clip_eps)
            for (played, weight), old, mask in zip(parts, before, acted, strict=True)
        ]
        return sum(lost, jnp.zeros(())) / jnp.where(size > 0, size, 1)

    def update(
        held: tuple[Gaussian, optax.OptState], _: None
    ) -> tuple[tuple[Gaussian, optax.OptState], None]:
        policy, memory = held
        policy, memory = moved(_adam(config, rate), policy, jax.grad(loss)(policy), memory)
        least = jnp.log(jnp.float32(max(config.min_std, 1e-6)))
        kept = eqx.tree_at(lambda x: x.log_std, policy, jnp.maximum(policy.log_std, least))
        return (kept, memory), None

    (policy, memory), _ = jax.lax.scan(update, (side.policy, side.opt_state), length=epochs)
    return side._replace(policy=policy, opt_state=memory)


def _fitted(
    config: BpgConfig, critic: Critic, played: Played, target: Float[Array, "E T N"]
) -> Critic:
    """A critic nearer to what came less the credit."""
    seen, acted = played.seen[:, :-1], played.present[:, :-1]
    now = observe(critic.moments, target, acted)
    wanted = normal(now, target)

    def loss(network: MLP) -> Array:
        return masked_mean(huber(network(seen)[..., 0] - wanted, HUBER), acted)

    return Critic(*_descended(config, loss, (critic.network, critic.opt_state)), now)


def _descended(
    config: BpgConfig, loss: Callable[[MLP], Array], start: tuple[MLP, optax.OptState]
) -> tuple[MLP, optax.OptState]:
    """A baseline's network after its epochs."""
    rule = _adam(config, config.critic_learning_rate)

    def update(
        held: tuple[MLP, optax.OptState], _: None
    ) -> tuple[tuple[MLP, optax.OptState], None]:
        network, memory = held
        return moved(rule, network, jax.grad(loss)(network), memory), None

    held, _ = jax.lax.scan(update, start, length=config.critic_epochs)
    return held


def _adam(config: BpgConfig, rate: float) -> optax.GradientTransformation:
    return adam(rate, config.max_grad_norm, 1e-5)
