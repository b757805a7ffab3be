"""Words in a chart, and how much room they take."""

from html import escape

# Of a letter, pixels, in the mean of a wide typeface.
LETTER = 7.6
FONT = 13


def px(x: float) -> str:
    """A length, to the tenth of a pixel."""
    words = f"{x:.1f}".removesuffix(".0")
    return "0" if words == "-0" else words


def text(
    x: float, y: float, words: str, kind: str = "soft", anchor: str = "start", more: str = ""
) -> str:
    """Words at a place; `kind` is the class that gives them their colour."""
    return (
        f'<text x="{px(x)}" y="{px(y)}" class="{kind}" text-anchor="{anchor}"{more}>'
        f"{escape(words, quote=False)}</text>"
    )


def short(name: str, length: int) -> str:
    """A name that fits."""
    return name if len(name) <= length else name[: length - 1] + "…"
