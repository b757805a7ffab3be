"""What n more auctions and b more money are worth: the dynamic program of RLB.

With market prices of probability m(d) at level d, impressions worth θ on average, and a budget of b
price levels (Cai et al., WSDM 2017, equations 6 to 8),

    V(0,b) = V(n,0) = 0,    V(n,b) = V(n-1,b) + Σ_{d ≤ a} m(d) · [θ + V(n-1,b-d) - V(n-1,b)],

where a = a_n(b), the bid on an average impression, is the largest level up to b that leaves
θ + V(n-1,b-a) - V(n-1,b) ≥ 0. That an empty purse is worth nothing, though a price of 0 could still
be met, is as the authors compute it; their published results depend on it.

The table is linear in θ: V(n,b) for θ is θ times V(n,b) for 1.
"""

from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float

from equibid.bidders.value_kernel import fill

# As published: a row that comes this close to the value of winning everything is flat from there.
PRECISION = 1e-10


def value_table(
    pmf: npt.ArrayLike,
    mean_value: float,
    auctions: int,
    budget: int,
    *,
    precision: float = PRECISION,
    backend: Literal["auto", "fused", "xla"] = "auto",
) -> Float[Array, "N+1 B+1"]:
    """V(n,b) for n = 0 … N auctions left and b = 0 … B price levels of money left.

    Args:
        pmf: [P] probability of each market price 0 … P-1; what is missing to 1 is never won.
        mean_value: θ, value units; not negative.
        auctions: N.
        budget: B, price levels.
        precision: where |V(n,b) - n · θ · Σm| falls below it, the rest of row n is V(n,b); value
            units.
        backend: "fused" is the kernel for a CPU core, "xla" runs anywhere; "auto" takes the first
            where JAX computes on the CPU.

    Returns:
        The table, value units, float64.
    """
    mass = np.asarray(pmf, np.float64)
    if backend == "auto":
        backend = "fused" if jax.default_backend() == "cpu" else "xla"
    if backend == "xla":
        return _scan(jnp.asarray(mass), mean_value, precision, auctions, budget)
    table = np.zeros((auctions + 1, budget + 1))
    fill(mass, float(mean_value), precision, table)
    return jnp.asarray(table)


@partial(jax.jit, static_argnames=("auctions", "budget"))
def _scan(
    pmf: Float[Array, " P"],
    mean_value: float,
    precision: float,
    auctions: int,
    budget: int,
) -> Float[Array, "N+1 B+1"]:
    """The program row by row; `value_kernel` explains why negative terms may be cut instead."""
    money = jnp.arange(budget + 1)
    level = jnp.arange(len(pmf))
    # Window [b, d] of a row with P-1 unpayable entries before it is V(b-d).
    window = money[:, None] + (len(pmf) - 1 - level)
    unpayable = jnp.full(len(pmf) - 1, -jnp.inf)

    def step(before: Array, n: Array) -> tuple[Array, Array]:
        below = jnp.concatenate([unpayable, before])[window]
        gain = jnp.maximum(mean_value + (below - before[:, None]), 0.0)
        row = before + (pmf * gain).sum(axis=1)
        flat = jnp.abs(row - n * mean_value * pmf.sum()) < precision
        row = jnp.where(flat.any() & (money > flat.argmax()), row[flat.argmax()], row)
        row = row.at[0].set(0.0)
        return row, row

    start = jnp.zeros(budget + 1)
    _, rows = jax.lax.scan(step, start, jnp.arange(1, auctions + 1))
    return jnp.concatenate([start[None], rows])
