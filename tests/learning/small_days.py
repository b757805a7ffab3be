"""Days of a small market, and the network and runs that its tests share."""

from functools import lru_cache

import equinox as eqx
import jax
import jax.numpy as jnp

from equibid.auctions import Soft
from equibid.equilibrium.game import Game, default_temperature, game_of
from equibid.learning.ncb.config import NcbConfig
from equibid.learning.ncb.data import Day, days_of
from equibid.learning.networks.transformer import Shape, Transformer, transformer
from equibid.markets import MARKETS
from equibid.simulation.features import NAMES

TINY = Shape(blocks=2, width=16, heads=2, dropout=0.0)
SETTINGS = NcbConfig(
    shape=TINY,
    rounds=2,
    num_updates=5,
    batch_size=8,
    learning_rate=1e-2,
    target_every=3,
    sampled=False,
)


@lru_cache
def games() -> tuple[Game, ...]:
    """Three days in a row, of six advertisers and six ticks."""
    sizes = {
        "impressions": 2000,
        "advertisers": 6,
        "ticks": 6,
        "value_spread": 0.5,
        "form": "sparse",
    }
    # Candidate lists of different days may differ in length, and so in what is compiled.
    days = [MARKETS["demo"](jax.random.key(3), day=day, **sizes) for day in range(3)]
    rule = Soft(default_temperature(days[0], 0.2))
    return tuple(game_of(day, rule) for day in days)


@lru_cache
def small_days() -> tuple[Day, ...]:
    """The second and third day, each with the day before."""
    return tuple(days_of(games()))


def talkative(seed: int, shape: Shape = TINY, features: int = len(NAMES)) -> Transformer:
    """A network whose last layer is not zero."""
    network = transformer(shape, features, jax.random.key(seed))
    head = jax.random.normal(jax.random.key(seed + 1), network.head.shape, jnp.float32)
    return eqx.tree_at(lambda network: network.head, network, head / len(head) ** 0.5)
