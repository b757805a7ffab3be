"""Equibid's learners beside PPO and SAC of stable-baselines3, on the same seats, steps and days.

    python benchmarks/stable_baselines.py one auctionnet --impressions 20000 --seeds 3
    python benchmarks/stable_baselines.py all auctionnet --impressions 20000 --seeds 3

*one*: a single advertiser learns, among pacing, pacing-ratio and fixed opponents that are drawn
anew for every day. *all*: everybody learns at once, with one shared network; PPO of
stable-baselines3 then sees every advertiser of every copy as an environment of its own, as one
writes a shared PPO.

All are given the same observations, head, reward (AuctionNet's score, scaled) and days, and as many
steps of an agent. Each is judged on the same held-out days with the same luck: one beside the
opponents, all by what they get on every second seat beside the judge's neighbours. Prints, for each
learner, value and score as a share of `hindsight`'s (one) or of the untrained policy's (all), the
lowest and highest of the training seeds, and CPU seconds. Needs `pip install stable-baselines3`.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.spaces import Box
from stable_baselines3 import PPO, SAC  # pyright: ignore[reportMissingImports]
from stable_baselines3.common.vec_env import VecEnv  # pyright: ignore[reportMissingImports]

from equibid.auctions import gsp
from equibid.bidders.bidder import Bidder
from equibid.bidders.population import Population
from equibid.bidders.registry import BIDDERS, bidder_named
from equibid.envs.episode import advance, begin
from equibid.envs.game import MarkovGame
from equibid.envs.handles import handle_named
from equibid.envs.periods import generated_setup
from equibid.envs.rewards import reward_named
from equibid.learning import policy_bidder
from equibid.learning.algorithm import algorithm_named
from equibid.learning.training.trainer import Plan, train
from equibid.markets.days import market_days
from equibid.simulation.scenario import day_before

REWARD, OBSERVER, HEAD = "cpa-score:dense=1", "pace+traits", "multiple"
OPPONENTS = ("pacing", "pacing-ratio", "fixed")
OURS = {
    "one": ("ippo", "mappo-paced", "attention-critic-cpa"),
    "all": ("ippo", "mappo", "attention-critic-cpa"),
}
THEIRS = {"one": (PPO, SAC), "all": (PPO,)}
# Agents that stable-baselines3's copies drive at once, about.
COPIES = {"one": 8, "all": 4}


@partial(jax.jit, static_argnames="copies")
def opened(game: MarkovGame, copies: int, seed: Any) -> Any:
    """Copies of the game at the start of periods that are drawn."""
    chances = jax.random.randint(jax.random.key(seed), (copies,), 0, 2**31 - 1)
    return jax.vmap(lambda chance: begin(game, chance, chance % game.periods))(chances)


@jax.jit
def stepped(game: MarkovGame, handle: Any, states: Any, numbers: Any) -> Any:
    """A step of every copy."""
    return jax.vmap(lambda state, number: advance(game, handle, state, number))(states, numbers)


class Agents(VecEnv):  # pyright: ignore[reportUntypedBaseClass]
    """Every learning advertiser of every copy as an environment of stable-baselines3.

    Agents without money play on, as plain shared PPO has it: their observation says so.
    """

    def __init__(self, game: MarkovGame, copies: int, scale: np.ndarray, seed: int) -> None:
        self.game, self.copies, self.scale = game, copies, scale
        self.handle = handle_named(HEAD)
        self.who = np.flatnonzero(np.asarray(game.learns))
        self.chance = seed
        seen = Box(-np.inf, np.inf, (game.features,), np.float32)
        super().__init__(copies * len(self.who), seen, Box(-1, 1, (1,), np.float32))

    def reset(self) -> np.ndarray:
        """Begin a period in every copy."""
        self.chance += 1_000_003
        self.states, view = opened(self.game, self.copies, self.chance % 2**31)
        return self._rows(view.seen)

    def _rows(self, table: Any) -> np.ndarray:
        rows = np.asarray(table)[:, self.who]
        return rows.reshape(-1, *rows.shape[2:])

    def step_async(self, actions: np.ndarray) -> None:
        """Keep what is to be done."""
        self.numbers = np.zeros((self.copies, self.game.agents))
        self.numbers[:, self.who] = actions.reshape(self.copies, -1)

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Do it; all copies end together, and begin anew."""
        self.states, view = stepped(self.game, self.handle, self.states, self.numbers)
        reward = self._rows(np.asarray(view.reward) / self.scale)
        done = bool(np.asarray(view.done)[0])
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        seen = self._rows(view.seen)
        if done:
            for info, row in zip(infos, seen, strict=True):
                info["terminal_observation"] = row
            seen = self.reset()
        return seen, reward, np.full(self.num_envs, done), infos

    def close(self) -> None:
        """Nothing is open."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """None has attributes of its own."""
        return [None] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """None has attributes of its own."""

    def env_method(self, method_name: str, *args: Any, **kwargs: Any) -> list[Any]:
        """None has methods of its own."""
        return [None] * self.num_envs

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """None is."""
        return [False] * self.num_envs


class World:
    """The market, who learns in it, and how what was learned is judged."""

    def __init__(self, seats: str, market: str, days: int, sizes: Mapping[str, int]) -> None:
        self.setup = generated_setup(
            market, market_days(market, sizes=dict(sizes)), gsp(), days=days, held_out=8
        )
        N = self.setup.train[0].advertisers
        self.one = seats == "one"
        # The one that learns has the median budget.
        budget = np.asarray(self.setup.train[0].campaigns.budget)
        self.agent = int(np.argsort(budget, kind="stable")[N // 2])
        self.opponents = tuple(bidder_named(name)(self.setup.log) for name in OPPONENTS)
        place = np.arange(N, dtype=np.int32)
        self.seat = np.where(place == self.agent, 0, 1 + place % len(OPPONENTS))

    def task(self, observer: str = OBSERVER, agent: Bidder | None = None) -> Any:
        """The game to learn."""
        return self.setup.task(
            reward_named(REWARD),
            observer=observer,
            agent=agent,
            opponents=self.opponents if self.one else (),
            seat=jnp.asarray(self.seat) if self.one else None,
        )

    def judge(self, bidder: Bidder) -> dict[str, float]:
        """Value and score of the held-out days."""
        if not self.one:
            told = self.setup.judge(bidder)
            return {"value": told["seated"], "score": told["seated-score"]}
        told = self.setup.judged(Population((bidder, *self.opponents), jnp.asarray(self.seat)))
        return {name: told[name] for name in ("value", "score")}

    def best(self) -> dict[str, float]:
        """What hindsight's factor of each held-out day gets on the seat, of as many days."""
        told = []
        for market in self.setup.held_out:
            log = day_before(market, self.setup.auction)
            alone = replace(self.setup, held_out=[market])
            hindsight = BIDDERS["hindsight"](log)
            seated = Population((hindsight, *self.opponents), jnp.asarray(self.seat))
            told.append(alone.judged(seated))
        return {name: float(np.mean([one[name] for one in told])) for name in ("value", "score")}


def ours(world: World, name: str, steps: int, seed: int) -> Bidder:
    """What an algorithm of Equibid learned."""
    settings = () if name == "attention-critic-cpa" else (f"reward={REWARD}",)
    algorithm = algorithm_named(name, settings)
    task = world.task(algorithm.observer, algorithm.agent)
    agents = int(np.asarray(task.game.learns).sum())
    each = algorithm.num_envs * task.game.steps * agents  # pyright: ignore[reportAttributeAccessIssue]
    plan = Plan(steps=max(steps // each, 1), eval_every=10**9, checkpoint_every=10**9)
    with tempfile.TemporaryDirectory() as folder:
        trained = train(algorithm, task, [seed], plan, Path(folder))
        return algorithm.policy(task, jax.tree.map(lambda x: x[0], trained.states))


def theirs(world: World, algorithm: Any, steps: int, seed: int) -> Bidder:
    """What an algorithm of stable-baselines3 learned."""
    task = world.task()
    envs = Agents(task.game, COPIES["one" if world.one else "all"], np.asarray(task.best), seed)
    settings: dict[str, Any] = {"gamma": 1.0, "seed": seed, "device": "cpu"}
    if algorithm is PPO:
        settings |= {"n_steps": 2 * task.game.steps, "batch_size": 16 * envs.num_envs}
    model = algorithm("MlpPolicy", envs, **settings)
    model.learn(steps)

    def policy(seen: np.ndarray) -> np.ndarray:
        return np.asarray(model.predict(np.asarray(seen), deterministic=True)[0])

    return policy_bidder(policy, OBSERVER, HEAD)(world.setup.log)


def main() -> None:
    """Train and judge all, and print the table."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("seats", choices=("one", "all"))
    asked.add_argument("market")
    asked.add_argument("--impressions", type=int, default=20_000)
    asked.add_argument("--advertisers", type=int)
    asked.add_argument("--days", type=int, default=40)
    asked.add_argument("--steps", type=int, default=200_000, help="of an agent")
    asked.add_argument("--seeds", type=int, default=3)
    asked.add_argument("--learners", help="some of them, as sb3-ppo,ippo")
    words = asked.parse_args()
    sizes = {name: getattr(words, name) for name in ("impressions", "advertisers")}
    world = World(
        words.seats, words.market, words.days, {k: x for k, x in sizes.items() if x is not None}
    )
    learners: dict[str, Callable[[int], Bidder]] = {
        name: partial(ours, world, name, words.steps) for name in OURS[words.seats]
    } | {
        f"sb3-{algorithm.__name__.lower()}": partial(theirs, world, algorithm, words.steps)
        for algorithm in THEIRS[words.seats]
    }
    asked_for = words.learners.split(",") if words.learners else list(learners)
    unit = world.best() if world.one else world.judge(BIDDERS["fixed"](world.setup.log))
    print(f"1 is {'hindsight' if world.one else 'fixed'}: {unit}", flush=True)
    for name in ("fixed", "pacing", "pacing-ratio", "online-lp"):
        told = world.judge(BIDDERS[name](world.setup.log))
        print(f"{name:14}", *(f"{of} {told[of] / unit[of]:.3f}" for of in unit), flush=True)
    for name in asked_for:
        learn = learners[name]
        rows, cpu = [], []
        for seed in range(words.seeds):
            began = time.process_time()
            bidder = learn(seed)
            cpu.append(time.process_time() - began)
            rows.append(world.judge(bidder))
        told = {of: [row[of] / unit[of] for row in rows] for of in unit}
        shown = (f"{of} {np.mean(x):.3f} ({min(x):.3f} to {max(x):.3f})" for of, x in told.items())
        print(f"{name:14}", *shown, f"{np.mean(cpu):.0f} CPU s", flush=True)


if __name__ == "__main__":
    main()
