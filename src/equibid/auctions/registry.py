"""The auction rules by name."""

from collections.abc import Callable

from equibid.auctions.clearing import Auction
from equibid.registry import Registry, made

AUCTIONS: Registry[Callable[..., Auction]] = Registry("auction")


def auction_named(text: str) -> Auction:
    """The rule ``name`` or ``name:setting=value,…``, as ``gsp:reserve=0.01``.

    Raises:
        InputError: there is no such rule or setting, or a setting takes no such value.
    """
    return made(AUCTIONS, text)
