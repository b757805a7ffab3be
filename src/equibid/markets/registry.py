"""The generated markets by name."""

from collections.abc import Callable

from equibid.markets.market import Market
from equibid.registry import Registry

# From a key, `day` and sizes (`impressions`, `advertisers`, `ticks`) to a market.
MARKETS: Registry[Callable[..., Market]] = Registry("market")
