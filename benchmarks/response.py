"""Speed of the market response: R, C and a gradient at 1,000 x 70,000, and how time grows.

    python benchmarks/response.py [--runs 5] [--small] [--only dense|growth]

Reference, in the same run: the dense JAX form. It takes the softmax over all advertisers, prices
every win by the softmax mean of the others (the stable formula of `equibid.auctions.soft`), and
gets the gradient by reverse mode, jitted: all impressions at once, and in chunks of 100, 500 or
1,000, whichever is fastest. Both give R [N], C [N] and the gradient of ``Σ w R + Σ u C``; they are
compared.
"""

import argparse
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from equibid.auctions import Soft
from equibid.auctions.clearing import ABSENT
from equibid.auctions.soft import leave_one_out_mean
from equibid.equilibrium.best_response import best_response
from equibid.equilibrium.game import default_temperature, game_of
from equibid.equilibrium.response.response import vjp
from equibid.equilibrium.solvers.settle import settle
from equibid.markets import MARKETS
from equibid.markets.market import Market, sparse

CHUNKS = (100, 500, 1000)


@partial(jax.jit, static_argnames="chunk")
def dense_form(
    values: jax.Array,
    factors: jax.Array,
    weight: jax.Array,
    toll: jax.Array,
    temperature: float,
    chunk: int,
) -> Any:
    """R, C and the gradient of Σ w R + Σ u C, the straightforward way."""

    def part(factors: jax.Array, rows: jax.Array) -> Any:
        bids = jnp.where(rows > 0, factors * rows, ABSENT)
        probability = jax.nn.softmax(bids / temperature, axis=1)
        price = leave_one_out_mean(bids, probability, temperature)
        returns = (probability * rows).sum(axis=0)
        cost = (probability * price).sum(axis=0)
        return (weight * returns + toll * cost).sum(), (returns, cost)

    def step(total: Any, rows: jax.Array) -> Any:
        (_, sums), slope = jax.value_and_grad(part, has_aux=True)(factors, rows)
        return jax.tree.map(jnp.add, total, (*sums, slope)), None

    zero = jnp.zeros_like(factors)
    rows = values.reshape(-1, chunk, values.shape[1])
    return jax.lax.scan(step, (zero, zero, zero), rows)[0]


def timed(call: Callable[[], Any], runs: int) -> list[float]:
    """Seconds of each run after a first that compiles."""
    call()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds


def spread(seconds: list[float]) -> str:
    """Median and range."""
    return f"{np.median(seconds):8.3f} s ({min(seconds):.3f}-{max(seconds):.3f})"


def ratio(theirs: list[float], ours: list[float]) -> str:
    """How many times faster ours are, with the range that the runs allow."""
    low, high = min(theirs) / max(ours), max(theirs) / min(ours)
    return f"{np.median(theirs) / np.median(ours):.1f}x ({low:.1f}-{high:.1f})"


def against_dense(name: str, dense: Market, share: float, runs: int, lists: bool) -> None:
    """One market: the dense form, ours on the same dense values, ours on candidate lists."""
    temperature = default_temperature(dense, share)
    game = game_of(dense, Soft(temperature))
    random = np.random.default_rng(0)
    advertisers = dense.advertisers
    factors = game.cap * random.uniform(0.2, 1, advertisers)
    weight, toll = random.uniform(0, 1, advertisers), random.uniform(-1, 1, advertisers) / 100
    arrays = [jnp.asarray(x, jnp.float32) for x in (factors, weight, toll)]
    values = jnp.asarray(dense.values)

    def reference(chunk: int) -> Any:
        return jax.block_until_ready(dense_form(values, *arrays, temperature, chunk))

    trials = {chunk: min(timed(partial(reference, chunk), 1)) for chunk in CHUNKS}
    chunk = min(trials, key=lambda chunk: trials[chunk])
    forms = {"dense": game}
    if lists:
        forms["lists"] = replace(game, market=sparse(dense))
    print(f"{name}, temperature {share:g} of the mean second bid, float32 values:")
    whole = timed(partial(reference, dense.impressions), max(runs // 2, 1))
    print(f"  dense JAX, all at once           {spread(whole)}")
    theirs = timed(partial(reference, chunk), runs)
    print(f"  dense JAX, chunks of {chunk:5d}       {spread(theirs)}")
    returns, cost, slope = map(np.asarray, reference(chunk))
    for form, here in forms.items():
        ours = timed(lambda here=here: vjp(here, factors, weight, toll), runs)
        response, gradient = vjp(here, factors, weight, toll)
        apart = max(
            np.abs(response.returns - returns).max() / returns.max(),
            np.abs(response.cost - cost).max() / cost.max(),
            np.abs(gradient - slope).max() / np.abs(slope).max(),
        )
        print(
            f"  equibid, {form:24s}{spread(ours)}   {ratio(whole, ours)} of all at once, "
            f"{ratio(theirs, ours)} of chunks; largest difference {apart:.1e}"
        )


def dense_markets(impressions: int, runs: int) -> None:
    """The generated market, and one in which everybody values everything."""
    market = MARKETS["ncb-1000"](jax.random.key(0), impressions=impressions)
    for share in (0.05, 0.01):
        against_dense("ncb-1000", market, share, runs, lists=True)
    values = np.random.default_rng(0).lognormal(-5, 0.7, (impressions, 1000)).astype(np.float32)
    full = replace(market, values=jnp.asarray(values))
    for share in (0.05, 0.01):
        against_dense("everybody values everything", full, share, runs, lists=False)


def growth(sizes: list[tuple[int, int]], runs: int) -> None:
    """Time of one evaluation and of a certified equilibrium by the number of candidates."""
    print("candidate lists, growth:")
    print(
        "  advertisers impressions  candidates  R, C, gradient     settle   gain/welfare  peak MiB"
    )
    points = []
    for advertisers, impressions in sizes:
        market = MARKETS["ncb-1000"](
            jax.random.key(0),
            advertisers=advertisers,
            impressions=impressions,
            categories=max(advertisers // 40, 3),
            form="sparse",
        )
        game = game_of(market, Soft(default_temperature(market)))
        candidates = int((np.asarray(market.values) > 0).sum())
        factors = 0.5 * game.cap
        seconds = timed(lambda g=game, f=factors: vjp(g, f, 1.0, 1.0), runs)
        start = time.perf_counter()
        rest = settle(game, factors, 1e-9)
        solved = time.perf_counter() - start
        answer = best_response(game, rest.factors)
        gain = max(float((answer.returns - rest.response.returns).max()), 0) / rest.response.welfare
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        points.append((np.log(candidates), np.log(np.median(seconds))))
        print(
            f"  {advertisers:11,d} {impressions:11,d} {candidates:11,d}   {spread(seconds)} "
            f"{solved:8.1f} s   {gain:.1e}   {peak:8,.0f}",
            flush=True,
        )
    x, y = np.transpose(points)
    slope = np.polyfit(x, y, 1)[0]
    print(f"  exponent of time in candidates: {slope:.2f}")


def main() -> None:
    """Read options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--small", action="store_true", help="a tenth of the impressions")
    parser.add_argument("--only", choices=("dense", "growth"))
    options = parser.parse_args()
    impressions = 7_000 if options.small else 70_000
    print(f"device {jax.devices()[0]}, {options.runs} runs, median (least-most)")
    if options.only != "growth":
        dense_markets(impressions, options.runs)
    sizes = [(100, 7_000), (300, 21_000), (1_000, 70_000), (3_000, 210_000), (10_000, 700_000)]
    if options.only != "dense":
        growth(sizes[:3] if options.small else sizes, options.runs)


if __name__ == "__main__":
    main()
