"""A learning algorithm of one's own: tries factors around the best that it knows.

Run: equibid train demo --plugin examples/own_algorithm.py --algorithm hill --set stride=0.2
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.bidders import Bidder
from equibid.bidders.fixed import Fixed
from equibid.envs.game import GameState
from equibid.learning import ALGORITHMS, Task
from equibid.learning.algorithm import EnvMode
from equibid.learning.training.rollout import play


class Climb(NamedTuple):
    """Where the search stands.

    Attributes:
        scale: of each agent's factor of the day before, the best so far.
        best: what each agent collected with it.
        key: data of the key for what is drawn next.
    """

    scale: Float[Array, " N"]
    best: Float[Array, " N"]
    key: Array


@ALGORITHMS.add("hill", "Tries factors around the best that it knows.")
@dataclass(frozen=True)
class Hill:
    """Every agent keeps the factor that collected most in a period."""

    agent: ClassVar[Bidder | None] = None
    steps: ClassVar[int] = 60

    observer: str = "pace+traits"
    """What agents see."""

    reward: str = "value"
    """What they learn to collect."""

    env_mode: EnvMode = "market"
    """Where they learn."""

    stride: float = 0.1
    """Standard deviation of a try, in the logarithm of the factor."""

    def init(self, task: Task, key: jax.Array) -> Climb:
        """The factors of the day before."""
        agents = task.game.campaigns.count
        return Climb(jnp.ones(agents), jnp.full(agents, -jnp.inf), jax.random.key_data(key))

    def step(self, task: Task, state: Climb) -> tuple[Climb, dict[str, Array]]:
        """Play a period with other factors; keep those that collected more."""
        key, tried, played = jax.random.split(jax.random.wrap_key_data(state.key), 3)
        noise = jax.random.normal(tried, state.scale.shape)
        scale = state.scale * jnp.exp(self.stride * noise)
        factor = task.reference.factor * scale

        def act(key: jax.Array, seen: Array, state: GameState) -> tuple[Array, Array]:
            """The same factors in every tick of every period, whatever is seen."""
            periods = len(seen)
            return jnp.zeros((periods, len(factor), 1)), jnp.tile(factor, (periods, 1))

        collected = play(task.game, act, played, 1).reward.sum(axis=(0, 1))
        better = collected > state.best
        new = Climb(
            jnp.where(better, scale, state.scale),
            jnp.where(better, collected, state.best),
            jax.random.key_data(key),
        )
        return new, {"collected": collected.sum()}

    def policy(self, task: Task, state: Climb) -> Bidder:
        """The best factors, as a bidder."""
        return Fixed(task.reference.factor * state.scale)
