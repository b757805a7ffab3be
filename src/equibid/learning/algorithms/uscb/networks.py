"""The networks of USCB: an actor and a critic, both shared by all agents."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.learning.algorithms.uscb.config import UscbConfig
from equibid.learning.networks.mlp import MLP, mlp


class Actor(eqx.Module):
    """A perceptron whose answer stays within a reach; shared by all agents.

    Attributes:
        network: from what is seen to one number.
        reach: bound of the action; infinite for none.
    """

    network: MLP
    reach: float = eqx.field(static=True)

    def __call__(self, seen: Float[Array, "... F"]) -> Float[Array, "... 1"]:
        """The action."""
        said = self.network(seen)
        return said if self.reach == float("inf") else self.reach * jnp.tanh(said)


def untrained_actor(settings: UscbConfig, features: int, key: jax.Array) -> Actor:
    """An actor that bids nearly the start."""
    reach = settings.action_scale if settings.head == "increment" else float("inf")
    sizes = [features, *settings.actor_hidden_sizes, 1]
    return Actor(mlp(key, sizes, last_scale=0.01), reach)


def untrained_critic(settings: UscbConfig, features: int, key: jax.Array) -> MLP:
    """A critic that reads what `critic_input` gives of so many features."""
    return mlp(key, [features + 2, *settings.critic_hidden_sizes, 1])
