"""What the words and numbers of a comparison's page mean."""

from equibid.reports.comparison.tables import RunTables
from equibid.reports.html.numbers import number


def glossary(tables: RunTables) -> list[tuple[str, str]]:
    """What the numbers are, with units."""
    price = f"{tables.currency} per {tables.value_unit}"
    ends = {"higher": "Higher is better.", "lower": "Lower is better.", "": ""}
    terms = {
        "Bid factor": f"Sum of bids over sum of values of the impressions bid on, in {price}.",
        "Win rate": "Slots won over impressions bid on.",
        "Tick": f"One of the {number(tables.ticks, 0)} spans of the period that a budget is for.",
        "Replicate": "The whole period played once: a seed of a generator, or a day of a log.",
        "95\u00a0% interval": "Of 100 such runs, about 95 have an interval that holds the truth.",
        "Interquartile mean": "Mean of the middle half of the replicates, the best and worst "
        "quarter left out.",
        "Performance profile": "Share of the replicates that score more than each mark.",
        "Power": "The chance that a test sees a difference that is there.",
        "Reference": "A bidder that knows what none can know: a mark, not a contender.",
        "Score": f"{tables.score_title}. {in_unit(tables.score_unit)}Higher is better.",
    }
    metrics = {
        m.title: f"{m.meaning} {in_unit(m.unit)}{ends[m.better]}".strip() for m in tables.metrics
    }
    return sorted((terms | metrics).items())


def in_unit(unit: str) -> str:
    """A sentence that names a unit, if there is one."""
    return f"In {unit}. " if unit else ""
