"""A learning algorithm of one's own: a cross-entropy search over linear policies.

Run: equibid train demo --plugin examples/own_algorithm.py --algorithm cross-entropy --steps 20
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.bidders import Bidder
from equibid.bidders.bidder import pytree
from equibid.envs.game import GameState
from equibid.envs.handles import handle_named
from equibid.learning import ALGORITHMS, Task
from equibid.learning.algorithm import EnvMode
from equibid.learning.outside import Asked
from equibid.learning.policy import Learned
from equibid.learning.training.rollout import play_periods

# Bids the factor of the day before times 4^a, for a number a from -1 to 1.
HEAD = handle_named("multiple")


@pytree()
class Linear:
    """A policy that all agents share.

    Attributes:
        weights: of each feature that an agent sees, and a constant.
    """

    weights: Float[Array, " F+1"]

    def __call__(self, seen: Float[Array, "N F"]) -> Float[Array, "N 1"]:
        """A number for each agent."""
        return jnp.tanh(seen @ self.weights[:-1] + self.weights[-1])[:, None]


class Search(NamedTuple):
    """Where the search stands: what weights are drawn from, and the key of the next draws."""

    mean: Float[Array, " F+1"]
    deviation: Float[Array, " F+1"]
    key: Array


@ALGORITHMS.add("cross-entropy", "Draws linear policies around the best ones that it has drawn.")
@dataclass(frozen=True)
class CrossEntropy:
    """All agents follow one of many drawn policies; the best say where to draw next."""

    agent: ClassVar[Bidder | None] = None
    steps: ClassVar[int] = 40

    observer: str = "pace+traits"
    """What agents see."""

    reward: str = "value"
    """What they learn to collect."""

    env_mode: EnvMode = "log"
    """Where they learn."""

    num_envs: int = 32
    """Policies that are drawn in a step; each plays a period of its own."""

    elite: int = 8
    """How many of them say where to draw next."""

    init_std: float = 0.3
    """Standard deviation of the first weights."""

    min_std: float = 0.02
    """It never falls below this, so that the search goes on."""

    def init(self, task: Task, key: jax.Array) -> Search:
        """Around the policy that bids the factor of the day before."""
        zeros = jnp.zeros(len(task.game.observer.names) + 1)
        return Search(zeros, zeros + self.init_std, jax.random.key_data(key))

    def step(self, task: Task, state: Search) -> tuple[Search, dict[str, Array]]:
        """All drawn policies play the same period with the same luck."""
        key, drawn, day, luck, own = jax.random.split(jax.random.wrap_key_data(state.key), 5)
        noise = jax.random.normal(drawn, (self.num_envs, *state.mean.shape))
        weights = state.mean + state.deviation * noise

        def act(key: jax.Array, seen: Array, state: GameState) -> tuple[Array, Array]:
            """Each market has its policy."""
            numbers = jax.vmap(lambda own, seen: Linear(own)(seen))(weights, seen)
            factors = jax.vmap(HEAD.factor, (0, 0, None))(numbers[..., 0], state, task.game)
            return numbers, factors

        period = jnp.full(self.num_envs, jax.random.randint(day, (), 0, task.game.periods))
        chance = jnp.broadcast_to(luck, self.num_envs)
        played = play_periods(task.game, act, chance, period, own)
        collected = (played.reward * played.present[:, :-1]).sum(axis=(1, 2))
        best = weights[jnp.argsort(-collected)[: self.elite]]
        deviation = jnp.maximum(best.std(axis=0), self.min_std)
        new = Search(best.mean(axis=0), deviation, jax.random.key_data(key))
        return new, {"collected": collected.mean(), "deviation": deviation.mean()}

    def policy(self, task: Task, state: Search) -> Bidder:
        """The middle of what was found, as a bidder."""
        network = Asked(Linear(state.mean), HEAD)
        return Learned(network, task.game.observer, task.game.start_factor, HEAD.rule, HEAD.follows)
