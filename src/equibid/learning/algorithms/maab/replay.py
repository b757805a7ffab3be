"""MAAB's periods as they are kept, and the steps drawn from them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from equibid.learning.algorithms.maab.credit import Credit, credited
from equibid.learning.losses.deep_q import Steps
from equibid.learning.losses.potential import prospects
from equibid.learning.replay.buffer import Replay, following, gather, uniform


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


class KernelRule(NamedTuple):
    """How credit and shaping are reckoned.

    Attributes:
        credit: what a bidder is paid.
        meets: how much two agents' targeting overlaps, 1 on the diagonal.
        group: of each agent; members are paid alike. None where each is by itself.
        elasticity: of shaping; None for none.
        discount: γ.
    """

    credit: Credit
    meets: Float[Array, "N N"]
    group: Int[Array, " N"] | None
    elasticity: Float[Array, " N"] | None
    discount: float


def one_period(steps: int, agents: int, features: int) -> Periods:
    """Shapes of one period."""
    number = jnp.zeros((steps, agents), jnp.int32)
    amount = jnp.zeros((steps, agents), jnp.float32)
    seen = jnp.zeros((steps + 1, agents, features), jnp.float32)
    present = jnp.zeros((steps + 1, agents), bool)
    return Periods(seen, seen[..., 0], present, number, number, amount, amount)


def pooled(
    x: Float[Array, "... N"],
    group: Int[Array, " N"] | None,
    weight: Bool[Array, "... N"] | None = None,
) -> Float[Array, "... N"]:
    """The weighted mean over each agent's group, for each; its own where none has weight."""
    if group is None:
        return x
    same = (group[:, None] == group).astype(x.dtype)
    each = jnp.ones_like(x) if weight is None else weight.astype(x.dtype)
    count = each @ same
    return jnp.where(count > 0, (x * each) @ same / jnp.where(count > 0, count, 1), x)


def batch(
    memory: Replay, key: jax.Array, size: int, terms: KernelRule, of_bar: bool = False
) -> Steps:
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


def future(
    money: Float[Array, "B N"],
    time: Float[Array, " B"],
    present: Bool[Array, "B N"],
    terms: KernelRule,
) -> Float[Array, "B N"]:
    """Φ of what each is paid: own prospects, credited and pooled as rewards are at equal levels."""
    assert terms.elasticity is not None
    own = prospects(money, time, terms.elasticity)
    everybody = jnp.ones(own.shape, bool)
    paid = credited(terms.credit, own, jnp.zeros_like(own), everybody, terms.meets, 1.0)
    return pooled(paid, terms.group, present)
