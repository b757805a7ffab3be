"""Actors and critics of DCMAB, one of each a cluster of advertisers.

An actor answers for one group of ticks at a time, a_ij = tanh(μ_i([g, x_j])), x_j the one-hot of
group j beside the group's revenue and cost on past days. A critic reads all of it at once,

    Q_i([g, x_1 … x_J, d], a),   2IJ + J(J + 2) + IJ + IJ numbers,

the actions joining after the first layer; d_ij is the share of bids that were made by a_ij.

Source: Jin et al. (DCMAB), CIKM 2018, section 4.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.learning.networks.mlp import Linear, Policies, linear, mlp, orthogonal, policies

# Gain of the actors' last layer: untrained, a is next to 0 and the base bid stands.
TIMID = 0.01
# Gain of the critics' last layer: an untrained critic answers next to zero.
CALM = 0.1


class Actors(eqx.Module):
    """μ_i of all clusters.

    Attributes:
        policies: one network a cluster.
    """

    policies: Policies

    def __call__(
        self, books: Float[Array, "... F"], history: Float[Array, "J 2"]
    ) -> Float[Array, "... I J"]:
        """Actions in [-1, 1] of each cluster in each group.

        Args:
            books: g, and the clock where it is shown.
            history: revenue and cost of each group on past days.
        """
        return jnp.tanh(self.raw(books, history))

    def raw(
        self, books: Float[Array, "... F"], history: Float[Array, "J 2"]
    ) -> Float[Array, "... I J"]:
        """Before the tanh."""
        static = groups_seen(history)
        J = static.shape[0]
        ahead = books.shape[:-1]
        seen = jnp.concatenate(
            [
                jnp.broadcast_to(books[..., None, :], (*ahead, J, books.shape[-1])),
                jnp.broadcast_to(static, (*ahead, *static.shape)),
            ],
            axis=-1,
        )
        clusters = len(self.policies.groups or ())
        asked = jnp.broadcast_to(seen[..., None, :], (*ahead, J, clusters, seen.shape[-1]))
        return jnp.swapaxes(self.policies(asked)[..., 0], -1, -2)


class Critics(eqx.Module):
    """Q_i of all clusters: what is seen, a ReLU layer, the actions join, a ReLU layer, a number.

    Attributes:
        state: from [g, x, d]; leaves stacked by cluster [I, ...], as are those of the others.
        join: from the first layer and the actions.
        value: to the number.
    """

    state: Linear
    join: Linear
    value: Linear

    @property
    def inputs(self) -> int:
        """Numbers a critic reads, states and actions."""
        S, hidden = self.state.weight.shape[-2:]
        return S + self.join.weight.shape[-2] - hidden

    def __call__(
        self,
        books: Float[Array, "B F"],
        history: Float[Array, "J 2"],
        use: Float[Array, "B I J"],
        action: Float[Array, "I B I J"],
    ) -> Float[Array, "B I"]:
        """Q_i of every cluster.

        Args:
            books: g, and the clock where it is shown.
            history: revenue and cost of each group on past days.
            use: d.
            action: what each cluster's critic (first axis) sees of all clusters' actions.
        """
        B = books.shape[0]
        static = groups_seen(history).reshape(-1)
        static = jnp.broadcast_to(static, (B, static.size))
        seen = jnp.concatenate([books, static, use.reshape(B, -1)], axis=-1).astype(jnp.float32)

        def one(critic: Critics, action: Array) -> Array:
            hidden = jax.nn.relu(critic.state(seen))
            joined = jnp.concatenate([hidden, action.reshape(B, -1).astype(seen.dtype)], axis=-1)
            return critic.value(jax.nn.relu(critic.join(joined)))[..., 0]

        return jax.vmap(one)(self, action).T


def groups_seen(history: Float[Array, "J 2"]) -> Float[Array, "J J+2"]:
    """x_j of all groups."""
    J = history.shape[0]
    return jnp.concatenate([jnp.eye(J, dtype=jnp.float32), history.astype(jnp.float32)], axis=-1)


def actors(key: jax.Array, clusters: int, groups: int, books: int, width: int) -> Actors:
    """Untrained actors, two ReLU layers of `width` each; `books` is F."""
    sizes = (books + groups + 2, width, width, 1)
    every = range(clusters)
    return Actors(policies(key, lambda key: mlp(key, sizes, last_scale=TIMID), list(every)))


def critics(key: jax.Array, clusters: int, groups: int, books: int, width: int) -> Critics:
    """Untrained critics, two ReLU layers of `width` each; `books` is F."""
    actions = clusters * groups
    seen = books + groups * (groups + 2) + actions

    def one(key: jax.Array) -> Critics:
        keys = jax.random.split(key, 3)
        return Critics(
            linear(keys[0], seen, width, 2**0.5),
            linear(keys[1], width + actions, width, 2**0.5),
            orthogonal(keys[2], width, 1, CALM),
        )

    return jax.vmap(one)(jax.random.split(key, clusters))
