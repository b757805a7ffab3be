"""What the ways to an equilibrium reach: reliability on 20 markets, and the ncb-1000 table.

    python benchmarks/equilibria.py reliability [--starts 10]
    python benchmarks/equilibria.py table [--seeds 10] [--impressions 70000]

Reliability: 20 generated markets of 3 to 300 advertisers, random starts between a hundredth of the
cap and the cap; a start counts if its end is certified: nobody gains more than 1e-6 of welfare, no
budget is missed by more than 1e-6. Algorithm 1 starts from the same profiles.

Table: ncb-1000, one market a seed, the soft auction at a hundredth of the mean second bid, caps at
the target CPA. A profile may overspend: "paid for" is the welfare left when every overspender is
throttled evenly to its budget, and exploitability is the largest gain of a best factor over what an
advertiser gets that way, over welfare. "Kept" is the share of advertisers that spend their budget
within 1 %, or bid their cap; "complies" the share of seeds with exploitability and overspending of
at most 1e-3.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import jax
import numpy as np

from equibid.auctions import Soft
from equibid.equilibrium.best_response import best_response
from equibid.equilibrium.bounds import first_best
from equibid.equilibrium.game import Floats, Game, default_temperature, game_of
from equibid.equilibrium.objectives import objective_named
from equibid.equilibrium.response.response import respond
from equibid.equilibrium.solvers.ascent import Ascent
from equibid.equilibrium.solvers.candidates import CandidateSettings
from equibid.equilibrium.solvers.dynamics import tatonnement
from equibid.equilibrium.solvers.equilibrium_search import equilibrium_search
from equibid.equilibrium.solvers.primal_dual import PrimalDualSettings, primal_dual
from equibid.equilibrium.solvers.profile import excess, residual
from equibid.equilibrium.solvers.registry import SOLVERS
from equibid.equilibrium.solvers.select import Search, best_of, search
from equibid.equilibrium.solvers.settle import settle
from equibid.evaluation.statistics import jackknife
from equibid.markets import MARKETS

SIZES = (3, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 30, 40, 50, 70, 100, 130, 170, 220, 300)
SHARES = (0.05, 0.02, 0.01, 0.1)
PRICINGS = ("soft", "hard")
WELFARE = objective_named("welfare")
PENALTIES = (10.0, 20.0, 50.0, 80.0, 100.0)


def small_game(index: int) -> Game:
    """One of the 20 markets; every other has so few impressions that costs are all but steps."""
    advertisers = SIZES[index]
    impressions = min(40 * advertisers, 4000) if index % 4 < 2 else max(12, 4 * advertisers)
    market = MARKETS["demo"](
        jax.random.key(index),
        advertisers=advertisers,
        impressions=max(impressions, 12),
        ticks=4,
        categories=max(1, advertisers // 10),
        form="sparse",
    )
    auction = Soft(default_temperature(market, SHARES[index % 4]), PRICINGS[index % 2])
    return game_of(market, auction)


def certified(game: Game, factors: Floats) -> tuple[bool, float]:
    """Whether a profile is an equilibrium to 1e-6, and its welfare."""
    response = respond(game, factors)
    answer = best_response(game, factors)
    gain = float((answer.returns - response.returns).max()) / max(response.welfare, 1e-300)
    return gain <= 1e-6 and residual(game, factors, response) <= 1e-6, response.welfare


def reliability(starts: int) -> None:
    """Print, market by market, how many starts end in an equilibrium."""
    print("advertisers impressions  τ/bid price  ncb-select  Algorithm 1  distinct  seconds")
    settings = PrimalDualSettings(outer=40, inner=Ascent(steps=100), tolerance=1e-7)
    total = np.zeros(3)
    for index, advertisers in enumerate(SIZES):
        game, random = small_game(index), np.random.default_rng(index)
        begin, found, held, published = time.perf_counter(), set(), 0, 0
        first = 0.0
        for _ in range(starts):
            start = game.cap * np.exp(random.uniform(np.log(0.01), 0, advertisers))
            good, welfare = certified(game, settle(game, start).factors)
            held += good
            found |= {round(welfare, 5)} if good else set()
        first = time.perf_counter() - begin
        random = np.random.default_rng(index)
        tried = starts if advertisers <= 50 else max(starts // 5, 1)
        for _ in range(tried):
            start = game.cap * np.exp(random.uniform(np.log(0.01), 0, advertisers))
            published += certified(game, primal_dual(game, start, settings).factors)[0]
        total += (held, published, tried)
        print(
            f"{advertisers:11d} {game.market.impressions:11d} {SHARES[index % 4]:6g} "
            f"{game.auction.pricing:5s} {held:7d}/{starts} {published:9d}/{tried} "
            f"{len(found):9d} {first / starts:8.2f} a start",
            flush=True,
        )
    print(
        f"ncb-select {total[0]:.0f} of {starts * len(SIZES)} starts, "
        f"Algorithm 1 {total[1]:.0f} of {total[2]:.0f}"
    )


@dataclass(frozen=True)
class Row:
    """One method on one seed."""

    welfare: float
    paid_for: float
    exploitability: float
    kept: float
    overspend: float
    revenue: float
    seconds: float


def methods() -> dict[str, Callable[[Game, int], Floats]]:
    """From a game and a seed to factors."""

    def algorithm(penalty: float) -> Callable[[Game, int], Floats]:
        settings = PrimalDualSettings(penalty=penalty, outer=6)
        return lambda game, seed: primal_dual(game, 0.5 * game.cap, settings).factors

    def select(game: Game, seed: int) -> Floats:
        leader = best_of(list(search(game, WELFARE, Search(starts=3, seed=seed))))
        assert leader is not None
        return leader.rest.factors

    def hunt(game: Game, seed: int) -> Floats:
        candidate_settings = CandidateSettings(
            starts=1,
            penalties=(10.0,),
            ascent=replace(CandidateSettings().ascent, steps=40),
            fractions=(0.0, 0.25, 0.5, 0.75, 1.0),
            rest_steps=80,
        )
        return equilibrium_search(
            game, np.random.default_rng(seed), candidate_settings=candidate_settings
        ).candidate.factors

    return {
        "uniform pacing": lambda g, seed: SOLVERS["uniform"](g, WELFARE, seed, None).factors,
        "tatonnement, 100 steps": lambda g, seed: tatonnement(g, 0.5 * g.cap, steps=100).factors,
        **{f"Algorithm 1, rho {rho:g}": algorithm(rho) for rho in PENALTIES},
        "ES": hunt,
        "ncb-select, 3 starts": select,
    }


def judge(game: Game, factors: Floats, seconds: float) -> Row:
    """What a profile is worth."""
    response = respond(game, factors)
    answer = best_response(game, factors)
    paid_for = response.returns / np.maximum(response.cost / game.budget, 1)
    gain = max(float((answer.returns - paid_for).max()), 0.0)
    over = np.maximum(response.cost / game.budget - 1, 0)
    return Row(
        welfare=response.welfare,
        paid_for=float(paid_for.sum()),
        exploitability=gain / response.welfare,
        kept=float((np.abs(excess(game, factors, response)) <= 0.01).mean()),
        overspend=float(over.max()),
        revenue=response.revenue,
        seconds=seconds,
    )


def table(seeds: int, impressions: int) -> None:
    """Print every method's figures over seeds."""
    rows: dict[str, list[Row]] = {name: [] for name in methods()}
    best: list[float] = []
    for seed in range(seeds):
        market = MARKETS["ncb-1000"](jax.random.key(seed), form="sparse", impressions=impressions)
        game = game_of(market, Soft(default_temperature(market)))
        best.append(first_best(game))
        for name, method in methods().items():
            start = time.perf_counter()
            factors = method(game, seed)
            row = judge(game, factors, time.perf_counter() - start)
            rows[name].append(row)
            print(f"seed {seed} {name:24s} {row}", flush=True)
    print(f"\nfirst best {with_spread(best, 1)}; {seeds} seeds, mean ± half of the 95 % interval")
    heads = (
        "welfare",
        "paid for",
        "exploitability",
        "kept",
        "complies",
        "overspend",
        "revenue",
        "seconds",
    )
    print(f"{'method':24s}" + "".join(f"{head:>22s}" for head in heads))
    for name, found in rows.items():
        complies = np.mean([r.exploitability <= 1e-3 and r.overspend <= 1e-3 for r in found])
        cells = [
            with_spread([r.welfare for r in found], 1),
            with_spread([r.paid_for for r in found], 1),
            with_spread([r.exploitability for r in found], 0),
            f"{100 * np.mean([r.kept for r in found]):.1f} %",
            f"{100 * complies:.0f} %",
            f"{max(r.overspend for r in found):.1e}",
            with_spread([r.revenue for r in found], 1),
            f"{np.median([r.seconds for r in found]):.0f}",
        ]
        print(f"{name:24s}" + "".join(f"{cell:>22s}" for cell in cells))


def with_spread(figures: list[float], digits: int) -> str:
    """Mean and half of the 95 % interval over seeds."""
    whole = np.asarray(figures)
    count = max(len(whole) - 1, 1)
    mean, _, high = jackknife(float(whole.mean()), (whole.sum() - whole) / count)
    form = f",.{digits}f" if digits else ".1e"
    return f"{mean:{form}} ± {high - mean:{form}}"


def main() -> None:
    """Read options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("reliability", "table"))
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--impressions", type=int, default=70_000)
    options = parser.parse_args()
    if options.what == "reliability":
        reliability(options.starts)
    else:
        table(options.seeds, options.impressions)


if __name__ == "__main__":
    main()
