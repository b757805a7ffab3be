"""MAAB's periods as they are kept, and the steps drawn from them."""

from math import ceil, floor
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from equibid.envs.problem import Task
from equibid.learning.algorithms.maab.config import MAABConfig
from equibid.learning.algorithms.maab.credit import Terms, credited, future, meeting
from equibid.learning.algorithms.maab.groups import pooled, seen_by_members
from equibid.learning.losses.deep_q import Steps
from equibid.learning.losses.potential import Slopes, seen_slopes
from equibid.learning.replay.buffer import Replay, following, gather, replay, uniform
from equibid.learning.training.rollout import Episodes

# Levels this near to the start tell what a little more money buys.
NEAR = 0.5


class Periods(NamedTuple):
    """E periods.

    Attributes:
        seen: before each step and after the last.
        money: left to bid with, share of the budget, before each step and after the last; 0 for
            who does not act.
        present: who acts at each step; after the last, nobody.
        chosen: number of the level bid.
        bar: number of the bar's level.
        reward: credit of the bidder, if it clears the bar.
        paid: share of the budget spent, the bar agent's reward then.
    """

    seen: Float[Array, "E T+1 N F"]
    money: Float[Array, "E T+1 N"]
    present: Bool[Array, "E T+1 N"]
    chosen: Int[Array, "E T N"]
    bar: Int[Array, "E T N"]
    reward: Float[Array, "E T N"]
    paid: Float[Array, "E T N"]


def one_period(steps: int, agents: int, features: int) -> Periods:
    """Shapes of one period."""
    number = jnp.zeros((steps, agents), jnp.int32)
    amount = jnp.zeros((steps, agents), jnp.float32)
    seen = jnp.zeros((steps + 1, agents, features), jnp.float32)
    present = jnp.zeros((steps + 1, agents), bool)
    return Periods(seen, seen[..., 0], present, number, number, amount, amount)


def empty_replay(settings: MAABConfig, task: Task) -> Replay:
    """A replay of `buffer_size` periods."""
    game = task.game
    example = one_period(game.steps, game.agents, game.features)
    return replay(example, settings.buffer_size, game.steps)


def remember(
    settings: MAABConfig, task: Task, group: Int[Array, " N"] | None, periods: Episodes
) -> Periods:
    """What the replay keeps of periods.

    Args:
        settings: of the algorithm.
        task: what is learned.
        group: of each agent; None where each is by itself.
        periods: as played, with actions of level, bar and whether the level is random.
    """
    now = periods.present[:, :-1]
    chosen, bar, _ = jnp.moveaxis(periods.action.astype(jnp.int32), -1, 0)
    budget = task.game.campaigns.budget
    budget = jnp.where(budget > 0, budget, 1)
    # What an opponent wins on its seat is nobody's to share.
    won = jnp.where(periods.present[:, :1], periods.reward / task.best, 0)
    paid = credited(
        settings.credit,
        won.astype(jnp.float32),
        settings.head.level(chosen).astype(jnp.float32),
        now,
        meeting(task.overlap, settings.local_credit),
        settings.temperature * settings.max_multiple,
    )
    return Periods(
        seen=seen_by_members(periods.observation, group, periods.present),
        money=jnp.where(periods.present, periods.remaining / budget, 0).astype(jnp.float32),
        present=periods.present,
        chosen=chosen,
        bar=bar,
        reward=pooled(paid, group, now),
        paid=pooled((periods.tally.spend / budget).astype(jnp.float32), group, now),
    )


def draw(memory: Replay, key: jax.Array, size: int, terms: Terms, of_bar: bool = False) -> Steps:
    """Steps drawn at random, with the rewards of bidders or of bar agents.

    An agent's period ends with its money; a mean agent's with that of the last of its group. Only
    steps that were bid are learned from, so nothing is bootstrapped from states that no step
    begins in.

    Args:
        memory: of periods.
        key: of the draws.
        size: B.
        terms: of credit.
        of_bar: whose rewards and actions.
    """
    drawn = uniform(memory, key, size)
    kept: Periods = memory.episodes
    T = memory.written.shape[1]
    now: Periods = gather(memory, drawn, kept)
    seen, money, present = following(memory, drawn, (kept.seen, kept.money, kept.present))
    cleared = now.chosen >= now.bar
    reward = jnp.where(cleared, now.paid if of_bar else now.reward, 0)
    if terms.elasticity is not None and not of_bar:
        # Counted in whole steps: the end is exactly zero.
        time, left = ((n - drawn.tick).astype(jnp.float32) / T for n in (T, T - 1))
        before = future(now.money, time, now.present, terms)
        reward = reward + future(money, left, now.present, terms) - before
    goes_on = pooled(present.astype(jnp.float32), terms.group) > 0
    members = 1 if terms.group is None else (terms.group[:, None] == terms.group).sum(axis=1)
    return Steps(
        seen=now.seen,
        chosen=now.bar if of_bar else now.chosen,
        reward=reward,
        discount=jnp.where(goes_on, terms.discount, 0).astype(jnp.float32),
        following=seen,
        weight=(now.present / members).astype(jnp.float32),
    )


def level_slopes(
    settings: MAABConfig, before: Slopes, task: Task, periods: Episodes, kept: Periods
) -> Slopes:
    """What random levels near the start bought, and what was known before."""
    step = settings.max_multiple / (settings.num_actions - 1)
    # As numbers: levels that just fall within may be rounded either way in one program.
    least, most = ceil((1 - NEAR) / step), floor((1 + NEAR) / step)
    near = (kept.chosen >= least) & (kept.chosen <= most)
    budget = task.game.campaigns.budget
    return seen_slopes(
        before,
        moved=kept.chosen * step,
        value=periods.reward / task.best,
        spend=periods.tally.spend / jnp.where(budget > 0, budget, 1),
        random=(periods.action[..., 2] > 0) & near & kept.present[:, :-1],
    )
