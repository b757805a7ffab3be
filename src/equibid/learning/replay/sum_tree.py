"""A tree of sums: draws an index in proportion to its priority in O(log M).

After Schaul et al. 2016, appendix B.2.1. Node 1 is the root, node n has children 2n and 2n + 1,
leaf i is node size + i. A write computes its ancestors anew from their children, not by adding
a difference, so rounding does not pile up however often a leaf is written: a sum of M float32
numbers taken in pairs is off by at most log₂ M roundings.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float32, Int

from equibid.errors import InputError


class SumTree(NamedTuple):
    """The nodes, 2 · size of them, size a power of two; node 0 is not used."""

    nodes: Float32[Array, " 2*size"]


def sum_tree(capacity: int) -> SumTree:
    """A tree of at least `capacity` leaves, all of priority zero.

    Raises:
        InputError: a capacity below one.
    """
    if capacity < 1:
        raise InputError("sum tree: capacity must be at least 1")
    return SumTree(jnp.zeros(2 << (capacity - 1).bit_length(), jnp.float32))


def put(tree: SumTree, index: Int[Array, " B"], priority: Float[Array, " B"]) -> SumTree:
    """With other priorities at some leaves, in O(B log M).

    Args:
        tree: to be written; donate it to be written in place.
        index: of the leaves, not negative; where one comes twice the last counts.
        priority: at least zero.
    """
    size = len(tree.nodes) // 2
    order = jnp.argsort(index, stable=True)
    leaf = size + index[order].astype(jnp.int32)
    # Which of two equal indices a scatter writes last is open on a GPU: only the last is kept.
    last = jnp.concatenate([leaf[1:] != leaf[:-1], jnp.ones(1, bool)])
    place = jnp.where(last, leaf, 2 * size)
    nodes = tree.nodes.at[place].set(priority[order].astype(jnp.float32), mode="drop")

    def level(_: int, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        nodes, node = carry
        parent = node // 2
        return nodes.at[parent].set(nodes[2 * parent] + nodes[2 * parent + 1]), parent

    nodes, _ = jax.lax.fori_loop(0, size.bit_length() - 1, level, (nodes, leaf))
    return SumTree(nodes)


def find(tree: SumTree, mass: Float[Array, " B"]) -> Int[Array, " B"]:
    """The leaf within which the running sum of priorities passes each mass.

    A mass in [0, total) drawn uniformly finds leaf i with probability priority_i / total. Leaves
    of priority zero are never found, unless all are.
    """
    size = len(tree.nodes) // 2

    def level(_: int, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        node, mass = carry
        left, right = tree.nodes[2 * node], tree.nodes[2 * node + 1]
        # Rounding can carry a mass past the last positive leaf.
        turn = (mass >= left) & (right > 0)
        return 2 * node + turn, jnp.where(turn, mass - left, mass)

    start = jnp.ones(mass.shape, jnp.int32), mass.astype(jnp.float32)
    node, _ = jax.lax.fori_loop(0, size.bit_length() - 1, level, start)
    return node - size


def total(tree: SumTree) -> Float32[Array, ""]:
    """The sum of all priorities."""
    return tree.nodes[1]


def priorities(tree: SumTree, index: Int[Array, "..."]) -> Float32[Array, "..."]:
    """Of some leaves."""
    return tree.nodes[len(tree.nodes) // 2 + index]
