"""The auction rules by name."""

from collections.abc import Callable

from equibid.auctions.clearing import Auction
from equibid.registry import Registry

AUCTIONS: Registry[Callable[..., Auction]] = Registry("auction")
