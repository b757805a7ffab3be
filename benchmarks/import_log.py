"""Speed and memory of `equibid import` on a log of AuctionNet's form, beside Polars' own scan.

    python benchmarks/import_log.py [--rows 5000000] [--runs 3]

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
    start, before = time.perf_counter(), time.process_time()
    summary = import_logs([log], out)
    assert summary.quarantined == 0, summary.reasons
else:
    import polars as pl
    start, before = time.perf_counter(), time.process_time()
    pl.scan_csv(log).sink_parquet(out)
seconds, cpu = time.perf_counter() - start, time.process_time() - before
# Linux counts in KiB.
print(seconds, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
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


def measure(way: str, log: Path, out: Path) -> list[float]:
    """Seconds, seconds of all cores, and peak GiB of a process that reads the log one way."""
    command = [sys.executable, "-c", CHILD, way, str(log), str(out)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [float(word) for word in done.stdout.split()]


def main() -> None:
    """Measure both ways in turn."""
    parser = argparse.ArgumentParser(description="Time an import")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "period.csv"
        rows = write_log(log, options.rows)
        size = log.stat().st_size / 1e9
        print(f"{rows:,} rows, {size:.2f} GB, {pl.thread_pool_size()} threads")
        ratios = []
        for run in range(options.runs):
            pair = []
            for way in ("import", "scan"):
                seconds, cpu, peak = measure(way, log, Path(folder) / f"{way}{run}")
                pair.append((seconds, cpu))
                speed = rows / seconds
                print(f"{way:>6} {seconds:6.1f} s {cpu:6.1f} CPU s {speed:10,.0f} rows/s", end="")
                print(f" {peak:5.2f} GiB")
            ratios.append(np.divide(pair[1], pair[0]))
        for name, ratio in zip(("time", "CPU time"), np.transpose(ratios), strict=True):
            low, high = min(ratio), max(ratio)
            print(f"scan / import, {name}: {np.median(ratio):.2f} ({low:.2f}-{high:.2f})")


if __name__ == "__main__":
    main()
