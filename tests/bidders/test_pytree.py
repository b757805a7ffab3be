"""Bidders of different classes with equal fields are different bidders."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from equibid.bidders.bidder import pytree


@pytree()
class One:
    x: Float[Array, ""]

    def value(self) -> Float[Array, ""]:
        return self.x


@pytree()
class Other:
    x: Float[Array, ""]

    def value(self) -> Float[Array, ""]:
        return -self.x


@pytree("sign")
class Signed:
    x: Float[Array, ""]
    sign: int = 1

    def value(self) -> Float[Array, ""]:
        return self.sign * self.x


@jax.jit
def value(bidder: One | Other | Signed) -> Float[Array, ""]:
    return bidder.value()


def test_a_compiled_program_is_never_run_for_another_class() -> None:
    x = jnp.asarray(2.0)
    for _ in range(300):
        bidders = (One(x), Other(x), Signed(x), Signed(x, -3))
        assert [float(value(bidder)) for bidder in bidders] == [2, -2, 2, -6]


def test_structure_knows_class_and_settings() -> None:
    x = jnp.asarray(2.0)
    structures = {jax.tree.structure(b) for b in (One(x), Other(x), Signed(x), Signed(x, -3))}
    assert len(structures) == 4
    assert jax.tree.map(lambda leaf: 2 * leaf, Signed(x, 5)) == Signed(jnp.asarray(4.0), 5)
