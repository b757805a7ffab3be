"""The auction rules by name."""

from collections.abc import Callable

from equibid.auctions.clearing import Auction
from equibid.errors import InputError
from equibid.registry import Registry, made

AUCTIONS: Registry[Callable[..., Auction]] = Registry("auction")


def auction_named(text: str) -> Auction:
    """The rule ``name`` or ``name:setting=value,…``, as ``gsp:reserve=0.01``.

    Raises:
        InputError: there is no such rule or setting, or a setting takes no such value.
    """
    auction = made(AUCTIONS, text)
    for setting in ("reserve", "minimum_budget"):
        if not getattr(auction, setting, 0.0) >= 0:
            raise InputError(f"auction {text}: {setting} must be 0 or more")
    if not getattr(auction, "temperature", 1.0) > 0:
        raise InputError(f"auction {text}: temperature must be above 0")
    return auction
