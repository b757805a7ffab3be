"""Outcomes for rewards: made by hand, bought at logged prices, or played in a small market."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array

from equibid.auctions import BudgetState, Ranked, init_budgets, settle
from equibid.auctions.tally import FIELDS, Tally, no_tally, tally
from equibid.envs.rewards import Outcome


def sums(**fields: npt.ArrayLike) -> Tally:
    """A tally with the given fields and zeros elsewhere."""
    size = np.shape(next(iter(fields.values())))
    given = {name: jnp.asarray(x, jnp.float64) for name, x in fields.items()}
    return Tally(**{name: given.get(name, jnp.zeros(size)) for name in FIELDS})


def made(
    budget: npt.ArrayLike = 10.0,
    target_cpa: npt.ArrayLike = 2.0,
    progress: float = 1.0,
    so_far: Tally | None = None,
    **fields: npt.ArrayLike,
) -> Outcome:
    """The outcome of a step with these sums; by default the only step of its period."""
    step = sums(**fields)
    so_far = step if so_far is None else so_far
    size = step.spend.shape
    money = jnp.broadcast_to(jnp.asarray(budget, jnp.float64), size)
    return Outcome(
        tally=step,
        so_far=so_far,
        before=money - so_far.spend + step.spend,
        after=money - so_far.spend,
        budget=money,
        target_cpa=jnp.broadcast_to(jnp.asarray(target_cpa, jnp.float64), size),
        progress=jnp.asarray(progress),
        ends=jnp.asarray(progress == 1.0),
    )


def price_takers(
    factors: np.ndarray, values: np.ndarray, prices: np.ndarray, budget: float, target: float
) -> Outcome:
    """One advertiser's day with each of many factors [N], at prices it does not move."""
    left = np.full(len(factors), budget)
    value, wins = np.zeros((2, len(factors)))
    for worth, price in zip(values, prices, strict=True):
        win = (factors * worth >= price) & (left >= price)
        left -= win * price
        value += win * worth
        wins += win
    ones = np.full(len(factors), float(len(values)))
    return made(
        budget,
        target,
        offered=ones,
        bid=factors * values.sum(),
        wins=wins,
        exposures=wins,
        spend=budget - left,
        value=value,
        conversions=value,
    )


@partial(jax.jit, static_argnames="auction")
def _step(
    auction: Ranked, budgets: BudgetState, so_far: Tally, bids: Array, values: Array
) -> tuple[BudgetState, Tally, Tally]:
    sold = settle(auction, budgets, bids)
    now = tally(sold, bids, values, None, values)
    return sold.budgets, now, so_far + now


def play(
    auction: Ranked,
    bids: np.ndarray,
    values: np.ndarray,
    budget: npt.ArrayLike = 1e6,
    target_cpa: npt.ArrayLike = 1.0,
    steps: int = 1,
) -> list[Outcome]:
    """The outcomes of a period of even steps, bids [K N]."""
    size = bids.shape[1]
    money, target = (jnp.asarray(np.full(size, x, np.float64)) for x in (budget, target_cpa))
    budgets, so_far, outcomes = init_budgets(money), no_tally(size), []
    for step, rows in enumerate(np.split(np.arange(len(bids)), steps)):
        before = budgets.remaining
        budgets, now, so_far = _step(auction, budgets, so_far, bids[rows], values[rows])
        progress = np.float64((step + 1) / steps)
        outcomes.append(
            Outcome(
                tally=now,
                so_far=so_far,
                before=before,
                after=budgets.remaining,
                budget=money,
                target_cpa=target,
                progress=jnp.asarray(progress),
                ends=jnp.asarray(progress == 1),
            )
        )
    return outcomes
