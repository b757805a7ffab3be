"""Numbers for people."""

import math

# A number that needs more is written with a power of ten.
MOST_DECIMALS = 8


def known(x: float | None) -> bool:
    """Whether there is a number."""
    return x is not None and math.isfinite(x)


def decimals(x: float | None, least: int) -> int:
    """Decimals that show a number of any size: at least these, and two digits that say something.

    Whole numbers (no decimals) stay whole.
    """
    if not least or not known(x) or not x:
        return least
    return max(least, 1 - math.floor(math.log10(abs(x))))


def number(x: float | None, digits: int) -> str:
    """A number for people: thousands apart, a true minus, a dash for none.

    A small number has more decimals than were asked for, as `decimals` says, so that it is not
    taken for zero; a tiny one has a power of ten.
    """
    if x is None or not math.isfinite(x):
        return "–"
    shown = decimals(x, digits)
    text = f"{x:,.{shown}f}" if shown <= MOST_DECIMALS else f"{x:.1e}"
    return text.replace("-", "−").replace(",", "\u202f")


def counted(n: int, word: str) -> str:
    """So many, the word in the plural but for one."""
    return f"{number(n, 0)} {word}{'s' * (n != 1)}"


def percent(x: float) -> str:
    """A share in percent."""
    return f"{number(100 * x, 2)}\u00a0%"


def small(x: float) -> str:
    """A share that may be next to nothing."""
    if x == 0 or not math.isfinite(x):
        return "0" if x == 0 else "∞"
    if abs(x) >= 1e-4:
        return f"{100 * x:.2g}\u00a0%" if abs(x) < 1 else f"{100 * x:.0f}\u00a0%"
    power = math.floor(math.log10(abs(x)))
    digits = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    lead = f"{x / 10.0**power:.1f}".removesuffix(".0")
    return f"10{digits}" if lead == "1" else f"{lead}\u00a0×\u00a010{digits}"
