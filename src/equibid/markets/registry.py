"""The generated markets by name."""

from collections.abc import Callable

from equibid.markets.market import Market
from equibid.registry import Registry

MARKETS: Registry[Callable[..., Market]] = Registry("market")
"""Generated markets by name: from a key, `day` and sizes (`impressions`, `advertisers`,
`ticks`) to a market."""
