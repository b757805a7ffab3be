"""The auction rules by name."""

from collections.abc import Callable

from equibid.auctions.clearing import Auction
from equibid.errors import InputError
from equibid.registry import Registry

AUCTIONS: Registry[Callable[..., Auction]] = Registry("auction")


def auction_named(text: str) -> Auction:
    """The rule ``name`` or ``name:setting=number,…``, as ``gsp:reserve=0.01``.

    Raises:
        InputError: there is no such rule or setting, or a setting is no number.
    """
    name, _, listed = text.partition(":")
    settings = {}
    for part in filter(None, listed.split(",")):
        setting, _, amount = part.partition("=")
        try:
            settings[setting.strip()] = float(amount)
        except ValueError as error:
            raise InputError(f"auction {text}: write {setting}=NUMBER, not {part!r}") from error
    try:
        return AUCTIONS[name](**settings)
    except TypeError as error:
        raise InputError(f"auction {text}: {name} has no setting {', '.join(settings)}") from error
