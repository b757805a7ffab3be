"""Sizes of a generated market, checked, and overrides of a preset's settings."""

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from equibid.errors import InputError

Settings = TypeVar("Settings")


def check_sizes(name: str, impressions: int, advertisers: int, ticks: int) -> None:
    """Refuse sizes no market can have.

    Raises:
        InputError: a size is not a whole number from 1, or there are more ticks than impressions.
    """
    sizes = {"impressions": impressions, "advertisers": advertisers, "ticks": ticks}
    for size, number in sizes.items():
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise InputError(f"market {name}: {size} must be a whole number from 1, not {number!r}")
    if ticks > impressions:
        raise InputError(
            f"market {name}: {ticks} ticks are more than its {impressions} impressions; "
            "ask for fewer ticks or more impressions"
        )


def check_day(name: str, day: int) -> None:
    """Refuse a day before the first.

    Raises:
        InputError: `day` is not a whole number from 0.
    """
    if not isinstance(day, int) or isinstance(day, bool) or day < 0:
        raise InputError(f"market {name}: day must be a whole number from 0, not {day!r}")


def override(settings: Settings, name: str, changes: dict[str, Any]) -> Settings:
    """The settings of market `name` with some of them changed.

    Raises:
        InputError: there is no such setting, or the changed settings are refused.
    """
    assert is_dataclass(settings) and not isinstance(settings, type)
    known = [field.name for field in fields(settings) if field.name != "name"]
    for change in changes:
        if change not in known:
            raise InputError(
                f"market {name} has no setting {change!r}; it has {', '.join(known)}"
            )
    return replace(settings, **changes)
