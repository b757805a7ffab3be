"""What trainers of actors and critics share: how actions steer, and what episodes teach."""

from dataclasses import dataclass
from math import log
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int

from equibid.envs.game import GameState, MarkovGame
from equibid.envs.heads import Follows, Head, Increment, Multiple, starts_now
from equibid.envs.problem import Task
from equibid.learning.structure import scaled_reward, team_sum
from equibid.learning.training.rollout import Episodes, time_left

# What an action moves: the factor bid last, the factor of the day before, or that of the day before
# as it follows money left over time left.
Moves = Literal["increment", "multiple", "paced"]
# How fast the worth of a period follows the returns.
FOLLOW = 0.2


@dataclass(frozen=True)
class Steering:
    """From an actor's numbers to factors, so that one means the same under every head.

    Attributes:
        head: "increment" moves the last factor; "multiple" starts from the day before's each time,
            and so does "paced", from what `pacing-ratio` makes of it.
        stride: what an action of one adds to the logarithm of the factor.
        largest: of an action that still counts, under "increment".
    """

    head: Moves
    stride: float
    largest: float

    @property
    def rule(self) -> Head:
        """The head."""
        return Increment(self.stride * self.largest) if self.head == "increment" else Multiple()

    @property
    def follows(self) -> Follows:
        """What the start follows."""
        return "pace" if self.head == "paced" else "nothing"

    @property
    def scale(self) -> float:
        """By which an action is multiplied for the head."""
        return self.stride if self.head == "increment" else self.stride / log(Multiple().span)

    def factor(
        self, action: Float[Array, "E N 1"], state: GameState, game: MarkovGame
    ) -> Float[Array, "E N"]:
        """The factors to play, currency per value unit."""
        start = starts_now(self.follows, game.start_factor, game, state)
        return self.rule(self.scale * action.astype(jnp.float64), state.last_factor, start)


class Experience(NamedTuple):
    """What episodes say to each agent's learner, in units of its team's best of the day before.

    Attributes:
        reward: of its team; a whole period's is about 1.
        credit: the lesser of the shares of its team's money that can still be bid and of time that
            are left. The return to come is about this much of a period's, which is where critics
            start.
        concerned: who learns and whose team still has somebody in the market, so that there is more
            to come; after the last step nobody.
        learns: who learns in the episode.
    """

    reward: Float[Array, "E T N"]
    credit: Float[Array, "E T+1 N"]
    concerned: Bool[Array, "E T+1 N"]
    learns: Bool[Array, "E N"]


def experience(task: Task, episodes: Episodes, teams: Int[Array, " N"]) -> Experience:
    """What episodes say.

    Args:
        task: that was played.
        episodes: of it.
        teams: of each agent.
    """
    learns = episodes.present[:, :1]

    def of_team(x: Array) -> Array:
        return team_sum(jnp.where(learns, x, 0), teams)

    budget = of_team(task.game.campaigns.budget)
    money = of_team(jnp.where(episodes.present, episodes.remaining, 0))
    money /= jnp.where(budget > 0, budget, 1)
    time = time_left(task.game.steps)
    return Experience(
        reward=scaled_reward(episodes.reward, task.best, learns, teams),
        credit=jnp.minimum(money, time[:, None]).astype(jnp.float32),
        concerned=learns & (team_sum(episodes.present.astype(jnp.float32), teams) > 0),
        learns=learns[:, 0],
    )


def followed(worth: Float[Array, " N"], seen: Experience) -> Float[Array, " N"]:
    """The worth of a period to each agent, moved towards what these episodes returned."""
    mine = seen.learns.astype(jnp.float32)
    count = mine.sum(axis=0)
    mean = (seen.reward.sum(axis=1) * mine).sum(axis=0) / jnp.maximum(count, 1)
    return jnp.where(count > 0, worth + FOLLOW * (mean - worth), worth)


def summary(task: Task, episodes: Episodes, seen: Experience) -> dict[str, Array]:
    """What a person wants to see of a step.

    Returns:
        ``value`` of all that learn (value units an episode), ``return`` of one (in its team's
        best), and ``spend`` as a share of their budgets.
    """
    bought, spent = (
        jnp.where(seen.learns, x.sum(axis=1), 0)
        for x in (episodes.tally.value, episodes.tally.spend)
    )
    budget = jnp.where(seen.learns, task.game.campaigns.budget, 0).sum()
    return {
        "value": bought.sum(axis=-1).mean(),
        "return": masked_mean(seen.reward.sum(axis=1), seen.learns),
        "spend": spent.sum() / jnp.where(budget > 0, budget, 1),
    }


def masked_mean(x: Float[Array, "..."], mask: Array) -> Float[Array, ""]:
    """The mean of what is masked in; 0 where nothing is."""
    mask = mask.astype(x.dtype)
    return jnp.where(mask > 0, x * mask, 0).sum() / jnp.maximum(mask.sum(), 1)


def adam(rate: float, clip: float, epsilon: float = 1e-8) -> optax.GradientTransformation:
    """Adam on gradients of at most the length `clip`."""
    return optax.chain(optax.clip_by_global_norm(clip), optax.adam(rate, eps=epsilon))


def moved(
    optimiser: optax.GradientTransformation, weights: Any, slope: Any, memory: optax.OptState
) -> tuple[Any, optax.OptState]:
    """Weights and the optimiser's memory after a step."""
    change, memory = optimiser.update(slope, memory, weights)
    return optax.apply_updates(weights, change), memory
