"""One tick of AuctionNet cleared by rlbidder 0.1.0 and by Equibid: is it the same, and how fast?

rlbidder's auction is one NumPy method of `AuctionSimulator`, `simulate_ad_bidding_multi_slots`. It
takes a tick's bids [K, N], exposures [K, 3], conversions [K, N] and the money left [N], and returns
who won, what each paid and which conversions count. Its rule is `equibid.auctions.auctionnet`: the
three highest bids win, and each pays the next bid if its ad is shown, else nothing; a slot whose
next bid is not positive or is below the reserve is not sold. At just the reserve rlbidder sells and
`auctionnet` does not, and rlbidder leaves equal bids in the order of its sort; the tick has no bid
at a reserve and no tie that decides anything, which the script makes sure of.

Slots and prices are compared bit for bit, bids and all chance being handed to both. rlbidder
returns neither, but with exposures of 1, 1/2 and 1/4 and every conversion counted its conversions
are the exposures, which name the slot, and cost over exposure is the price, exactly.

Where money ends the two differ by design. rlbidder clears the tick, strikes out the bids of every
advertiser from where its own sum exceeds its money, and repeats until nothing changes; but when one
leaves, the slots and prices of the others change from there on, and so may where they run out.
Equibid goes from one departure to the next in order of arrival (`equibid.auctions.budgets`).

rlbidder's method always does the whole: winners, prices, charges, budgets, conversions. Equibid is
timed in three ways against it:

- clear: less, slots and prices alone, without budgets (XLA);
- settle: the same work, in blocks as the XLA engine takes them;
- fused: more, also bids from values, draws of chance, and nine sums an advertiser.

Times are CPU seconds of a process, XLA's over all its threads, so that a busy machine disturbs
them little. The two take turns, and a ratio is of two runs next to each other.

    python benchmarks/rlbidder_tick.py --rlbidder-python ELSEWHERE/bin/python
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from equibid.auctions import ABSENT, BudgetState, Draws, Ranked, auctionnet, init_budgets, settle
from equibid.auctions.fused import Purse, settle_factors
from equibid.auctions.kernel import CONVERSIONS, SPEND, WINS
from equibid.auctions.tally import convert
from equibid.markets import auctionnet as auctionnet_market
from equibid.markets import span
from equibid.noise import seed_of
from equibid.simulation.blocks import block_length

TICK = 27
REPEATS = 20
LOW_RESERVE, HIGH_RESERVE = 0.0001, 0.09
TIMED = {"plenty": ("clear", "settle", "fused"), "scarce": ("settle", "fused")}
# Each a power of two, so that dividing by it is exact.
SLOT_MARKS = np.array([1.0, 0.5, 0.25])
CHILD = Path(__file__).with_name("rlbidder_child.py")
SKIPPED = (
    "skipped: --rlbidder-python names the interpreter of an environment apart, made with "
    "`pip install numpy==2.4.6 scipy==1.17.1 torch==2.13.0` and "
    "`pip install --no-deps rlbidder==0.1.0`"
)

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Scenario:
    """A tick with its chance.

    Attributes:
        values: [K, N] conversion probabilities.
        factors: [N] currency per conversion; the bids are factors times values.
        draws: which slots are shown, drawn from `seed`.
        converted: [K, N] conversions counted if the ad is shown, drawn from `seed`.
        budget: [N] money left, currency.
        auction: the rule.
        seed: 64 bits.
        first: address of the first impression in the draws.
        block: impressions that XLA settles at once.
    """

    values: Array
    factors: Array
    draws: Draws
    converted: Array
    budget: Array
    auction: Ranked
    seed: int
    first: int
    block: int

    @property
    def bids(self) -> Array:
        """[K, N] currency per exposure, in the precision of the values; 0 is no bid."""
        return self.values * self.factors.astype(self.values.dtype)

    def save(self, file: Path) -> None:
        """Write what rlbidder gets."""
        np.savez(
            file,
            values=self.values,
            bids=self.bids,
            shown=self.draws.shown,
            converted=self.converted,
            budget=self.budget,
            reserve=self.auction.reserve,
        )


def make_cases() -> dict[str, Scenario]:
    """The tick with its slots marked at two reserves; with a day's money, and with a tick's."""
    market = auctionnet_market(jax.random.key(0))
    first, last = int(market.tick_start[TICK]), int(market.tick_start[TICK + 1])
    tick = span(market, first, last)
    number, lane = jnp.arange(first, last), jnp.arange(tick.advertisers)[None]
    seed = seed_of(jax.random.key(1))
    low, high = (cast(Ranked, auctionnet(reserve)) for reserve in (LOW_RESERVE, HIGH_RESERVE))
    draws = low.draw(seed, number, lane)
    marked = draws._replace(shown=jnp.broadcast_to(SLOT_MARKS, draws.shown.shape))
    converted = np.asarray(convert(seed, number, lane, tick.values))
    budget = np.asarray(market.campaigns.budget)
    scenario = partial(
        Scenario,
        np.asarray(tick.values),
        np.asarray(market.campaigns.target_cpa),
        seed=int(seed),
        first=first,
        block=block_length(market.impressions, market.advertisers),
    )
    every = np.ones_like(converted)
    return {
        "low reserve": scenario(marked, every, budget, low),
        "high reserve": scenario(marked, every, budget, high),
        "plenty": scenario(draws, converted, budget, low),
        "scarce": scenario(draws, converted, budget / market.ticks, low),
    }


@partial(jax.jit, static_argnames="auction")
def clear(auction: Ranked, bids: jax.Array, draws: Draws) -> tuple[jax.Array, jax.Array]:
    """Slots and prices, [K, N]."""
    clearing = auction.clear(bids, draws=draws)
    return clearing.slot, clearing.price


@partial(jax.jit, static_argnames=("auction", "block"))
def play(
    auction: Ranked,
    block: int,
    budgets: BudgetState,
    bids: jax.Array,
    draws: Draws,
    converted: jax.Array,
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array, BudgetState]:
    """What rlbidder returns: won, cost, conversions [K, N] and market price [K]; and the ledger."""
    outcomes = []
    for start in range(0, len(bids), block):
        rows = slice(start, start + block)
        cut = Draws(*(x[rows] for x in draws))
        clearing, budgets, _ = settle(auction, budgets, bids[rows], draws=cut)
        conversions = clearing.exposure * converted[rows]
        outcomes.append((clearing.win, clearing.charge, conversions, clearing.market_price))
    won, cost, conversions, market_price = map(jnp.concatenate, zip(*outcomes, strict=True))
    return won, cost, conversions, market_price, budgets


def fused(scenario: Scenario, budgets: BudgetState) -> Array:
    """The sums of a `Tally`, [9, N], from one pass of the kernel."""
    purse = Purse(*(np.array(x) for x in budgets))
    return settle_factors(
        scenario.auction,
        purse,
        scenario.values,
        scenario.factors,
        seed=scenario.seed,
        first_impression=scenario.first,
    )


def ways(scenario: Scenario) -> dict[str, Callable[[], Any]]:
    """Equibid's three, each a call without arguments."""
    bids = jnp.asarray(
        np.where(scenario.values > 0, scenario.bids, scenario.values.dtype.type(ABSENT))
    )
    budgets, converted = init_budgets(jnp.asarray(scenario.budget)), jnp.asarray(scenario.converted)
    return {
        "clear": partial(clear, scenario.auction, bids, scenario.draws),
        "settle": partial(
            play, scenario.auction, scenario.block, budgets, bids, scenario.draws, converted
        ),
        "fused": partial(fused, scenario, budgets),
    }


def compare_prices(scenario: Scenario, theirs: Array) -> str:
    """Whether slots and prices are equal where the slots are marked."""
    won, cost, exposure = theirs
    slot = np.where(won > 0, 1 - np.log2(np.where(won > 0, exposure, 1)), 0)
    price = cost / np.where(won > 0, exposure, 1)
    our_slot, our_price = map(np.asarray, ways(scenario)["clear"]())
    wrong = int((slot != our_slot).sum()), int((price != our_price).sum())
    verdict = "equal" if wrong == (0, 0) else f"DIFFERENT: {wrong[0]} slots, {wrong[1]} prices"
    return f"{verdict}; {int(won.sum())} of {3 * len(won)} slots sold"


def compare_ticks(scenario: Scenario, theirs: Array) -> str:
    """How the whole tick differs, settled with XLA and by the kernel."""
    run = ways(scenario)
    *ours, _, budgets = map(partial(jax.tree.map, np.asarray), run["settle"]())
    differs = (theirs != np.stack(ours)).any(axis=(0, 2))
    if not differs.any():
        # The kernel gives sums alone; each charge in them is rounded up to the ledger's quantum.
        sums, wanted = run["fused"](), theirs.sum(axis=1)
        same = np.array_equal(sums[[WINS, CONVERSIONS]], wanted[[0, 2]])
        same &= np.allclose(sums[SPEND], wanted[1], rtol=1e-9, atol=0)
        return f"equal; sums of the kernel {'equal' if same else 'DIFFERENT'}"
    return (
        f"{differs.sum()} of {len(differs)} impressions differ; {(~budgets.active).sum()} of "
        f"{len(scenario.budget)} advertisers ran out; {theirs[1].sum():.2f} CNY spent in rlbidder, "
        f"{ours[1].sum():.2f} in Equibid"
    )


def check(bids: Array) -> None:
    """Stop where the two rules leave the outcome open: a bid at a reserve, or a tie at the top."""
    top = np.sort(bids, axis=1)[:, -4:]
    assert not np.isin(top.astype(np.float64), (LOW_RESERVE, HIGH_RESERVE)).any()
    assert (np.diff(top, axis=1) > 0).all()


def seconds(run: Callable[[], Any]) -> float:
    """CPU time of a run."""
    start = time.process_time()
    jax.block_until_ready(run())
    return time.process_time() - start


def measure(name: str, theirs: Callable[[], float], ours: Callable[[], Any]) -> None:
    """Let rlbidder and Equibid take turns, and print a row."""
    seconds(ours)
    pairs = np.array([(theirs(), seconds(ours)) for _ in range(REPEATS)])
    slow, fast = 1000 * np.median(pairs, axis=0)
    low, ratio, high = np.quantile(pairs[:, 0] / pairs[:, 1], [0.1, 0.5, 0.9])
    print(f"{name:16} {slow:8.1f} {fast:8.1f} {ratio:6.1f}  {low:.1f} – {high:.1f}")


def run_cases(child: subprocess.Popen[str], folder: Path, scenarios: dict[str, Scenario]) -> None:
    """Compare what rlbidder left in the folder, then time it and Equibid."""
    assert child.stdin and child.stdout
    talk, answers = child.stdin, child.stdout
    runs_with = answers.readline().strip()
    if not runs_with:
        sys.exit("the interpreter given cannot run rlbidder's auction; see above")

    def ask(scenario: str) -> float:
        talk.write(scenario + "\n")
        return float(answers.readline())

    K, N = scenarios["plenty"].values.shape
    print(f"tick {TICK} of auctionnet, key 0: {K} impressions x {N} advertisers, float32")
    print(f"{runs_with}; JAX {jax.__version__}; machine load {os.getloadavg()[0]:.1f}\n")
    for name, scenario in scenarios.items():
        compare = compare_ticks if name in TIMED else compare_prices
        print(f"{name + ':':13} {compare(scenario, np.load(folder / f'{name}.npy'))}")
    print(f"\n{'CPU ms':16} {'rlbidder':>8} {'Equibid':>8} {'ratio':>6}  10 – 90 %")
    for name, chosen in TIMED.items():
        run = ways(scenarios[name])
        for way in chosen:
            measure(f"{name}, {way}", partial(ask, name), run[way])


def main() -> None:
    """Make the tick, and have it cleared on both sides."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rlbidder-python", type=Path, help="interpreter that has rlbidder 0.1.0")
    python = parser.parse_args().rlbidder_python
    if python is None:
        print(SKIPPED)
        return
    if not python.is_file():
        sys.exit(f"there is no interpreter {python}")
    scenarios = make_cases()
    check(scenarios["plenty"].bids)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, scenario in scenarios.items():
            scenario.save(folder / f"{title}.npz")
        command = [str(python), str(CHILD), str(folder)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1) as child:
            run_cases(child, folder, scenarios)


if __name__ == "__main__":
    main()
