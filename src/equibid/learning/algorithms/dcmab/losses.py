"""What DCMAB's actors and critics are fitted by; `learner` moves them.

    y_i = r_i + γ Q'_i(s', μ'(s'), d'),      L(Q_i) = mean (y_i - Q_i(s, a, d))²
    J(μ_i) = mean Q_i(s, (a_-i, μ_i(s)), d)

with the others' actions a_-i as they were played, and slow copies μ' and Q'. An action a_i is those
of all groups of ticks at once, so the gradient of J is the sum over them. Means are over the
intervals that concern a cluster, or in which it acts; nothing follows where no more is to come.

Source: Jin et al. (DCMAB), CIKM 2018, algorithm 1; Lowe et al., NIPS 2017 (MADDPG).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from equibid.learning.algorithms.dcmab.networks import Actors
from equibid.learning.losses.targets import td

# Q of all clusters from (books, history, use, actions as each sees them): `Critics` or a stand-in.
Joint = Callable[..., Float[Array, "B I"]]


class Intervals(NamedTuple):
    """Transitions of B intervals.

    Attributes:
        books: g at the start.
        action: of each cluster in each group; 0 where it does not act.
        use: d, share of the interval's bids made by each action.
        reward: of each cluster.
        acts: clusters with a member whose bids they make.
        concerned: clusters with something to come.
        next_books: g at the end.
        next_use: d of the interval after.
        next_acts: who acts then.
        discount: γ, or 0 where nothing more is to come.
    """

    books: Float[Array, "B F"]
    action: Float[Array, "B I J"]
    use: Float[Array, "B I J"]
    reward: Float[Array, "B I"]
    acts: Bool[Array, "B I"]
    concerned: Bool[Array, "B I"]
    next_books: Float[Array, "B F"]
    next_use: Float[Array, "B I J"]
    next_acts: Bool[Array, "B I"]
    discount: Float[Array, "B I"]


def seen_actions(action: Float[Array, "B I J"], joint: bool) -> Float[Array, "I B I J"]:
    """What each cluster's critic sees of the actions: all, or its own alone (plain DDPG)."""
    clusters = action.shape[1]
    shown = jnp.broadcast_to(action, (clusters, *action.shape))
    own = jnp.eye(clusters, dtype=action.dtype)[:, None, :, None]
    return shown if joint else shown * own


def critic_loss(
    critics: Joint,
    target: tuple[Actors, Joint],
    batch: Intervals,
    history: Float[Array, "J 2"],
    joint: bool = True,
) -> tuple[Float[Array, ""], Float[Array, "B I"]]:
    """Sum over clusters of L(Q_i), and y.

    Args:
        critics: Q.
        target: μ' and Q'.
        batch: of intervals.
        history: of the groups.
        joint: whether critics see all clusters' actions.
    """
    slow_actors, slow_critics = target
    action = jnp.where(batch.next_acts[..., None], slow_actors(batch.next_books, history), 0)
    after = seen_actions(action, joint)
    following = slow_critics(batch.next_books, history, batch.next_use, after)
    y = jax.lax.stop_gradient(td(batch.reward, batch.discount, following))
    q = critics(batch.books, history, batch.use, seen_actions(batch.action, joint))
    return means((y - q) ** 2, batch.concerned).sum(), y


def actor_loss(
    actors: Actors,
    critics: Joint,
    batch: Intervals,
    history: Float[Array, "J 2"],
    joint: bool = True,
    restraint: float = 0.0,
) -> Float[Array, ""]:
    """Minus the sum over clusters of J(μ_i); each μ_i meets the others' actions as played.

    Args:
        actors: μ.
        critics: Q.
        batch: of intervals.
        history: of the groups.
        joint: whether critics see all clusters' actions.
        restraint: weight of the mean square before the tanh, which keeps it from saturating.
    """
    raw = actors.raw(batch.books, history)
    mine = jnp.eye(raw.shape[1], dtype=bool)[:, None, :, None]
    others = batch.action[None].astype(raw.dtype) if joint else 0
    action = jnp.where(mine, jnp.tanh(raw)[None], others)
    q = critics(batch.books, history, batch.use, action)
    return means(restraint * (raw**2).sum(axis=-1) - q, batch.acts).sum()


def means(x: Float[Array, "B I"], counts: Bool[Array, "B I"]) -> Float[Array, " I"]:
    """Each cluster's mean over what counts; 0 where nothing does."""
    return jnp.where(counts, x, 0).sum(axis=0) / jnp.maximum(counts.sum(axis=0), 1)
