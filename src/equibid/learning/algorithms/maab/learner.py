"""What an update of MAAB moves, and how; the loss is that of double Q-learning."""

from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Int

from equibid.learning.algorithms.maab.config import MAABConfig
from equibid.learning.algorithms.maab.credit import Terms
from equibid.learning.algorithms.maab.replay import draw
from equibid.learning.losses.actor_critic import moved
from equibid.learning.losses.deep_q import Levels, Steps, double_q_loss, levels
from equibid.learning.replay.buffer import Replay


class Learner(NamedTuple):
    """A network that is fitted: that of the bidders, or of the bar agents.

    Attributes:
        online: Q.
        target: Q', copied from time to time.
        moments: of the optimiser.
    """

    online: Levels
    target: Levels
    moments: Any


def init_learner(settings: MAABConfig, features: int, key: jax.Array) -> Learner:
    """An untrained network of agents that see so many numbers."""
    network = levels(
        key, features, settings.hidden_size, settings.num_actions, settings.action_smoothing
    )
    return Learner(network, network, optimiser(settings).init(cast(Any, network)))


def update(
    settings: MAABConfig,
    memory: Replay,
    terms: Terms,
    run: tuple[Learner, Learner, Int[Array, ""]],
    key: jax.Array,
) -> tuple[tuple[Learner, Learner, Int[Array, ""]], dict[str, Array]]:
    """A step of the bidders, some of the bar agents, and copies where they are due.

    Args:
        settings: of the algorithm.
        memory: of periods; not empty.
        terms: of credit.
        run: bidders, bar agents, and updates so far.
        key: of the draws.

    Returns:
        The same after it, and metrics.
    """
    bidder, bar, updates = run
    rule = optimiser(settings)
    first, *others = jax.random.split(key, 1 + settings.num_bar_updates)
    due = (updates + 1) % settings.target_update_every == 0
    steps = draw(memory, first, settings.batch_size, terms)
    bidder, of_bidder = descend(bidder, steps, rule, due)
    told = {f"bidder/{name}": x for name, x in of_bidder.items()}
    for number, other in enumerate(others if settings.bar_agents == "learned" else ()):
        steps = draw(memory, other, settings.batch_size, terms, of_bar=True)
        last = number == len(others) - 1
        bar, of_bar = descend(bar, steps, rule, due & last)
        told |= {f"bar/{name}": x for name, x in of_bar.items()}
    return (bidder, bar, updates + 1), told


def descend(
    learner: Learner, steps: Steps, rule: optax.GradientTransformation, due: Bool[Array, ""]
) -> tuple[Learner, dict[str, Array]]:
    """A double-Q step, and the copy where it is due.

    Returns:
        The learner after it, and metrics.
    """
    (cost, error), gradient = jax.value_and_grad(double_q_loss, has_aux=True)(
        learner.online, learner.target, steps
    )
    online, moments = moved(rule, learner.online, gradient, learner.moments)
    target = jax.tree.map(lambda new, old: jnp.where(due, new, old), online, learner.target)
    told = {"loss": cost, "error": error.mean(), "gradient": optax.tree.norm(gradient)}
    return Learner(online, target, moments), told


def optimiser(settings: MAABConfig) -> optax.GradientTransformation:
    """Adam, or RMSprop with the settings of the published code."""
    rate = settings.learning_rate
    adam = settings.optimizer == "adam"
    rule = optax.adam(rate) if adam else optax.rmsprop(rate, decay=0.99, eps=1e-5)
    return optax.chain(optax.clip_by_global_norm(settings.max_grad_norm), rule)
