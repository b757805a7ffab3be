"""Settings of generated markets: their checks, and overrides of a preset."""

import math
from dataclasses import fields, replace
from typing import Any, TypeVar

from equibid.errors import InputError

# Values of a market, advertiser by impression.
MOST = 2**40

Settings = TypeVar("Settings", bound=Any)


def check_whole(market: str, least: int, **settings: Any) -> None:
    """Refuse settings that are not whole numbers from `least` on.

    Raises:
        InputError: one is not.
    """
    for name, number in settings.items():
        if not isinstance(number, int) or isinstance(number, bool) or number < least:
            raise InputError(
                f"market {market}: {name} must be a whole number from {least}, not {number!r}"
            )


def check_between(market: str, low: float, high: float, **settings: Any) -> None:
    """Refuse settings that are not finite numbers in ``[low, high]``.

    Raises:
        InputError: one is not.
    """
    bounds = f"in {low:g} … {high:g}" if math.isfinite(high) else f"from {low:g}"
    for name, number in settings.items():
        known = isinstance(number, int | float) and math.isfinite(number)
        if not known or not low <= number <= high:
            raise InputError(f"market {market}: {name} must be a number {bounds}, not {number!r}")


def check_sizes(market: str, impressions: int, advertisers: int, ticks: int) -> None:
    """Refuse sizes no market can have.

    Raises:
        InputError: a size is not a whole number from 1, or there are more ticks than impressions.
    """
    check_whole(market, 1, impressions=impressions, advertisers=advertisers, ticks=ticks)
    if impressions * advertisers > MOST:
        raise InputError(
            f"market {market}: {impressions:,} impressions of {advertisers:,} advertisers fit into "
            "no memory; ask for fewer"
        )
    if ticks > impressions:
        raise InputError(
            f"market {market}: {ticks} ticks are more than its {impressions} impressions; "
            "ask for fewer ticks or more impressions"
        )


def override(settings: Settings, market: str, changes: dict[str, Any]) -> Settings:
    """The settings of `market` with some of them changed.

    Raises:
        InputError: there is no such setting, or the settings refuse their change.
    """
    known = [field.name for field in fields(settings) if field.name != "name"]
    for change in changes:
        if change not in known:
            raise InputError(
                f"market {market} has no setting {change!r}; it has {', '.join(known)}"
            )
    return replace(settings, **changes)
