"""What numbers the options of all commands take, and options that would change nothing."""

from dataclasses import MISSING, fields
from math import isfinite
from typing import Any

from equibid.errors import InputError

# Counts are kept in 32 bits.
LARGEST = 2**31 - 1
# Of these, so many would never end, or fill the memory before they begin.
MANY = 100_000
COUNTED = {"seeds", "starts", "deflated", "others", "jobs", "days", "ticks", "day_ticks"}
COUNTED |= {"processes"}
# All others are at least 1, or above 0.
FROM_ZERO = {"market_seed", "seed", "day", "deflated", "others", "patience", "tolerance", "gpus"}
FROM_ZERO |= {"process", "opponent_prob", "max_bad", "price_augmentation"}


def check_numbers(*settings: Any) -> None:
    """Refuse numbers that no option can have: no number, infinite, too small, or absurdly large.

    Args:
        settings: dataclasses of options.

    Raises:
        InputError: one is so; names the option and what it takes.
    """
    for each in settings:
        for field in fields(each):
            number = getattr(each, field.name)
            if isinstance(number, bool) or not isinstance(number, int | float):
                continue
            whole = isinstance(number, int)
            problem = (_whole if whole else _real)(field.name, number)
            if problem:
                shown = str(number) if whole else f"{number:g}"
                raise InputError(f"{option(field.name)} {shown}: {problem}")


def refuse_idle(settings: Any, names: tuple[str, ...], why: str) -> None:
    """Refuse options that were given and would change nothing.

    Args:
        settings: a dataclass of options.
        names: of the options.
        why: they would not, for people.

    Raises:
        InputError: one differs from its default.
    """
    for field in fields(settings):
        value = getattr(settings, field.name)
        if field.name in names and field.default is not MISSING and value != field.default:
            raise InputError(f"{option(field.name)} {value}: {why}; leave it out")


def option(name: str) -> str:
    """As it is typed."""
    return f"--{name.replace('_', '-')}"


def _whole(name: str, number: float) -> str | None:
    least = 0 if name in FROM_ZERO else 1
    most = MANY if name in COUNTED else LARGEST
    if number < least:
        return f"ask for at least {least}"
    return f"ask for at most {most:,}" if number > most else None


def _real(name: str, number: float) -> str | None:
    if not isfinite(number):
        return "name a finite number"
    if number < 0 or (number == 0 and name not in FROM_ZERO):
        return f"name a number {'from' if name in FROM_ZERO else 'above'} 0"
    return None
