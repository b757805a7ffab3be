"""The practical predictor beside re-solving at every tick and static factors from yesterday.

    python benchmarks/predictor.py [--seeds 3] [--market demo] [--advertisers 12] ...

For each seed a market; day 0 is only a day before, the next days train, the last days test. Each
bidder takes everybody's seat. Figures are shares of what the day's own equilibrium, which only
hindsight knows, delivers in the same simulation: budgets end within a tick, and winners are drawn
(or expected). Exploitability is the largest gain of a best constant factor over welfare.
"""

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from equibid.auctions import Soft
from equibid.bidders.fixed import Fixed
from equibid.equilibrium.game import default_temperature, game_of
from equibid.evaluation.statistics import jackknife
from equibid.learning.ncb.comparison import compare_on_day
from equibid.learning.ncb.config import NcbConfig
from equibid.learning.ncb.data import days_of
from equibid.learning.ncb.resolving import Resolving
from equibid.learning.ncb.training import policy, train
from equibid.markets import MARKETS


def one_seed(options: argparse.Namespace, seed: int) -> pl.DataFrame:
    """Train on a market's first days, and play its last."""
    key = jax.random.key(seed)
    count = options.training + options.testing + 1
    markets = [
        MARKETS[options.market](
            key,
            day=day,
            advertisers=options.advertisers,
            impressions=options.impressions,
            ticks=options.ticks,
        )
        for day in range(count)
    ]
    auction = Soft(default_temperature(markets[0], options.share))
    games = [game_of(market, auction) for market in markets]
    start = time.perf_counter()
    losses: list[float] = []
    settings = NcbConfig(rounds=options.rounds, num_updates=options.steps)
    days = days_of(games[: options.training + 1])
    state = train(days, settings, key, lambda _, loss: losses.append(loss))
    print(
        f"seed {seed}: trained in {time.perf_counter() - start:.0f} s, "
        f"loss {np.mean(losses[:10]):.4f} -> {np.mean(losses[-20:]):.4f}",
        flush=True,
    )
    tables = []
    for index, day in enumerate(days_of(games[options.training :])):
        reference = day.reference
        bidders = {
            "predictor": policy(state, reference, jnp.asarray(day.game.cap), day.game.market.ticks),
            "re-solving": Resolving(reference.factor, games[options.training + index]),
            "static": Fixed(reference.factor),
        }
        for sampled in (True, False):
            factors = np.asarray(reference.factor)
            luck = jax.random.key(99 + index)
            table = compare_on_day(day.game, bidders, factors, luck, sampled=sampled)
            kind = "drawn" if sampled else "expected"
            tables.append(table.with_columns(seed=pl.lit(seed), play=pl.lit(kind)))
    return pl.concat(tables)


def main() -> None:
    """Read options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--market", default="demo")
    parser.add_argument("--advertisers", type=int, default=12)
    parser.add_argument("--impressions", type=int, default=4000)
    parser.add_argument("--ticks", type=int, default=24)
    parser.add_argument("--training", type=int, default=6, help="days")
    parser.add_argument("--testing", type=int, default=4, help="days")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--share", type=float, default=0.01, help="temperature over second bid")
    options = parser.parse_args()
    table = pl.concat([one_seed(options, seed) for seed in range(options.seeds)])
    measures = ("welfare_share", "exploitability", "mean_gain", "spent")
    by_seed = table.group_by("play", "bidder", "seed", maintain_order=True).agg(
        pl.col(*measures).mean()
    )
    print("means over test days, then over seeds, ± half of the 95 % interval over seeds")
    for (play, bidder), rows in by_seed.group_by("play", "bidder", maintain_order=True):
        cells = []
        for measure in measures:
            whole = rows[measure].to_numpy()
            rest = (whole.sum() - whole) / max(len(whole) - 1, 1)
            mean, _, high = jackknife(float(whole.mean()), rest)
            cells.append(f"{measure} {mean:.4f} ± {high - mean:.4f}")
        print(f"{play!s:9s}{bidder!s:11s}" + "   ".join(cells))


if __name__ == "__main__":
    main()
