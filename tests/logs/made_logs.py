"""Small logs of every format, made up and written by the tests."""

import gzip
import json
from pathlib import Path

import numpy as np

HEADER: str = (
    "deliveryPeriodIndex,advertiserNumber,advertiserCategoryIndex,budget,CPAConstraint,"
    "timeStepIndex,remainingBudget,pvIndex,pValue,pValueSigma,bid,xi,adSlot,cost,isExposed,"
    "conversionAction,leastWinningCost,isEnd"
)


def write(path: Path, text: str) -> Path:
    """Write, packed if the name ends in .gz."""
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def clicks(count: int, seed: int = 0) -> list[list[str]]:
    """Rows `click price pctr`."""
    draw = np.random.default_rng(seed)
    return [
        [str(draw.integers(2)), str(draw.integers(301)), repr(float(draw.uniform(0, 0.1)))]
        for _ in range(count)
    ]


def info(**other: object) -> str:
    """An info file: one training impression at each price from 0 to 300, 30 clicks."""
    good = {
        "imp_train": 301,
        "cost_train": 300 * 301 // 2,
        "clk_train": 30,
        "price_counter_train": [1] * 301,
    }
    return json.dumps({key: x for key, x in (good | other).items() if x is not None})


def auctionnet(
    ticks: tuple[int, ...] = (2, 3), advertisers: int = 3, period: int = 0, seed: int = 0
) -> list[list[str]]:
    """Rows of one delivery period: `ticks` gives the impressions of each tick."""
    draw = np.random.default_rng(seed)
    budget, cpa = draw.uniform(100, 200, advertisers), draw.uniform(50, 100, advertisers)
    rows = []
    for tick, count in enumerate(ticks):
        left = draw.uniform(0, budget)
        for index in range(count):
            bids = draw.uniform(0, 1, advertisers)
            ranked = np.argsort(-bids).tolist()
            market = float(np.sort(bids)[0])
            for i in range(advertisers):
                slot = ranked.index(i) + 1 if ranked.index(i) < advertisers - 1 else 0
                shown = float(slot > 0 and draw.uniform() < 0.7)
                row = [period, i, i % 2, budget[i], cpa[i], tick, left[i], index]
                row += [draw.uniform(0, 0.01), 0.001, bids[i], slot > 0, slot]
                row += [market * (slot > 0), shown, shown * (draw.uniform() < 0.5), market, 0]
                rows.append([repr(float(x)) for x in row])
    return rows


def csv(rows: list[list[str]], header: str = HEADER) -> str:
    """Rows as CSV text."""
    return "\n".join([header, *(",".join(row) for row in rows)]) + "\n"


def spaced(rows: list[list[str]], separator: str = " ") -> str:
    """Rows as text without a header."""
    return "".join(separator.join(row) + "\n" for row in rows)
