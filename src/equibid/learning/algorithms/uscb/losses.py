"""What USCB minimises: the error of the critic, and minus what it says of the actor's factors."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.envs.heads import Head
from equibid.learning.algorithms.uscb.networks import Actor
from equibid.learning.algorithms.uscb.replay import Transition
from equibid.learning.networks.mlp import MLP


def critic_input(batch: Transition, depth: Array) -> Float[Array, "B N F+2"]:
    """What the critic reads: what was seen, what was gained so far, and the factor."""
    return jnp.concatenate([batch.seen, batch.gained[..., None], depth[..., None]], axis=-1)


def critic_loss(critic: MLP, batch: Transition) -> Float[Array, ""]:
    """Mean squared error of G over the agents that were present."""
    error = critic(critic_input(batch, batch.held))[..., 0] - batch.score
    return jnp.where(batch.present, error**2, 0).sum() / jnp.maximum(batch.present.sum(), 1)


def actor_loss(actor: Actor, critic: MLP, batch: Transition, rule: Head) -> Float[Array, ""]:
    """Less the mean of what the critic says of the actor's factors."""
    action = actor(batch.seen)
    depth = jnp.log(rule(action, jnp.exp(batch.last_factor), jnp.ones(()))).astype(jnp.float32)
    said = critic(critic_input(batch, depth))[..., 0]
    return -jnp.where(batch.present, said, 0).sum() / jnp.maximum(batch.present.sum(), 1)
