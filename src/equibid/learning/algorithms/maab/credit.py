"""Who is paid for what in MAAB: own value, everybody's, or shares between the two.

Agent j wins r_j in a step, bidding the level l_j. Temperature-regularised credit gives it to all
who could have bid on the same impressions, more to those who bid more:

    r_i = Σ_j r_j · m_ji w_i / Σ_k m_jk w_k,      w_i = exp(l_i / τ)

with m_jj = 1, and m_ji the part of i in all that others' targeting overlaps with j's: of equal
bids j keeps half, as between two, however many there are. m = 1 is the published rule, in which a
step is an auction and all agents meet: r_i = α_i Σ_j r_j, α = softmax(l / τ). As τ falls all goes
to the highest bidder, as it grows the levels cease to matter. What is shared out is what was won.

A bar agent sets a level bar_i for each bidder: z_i = 1 where l_i >= bar_i. The bidder is paid
z_i r_i and the bar agent z_i p_i, p_i the money bidder i paid. Bars are part of the training alone.

Source: Wen et al., "A cooperative-competitive multi-agent framework for auto-bidding in online
advertising" (MAAB), WSDM 2022, sections 4.1 and 4.2.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from equibid.learning.algorithms.maab.config import Credit
from equibid.learning.algorithms.maab.groups import pooled
from equibid.learning.losses.potential import prospects


class Terms(NamedTuple):
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


def credited(
    credit: Credit,
    reward: Float[Array, "... N"],
    level: Float[Array, "... N"],
    present: Bool[Array, "... N"],
    meets: Float[Array, "N N"],
    temperature: float,
) -> Float[Array, "... N"]:
    """What each agent is paid.

    Args:
        credit: own: r_i (CM-IL); total: the mean of all r, 1/N of the published sum (CO-IL);
            tempered: shares.
        reward: r.
        level: of the bids.
        present: who bids; others have no share of what is won.
        meets: m, at least 0, 1 on the diagonal.
        temperature: τ, in the unit of the levels.
    """
    if credit == "own":
        return reward
    if credit == "total":
        return jnp.broadcast_to(reward.mean(axis=-1, keepdims=True), reward.shape)
    return shared(reward, weights(level, present, temperature), meets)


def meeting(overlap: Float[Array, "N N"], local: bool) -> Float[Array, "N N"]:
    """m: rows are winners, columns who shares.

    Args:
        overlap: of targeting, at least 0.
        local: by overlap; False makes all alike.
    """
    N = overlap.shape[0]
    if not local:
        return jnp.ones((N, N), jnp.float32)
    others = jnp.where(jnp.eye(N, dtype=bool), 0, overlap)
    whole = others.sum(axis=1, keepdims=True)
    return (others / jnp.where(whole > 0, whole, 1) + jnp.eye(N)).astype(jnp.float32)


def weights(
    level: Float[Array, "... N"], present: Bool[Array, "... N"], temperature: float
) -> Float[Array, "... N"]:
    """w, over that of the highest level present; 0 for who is absent."""
    hot = jnp.where(present, level, -jnp.inf)
    top = hot.max(axis=-1, keepdims=True)
    return jnp.exp((hot - jnp.where(jnp.isfinite(top), top, 0)) / temperature)


def shared(
    reward: Float[Array, "... N"], weight: Float[Array, "... N"], meets: Float[Array, "N N"]
) -> Float[Array, "... N"]:
    """Σ_j r_j m_ji w_i / Σ_k m_jk w_k; j keeps it where nobody it meets has weight."""
    meets = meets.astype(weight.dtype)
    whole = weight @ meets.T
    each = jnp.where(whole > 0, reward / jnp.where(whole > 0, whole, 1), 0)
    return (each @ meets) * weight + jnp.where(whole > 0, 0, reward)


def future(
    money: Float[Array, "B N"],
    time: Float[Array, " B"],
    present: Bool[Array, "B N"],
    terms: Terms,
) -> Float[Array, "B N"]:
    """Φ of what each is paid: own prospects, credited and pooled as rewards are at equal levels."""
    assert terms.elasticity is not None
    own = prospects(money, time, terms.elasticity)
    everybody = jnp.ones(own.shape, bool)
    paid = credited(terms.credit, own, jnp.zeros_like(own), everybody, terms.meets, 1.0)
    return pooled(paid, terms.group, present)
