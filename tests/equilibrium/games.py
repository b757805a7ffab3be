"""Small games for tests."""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from equibid.auctions import Soft
from equibid.equilibrium.game import Game, default_temperature, game_of
from equibid.markets import MARKETS
from equibid.markets.market import Campaigns, Market, even_ticks, sparse

Pricing = Literal["soft", "hard"]
PRICINGS: tuple[Pricing, ...] = ("soft", "hard")


def game_with(
    values: npt.ArrayLike,
    budget: npt.ArrayLike = 1.0,
    temperature: float = 0.1,
    pricing: Pricing = "soft",
    *,
    outside: npt.ArrayLike | None = None,
    bid_cap: float = np.inf,
    ticks: int = 1,
    lists: bool = False,
    cap: float = 1.0,
) -> Game:
    """A game of values [K N] with a target CPA of 1."""
    table = jnp.asarray(values)
    count = table.shape[1]
    market = Market(
        table,
        even_ticks(table.shape[0], ticks),
        Campaigns(
            jnp.broadcast_to(jnp.asarray(budget, float), count),
            jnp.ones(count),
            jnp.zeros(count, jnp.int32),
        ),
        market_price=None if outside is None else jnp.asarray(outside),
        bid_cap=bid_cap,
    )
    return game_of(sparse(market) if lists else market, Soft(temperature, pricing), cap)


def lognormal(seed: int, impressions: int, advertisers: int, absent: float = 0.3) -> np.ndarray:
    """Heavy-tailed values, some of them zero."""
    random = np.random.default_rng(seed)
    values = random.lognormal(0, 0.7, (impressions, advertisers))
    return np.where(random.random(values.shape) < absent, 0.0, values)


def generated(
    seed: int,
    advertisers: int,
    impressions: int,
    share: float = 0.05,
    pricing: Pricing = "soft",
) -> Game:
    """A generated, heavy-tailed market as candidate lists."""
    market = MARKETS["demo"](
        jax.random.key(seed),
        advertisers=advertisers,
        impressions=impressions,
        ticks=4,
        categories=max(1, advertisers // 10),
        form="sparse",
    )
    return game_of(market, Soft(default_temperature(market, share), pricing))


def example(temperature: float = 0.0843, pricing: Pricing = "hard", cap: float = 10.0) -> Game:
    """Example 3.2 of arXiv 2503.10304 with its bound on factors."""
    market = MARKETS["example-3.2"](None)
    return game_of(market, Soft(temperature, pricing), cap)
