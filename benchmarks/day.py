"""One AuctionNet day: 500,000 impressions × 48 advertisers, three slots, budgets that end.

    python benchmarks/day.py

Bids are constant factors, the target CPA times a height. Every repetition times the NumPy form of
the published procedure (see `reference_numpy.py`) and Equibid's engines one after the other on the
same day, so that a ratio is of two neighbours; the medians of these ratios are printed with their
range. Compilation is done before. Memory is measured in a process of its own, compilation included.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np

from equibid.auctions import auctionnet as published_rule
from equibid.bidders.fixed import Fixed
from equibid.markets import Market, auctionnet
from equibid.simulation import Delivery, everybody, simulate
from equibid.simulation.simulate import Engine
from reference_numpy import run_day


def equibid_day(market: Market, height: float, engine: Engine) -> Delivery:
    """The day in Equibid: exact budgets, drawn exposures and conversions."""
    bidder = Fixed(height * market.campaigns.target_cpa)
    who = everybody(bidder, market.advertisers)
    key = jax.random.key(0)
    return jax.block_until_ready(simulate(market, published_rule(), who, key, engine=engine))


def numpy_day(market: Market, height: float, lean: bool) -> tuple[dict[str, np.ndarray], int]:
    """The day in NumPy."""
    return run_day(
        np.asarray(market.values),
        np.asarray(market.tick_start),
        height * np.asarray(market.campaigns.target_cpa),
        np.asarray(market.campaigns.budget),
        np.random.default_rng(0),
        lean,
    )


def seconds(run: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def compare(market: Market, height: float, repetitions: int) -> None:
    """Print times, ratios and what either form delivered."""
    forms: dict[str, Callable[[], object]] = {
        "NumPy, straightforward": lambda: numpy_day(market, height, False),
        "NumPy, lean": lambda: numpy_day(market, height, True),
        "Equibid, fused": lambda: equibid_day(market, height, "fused"),
        "Equibid, XLA": lambda: equibid_day(market, height, "xla"),
    }
    for name in ("Equibid, XLA", "Equibid, fused"):
        forms[name]()
    times: dict[str, list[float]] = {name: [] for name in forms}
    for _ in range(repetitions):
        for name, run in forms.items():
            times[name].append(seconds(run))
    day, clearings = numpy_day(market, height, False)
    delivery = equibid_day(market, height, "fused")
    total = delivery.total()
    left = int((np.asarray(delivery.remaining)[-1] < 0.1).sum())
    print(f"\nbids {height:g} × target CPA, {repetitions} repetitions")
    print(f"  NumPy clears {clearings} times for {market.ticks} ticks; {left} budgets end")
    spend, value = float(total.spend.sum()), float(total.value.sum())
    print(f"  spend  NumPy {day['spend'].sum():9.0f}   Equibid {spend:9.0f}")
    print(f"  value  NumPy {day['value'].sum():9.1f}   Equibid {value:9.1f}")
    fused = times["Equibid, fused"]
    print(f"  {'':24}{'median s':>9}{'÷ fused':>9}   range of ratios")
    for name, measured in times.items():
        ratios = sorted(a / b for a, b in zip(measured, fused, strict=True))
        middle = statistics.median(measured)
        print(
            f"  {name:24}{middle:9.4f}{statistics.median(ratios):9.1f}"
            f"   {ratios[0]:.1f} – {ratios[-1]:.1f}"
        )


def peak_memory() -> None:
    """Print the peak memory of playing, beyond the market itself."""
    for engine in ("fused", "xla"):
        command = [sys.executable, __file__, "--peak", engine]
        child = subprocess.run(command, capture_output=True, check=True, text=True)
        print(f"  {engine}: {int(child.stdout) / 2**20:.0f} MiB")


def report_peak(engine: Engine) -> None:
    """Print by how many bytes playing raises the peak memory of a process that has the market.

    The values are made in place, so that making them leaves no higher peak behind.
    """
    small = auctionnet(jax.random.key(0), impressions=5000)
    copies = 100
    values = np.tile(np.asarray(small.values), (copies, 1))
    budget = small.campaigns.budget * copies
    start = small.tick_start * copies
    market = replace(small, values=values, tick_start=start).with_budget(budget)
    before = peak_bytes()
    equibid_day(market, 1.0, engine)
    print(peak_bytes() - before)


def peak_bytes() -> int:
    """Peak memory of this process (Linux); `ru_maxrss` would count what its parent had, too."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description="Time one AuctionNet day.")
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--peak", choices=("fused", "xla"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak:
        report_peak(arguments.peak)
        return
    market = auctionnet(jax.random.key(0))
    size = market.values.nbytes / 2**20
    shape = f"{market.impressions} impressions × {market.advertisers} advertisers"
    print(f"{shape}, {size:.0f} MiB of values")
    for height in (0.5, 0.75, 1.0):
        compare(market, height, arguments.repetitions)
    print("\npeak memory beyond the market, 1 × target CPA")
    peak_memory()


if __name__ == "__main__":
    main()
