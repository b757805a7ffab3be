"""Speed and memory of `equibid import` on a log of AuctionNet's form, beside Polars' own scan.

    python benchmarks/import_log.py [--rows 5000000] [--runs 2]

The log is made up, in blocks, in a temporary folder: 48 advertisers, every number written as
AuctionNet writes it. Reference, in the same run and on the same file: `pl.scan_csv(...)` into
`sink_parquet`, which checks nothing. Both run in processes of their own, in turn.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

ADVERTISERS = 48
BLOCK = 10_000
TICK = 10_000

CHILD = """
import resource, sys, time
from pathlib import Path
way, log, out = sys.argv[1:]
if way == "import":
    from equibid.logs.importing import import_logs
    start = time.perf_counter()
    summary = import_logs([log], out)
    assert summary.quarantined == 0, summary.reasons
else:
    import polars as pl
    start = time.perf_counter()
    pl.scan_csv(log).sink_parquet(out)
seconds = time.perf_counter() - start
# Linux counts in KiB.
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


def block(first: int, count: int, draw: np.random.Generator) -> pl.DataFrame:
    """Rows of `count` impressions from number `first` on, for every advertiser."""
    impression = np.repeat(np.arange(first, first + count), ADVERTISERS)
    advertiser = np.tile(np.arange(ADVERTISERS), count)
    rows = len(impression)
    value = draw.uniform(0, 0.01, rows)
    bid = value * draw.uniform(50, 150, rows)
    market = np.sort(bid.reshape(count, -1), axis=1)[:, -4]
    price = np.repeat(market, ADVERTISERS)
    won = bid > price
    shown = won & (draw.random(rows) < 0.8)
    columns = {
        "deliveryPeriodIndex": np.zeros(rows),
        "advertiserNumber": advertiser,
        "advertiserCategoryIndex": advertiser % 6,
        "budget": 2000 + 50 * advertiser,
        "CPAConstraint": 60 + advertiser,
        "timeStepIndex": impression // TICK,
        "remainingBudget": (2000 + 50 * advertiser) / (1 + impression // TICK),
        "pvIndex": impression % TICK,
        "pValue": value,
        "pValueSigma": value / 7,
        "bid": bid,
        "xi": won,
        "adSlot": won * draw.integers(1, 4, rows),
        "cost": won * price,
        "isExposed": shown,
        "conversionAction": shown & (draw.random(rows) < value),
        "leastWinningCost": price,
        "isEnd": np.zeros(rows),
    }
    return pl.DataFrame({name: np.asarray(x, np.float64) for name, x in columns.items()})


def write_log(path: Path, rows: int) -> int:
    """Write a log of about `rows` rows; gives how many."""
    draw = np.random.default_rng(0)
    impressions = max(rows // ADVERTISERS, 1)
    with path.open("wb") as file:
        for first in range(0, impressions, BLOCK):
            count = min(BLOCK, impressions - first)
            block(first, count, draw).write_csv(file, include_header=first == 0)
    return impressions * ADVERTISERS


def measure(way: str, log: Path, out: Path) -> tuple[float, float]:
    """Seconds and peak GiB of a process that reads the log one way."""
    command = [sys.executable, "-c", CHILD, way, str(log), str(out)]
    seconds, peak = subprocess.run(
        command, check=True, capture_output=True, text=True
    ).stdout.split()
    return float(seconds), float(peak)


def main() -> None:
    """Measure both ways in turn."""
    parser = argparse.ArgumentParser(description="Time an import")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--runs", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "period.csv"
        rows = write_log(log, options.rows)
        size = log.stat().st_size / 1e9
        print(f"{rows:,} rows, {size:.2f} GB, {pl.thread_pool_size()} threads")
        best = {}
        for run in range(options.runs):
            for way in ("import", "scan"):
                seconds, peak = measure(way, log, Path(folder) / f"{way}{run}")
                best[way] = min(seconds, best.get(way, seconds))
                print(f"{way:>6} {seconds:6.1f} s {rows / seconds:12,.0f} rows/s {peak:5.2f} GiB")
        print(f"import at {best['scan'] / best['import']:.2f} of the speed of the scan")


if __name__ == "__main__":
    main()
