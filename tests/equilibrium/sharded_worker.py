"""One process of a run over several: computes responses on a mesh and saves what it got.

python sharded_worker.py PROCESS COUNT PORT FILE
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np

import equibid  # noqa: F401  (turns 64-bit mode on before any array is made)
from equibid.auctions import Soft
from equibid.equilibrium.game import Game
from equibid.equilibrium.response.sharded import ShardedGame, on_mesh, own_rows
from equibid.markets.market import Campaigns, Market, even_ticks, sparse

K, N, T = 1001, 5, 3


def games() -> dict[str, Game]:
    """A dense market with an outside, and candidate lists; one of the ticks is empty."""
    rng = np.random.default_rng(17)
    values = rng.lognormal(0, 0.7, (K, N)) * (rng.random((K, N)) < 0.5)
    campaigns = Campaigns(jnp.ones(N), jnp.ones(N), jnp.zeros(N, jnp.int32))
    start = even_ticks(K, T).at[1].set(0)
    price = jnp.asarray(rng.lognormal(-1, 1, K))
    whole = Market(jnp.asarray(values), start, campaigns, price, bid_cap=2.5)
    short = sparse(Market(jnp.asarray(values), start, campaigns))
    cap = np.ones(N)
    return {
        "dense": Game(whole, Soft(0.1, "soft"), cap),
        "sparse": Game(short, Soft(0.02, "hard"), cap),
    }


def calls() -> dict[str, dict[str, tuple[np.ndarray, ...]]]:
    """What each game is asked: the calls and their arguments."""
    factors, trial, w, u = np.random.default_rng(23).uniform(0.3, 1.5, (4, N))
    by_tick = np.random.default_rng(29).uniform(0.3, 1.5, (T, N))
    factors[3] = 0.0
    return {
        "dense": {"respond": (by_tick,), "vjp": (factors, w, -u)},
        "sparse": {"jvp": (factors, w), "deviate": (by_tick, trial)},
    }


def results(sharded: ShardedGame, name: str) -> dict[str, np.ndarray]:
    """What a sharded game says, stacked call by call."""
    return {
        f"{name}.{call}": np.stack(getattr(sharded, call)(*given))
        for call, given in calls()[name].items()
    }


def main(process: int, count: int, port: int, file: str) -> None:
    if count > 1:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        jax.distributed.initialize(f"127.0.0.1:{port}", count, process, initialization_timeout=60)
    mesh = jax.make_mesh((jax.device_count(),), ("impressions",))
    got: dict[str, np.ndarray] = {"devices": np.asarray(jax.device_count())}
    for name, game in games().items():
        own = own_rows(game, mesh)
        assert own.market.impressions <= -(-K // count)
        got |= results(on_mesh(own, mesh), name)
    np.savez(file, **got)
    if count > 1:
        jax.distributed.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
