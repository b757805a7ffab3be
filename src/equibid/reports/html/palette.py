"""One look a bidder, the same in every chart."""

from typing import NamedTuple

from equibid.reports.comparison.tables import RunTables

# Found by search: at least 3:1 against white and against the dark page, and as far apart as
# possible in OKLab for normal, protan, deutan and tritan eyes (Machado et al., 2009).
COLOURS = (
    *("#206abf", "#ea7401", "#549974", "#b43752"),
    *("#2f9bc6", "#8d56ff", "#b06200", "#855888"),
)
# The second and third round of colours is told apart by dash and symbol.
DASHES = ("solid", "dash", "dot")
SYMBOLS = ("circle", "square", "triangle-up")
GREY = "#858d97"


class Mark(NamedTuple):
    """How a bidder is drawn."""

    colour: str
    dash: str
    symbol: str


REFERENCE = Mark(GREY, "dashdot", "diamond-open")


def marks(tables: RunTables) -> dict[str, Mark]:
    """Colours in rank order; references are grey and hollow."""
    contenders = [name for name in tables.bidders if name not in tables.references]
    looks = {}
    for rank, name in enumerate(contenders):
        turn, colour = divmod(rank, len(COLOURS))
        turn %= len(DASHES)
        looks[name] = Mark(COLOURS[colour], DASHES[turn], SYMBOLS[turn])
    return looks | dict.fromkeys(tables.references, REFERENCE)


def faint(colour: str, opacity: float) -> str:
    """A hex colour with opacity."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
