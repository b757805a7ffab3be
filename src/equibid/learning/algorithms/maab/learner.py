"""A Q-network of MAAB, its copy and its optimiser, and one step of learning."""

from typing import Any, Literal, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool

from equibid.learning.losses.deep_q import Levels, Steps, double_q_loss

Kind = Literal["adam", "rmsprop"]


class Learner(NamedTuple):
    """What is fitted.

    Attributes:
        online: Q.
        target: Q', copied from time to time.
        moments: of the optimiser.
    """

    online: Levels
    target: Levels
    moments: Any


def optimiser(kind: Kind, rate: float, largest: float) -> optax.GradientTransformation:
    """Adam, or RMSprop with the settings of the published code.

    Args:
        kind: which.
        rate: learning rate.
        largest: gradients are cut to this length.
    """
    moved = optax.adam(rate) if kind == "adam" else optax.rmsprop(rate, decay=0.99, eps=1e-5)
    return optax.chain(optax.clip_by_global_norm(largest), moved)


def init_learner(network: Levels, rule: optax.GradientTransformation) -> Learner:
    """Before the first step."""
    return Learner(network, network, rule.init(cast(Any, network)))


def descend(
    learner: Learner, steps: Steps, rule: optax.GradientTransformation, due: Bool[Array, ""]
) -> tuple[Learner, dict[str, Array]]:
    """A double-Q step, and the copy where it is due.

    Returns:
        The learner after it, and metrics.
    """

    def loss(online: Levels) -> tuple[Array, Array]:
        return double_q_loss(online, learner.target, steps)

    (cost, error), gradient = jax.value_and_grad(loss, has_aux=True)(learner.online)
    change, moments = rule.update(cast(Any, gradient), learner.moments)
    online = cast(Levels, optax.apply_updates(cast(Any, learner.online), change))
    target = jax.tree.map(lambda new, old: jnp.where(due, new, old), online, learner.target)
    told = {"loss": cost, "error": error.mean(), "gradient": optax.tree.norm(gradient)}
    return Learner(online, target, moments), told
