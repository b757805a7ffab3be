"""Many small markets at once: what playing them together gains.

    python benchmarks/parallel.py

Tick play is measured on AuctionNet days of 2,000 impressions × 48 advertisers × 48 ticks, GSP, with
factor bidders: `simulate_many` in parallel (vmap) and one after the other (`lax.map`), and a Python
loop of the fused engine. Impression play is measured on periods of 1,000 auctions of one
advertiser against a market price, as in the iPinYou benchmark. All forms give the same deliveries;
compilation is done before. Printed are the medians of the repetitions and their range.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from equibid.auctions import Auction, gsp, second_price
from equibid.bidders.fixed import Fixed
from equibid.markets import Campaigns, Market, auctionnet
from equibid.markets.market import even_ticks
from equibid.simulation import Delivery, Population, everybody, simulate, simulate_many, stack
from equibid.simulation.simulate import Play

PARALLEL = (1, 8, 64)


def replay_market(seed: int, impressions: int = 1000) -> Market:
    """A period of one advertiser, whose budget lasts for about half of what it could win."""
    rng = np.random.default_rng(seed)
    price = rng.lognormal(0, 1, impressions)
    campaign = Campaigns(jnp.array([price.sum() / 8]), jnp.array([100.0]), jnp.zeros(1, jnp.int32))
    values = jnp.asarray(rng.lognormal(-5, 0.5, (impressions, 1)).astype(np.float32))
    return Market(values, even_ticks(impressions, 1), campaign, jnp.asarray(price))


def forms(
    markets: list[Market], auction: Auction, play: Play
) -> dict[str, Callable[[], list[Delivery]]]:
    """Ways of playing the markets, each until its results are there."""
    N = markets[0].advertisers
    bidder = Fixed(0.75 * markets[0].campaigns.target_cpa)
    seats = jnp.zeros((len(markets), N), jnp.int32)
    who, all_who = everybody(bidder, N), Population((bidder,), seats)
    keys = jax.random.split(jax.random.key(0), len(markets))
    apart, together = list(keys), stack(markets)

    def many(sequential: bool) -> list[Delivery]:
        delivery = simulate_many(together, auction, all_who, keys, play=play, sequential=sequential)
        return [jax.block_until_ready(delivery)]

    def loop() -> list[Delivery]:
        played = [
            simulate(market, auction, who, key, play=play)
            for market, key in zip(markets, apart, strict=True)
        ]
        return jax.block_until_ready(played)

    looped = "loop, fused" if play == "tick" else "loop, XLA"
    return {"vmap": lambda: many(False), "lax.map": lambda: many(True), looped: loop}


def seconds(run: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def measure(markets: list[Market], auction: Auction, play: Play, repetitions: int) -> None:
    """Print one line a form; the forms take turns, so that a busy machine slows all alike."""
    runs = forms(markets, auction, play)
    spent = {
        name: sum(float(delivery.tally.spend.sum()) for delivery in run())
        for name, run in runs.items()
    }
    agree = np.ptp(list(spent.values())) <= 1e-9 * max(spent.values())
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repetitions):
        for name, run in runs.items():
            times[name].append(seconds(run))
    auctions = len(markets) * markets[0].impressions
    for name, measured in times.items():
        middle = statistics.median(measured)
        print(
            f"  {len(markets):7}  {name:12}{1e3 * middle:10.1f}"
            f"{1e3 * min(measured):10.1f} – {1e3 * max(measured):<8.1f}"
            f"{auctions / middle:12,.0f}{len(markets) / middle:11,.1f}"
        )
    if not agree:
        raise SystemExit(f"the forms disagree on what was spent: {spent}")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description="Play many small markets at once.")
    parser.add_argument("--repetitions", type=int, default=5)
    repetitions = parser.parse_args().repetitions
    days = [auctionnet(jax.random.key(day), impressions=2000) for day in range(max(PARALLEL))]
    periods = [replay_market(seed) for seed in range(max(PARALLEL))]
    head = (
        f"  {'markets':7}  {'form':12}{'median ms':>10}{'range':>16}{'':5}"
        f"{'auctions/s':>12}{'periods/s':>11}"
    )
    print(f"tick play, 2,000 impressions × 48 advertisers, GSP\n{head}")
    for count in PARALLEL:
        measure(days[:count], gsp(), "tick", repetitions)
    print(f"\nimpression play, 1,000 auctions × 1 advertiser, second price\n{head}")
    for count in PARALLEL:
        measure(periods[:count], second_price(), "impression", repetitions)


if __name__ == "__main__":
    main()
