"""Days of a generated market, as many as are asked for."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import jax

from equibid.markets.generate import generate
from equibid.markets.market import Market
from equibid.markets.registry import MARKETS
from equibid.markets.settings import Generator
from equibid.markets.sizes import override


def market_days(
    market: str | Generator, seed: int = 0, sizes: Mapping[str, int] | None = None, **form: Any
) -> Callable[[int], Market]:
    """From a day's number to a day of a generated market.

    Args:
        market: a name in `MARKETS`, or settings.
        seed: which market: the traits of its advertisers.
        sizes: impressions, advertisers or ticks, where they are not the market's own.
        form: settings for those generators that have them, as ``form="sparse"``.

    Raises:
        InputError: there is no such market, or a size cannot be.
    """
    key, asked = jax.random.key(seed), dict(sizes or {})
    if isinstance(market, Generator):
        settings = override(market, market.name, asked)
        return lambda day: generate(settings, key, day, **form)
    make = MARKETS[market]
    known = signature(make).parameters
    asked |= {name: x for name, x in form.items() if name in known}
    return lambda day: make(key, day=day, **asked)
