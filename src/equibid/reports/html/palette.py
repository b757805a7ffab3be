"""Colours, and the looks that are made of them. On a page a colour means one thing."""

from typing import NamedTuple

# Found by search: at least 3:1 against white and against the dark page, and as far apart as
# possible in OKLab for normal, protan, deutan and tritan eyes (Machado et al., 2009).
COLOURS = (
    *("#206abf", "#ea7401", "#549974", "#b43752"),
    *("#2f9bc6", "#8d56ff", "#b06200", "#855888"),
)
# The second and third round of colours is told apart by dash and symbol.
DASHES = ("solid", "dash", "dot")
SYMBOLS = ("circle", "square", "triangle-up")
# Of whatever belongs to nobody: the market, the mean of all.
GREY = "#858d97"
# More than even, or well; less than even, or not well. None of the colours above.
MORE, LESS = "#00918f", "#c837a0"


class Mark(NamedTuple):
    """How a bidder is drawn."""

    colour: str
    dash: str
    symbol: str


REFERENCE = Mark(GREY, "dashdot", "diamond-open")


def look(place: int) -> Mark:
    """The look of the first, second, … that is drawn; 24 are told apart."""
    turn, colour = divmod(place, len(COLOURS))
    turn %= len(DASHES)
    return Mark(COLOURS[colour], DASHES[turn], SYMBOLS[turn])
