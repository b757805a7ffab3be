"""Steps a CPU second of the environments: one copy, a loop of copies, and copies in one step.

    python benchmarks/environments.py

A day of 20,000 impressions, 48 ticks and N advertisers of the market demo, GSP with three slots;
one advertiser learns among pacing and fixed opponents, and says a number drawn anew in every step:

- *single*: a `BidderEnv`, step by step;
- *loop*: Gymnasium's `SyncVectorEnv` of E of them, the form one writes first;
- *batched*: the `BidderVectorEnv` that `gymnasium.make_vec` gives, all copies in one compiled step;
- *market*: a `MarketEnv`, in which everybody learns; a step is one of all agents.

Loop and batched are checked to give the same numbers first. The forms take turns, so that a busy
machine slows all alike, and the ratio is of neighbours. CPU seconds are those of all threads.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import SyncVectorEnv, VectorEnv

from equibid.envs import BidderEnv, BidderVectorEnv, MarketEnv
from equibid.envs.game import MarkovGame
from equibid.envs.made import EnvSpec, made

COPIES = (8, 64)
# Copy steps of a lap.
LAP = 960


def verify(game: MarkovGame, copies: int) -> None:
    """Stop where the loop and the batch differ."""
    loop, batch = loop_of(game, copies), BidderVectorEnv(copies, game)
    random = np.random.default_rng(0)
    seen, other = loop.reset(seed=1)[0], batch.reset(seed=1)[0]
    for _ in range(2 * game.steps + 2):
        np.testing.assert_array_equal(seen, other)
        action = random.uniform(-1, 1, (copies, 1)).astype(np.float32)
        (seen, *told), (other, *same) = loop.step(action), batch.step(action)
        for x, y in zip(told[:3], same[:3], strict=True):
            np.testing.assert_array_equal(x, y)


def loop_of(game: MarkovGame, copies: int) -> VectorEnv:
    """Copies that step one after the other."""
    return SyncVectorEnv([lambda: BidderEnv(game)] * copies)


def single(env: gymnasium.Env[Any, Any]) -> Callable[[int], float]:
    """Steps a CPU second of one copy."""

    def run(seed: int) -> float:
        actions = np.random.default_rng(seed).uniform(-1, 1, (LAP, 1)).astype(np.float32)
        env.reset(seed=seed)
        cpu = time.process_time()
        for action in actions:
            if env.step(action)[2]:
                env.reset()
        return LAP / (time.process_time() - cpu)

    return run


def copies_of(envs: VectorEnv) -> Callable[[int], float]:
    """Copy steps a CPU second."""
    rounds = max(LAP // envs.num_envs, 60)

    def run(seed: int) -> float:
        shape = (rounds, envs.num_envs, 1)
        actions = np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)
        envs.reset(seed=seed)
        cpu = time.process_time()
        for action in actions:
            envs.step(action)
        return rounds * envs.num_envs / (time.process_time() - cpu)

    return run


def market(env: MarketEnv) -> Callable[[int], float]:
    """Market steps a CPU second."""

    def run(seed: int) -> float:
        random, cpu, steps = np.random.default_rng(seed), time.process_time(), 0
        while steps < LAP // 2:
            env.reset(seed=seed + steps)
            while env.agents:
                numbers = random.uniform(-1, 1, (len(env.agents), 1)).astype(np.float32)
                env.step(dict(zip(env.agents, numbers, strict=True)))
                steps += 1
        return steps / (time.process_time() - cpu)

    return run


def spread(x: Sequence[float], digits: int = 1) -> str:
    """Median and range."""
    return f"{statistics.median(x):,.{digits}f} ({min(x):,.{digits}f} – {max(x):,.{digits}f})"


def main() -> None:
    """Print a row for each number of advertisers and copies."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--advertisers", type=int, nargs="+", default=[24, 48])
    parser.add_argument("--impressions", type=int, default=20_000)
    parser.add_argument("--copies", type=int, nargs="+", default=COPIES)
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    head = ("N", "E", "single", "loop", "batched", "batched ÷ loop", "market")
    print(f"| {' | '.join(head)} |\n|{' --- |' * len(head)}")
    for advertisers in options.advertisers:
        sizes = {"advertisers": advertisers, "impressions": options.impressions}
        game, _ = made(EnvSpec(opponents="pacing,fixed", days=2, **sizes))
        everybody, _ = made(EnvSpec(days=2, **sizes))
        verify(game, 4)
        for copies in options.copies:
            forms = {
                "single": single(BidderEnv(game)),
                "loop": copies_of(loop_of(game, copies)),
                "batched": copies_of(BidderVectorEnv(copies, game)),
                "market": market(MarketEnv(everybody)),
            }
            for run in forms.values():
                run(0)
            laps = [
                {name: run(1 + lap) for name, run in forms.items()}
                for lap in range(options.repetitions)
            ]
            rates = {name: statistics.median(lap[name] for lap in laps) for name in forms}
            cells = (
                f"{advertisers}",
                f"{copies}",
                *(f"{rates[name]:,.0f}" for name in ("single", "loop", "batched")),
                spread([lap["batched"] / lap["loop"] for lap in laps]),
                f"{rates['market']:,.0f}",
            )
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
