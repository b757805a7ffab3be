"""What generated markets cost, and how scarce money is in them.

Each preset is made in a process of its own: once fresh, with everything that has to be compiled,
and once more. Wall and CPU seconds leave out the imports; peak memory is that of the process.

"Over at cap" is the share of advertisers that would overspend if everybody bid target CPA times
value; "bind paced" the share that spends its budget once everybody bids a share of that which its
budget affords.

    python benchmarks/generate.py
"""

import json
import resource
import subprocess
import sys
import time
from dataclasses import replace

import jax

from equibid.auctions import gsp
from equibid.markets import MARKETS, spend_at_cap

CASES = [
    ("demo", "dense"),
    ("bpg-100", "dense"),
    ("ncb-1000", "dense"),
    ("ncb-1000", "sparse"),
    ("auctionnet", "dense"),
]
SAMPLE = 4096
ROUNDS = 150


def measure(name: str, form: str) -> dict[str, float]:
    """Make a preset twice and take its figures."""
    options = {} if name == "auctionnet" else {"form": form}
    figures: dict[str, float] = {}
    for attempt in ("fresh", "again"):
        wall, cpu = time.perf_counter(), time.process_time()
        market = jax.block_until_ready(MARKETS[name](jax.random.key(0), **options))
        figures[f"{attempt} s"] = time.perf_counter() - wall
        figures[f"{attempt} CPU s"] = time.process_time() - cpu
        figures["market MB"] = market.nbytes / 1e6
        del market
    figures["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    market = MARKETS[name](jax.random.key(0), impressions=SAMPLE, **options)
    budget = market.campaigns.budget
    figures["over at cap"] = float((spend_at_cap(market, gsp()) > budget).mean())
    # Pacing: each factor follows budget over spend, up to the cap.
    factor = budget * 0 + 1
    for _ in range(ROUNDS):
        campaigns = replace(market.campaigns, target_cpa=market.campaigns.target_cpa * factor)
        spend = spend_at_cap(replace(market, campaigns=campaigns), gsp())
        step = (budget / spend.clip(1e-9)) ** 0.3
        factor = (factor * step.clip(0.5, 2)).clip(max=1)
    figures["bind paced"] = float((factor < 0.999).mean())
    return figures


def main() -> None:
    """Print a row for each preset."""
    for name, form in CASES:
        command = [sys.executable, __file__, name, form]
        figures = json.loads(subprocess.check_output(command, text=True))
        if (name, form) == CASES[0]:
            print(f"{'key 0':20}", *(f"{title:>11}" for title in figures))
        print(f"{name + ' ' + form:20}", *(f"{number:11.2f}" for number in figures.values()))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(measure(*sys.argv[1:])))
    else:
        main()
