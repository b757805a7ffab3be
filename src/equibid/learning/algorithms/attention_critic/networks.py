"""The networks of attention-critic coordinated bidding before training."""

import jax

from equibid.envs.problem import Task
from equibid.learning.algorithms.attention_critic.config import AttentionCriticConfig
from equibid.learning.networks.attention import AttentionCritic, attention_critic
from equibid.learning.networks.mlp import MLP, Policies, mlp, policies


def untrained_actors(settings: AttentionCriticConfig, task: Task, key: jax.Array) -> Policies:
    """Actors that bid nearly the reference factor."""
    sizes = [task.game.features, *settings.actor_hidden_sizes, 1]

    def network(key: jax.Array) -> MLP:
        return mlp(key, sizes, layer_norm=True, last_scale=0.01)

    separate = settings.parameter_sharing == "separate"
    return policies(key, network, range(task.game.agents) if separate else None)


def untrained_critics(
    settings: AttentionCriticConfig, task: Task, key: jax.Array
) -> tuple[AttentionCritic, ...]:
    """As many critics as the settings say."""
    return tuple(
        attention_critic(
            key,
            task.game.features,
            1,
            width=settings.critic_hidden_size,
            heads=settings.num_heads,
            dropout=settings.dropout,
            nearest=settings.num_neighbours,
        )
        for key in jax.random.split(key, settings.num_critics)
    )
