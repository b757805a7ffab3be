"""What values are fitted to, and small arithmetic that trainers share.

Symbols: r_t the reward of step t, V_t the value before it, γ the discount, T steps. All functions
broadcast; where an axis of steps is meant it is the last but one, [..., T, N]. A finite episode
has V_T = 0: hand in a zero, nothing is assumed.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree


def td(
    reward: Float[Array, "..."],
    discount: float | Float[Array, "..."],
    following: Float[Array, "..."],
) -> Float[Array, "..."]:
    """The target of DDPG, r + γ V' (Lillicrap et al. 2016, algorithm 1).

    `discount` is γ, or zero after the last step.
    """
    return reward + discount * following


def hybrid(
    td: Float[Array, "..."],
    monte_carlo: Float[Array, "..."],
    share: float | Float[Array, "..."],
) -> Float[Array, "..."]:
    """(1 - η) y_TD + η G, the bootstrapped target mixed with the return; η is `share`."""
    return (1 - share) * td + share * monte_carlo


def returns(
    reward: Float[Array, "..."], gamma: float | Float[Array, ""], axis: int = -2
) -> Float[Array, "..."]:
    """Reward to go, G_t = r_t + γ G_{t+1}, G_T = 0.

    Args:
        reward: steps on `axis`, [..., T, N].
        gamma: γ.
        axis: of the steps.
    """
    zero = jnp.zeros_like(jnp.take(reward, 0, axis))
    return _backwards(reward, gamma, zero, axis)


def td_lambda(
    reward: Float[Array, "... T N"],
    value_next: Float[Array, "... T N"],
    gamma: float | Float[Array, ""],
    lam: float | Float[Array, ""],
) -> Float[Array, "... T N"]:
    """The λ-return, G_t = r_t + γ ((1 - λ) V_{t+1} + λ G_{t+1}), G_T = V_T.

    Sutton and Barto 2018, equation 12.18. λ = 0 is `td`, λ = 1 the return.

    Args:
        reward: r_0 … r_{T-1}.
        value_next: V_1 … V_T.
        gamma: γ.
        lam: λ.
    """
    step = reward + gamma * (1 - lam) * value_next
    return _backwards(step, gamma * lam, value_next[..., -1, :], -2)


def gae(
    reward: Float[Array, "E T N"],
    value: Float[Array, "E T+1 N"],
    gamma: float | Float[Array, ""],
    lam: float | Float[Array, ""],
) -> tuple[Float[Array, "E T N"], Float[Array, "E T N"]]:
    """Generalised advantages A_t = Σ_l (γλ)^l δ_{t+l}, δ_t = r_t + γ V_{t+1} - V_t.

    Schulman et al. 2016, equation 16.

    Args:
        reward: r_0 … r_{T-1}.
        value: V_0 … V_T.
        gamma: γ.
        lam: λ.

    Returns:
        The advantages, and A_t + V_t, which is the λ-return the value is fitted to.
    """
    now, after = value[..., :-1, :], value[..., 1:, :]
    error = reward + gamma * after - now
    advantage = _backwards(error, gamma * lam, jnp.zeros_like(error[..., 0, :]), -2)
    return advantage, advantage + now


def double_q(online: Float[Array, "... A"], target: Float[Array, "... A"]) -> Float[Array, "..."]:
    """Q'(s', argmax_a Q(s', a)): one network chooses, the other tells what it is worth.

    van Hasselt, Guez and Silver 2016. Both arguments are of the next state.
    """
    best = jnp.argmax(online, axis=-1, keepdims=True)
    return jnp.take_along_axis(target, best, axis=-1)[..., 0]


def polyak(target: PyTree, online: PyTree, rate: float | Float[Array, ""]) -> PyTree:
    """θ' + ρ (θ - θ') of every leaf (Lillicrap et al. 2016); what is no real number is taken over.

    `rate` is ρ: 0 keeps the target, 1 copies.
    """

    def mixed(old: Array, new: Array) -> Array:
        if not jnp.issubdtype(jnp.result_type(old), jnp.inexact):
            return new
        return old + jnp.asarray(rate, old.dtype) * (new - old)

    return jax.tree.map(mixed, target, online)


def huber(x: Float[Array, "..."], delta: float | Float[Array, ""] = 1.0) -> Float[Array, "..."]:
    """x²/2 within ±δ, δ (|x| - δ/2) beyond (Huber 1964)."""
    near = jnp.clip(x, -delta, delta)
    return near * (x - near / 2)


def ranked_unimodal(q: Float[Array, "... A"]) -> Bool[Array, "..."]:
    """Whether values rise to one peak and fall from it, actions in their order; ties are allowed.

    Wu et al. 2018 (DRLB) explore more where the values of a state are not so, as a best factor has
    worse ones on either side.
    """
    rise = jnp.diff(q, axis=-1)
    fallen = jnp.cumsum(rise < 0, axis=-1) > 0
    return ~(fallen & (rise > 0)).any(axis=-1)


def _backwards(
    step: Float[Array, "..."],
    decay: float | Float[Array, ""],
    end: Float[Array, "..."],
    axis: int,
) -> Float[Array, "..."]:
    """G_t = step_t + decay G_{t+1} from G_T = `end`."""

    def one(after: Array, step: Array) -> tuple[Array, Array]:
        now = (step + decay * after).astype(after.dtype)
        return now, now

    _, all_steps = jax.lax.scan(one, end, jnp.moveaxis(step, axis, 0), reverse=True)
    return jnp.moveaxis(all_steps, 0, axis)
