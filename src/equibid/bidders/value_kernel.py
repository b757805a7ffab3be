"""The value table on a CPU core: the inner sum of the program in vector registers.

The published loop finds a_n(b) and sums up to it. As V grows with b, the terms it adds are just
those that are not negative, so that

    V(n,b) = V(n-1,b) + Σ_d m(d) · max(0, θ + V(n-1,b-d) - V(n-1,b)),

which has no bound that depends on b: neighbouring budgets become the lanes of a vector. Every sum
keeps its order, hence its bits.
"""

import numpy as np

from equibid.compiled import compiled, inlined

TILE = 32
UNROLLED = 8


@inlined
def _add_prices(total, here, below, mean_value, mass):
    """Add eight price levels to the sums of a tile; ``below[j + 7]`` is the first level's."""
    m = (mass[0], mass[1], mass[2], mass[3], mass[4], mass[5], mass[6], mass[7])
    for j in range(TILE):
        s = total[j]
        for u in range(UNROLLED):
            s += m[u] * max(mean_value + (below[j + UNROLLED - 1 - u] - here[j]), 0.0)
        total[j] = s


@compiled
def fill(pmf, mean_value, precision, table):
    """Fill rows 1 … N of a table [N+1, B+1] whose row 0 is zero; V(n,0) stays zero.

    Args:
        pmf: [P] probability of each price level.
        mean_value: θ.
        precision: a row is flat from where it comes this close to n · θ · Σm.
        table: changed in place.
    """
    width = table.shape[1]
    top = len(pmf) - 1
    margin = (top + UNROLLED) // UNROLLED * UNROLLED
    mass = np.zeros(margin)
    mass[: top + 1] = pmf
    # The row before, with what cannot be paid on its left and spare lanes on its right.
    before = np.full(margin + (width + TILE - 1) // TILE * TILE, -np.inf)
    total, here = np.empty(TILE), np.empty(TILE)
    most = pmf.sum() * mean_value
    for n in range(1, table.shape[0]):
        row = table[n]
        before[margin : margin + width] = table[n - 1]
        before[margin + width :] = table[n - 1, width - 1]
        lowest = 0  # the least budget worth falling to from the tile's first
        for first in range(0, width, TILE):
            at = margin + first
            while mean_value + (before[margin + lowest] - before[at]) < 0:
                lowest += 1
            total[:] = before[at : at + TILE]
            here[:] = total
            for d in range(0, min(first + TILE - lowest, top + 1), UNROLLED):
                _add_prices(
                    total,
                    here,
                    before[at - d - UNROLLED + 1 : at - d + TILE],
                    mean_value,
                    mass[d : d + UNROLLED],
                )
            if first == 0:
                total[0] = 0.0
            inside = min(TILE, width - first)
            row[first : first + inside] = total[:inside]
            flat = inside
            for j in range(inside - 1, -1, -1):
                if abs(total[j] - n * most) < precision:
                    flat = j
            if flat < inside:
                row[first + flat :] = total[flat]
                break
