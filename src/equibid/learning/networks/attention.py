"""A critic of N agents that attends to the others, however many there are.

After the multi-actor-attention-critic (Iqbal and Sha 2019), for actions that are real numbers.
Agent j is seen as e_j = σ(W_e [o_j, a_j]), agent i sees itself as z_i = σ(W_z o_i), σ a leaky
ReLU. In each of H heads of d numbers

    α_ij = softmax_{j ≠ i, present}(W_q z_i · W_k e_j / √d),    x_i = Σ_j α_ij σ(W_v e_j),

and Q_i = head([z_i, W_a a_i, x_i]). One set of weights serves all agents, and no agent has a place
of its own: the order in which they come changes nothing. Whoever is alone sees x_i = 0.

Own action and others' actions take separate ways in, so a policy's gradient through its own action
alone, for all agents at once, is that of `critic(o, own, present, others=stop_gradient(own))`.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from equibid.errors import InputError
from equibid.learning.networks.mlp import (
    LayerNorm,
    Linear,
    dropped,
    linear,
    norm,
    orthogonal,
    product,
)

# With more agents than this, and an overlap to choose by, an agent attends to the nearest only.
CROWD = 64
# The score of whoever is not attended to; finite, so that no gradient is 0 · ∞.
NOWHERE = -1e30
# Of the last layer: an untrained critic answers next to zero, as in Lillicrap et al. 2016.
CALM = 0.1


class Residual(eqx.Module):
    """x + W₂ ReLU(W₁ norm(x))."""

    norm: LayerNorm
    up: Linear
    down: Linear


class AttentionCritic(eqx.Module):
    """The critic; float32, D its width.

    Attributes:
        other: e, from observation and action [F + A, D].
        state: z, from the observation [F, D].
        query: W_q [D, D].
        key: W_k [D, D].
        value: W_v [D, D].
        own: W_a [A, D].
        join: from [z, W_a a, x] to the head's width 2D.
        blocks: of the head.
        final: norm of the head.
        head: to the outputs.
        heads: H, divides D.
        nearest: competitors attended to in a crowd; None for all.
        dropout: share of the head's units dropped where a key is given.
    """

    other: Linear
    state: Linear
    query: Float[Array, "D D"]
    key: Float[Array, "D D"]
    value: Float[Array, "D D"]
    own: Float[Array, "A D"]
    join: Linear
    blocks: tuple[Residual, ...]
    final: LayerNorm
    head: Linear
    heads: int = eqx.field(static=True)
    nearest: int | None = eqx.field(static=True)
    dropout: float = eqx.field(static=True)

    def __call__(
        self,
        obs: Float[Array, "... N F"],
        act: Float[Array, "... N A"],
        present: Bool[Array, "... N"],
        key: jax.Array | None = None,
        overlap: Float[Array, "N N"] | None = None,
        others: Float[Array, "... N A"] | None = None,
    ) -> Float[Array, "... N Q"]:
        """Values of each agent.

        Args:
            obs: what each agent observes.
            act: what each does.
            present: who is seen by the others.
            key: drops out; None drops nothing.
            overlap: how much agents meet, row by row; in a crowd of more than `CROWD` agents the
                `nearest` of those present are attended to, and the mean of all present others.
            others: what each is seen doing by the others; None for `act`.
        """
        obs, act = obs.astype(self.own.dtype), act.astype(self.own.dtype)
        z, e = self._encode(obs, act if others is None else others)
        share, mean = self._attend(z, e, present, overlap)
        x = jnp.einsum("...hnm,...mhd->...nhd", share, self._values(e))
        if mean is not None:
            x = x + mean[0][..., None] * self._values(mean[1])
        h = self.join(jnp.concatenate([z, product(act, self.own), x.reshape(z.shape)], -1))
        for i, block in enumerate(self.blocks):
            inner = jax.nn.relu(block.up(block.norm(h)))
            inner = dropped(
                inner, self.dropout, None if key is None else jax.random.fold_in(key, i)
            )
            h = h + block.down(inner)
        return self.head(jax.nn.relu(self.final(h)))

    def weights(
        self,
        obs: Float[Array, "... N F"],
        act: Float[Array, "... N A"],
        present: Bool[Array, "... N"],
        overlap: Float[Array, "N N"] | None = None,
    ) -> Float[Array, "... H N N"]:
        """Attention of each agent (row) to each other; what the mean has, spread over all present.

        A row sums to one where another agent is present, else it is zero.
        """
        dtype = self.own.dtype
        z, e = self._encode(obs.astype(dtype), act)
        share, mean = self._attend(z, e, present, overlap)
        if mean is None:
            return share
        seen = _seen(present)
        each = seen / jnp.maximum(seen.sum(-1, keepdims=True), 1)
        spread = jnp.swapaxes(mean[0], -1, -2)[..., None] * each[..., None, :, :]
        return share + spread.astype(dtype)

    def _encode(self, obs: Array, act: Array) -> tuple[Array, Array]:
        """How each agent sees itself, and how the others see it; [..., N, D] each."""
        z = jax.nn.leaky_relu(self.state(obs))
        return z, jax.nn.leaky_relu(self.other(jnp.concatenate([obs, act.astype(obs.dtype)], -1)))

    def _attend(
        self, z: Array, e: Array, present: Array, overlap: Array | None
    ) -> tuple[Array, tuple[Array, Array] | None]:
        """Shares [..., H, N, N]; in a crowd also those of the mean [..., N, H], and the mean."""
        q = self._split(product(z, self.query)) / (z.shape[-1] // self.heads) ** 0.5
        score = jnp.einsum("...nhd,...mhd->...hnm", q, self._split(product(e, self.key)))
        seen = _seen(present)
        N = z.shape[-2]
        if overlap is None or self.nearest is None or max(CROWD, self.nearest) >= N:
            return _masked_softmax(score, seen[..., None, :, :]), None
        here = present[..., None].astype(e.dtype)
        rest = (e * here).sum(-2, keepdims=True) - e * here
        mean = rest / jnp.maximum(here.sum(-2, keepdims=True) - here, 1)
        of_mean = (q * self._split(product(mean, self.key))).sum(-1)
        score = jnp.concatenate([score, jnp.swapaxes(of_mean, -1, -2)[..., None]], -1)
        attended = jnp.concatenate(
            [_nearest(overlap, seen, self.nearest), seen.any(-1, keepdims=True)], -1
        )
        share = _masked_softmax(score, attended[..., None, :, :])
        return share[..., :-1], (jnp.swapaxes(share[..., -1], -1, -2), mean)

    def _values(self, e: Array) -> Array:
        return self._split(jax.nn.leaky_relu(product(e, self.value)))

    def _split(self, x: Array) -> Array:
        """By head: [..., D] to [..., H, d]."""
        return x.reshape(*x.shape[:-1], self.heads, -1)


def attention_critic(
    key: jax.Array,
    features: int,
    actions: int,
    *,
    width: int = 128,
    heads: int = 4,
    outputs: int = 2,
    residual_blocks: int = 1,
    dropout: float = 0.0,
    nearest: int | None = 16,
) -> AttentionCritic:
    """An untrained critic.

    Args:
        key: of the weights.
        features: F.
        actions: A, numbers of an agent's action.
        width: D.
        heads: H, divides D.
        outputs: values of an agent.
        residual_blocks: of the head, 2D wide.
        dropout: share of the head's units dropped where the critic is called with a key.
        nearest: competitors attended to in a crowd, besides the mean; None for all.

    Raises:
        InputError: a size below one, heads that do not divide the width, a dropout outside [0, 1).
    """
    if min(features, actions, width, heads, outputs) < 1 or width % heads:
        raise InputError("critic: width must be a multiple of heads, and all sizes at least 1")
    if residual_blocks < 0 or (nearest is not None and nearest < 1) or not 0 <= dropout < 1:
        raise InputError(
            "critic: residual_blocks must be at least 0, nearest at least 1, dropout in [0, 1)"
        )
    D, rectified = width, 2**0.5
    keys = iter(jax.random.split(key, 8 + 2 * residual_blocks))
    return AttentionCritic(
        other=linear(next(keys), features + actions, D, rectified),
        state=linear(next(keys), features, D, rectified),
        query=linear(next(keys), D, D).weight,
        key=linear(next(keys), D, D).weight,
        value=linear(next(keys), D, D, rectified).weight,
        own=linear(next(keys), actions, D).weight,
        join=linear(next(keys), 3 * D, 2 * D),
        head=orthogonal(next(keys), 2 * D, outputs, CALM),
        blocks=tuple(
            Residual(
                norm(2 * D),
                linear(next(keys), 2 * D, 2 * D, rectified),
                linear(next(keys), 2 * D, 2 * D),
            )
            for _ in range(residual_blocks)
        ),
        final=norm(2 * D),
        heads=heads,
        nearest=nearest,
        dropout=dropout,
    )


def _seen(present: Bool[Array, "... N"]) -> Bool[Array, "... N N"]:
    """Whom (column) each agent (row) could attend to: those present, not itself."""
    return present[..., None, :] & ~jnp.eye(present.shape[-1], dtype=bool)


def _nearest(
    overlap: Float[Array, "N N"], seen: Bool[Array, "... N N"], most: int
) -> Bool[Array, "... N N"]:
    """The `most` of largest overlap among those seen; the earlier ones where overlaps tie."""
    order = jnp.argsort(-overlap, axis=-1, stable=True)
    back = jnp.argsort(order, axis=-1)
    rows = jnp.arange(len(overlap))[:, None]
    rank = jnp.cumsum(seen[..., rows, order], axis=-1, dtype=jnp.int32)
    return seen & (rank <= most)[..., rows, back]


def _masked_softmax(score: Float[Array, "..."], mask: Bool[Array, "..."]) -> Float[Array, "..."]:
    """Over the last axis; exactly zero off the mask, and everywhere where the mask is empty."""
    return jax.nn.softmax(jnp.where(mask, score, NOWHERE), axis=-1) * mask
