"""An algorithm that is quick to compile: it looks for a point it sees through noise.

Run as a program it trains slowly in a folder, until somebody kills it.
"""

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, UInt32

from equibid.bidders.bidder import Bidder
from equibid.bidders.fixed import Fixed
from equibid.envs.problem import EnvMode
from equibid.learning.training.trainer import Plan, TrainResult, train

SEEDS = (3, 4)
PLAN = Plan(steps=60, checkpoint_every=7, eval_every=5)


class Point(NamedTuple):
    """A task: the point to be found."""

    target: Float[Array, " N"]


class Search(NamedTuple):
    """A state."""

    weights: Float[Array, " N"]
    average: Float[Array, " N"]
    moments: Any
    key: UInt32[Array, " 2"]


@dataclass(frozen=True)
class Net:
    """Settings within settings."""

    width: int = 8
    """Units of a layer."""
    layers: tuple[int, ...] = (4, 4)


@dataclass(frozen=True)
class Toy:
    """Adam on a noisy quadratic."""

    observer: ClassVar[str] = "none"
    reward: ClassVar[str] = "none"
    env_mode: ClassVar[EnvMode] = "market"
    agent: ClassVar[Bidder | None] = None
    steps: ClassVar[int] = 60
    learning_rate: float = 0.05
    """Of Adam, at
    every step."""
    noise: float = 0.3
    momentum: bool = True
    """Whether to average."""
    clip: float | None = None
    kind: Literal["adam", "sgd"] = "adam"
    episodes: int = 4
    net: Net = field(default_factory=Net)

    def init(self, task: Point, key: jax.Array) -> Search:
        """One array twice: the driver must not give the same memory away twice."""
        weights = jax.random.normal(key, task.target.shape, jnp.float32)
        moments = optax.adam(self.learning_rate).init(weights)
        return Search(weights, weights, moments, jax.random.key_data(key))

    def step(self, task: Point, state: Search) -> tuple[Search, dict[str, Array]]:
        """One draw."""
        now, after = jax.random.split(jax.random.wrap_key_data(state.key))
        seen = task.target + self.noise * jax.random.normal(now, task.target.shape)
        error = (state.weights - seen).astype(jnp.float32)
        change, moments = optax.adam(self.learning_rate).update(error, state.moments)
        weights = optax.apply_updates(state.weights, change)
        average = jnp.float32(0.9) * state.average + jnp.float32(0.1) * weights
        state = Search(weights, average, moments, jax.random.key_data(after))
        return state, {"loss": (error**2).mean(), "noise/largest": jnp.abs(seen).max()}

    def policy(self, task: Point, state: Search) -> Bidder:
        """The average is the answer."""
        return Fixed(jnp.asarray(state.average, jnp.float64))


TASK = Point(jnp.asarray([1.0, -2.0, 0.5]))


def judge(bidder: Bidder) -> dict[str, float]:
    """How near it is."""
    assert isinstance(bidder, Fixed)
    gap = np.asarray(bidder.factors) - np.asarray(TASK.target)
    near = -float((gap**2).sum())
    return {"value": near, "seated": near, "widest": float(np.abs(gap).max())}


def run(folder: Path, pause: float = 0.0, **changes: Any) -> TrainResult:
    """Train in a folder as all these tests do."""
    given: dict[str, Any] = {"judge": judge, "callback": lambda _: time.sleep(pause)}
    return train(Toy(), TASK, SEEDS, PLAN, folder, **given | changes)


if __name__ == "__main__":
    run(Path(sys.argv[1]), pause=0.05)
