"""What MAPPO's losses read: advantages, and returns to which its value is fitted.

The losses are those of `equibid.learning.losses.ppo`.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from equibid.learning.algorithms.mappo.config import MappoConfig
from equibid.learning.losses.actor_critic import Experience, masked_mean
from equibid.learning.losses.ppo import Gaussian, Rows, normalised_advantage
from equibid.learning.losses.targets import gae
from equibid.learning.networks.central_value import CentralValue
from equibid.learning.networks.normalise import Moments, normal, observe, restored
from equibid.learning.training.rollout import Episodes


def judged(
    settings: MappoConfig,
    policy: Gaussian,
    critic: CentralValue,
    before: Moments,
    worth: Float[Array, " N"],
    teams: Int[Array, " N"],
    episodes: Episodes,
    seen: Experience,
) -> tuple[Rows, Moments, dict[str, Array]]:
    """Joint steps with advantages and targets, the new moments, and what is told of them.

    Args:
        settings: of the algorithm.
        policy: that played.
        critic: as it was then.
        before: moments of what the critic is fitted to.
        worth: a period's usual return to each agent.
        teams: of each agent.
        episodes: as played.
        seen: what they teach.
    """
    base = worth * seen.credit
    said = critic(episodes.observation, episodes.present, teams)
    residual = restored(before, said)
    value = jnp.where(seen.concerned, base + residual, 0.0)
    advantage, target = gae(seen.reward, value, settings.gamma, settings.gae_lambda)
    target = target - base[:, :-1]

    present, concerned = episodes.present[:, :-1], seen.concerned[:, :-1]
    now = observe(before, target, concerned)
    rows = Rows(
        seen=episodes.observation[:, :-1],
        present=present,
        concerned=concerned,
        action=episodes.action,
        log_density=policy.log_density(
            episodes.observation[:, :-1], episodes.action, teams, present
        ),
        advantage=normalised_advantage(advantage, present),
        value=said[:, :-1],
        target=normal(now, target),
    )
    wrong = masked_mean(advantage**2, concerned)
    spread = masked_mean((target - masked_mean(target, concerned)) ** 2, concerned)
    told = {"critic/explained": 1 - wrong / jnp.maximum(spread, 1e-12)}
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), rows), now, told
