"""The mixed-integer programme of second-price pacing equilibria; see `second_price_pacing`."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from equibid.equilibrium.pacing.market import Floats

Objective = Literal["revenue", "welfare", "lowest-factor", "highest-factor"]
# Shares of the objective that do not count.
PRECISION = 1e-6


@dataclass(frozen=True)
class Point:
    """An equilibrium of the program's goods.

    Attributes:
        beta: α / cap.
        share: of each impression of a good.
        price: currency per impression.
        welfare: of the goods, value units.
        pinned: its pattern of ties leaves the prices of split goods no freedom.
    """

    beta: Float[np.ndarray, " N"]
    share: Float[np.ndarray, "G N"]
    price: Float[np.ndarray, " G"]
    welfare: float
    pinned: bool


class Program:
    """The mixed-integer program over goods: groups of identical impressions with two valuers.

    Columns, with a pair an advertiser that values a good: β [N]; s, money of a pair; p, price and
    h, highest bid of a good; x, quantity of a pair; and the switches d, may win; w, the bid that
    is not asked to lie below the price; r, the bid that is the price; y, the budget is spent.
    """

    beta: Int[np.ndarray, " N"]
    s: Int[np.ndarray, " P"]
    p: Int[np.ndarray, " G"]
    h: Int[np.ndarray, " G"]
    x: Int[np.ndarray, " P"]
    d: Int[np.ndarray, " P"]
    w: Int[np.ndarray, " P"]
    r: Int[np.ndarray, " P"]
    y: Int[np.ndarray, " N"]

    def __init__(
        self,
        worth: Float[np.ndarray, "G N"],
        size: Float[np.ndarray, " G"],
        budget: Float[np.ndarray, " N"],
        values: Float[np.ndarray, "G N"],
    ) -> None:
        """Money in units of the largest bid, so that the solver's tolerances mean something."""
        self.unit = worth.max()
        self.good, self.who = worth.nonzero()
        self.value = values[self.good, self.who]
        self.size, self.shape = size, worth.shape
        goods, advertisers = worth.shape
        pairs = len(self.good)
        names = {"beta": advertisers, "s": pairs, "p": goods, "h": goods, "x": pairs}
        switches = {"d": pairs, "w": pairs, "r": pairs, "y": advertisers}
        ends = np.cumsum([0, *names.values(), *switches.values()])
        for name, first, last in zip([*names, *switches], ends[:-1], ends[1:], strict=True):
            setattr(self, name, np.arange(first, last))
        self.width = int(ends[-1])
        self.whole = np.arange(self.width) >= ends[len(names)]
        self.rows: list[sparse.coo_array] = []
        self.least: list[Floats] = []
        self.most: list[Floats] = []
        self._constrain(worth / self.unit, budget / self.unit)

    def _constrain(self, worth: Float[np.ndarray, "G N"], budget: Float[np.ndarray, " N"]) -> None:
        """Write the conditions down, with bounds as tight as the values allow."""
        good, who, size = self.good, self.who, self.size[self.good]
        v = worth[good, who]
        ordered = np.sort(worth, axis=1)
        top, second = ordered[good, -1], ordered[good, -2]
        p, h, a = self.p[good], self.h[good], self.beta[who]
        dearest = size * np.minimum(v, second)
        money = np.minimum(budget[who], dearest)
        self.upper = np.ones(self.width)
        self.upper[self.s], self.upper[self.x] = money, size
        self.upper[self.p], self.upper[self.h] = ordered[:, -2], ordered[:, -1]
        # A budget that exceeds all it could be charged cannot be spent.
        self.upper[self.y] = budget <= np.bincount(who, dearest, len(budget))
        pair, each = np.arange(len(good)), np.arange(len(budget))
        goods, inf = np.arange(len(worth)), np.inf
        ones = np.ones(len(good))
        # (4) and (5)
        self.add(each, [(who, self.s, ones)], -inf, budget)
        self.add(each, [(who, self.s, ones), (each, self.y, -budget)], 0, inf)
        self.add(each, [(each, self.beta, 1), (each, self.y, 1)], 1, inf)
        # (1), (3): the price is paid, by those whose bid is the highest
        self.add(goods, [(good, self.s, ones), (goods, self.p, -self.size)], 0, 0)
        self.add(pair, [(pair, self.s, 1), (pair, self.d, -money)], -inf, 0)
        self.add(pair, [(pair, h, 1), (pair, a, -v)], 0, inf)
        self.add(pair, [(pair, h, 1), (pair, a, -v), (pair, self.d, top)], -inf, top)
        # (2): all bids but one are below the price, and one of them is the price
        self.add(pair, [(pair, self.w, 1), (pair, self.d, -1)], -inf, 0)
        self.add(pair, [(pair, p, 1), (pair, a, -v), (pair, self.w, v)], 0, inf)
        self.add(pair, [(pair, p, 1), (pair, a, -v), (pair, self.r, second)], -inf, second)
        self.add(pair, [(pair, self.w, 1), (pair, self.r, 1)], -inf, 1)
        for switch in (self.w, self.r):
            self.add(goods, [(good, switch, ones)], 1, 1)

    def tie_quantity_to_money(self) -> None:
        """Keep s and x within McCormick's envelope of s = p x; only welfare asks for x."""
        good, size, highest = self.good, self.size[self.good], self.upper[self.p][self.good]
        pair, goods = np.arange(len(good)), np.arange(len(self.p))
        self.add(goods, [(good, self.x, np.ones(len(good)))], self.size, self.size)
        self.add(pair, [(pair, self.x, 1), (pair, self.d, -size)], -np.inf, 0)
        self.add(pair, [(pair, self.s, 1), (pair, self.x, -highest)], -np.inf, 0)
        terms = [(pair, self.s, 1), (pair, self.x, -highest), (pair, self.p[good], -size)]
        self.add(pair, terms, -size * highest, np.inf)

    def add(
        self,
        rows: Int[np.ndarray, " R"],
        terms: list[tuple[Int[np.ndarray, " E"], Int[np.ndarray, " E"], Any]],
        least: Any,
        most: Any,
    ) -> None:
        """Constraints ``least <= Σ entry · column <= most``; a term is rows, columns, entries."""
        entries = np.concatenate([np.broadcast_to(term[2], term[1].shape) for term in terms])
        at = (np.concatenate([term[0] for term in terms]), np.concatenate([t[1] for t in terms]))
        self.rows.append(sparse.coo_array((entries, at), shape=(len(rows), self.width)))
        self.least.append(np.broadcast_to(np.asarray(least, np.float64), rows.shape))
        self.most.append(np.broadcast_to(np.asarray(most, np.float64), rows.shape))

    def cost(self, objective: Objective, advertiser: int) -> Floats:
        """What is minimised."""
        cost = np.zeros(self.width)
        if objective == "revenue":
            cost[self.p] = -self.size
        elif objective == "welfare":
            cost[self.x] = -self.value / self.value.max()
        else:
            cost[self.beta[advertiser]] = 1 if objective == "lowest-factor" else -1
        return cost

    def solve(self, cost: Floats, time_limit: float) -> Any:
        """SciPy's result of the mixed-integer program."""
        # SciPy's types know of numbers only here.
        least: Any = np.concatenate(self.least)
        most: Any = np.concatenate(self.most)
        upper: Any = self.upper
        return milp(
            cost,
            integrality=self.whole,
            bounds=Bounds(0, upper),
            constraints=LinearConstraint(sparse.csr_array(sparse.vstack(self.rows)), least, most),
            options={"time_limit": max(time_limit, 0.01), "mip_rel_gap": PRECISION},
        )

    def within(
        self, cost: Floats, switches: Floats, price: Float[np.ndarray, " G"] | None = None
    ) -> Floats | None:
        """The best point with the switches (and prices) as given: a linear program.

        None if there is no point. Its tolerances are tighter than the mixed-integer program's.
        """
        matrix = sparse.csr_array(sparse.vstack(self.rows))
        least, most = np.concatenate(self.least), np.concatenate(self.most)
        upper, lower = np.isfinite(most), np.isfinite(least)
        bounds = np.column_stack([np.zeros(self.width), self.upper])
        bounds[self.whole] = switches[self.whole, None]
        if price is not None:
            bounds[self.p] = price[:, None] + [-1e-9, 1e-9]
        result = linprog(
            cost,
            sparse.vstack([matrix[upper], -matrix[lower]]),
            np.concatenate([most[upper], -least[lower]]),
            bounds=bounds,
            method="highs",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        return result.x if result.status == 0 else None

    def split(self, switches: Floats) -> Bool[np.ndarray, " G"]:
        """Which goods more than one may win."""
        return np.bincount(self.good, switches[self.d], len(self.p)) > 1

    def pattern(self, switches: Floats) -> Floats:
        """The same switches, with the first two that tie as a split good's w and r.

        Any two that tie say the same: bid and price are one.
        """
        named = switches.copy()
        for good in self.split(switches).nonzero()[0]:
            pairs = (self.good == good).nonzero()[0]
            tied = pairs[switches[self.d[pairs]] > 0]
            named[self.w[pairs]] = named[self.r[pairs]] = 0
            named[self.w[tied[0]]] = named[self.r[tied[1]]] = 1
        return named

    def cut(self, switches: Floats) -> None:
        """Rule out a pattern: d and y, and r of the goods that one wins."""
        setters = self.r[~self.split(switches)[self.good]]
        told = np.concatenate([self.d, self.y, setters])
        on = switches[told] > 0
        row = np.zeros(len(told), np.int64)
        self.add(np.arange(1), [(row, told, np.where(on, -1.0, 1.0))], 1.0 - on.sum(), np.inf)

    def point(self, solution: Floats, pinned: bool) -> Point:
        """The equilibrium of a solution; what is free goes to the one that bids most."""
        price = solution[self.p]
        free = price <= 1e-9
        winner = np.where(free[self.good], solution[self.w], 0)
        paid = solution[self.s] / np.where(free, 1, price * self.size)[self.good]
        share = np.zeros(self.shape)
        share[self.good, self.who] = np.where(free[self.good], winner, paid)
        quantity = share[self.good, self.who] * self.size[self.good]
        return Point(
            beta=solution[self.beta],
            share=share,
            price=price * self.unit,
            welfare=float(self.value @ quantity),
            pinned=pinned,
        )
