"""Time of RLB's value table on one core: the kernel against the published loop, compiled.

Run as ``python benchmarks/value_table.py [FOLDER]``; FOLDER holds the logs of the RLB paper
(CAMPAIGN.info.json), by default those beside this checkout. Times are CPU seconds of the process,
so that a busy machine disturbs them little; each ratio is of two runs next to each other.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numba
import numpy as np

from equibid.bidders.value_kernel import fill
from equibid.bidders.value_table import PRECISION, value_table
from equibid.logs import campaign_budget
from equibid.logs.rlb import read_info

LOGS = Path(__file__).resolve().parents[2] / "shared" / "data" / "ipinyou" / "rlb"
AUCTIONS = 1000
SHARES = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)
COMPARED = (("1458", 1 / 32), ("2997", 1 / 8), ("3386", 1 / 4))
REPETITIONS = 5


@numba.njit(nogil=True)
def plain_loop(pmf, mean_value, precision, table):
    """The program in three loops; returns the inner steps."""
    auctions, width = table.shape
    steps = 0
    most = pmf.sum() * mean_value
    for n in range(1, auctions):
        before, row = table[n - 1], table[n]
        lowest = 0
        for b in range(1, width):
            while mean_value + (before[lowest] - before[b]) < 0:
                lowest += 1
            bid = min(b - lowest, len(pmf) - 1)
            total = before[b]
            for d in range(bid + 1):
                total += pmf[d] * (mean_value + (before[b - d] - before[b]))
            row[b] = total
            steps += bid + 1
            if abs(total - n * most) < precision:
                row[b + 1 :] = total
                break
    return steps


def scenario(folder: Path, campaign: str, share: float) -> tuple[np.ndarray, float, int]:
    """Price distribution, mean value and budget of a campaign of the RLB paper."""
    history = read_info(folder / f"{campaign}.info.json")
    pmf = (history.counts + 1) / (history.impressions + len(history.counts))
    return pmf, float(history.mean_value[0]), campaign_budget(history, share, AUCTIONS)


def seconds(run: Callable[[], Any]) -> tuple[float, Any]:
    """CPU time of a run, and its result."""
    start = time.process_time()
    result = run()
    return time.process_time() - start, result


def compare(folder: Path) -> None:
    """Kernel against plain loop."""
    print("campaign    c0  budget  10^9 steps  plain s  kernel s  ratio  same bits")
    for campaign, share in COMPARED:
        pmf, mean_value, budget = scenario(folder, campaign, share)
        table = np.zeros((AUCTIONS + 1, budget + 1))
        pairs, same, steps = [], True, 0
        for _ in range(REPETITIONS):
            slow, steps = seconds(partial(plain_loop, pmf, mean_value, PRECISION, table))
            expected = table.copy()
            fast, _ = seconds(partial(fill, pmf, mean_value, PRECISION, table))
            same &= np.array_equal(table, expected)
            pairs.append((slow, fast))
        slow, fast = np.median(pairs, axis=0)
        ratio = np.median([a / b for a, b in pairs])
        print(
            f"{campaign:>8} {share:5.3f} {budget:7d} {steps / 1e9:11.2f} {slow:8.2f} {fast:9.2f}"
            f" {ratio:6.1f}  {same}"
        )


def total(folder: Path) -> None:
    """All campaigns and budgets of the paper."""
    campaigns = sorted(file.name.partition(".")[0] for file in folder.glob("*.info.json"))
    scenarios = [scenario(folder, campaign, share) for campaign in campaigns for share in SHARES]
    runs = [
        partial(value_table, pmf, mean_value, AUCTIONS, budget, backend="fused")
        for pmf, mean_value, budget in scenarios
    ]
    spent = sum(seconds(run)[0] for run in runs)
    print(f"all {len(scenarios)} tables of {AUCTIONS} auctions, made as JAX arrays: {spent:.1f} s")


def main() -> None:
    """Compile, compare, and sum up."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else LOGS
    if not folder.is_dir():
        print(f"skipped: there is no folder {folder} with CAMPAIGN.info.json")
        return
    few = np.full(301, 1 / 301)
    fill(few, 1.0, PRECISION, np.zeros((2, 2)))
    plain_loop(few, 1.0, PRECISION, np.zeros((2, 2)))
    compare(folder)
    total(folder)


if __name__ == "__main__":
    main()
