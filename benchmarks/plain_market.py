"""The game of `learning.py` as one writes it in NumPy for PettingZoo: the yardstick for speed.

GSP with three slots, exact budgets and the fifteen features of ``pace`` with the three of
``traits``, as Equibid plays them, but for what it draws: its random numbers are NumPy's. A tick is
ranked in one go. There are three `Form`s with the same sums:

- *naive*, which one writes first: sort all bids of the tick; when a budget ends, strike the leaver
  out from there on, and settle the whole tick again from its start.
- *plain*: partition for the four highest; when a budget ends, rank only the later impressions in
  which the leaver was ranked again.
- *lean*: the same, but take the highest four times over, which is faster where there are many bids.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box, Space
from pettingzoo import ParallelEnv

Array = npt.NDArray[np.floating | np.integer]
Ids = npt.NDArray[np.integer]

EXPOSURE = np.array([1.0, 0.8, 0.6])
SLOTS = len(EXPOSURE)
RESERVE = 0.0001
MINIMUM_BUDGET = 0.1
SPAN = 4.0
WIDEST = 5.0


class Day(NamedTuple):
    """What is sold, and what is known beforehand.

    Attributes:
        values: [K, N] expected conversions.
        tick_start: [T+1] first impression of each tick.
        budget: [N] currency.
        level: [N] the factor of the day before, currency per conversion.
        offered: [N] impressions of value, per tick, the day before.
        mean_value: [N] their mean value.
        traits: [N, 3] features that do not change.
        capped: whether nobody bids more than it has left, as where a tick is one impression.
    """

    values: Array
    tick_start: Ids
    budget: Array
    level: Array
    offered: Array
    mean_value: Array
    traits: Array
    capped: bool = False


# From bids [K, N] to the four highest of each impression, the highest first: whose, and how high.
Ranking = Callable[[Array], tuple[Ids, Array]]


class Form(NamedTuple):
    """How bids are ranked, and whether a whole tick is ranked again when a budget ends."""

    rank: Ranking
    anew: bool = False


def by_sort(bids: Array) -> tuple[Ids, Array]:
    """All in order."""
    best = np.argsort(-bids, axis=1)[:, : SLOTS + 1]
    return best, np.take_along_axis(bids, best, axis=1).astype(np.float64)


def by_partition(bids: Array) -> tuple[Ids, Array]:
    """The four highest in any order, then in theirs."""
    place = bids.shape[1] - SLOTS - 1
    best = np.argpartition(bids, place, axis=1)[:, place:]
    height = np.take_along_axis(bids, best, axis=1).astype(np.float64)
    order = np.argsort(-height, axis=1, kind="stable")
    return np.take_along_axis(best, order, axis=1), np.take_along_axis(height, order, axis=1)


def by_maximum(bids: Array) -> tuple[Ids, Array]:
    """The highest, four times over."""
    left, row = bids.copy(), np.arange(len(bids))
    best = np.empty((len(bids), SLOTS + 1), np.int64)
    height = np.empty(best.shape)
    for place in range(SLOTS + 1):
        best[:, place] = left.argmax(axis=1)
        height[:, place] = left[row, best[:, place]]
        left[row, best[:, place]] = -np.inf
    return best, height


FORMS = {
    "naive": Form(by_sort, anew=True),
    "plain": Form(by_partition),
    "lean": Form(by_maximum),
}


class PlainMarket(ParallelEnv[str, Array, Array]):
    """Advertisers that bid ``level · 4^action`` times the value; the reward is the value bought."""

    metadata = {"name": "plain_market_v0"}  # noqa: RUF012

    def __init__(self, day: Day, form: str = "plain", sampled: bool = True) -> None:
        self.day, self.form, self.sampled = day, FORMS[form], sampled
        self.ticks, self.count = len(day.tick_start) - 1, len(day.budget)
        self.possible_agents = [f"advertiser_{i}" for i in range(self.count)]
        self.number = {name: i for i, name in enumerate(self.possible_agents)}
        self._action = cast(Space[Array], Box(-1.0, 1.0, (1,), np.float32))
        self._observation = cast(Space[Array], Box(-WIDEST, WIDEST, (18,), np.float32))

    def observation_space(self, agent: str) -> Space[Array]:
        """The same for all."""
        return self._observation

    def action_space(self, agent: str) -> Space[Array]:
        """The same for all."""
        return self._action

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Array], dict[str, dict[str, Any]]]:
        """Open the day."""
        self.random = np.random.default_rng(seed)
        self.tick = 0
        self.money = self.day.budget.astype(np.float64)
        self.active = self.money > 0
        self.last = np.zeros((9, self.count))
        self.agents = [self.possible_agents[i] for i in np.flatnonzero(self._present())]
        seen = self._look()
        return {n: seen[self.number[n]] for n in self.agents}, {n: {} for n in self.agents}

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[
        dict[str, Array],
        dict[str, float],
        dict[str, bool],
        dict[str, bool],
        dict[str, dict[str, Any]],
    ]:
        """Sell a tick."""
        action = np.zeros(self.count)
        for name, value in actions.items():
            action[self.number[name]] = value[0]
        self._sell(self.day.level * SPAN ** np.clip(action, -1, 1))
        self.tick += 1
        done, present, seen = self.tick == self.ticks, self._present(), self._look()
        _, _, _, _, wins, _, spend, value, conversions = self.last
        observations, rewards, ends, cuts, infos = {}, {}, {}, {}, {}
        for name in self.agents:
            i = self.number[name]
            observations[name] = seen[i]
            rewards[name] = float(value[i])
            ends[name] = bool(done or not present[i])
            cuts[name] = False
            infos[name] = {
                "value": float(value[i]),
                "spend": float(spend[i]),
                "wins": float(wins[i]),
                "conversions": float(conversions[i]),
                "money": float(self.money[i]),
            }
        self.agents = [name for name in self.agents if not ends[name]]
        return observations, rewards, ends, cuts, infos

    def _present(self) -> npt.NDArray[np.bool_]:
        return self.active & (self.money >= MINIMUM_BUDGET)

    def _sell(self, factor: Array) -> None:
        """Sell the tick's impressions in order; who cannot pay one leaves before it."""
        start, end = self.day.tick_start[self.tick], self.day.tick_start[self.tick + 1]
        values = self.day.values[start:end]
        factor = np.where(self._present(), factor, -np.inf).astype(values.dtype)
        bids = np.full(values.shape, -np.inf, values.dtype)
        np.multiply(values, factor, out=bids, where=(values > 0) & (factor > -np.inf))
        if self.day.capped:
            np.minimum(bids, self.money.astype(bids.dtype), out=bids)
        ranked, top = self.form.rank(bids)
        shown = self._exposure(len(values))
        while True:
            winner, sold = ranked[:, :SLOTS], top[:, :SLOTS] >= RESERVE
            charge = np.where(sold, np.maximum(top[:, 1:], RESERVE) * shown, 0)
            row, leavers = first_failure(winner, charge, self.money)
            if not leavers.size:
                break
            self.active[leavers] = False
            bids[row:, leavers] = -np.inf
            if self.form.anew:
                ranked, top = self.form.rank(bids)
                continue
            again = row + np.flatnonzero(np.isin(ranked[row:], leavers).any(axis=1))
            ranked[again], top[again] = self.form.rank(bids[again])
        spend = np.bincount(winner.ravel(), charge.ravel(), self.count)
        self.money = self.money - spend
        self._count(values, bids, factor, winner, sold, shown, top, spend)

    def _exposure(self, impressions: int) -> Array:
        if not self.sampled:
            return np.broadcast_to(np.cumprod(EXPOSURE), (impressions, SLOTS))
        coins = self.random.random((impressions, SLOTS)) < EXPOSURE
        return np.cumprod(coins, axis=1).astype(np.float64)

    def _count(
        self,
        values: Array,
        bids: Array,
        factor: Array,
        winner: Ids,
        sold: npt.NDArray[np.bool_],
        shown: Array,
        top: Array,
        spend: Array,
    ) -> None:
        """Sums of the tick by advertiser."""
        worth = np.take_along_axis(values, winner, axis=1).astype(np.float64)
        counted = worth
        if self.sampled:
            counted = (self.random.random(worth.shape) < worth).astype(np.float64)
        took = (bids > -np.inf).astype(np.float32)
        price = np.maximum(top[:, SLOTS], RESERVE).astype(np.float32)
        offered, prices = np.stack([np.ones_like(price), price]) @ took
        value_offered = np.einsum("kn,kn->n", took, values)
        asked = np.where(offered > 0, factor, 0) * value_offered
        if self.day.capped:
            asked = np.where(took > 0, bids, 0).sum(axis=0)

        def won(amount: Array) -> Array:
            return np.bincount(winner[sold], amount[sold], self.count)

        self.last = np.stack(
            [
                offered,
                asked,
                value_offered,
                prices,
                won(np.ones(shown.shape)),
                won(shown),
                spend,
                won(shown * worth),
                won(shown * counted),
            ]
        )

    def _look(self) -> Array:
        """The features of all, [N, 18] float32."""
        day, T = self.day, self.ticks
        offered, bid, value_offered, price, wins, shown, spend, value, conversions = self.last
        left, time_left = share(self.money, day.budget), 1 - self.tick / T
        begun, there = self.tick > 0, offered > 0
        mean_bid = share(bid, offered)
        columns = [
            np.full(self.count, time_left),
            left,
            log_ratio(left, np.full(self.count, time_left)),
            there * log_ratio(spend * T, day.budget),
            begun * log_ratio(1 - left, np.full(self.count, 1 - time_left)),
            there * log_ratio(offered, day.offered),
            there * log_ratio(share(value_offered, offered), day.mean_value),
            share(wins, offered),
            share(shown, wins),
            share(value, value_offered),
            np.minimum(share(conversions, value), 4),
            there * log_ratio(share(bid, value_offered), day.level),
            (shown > 0) * log_ratio(share(spend, shown), mean_bid),
            there * log_ratio(share(price, offered), mean_bid),
            there,
        ]
        return np.concatenate([np.stack(columns, axis=1), day.traits], axis=1, dtype=np.float32)


def first_failure(winner: Ids, charge: Array, money: Array) -> tuple[int, Ids]:
    """The first impression that somebody cannot pay, and who; nobody, if all can."""
    flat = winner.ravel()
    order = np.argsort(flat, kind="stable")
    owner, due = flat[order], charge.ravel()[order]
    total = due.cumsum()
    first = np.searchsorted(owner, owner)
    over = total - total[first] + due[first] > money[owner]
    if not over.any():
        return 0, owner[:0]
    rows = order[over] // SLOTS
    return int(rows.min()), np.unique(owner[over][rows == rows.min()])


def share(part: Array, of: Array) -> Array:
    """Part over whole, 0 where there is no whole."""
    return np.divide(part, of, out=np.zeros_like(part), where=of > 0)


def log_ratio(x: Array, to: Array) -> Array:
    """Log of a ratio within `WIDEST`; 0 where the second is nothing."""
    ratio = np.log(np.clip(share(x, to), np.exp(-WIDEST), np.exp(WIDEST)))
    return np.where(to > 0, ratio, 0)
