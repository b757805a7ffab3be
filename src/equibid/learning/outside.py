"""Policies that other libraries learned, as bidders.

    fit = policy_bidder(mlp_from("ppo.npz"), observer="pace+traits", head="increment")
    BIDDERS.add("ppo", "What PPO learned.")(fit)

A policy maps what each advertiser sees to one number from -1 to 1, of which the head makes a
factor, as the environments do: with their observer and head it bids in a comparison what it bid
there.
"""

from collections.abc import Callable
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float

from equibid.bidders.bidder import Bidder, pytree
from equibid.bidders.training import TrainingLog
from equibid.envs.handles import Handle, handle_named
from equibid.envs.observers import observer_named
from equibid.envs.problem import planned_for, reference_of
from equibid.errors import InputError
from equibid.learning.policy import Learned

# From what is seen, rows of float32 [R, F], to one number a row.
Policy = Callable[[Any], Any]
# Tables of observations by whose answers a policy is known.
PROBES = 4


def policy_bidder(
    function: Policy, observer: str = "pace+traits", head: str = "multiple"
) -> Callable[[TrainingLog], Bidder]:
    """What tunes a bidder that asks a policy.

    Args:
        function: from what is seen, rows of float32 [R, F], to numbers from -1 to 1, [R] or [R, 1],
            each of its own row alone and without chance. One that JAX can trace is compiled; any
            other (NumPy, PyTorch, ONNX Runtime) is called with NumPy arrays once a tick.
        observer: that the policy was trained with.
        head: that it was trained with, as ``increment:largest=0.1``.

    Returns:
        A function of the training log, as `BIDDERS.add` takes it.

    Raises:
        InputError: there is no such head; the tuning raises it where there is no such observer, or
            the policy does not answer with one finite number a row.
    """
    handle = handle_named(head)

    def fit(log: TrainingLog) -> Bidder:
        # Of the period itself, of which a long log shows only a part.
        budget = jnp.asarray(log.campaigns.budget) * (log.expected / log.period)
        reference = planned_for(observer, reference_of(log), log)
        looks = observer_named(observer, replace(log.campaigns, budget=budget), reference)
        shape = (log.campaigns.count, len(looks.names))
        seen = np.random.default_rng(0).normal(size=(PROBES, *shape)).astype(np.float32)
        answers = b"".join(_checked(function, table).tobytes() for table in seen)
        tree = jax.tree.structure(function) != jax.tree.structure(0)
        mark = blake2b(answers, digest_size=16).hexdigest()
        policy = function if tree else Called(function, _traceable(function, shape), mark)
        return Learned(Asked(policy, handle), looks, reference.factor, handle.rule, handle.follows)

    return fit


@pytree()
class Asked:
    """A policy as a network of `Learned`.

    Attributes:
        policy: from [N, F] to [N] or [N, 1].
        handle: whose head's action its numbers are made.
    """

    policy: Policy
    handle: Handle

    def __call__(self, seen: Float[Array, "N F"]) -> Float[Array, "N 1"]:
        """The head's actions."""
        return self.handle.action(jnp.asarray(self.policy(seen)).reshape(-1, 1))


@pytree("function", "traced", "mark")
class Called:
    """A function that is no pytree.

    Attributes:
        function: a `Policy`.
        traced: whether it is compiled; else it is called out of the compiled program.
        mark: digest of its answers to fixed observations. A function whose weights have changed is
            another one, for compiled programs and for finished pieces of a comparison.
    """

    function: Policy
    traced: bool
    mark: str

    def __call__(self, seen: Float[Array, "N F"]) -> Float[Array, "N 1"]:
        """The answers."""
        if self.traced:
            return self.function(seen)
        shape = jax.ShapeDtypeStruct((len(seen), 1), jnp.float32)
        return jax.pure_callback(self._rows, shape, seen, vmap_method="broadcast_all")

    def _rows(self, seen: Any) -> npt.NDArray[np.float32]:
        """Of parallel markets too, whose observations are more rows."""
        table = np.asarray(seen)
        answers = np.asarray(self.function(table.reshape(-1, table.shape[-1])), np.float32)
        return answers.reshape(*table.shape[:-1], 1)


def _traceable(function: Policy, shape: tuple[int, ...]) -> bool:
    """Whether JAX can compile it."""
    try:
        jax.eval_shape(function, jax.ShapeDtypeStruct(shape, jnp.float32))
    except Exception:
        return False
    return True


def _checked(function: Policy, seen: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """One answer a row.

    Raises:
        InputError: it gives anything else.
    """
    answers = np.asarray(function(seen), np.float64)
    rows = len(seen)
    if answers.shape not in ((rows,), (rows, 1)):
        raise InputError(
            f"the policy gave an array of shape {answers.shape} for {rows} observations; it must "
            "give one number each"
        )
    if not np.isfinite(answers).all():
        raise InputError("the policy gave a number that is not finite; train it anew")
    return answers.reshape(rows)
