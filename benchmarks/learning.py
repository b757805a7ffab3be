"""Steps of the game a second, and what a step of each algorithm takes.

    python benchmarks/learning.py                     # the game against a plain form of it
    python benchmarks/learning.py --play impression   # the same, a step an auction
    python benchmarks/learning.py training            # the algorithms

The game is a day of 20,000 impressions and 48 ticks of the market demo, resized to N advertisers,
GSP with three slots; everybody bids its resting factor times 4^a, with a drawn anew in every tick,
uniform within ±0.5. It is played in five forms: *compiled*, whole days in parallel as algorithms do
it; *MarketEnv*, the PettingZoo environment, one market after the other; and the same in NumPy three
times (`plain_market.py`): *naive*, the form one writes first; *plain*, which ranks no more than it
must; *lean*, which ranks faster. They are checked to give the same sums and features first. The
forms take turns, so that a busy machine slows all alike, and a ratio is of neighbours. A *market
step* is a tick of a market, an *agent step* that of an agent that still has money. All but
the first form play at most `--loops` markets: a loop is no faster for being longer. They use one
core, the first as many as there are; CPU time counts all cores. With ``--play impression`` a step
is one auction, on which nobody bids more than it has left, and a day has 1,000 of them.

The second part times `step` of each algorithm's default on bpg-100, compiled and warmed up, as
`equibid train` runs it with one seed; presets with the published sizes only when named.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from equibid.auctions import gsp
from equibid.envs.game import MarkovGame, markov_game
from equibid.envs.heads import Multiple
from equibid.envs.parallel_env import MarketEnv
from equibid.envs.periods import generated_setup
from equibid.envs.rewards import Value
from equibid.learning import ALGORITHMS
from equibid.learning.training.rollout import play
from equibid.learning.training.state import advance, init_state
from equibid.markets import MARKETS, Market
from equibid.simulation.blocks import arrivals
from equibid.simulation.features import Reference
from equibid.simulation.training_day import tatonnement_factors
from plain_market import FORMS, Day, PlainMarket

ADVERTISERS = (8, 48, 100, 1000)
PARALLEL = (1, 8, 64)
WIDTH = 0.5


class Lap(NamedTuple):
    """What a run of a form did."""

    market_steps: float
    agent_steps: float
    seconds: float
    cpu: float


def world(advertisers: int, impressions: int, ticks: int | None) -> tuple[Market, Reference]:
    """A day, and what is known beforehand: here, of itself. Without ticks each auction is one."""
    sizes = {"impressions": impressions, "advertisers": advertisers, "ticks": ticks or 1}
    market = MARKETS["demo"](jax.random.key(0), **sizes)
    if ticks is None:
        market = replace(market, tick_start=jnp.arange(impressions + 1))
    offered, value = arrivals(market)
    mean_value = value.sum(axis=0) / jnp.maximum(offered.sum(axis=0), 1)
    level = jnp.asarray(tatonnement_factors(market, gsp()))
    return market, Reference(level, offered.mean(axis=0), mean_value)


def game_of(market: Market, reference: Reference, sampled: bool = True) -> MarkovGame:
    """The game of the day, a step an impression where a tick is one."""
    play = "impression" if market.ticks == market.impressions else "tick"
    return markov_game([market], gsp(), reference, Value(), play=play, sampled=sampled)


def plain_day(game: MarkovGame, market: Market, reference: Reference) -> Day:
    """The same for the plain form."""
    # What does not change all day: the last three features.
    traits = np.asarray(game.observe(game.reset(jax.random.key(0))))[:, -3:]
    return Day(
        values=np.asarray(market.values),
        tick_start=np.asarray(market.tick_start),
        budget=np.asarray(market.campaigns.budget),
        level=np.asarray(reference.factor),
        offered=np.asarray(reference.offered),
        mean_value=np.asarray(reference.mean_value),
        traits=traits,
        capped=game.by_impression,
    )


def verify(advertisers: int, impressions: int, ticks: int | None, form: str) -> None:
    """Play one day in expectation in both environments, and stop where they differ."""
    market, reference = world(advertisers, impressions, ticks)
    game = game_of(market, reference, sampled=False)
    ours = MarketEnv(game)
    plain = PlainMarket(plain_day(game, market, reference), form, sampled=False)
    seen, other = ours.reset(seed=0)[0], plain.reset(seed=0)[0]
    random, left = np.random.default_rng(0), 0
    while ours.agents:
        same = ours.agents == plain.agents and all(
            np.allclose(seen[name], other[name], atol=1e-4) for name in ours.agents
        )
        if not same:
            raise SystemExit(f"the forms disagree on what is seen at tick {plain.tick}")
        actions = draw(random, ours.agents)
        (seen, _, ends, _, infos), (other, _, _, _, others) = (
            ours.step(actions),
            plain.step(actions),
        )
        for name, info in infos.items():
            if not np.allclose(list(info.values()), list(others[name].values()), rtol=1e-9):
                raise SystemExit(f"the forms disagree on {name}: {info} and {others[name]}")
        left += sum(ends.values()) if ours.agents else 0
    print(f"  {form}, {advertisers} × {impressions}: equal sums and features, {left} left early")


def draw(random: np.random.Generator, agents: Sequence[str]) -> dict[str, np.ndarray]:
    """Actions of all agents."""
    actions = random.uniform(-WIDTH, WIDTH, (len(agents), 1)).astype(np.float32)
    return dict(zip(agents, actions, strict=True))


def compiled_form(game: MarkovGame, markets: int) -> Callable[[int], Lap]:
    """Days in parallel, in one program."""

    def act(key: jax.Array, seen: jax.Array, state: Any) -> tuple[jax.Array, jax.Array]:
        action = jax.random.uniform(key, (*seen.shape[:2], 1), minval=-WIDTH, maxval=WIDTH)
        return action, Multiple()(action, state.last_factor, game.start_factor)

    days = jax.jit(lambda key: play(game, act, key, markets))

    def run(seed: int) -> Lap:
        start, cpu = time.perf_counter(), time.process_time()
        episodes = jax.block_until_ready(days(jax.random.key(seed)))
        took = time.perf_counter() - start, time.process_time() - cpu
        agents = float(episodes.present[:, :-1].sum())
        return Lap(markets * game.steps, agents, *took)

    return run


def looped_form(make: Callable[[], MarketEnv | PlainMarket], markets: int) -> Callable[[int], Lap]:
    """Environments stepped in turn, as PettingZoo users do."""
    environments = [make() for _ in range(markets)]

    def run(seed: int) -> Lap:
        random = np.random.default_rng(seed)
        start, cpu = time.perf_counter(), time.process_time()
        market_steps, agent_steps = 0, 0
        for number, environment in enumerate(environments):
            environment.reset(seed=seed * markets + number)
        while going := [environment for environment in environments if environment.agents]:
            for environment in going:
                market_steps += 1
                agent_steps += len(environment.agents)
                environment.step(draw(random, environment.agents))
        return Lap(
            market_steps, agent_steps, time.perf_counter() - start, time.process_time() - cpu
        )

    return run


def spread(x: Sequence[float], digits: int = 1) -> str:
    """Median and range."""
    return f"{statistics.median(x):.{digits}f} ({min(x):.{digits}f} – {max(x):.{digits}f})"


def compare(
    market: Market, reference: Reference, parallel: Sequence[int], loops: int, repetitions: int
) -> None:
    """Print a row for each number of parallel markets."""
    game = game_of(market, reference)
    day = plain_day(game, market, reference)
    for markets in parallel:
        forms = {
            "compiled": compiled_form(game, markets),
            "MarketEnv": looped_form(lambda: MarketEnv(game), min(markets, loops)),
        } | {
            form: looped_form(partial(PlainMarket, day, form), min(markets, loops))
            for form in FORMS
        }
        for run in forms.values():
            run(0)
        laps: dict[str, list[Lap]] = {name: [] for name in forms}
        for repetition in range(repetitions):
            for name, run in forms.items():
                laps[name].append(run(1 + repetition))

        def rates(name: str, per: str = "seconds") -> list[float]:
            return [lap.market_steps / getattr(lap, per) for lap in laps[name]]  # noqa: B023

        def over(name: str, other: str, per: str = "seconds") -> str:
            pairs = zip(rates(name, per), rates(other, per), strict=True)
            return spread([a / b for a, b in pairs])

        agents = [
            statistics.median(lap.agent_steps / lap.seconds for lap in runs)
            for runs in laps.values()
        ]
        cells = (
            f"{market.advertisers:,}",
            str(markets),
            f"{statistics.median(rates('compiled')):,.0f}",
            *(f"{rate:,.0f}" for rate in agents),
            *(over("compiled", form) for form in FORMS),
            *(over("compiled", form, "cpu") for form in FORMS),
            over("MarketEnv", "lean"),
        )
        print(f"| {' | '.join(cells)} |", flush=True)


def steps(options: argparse.Namespace) -> None:
    """The game against its plain form."""
    ticks, impressions = options.ticks, options.impressions or 20_000
    if options.play == "impression":
        ticks, impressions = None, options.impressions or 1_000
    print("The forms agree:")
    for form in FORMS:
        verify(12, 600, ticks and 6, form)
        verify(100, impressions // 5, ticks and 12, form)
    head = (
        "N",
        "markets",
        "compiled, market steps/s",
        *(f"{form}, agent steps/s" for form in ("compiled", "MarketEnv", *FORMS)),
        *(f"compiled ÷ {form}" for form in FORMS),
        *(f"CPU, ÷ {form}" for form in FORMS),
        "MarketEnv ÷ lean",
    )
    print(f"\n| {' | '.join(head)} |\n|{' --- |' * len(head)}")
    for advertisers in options.advertisers:
        market, reference = world(advertisers, impressions, ticks)
        compare(market, reference, options.parallel, options.loops, options.repetitions)


def updates_of(algorithm: Any) -> int:
    """Gradient steps of an iteration: ``num_updates``, or minibatches in each of some epochs."""
    epochs = getattr(algorithm, "num_epochs", 1) * getattr(algorithm, "num_minibatches", 1)
    return int(getattr(algorithm, "num_updates", epochs))


def training(options: argparse.Namespace) -> None:
    """What an iteration of each algorithm takes."""
    key = jax.random.key(0)
    name, sizes = options.market, {}
    if options.impressions:
        sizes["impressions"] = options.impressions
    setup = generated_setup(name, lambda day: MARKETS[name](key, day=day, **sizes), gsp())
    names = options.algorithms or [x for x in ALGORITHMS if not x.endswith("-published")]
    head = (
        "algorithm",
        "episodes",
        "updates",
        "compiling, s",
        "an iteration, s",
        "an update, ms",
        "market steps/s",
        "iterations of a run",
        "a run, min",
    )
    print(f"| {' | '.join(head)} |\n|{' --- |' * len(head)}")
    for name in names:
        algorithm: Any = ALGORITHMS[name]()
        task = setup.task_for(algorithm)
        start = time.perf_counter()
        train_state = init_state(algorithm, task, [0], judges=False)
        advance(algorithm, task, train_state)
        compiling = time.perf_counter() - start
        took = []
        for _ in range(options.warmup + options.repetitions):
            start = time.perf_counter()
            advance(algorithm, task, train_state)
            took.append(time.perf_counter() - start)
        took = took[options.warmup :]
        middle, updates = statistics.median(took), updates_of(algorithm)
        episodes = getattr(algorithm, "num_envs", 1)
        cells = (
            f"`{name}`",
            str(episodes),
            str(updates),
            f"{compiling:.0f}",
            spread(took, 2),
            f"{1e3 * middle / updates:.1f}",
            f"{episodes * task.game.steps / middle:,.0f}",
            f"{algorithm.steps:,}",
            f"{middle * algorithm.steps / 60:.1f}",
        )
        print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Run one part of the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("part", nargs="?", choices=("steps", "training"), default="steps")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--play", choices=("tick", "impression"), default="tick", help="in steps")
    parser.add_argument("--impressions", type=int, help="of a day")
    parser.add_argument("--ticks", type=int, default=48, help="of a day, in steps")
    parser.add_argument("--advertisers", type=int, nargs="+", default=ADVERTISERS)
    parser.add_argument("--parallel", type=int, nargs="+", default=PARALLEL)
    parser.add_argument("--loops", type=int, default=8, help="markets of the looped forms, at most")
    parser.add_argument("--algorithms", nargs="+", help="in training; default all but published")
    parser.add_argument("--market", default="bpg-100", help="in training")
    parser.add_argument("--warmup", type=int, default=12, help="iterations before the clock runs")
    options = parser.parse_args()
    {"steps": steps, "training": training}[options.part](options)


if __name__ == "__main__":
    main()
