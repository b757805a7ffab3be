"""The market's response written as the formulas stand, for tests.

Every advertiser's opponents are summed anew, so nothing cancels; factors may be complex, so that
``imag(f(α + i h t)) / h`` is the derivative along t to the last digit (complex-step method).
"""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[Any]


def plain_response(
    values: npt.ArrayLike,
    factors: npt.ArrayLike,
    tau: float,
    pricing: Literal["soft", "hard"],
    outside: npt.ArrayLike | None = None,
    bid_cap: float = np.inf,
) -> tuple[Table, Table]:
    """Value won and money paid by each advertiser, in expectation.

    Args:
        values: [K, N] value units; zero is not eligible.
        factors: [N], or [K, N] a row an impression; real, complex or long double. Zero sits out.
        tau: temperature, currency per impression.
        pricing: the price of a win is the softmax mean, or the maximum, of the others' bids.
        outside: [K] a further bid, currency per impression.
        bid_cap: the highest bid the exchange takes, currency per impression.

    Returns:
        [N] value units, [N] currency.
    """
    v = np.asarray(values)
    a = np.broadcast_to(np.asarray(factors), v.shape)
    dtype = np.result_type(v, a, np.float64)
    bids = a.astype(dtype) * v
    here = (v > 0) & (np.real(a) > 0)
    bids[np.real(bids) >= bid_cap] = bid_cap
    if outside is not None:
        bids = np.column_stack([bids, np.asarray(outside, dtype)])
        here = np.column_stack([here, np.ones(len(v), bool)])

    win = softmax(bids, here, tau)
    price = np.zeros_like(bids)
    for i in range(bids.shape[1]):
        others = here.copy()
        others[:, i] = False
        if pricing == "soft":
            weight = softmax(bids, others, tau)
        else:
            highest = np.where(others, np.real(bids), -np.inf).argmax(axis=1)
            weight = others & (np.arange(bids.shape[1]) == highest[:, None])
        price[:, i] = (weight * bids).sum(axis=1)
    width = v.shape[1]
    return (win[:, :width] * v).sum(axis=0), (win * price)[:, :width].sum(axis=0)


def softmax(bids: Table, here: Table, tau: float) -> Table:
    """[K, N] softmax over those who are here; zero for the others."""
    top = np.where(here, np.real(bids), -np.inf).max(axis=1, keepdims=True)
    shifted = np.where(here, bids - np.where(np.isfinite(top), top, 0), 0)
    weight = np.where(here, np.exp(shifted / tau), 0)
    total = weight.sum(axis=1, keepdims=True)
    return weight / np.where(total == 0, 1, total)


def alone(factors: npt.ArrayLike, trial: npt.ArrayLike, i: int) -> Table:
    """The profile in which only advertiser i has moved, to its trial factor."""
    moved = np.array(factors, np.result_type(factors, trial))
    moved[..., i] = np.asarray(trial)[..., i]
    return moved
