"""What the ranking says in words, and no more than it can say."""

from typing import Any

import polars as pl

from equibid.evaluation.ranking import tied
from equibid.evaluation.statistics import LEVEL, enough_for, least_p
from equibid.reports.comparison.tables import RunTables
from equibid.reports.html.document import Verdict
from equibid.reports.html.numbers import known, number

Row = dict[str, Any]


def verdict(tables: RunTables) -> Verdict:
    """Who leads, and whether the paired test tells the leader from the others.

    The rule is that of the stars: `equibid.evaluation.statistics.separable`.
    """
    contenders = tables.ranking.filter(~pl.col("reference")).drop_nulls("score").to_dicts()
    if not contenders:
        return Verdict("There is nothing to rank", "No contender has a score.")
    leader, others = contenders[0], contenders[1:]
    name = leader["bidder"]
    detail = [f"{name} scores {score(leader, tables)}."]
    if not others:
        headline = f"{name} ran alone"
        detail.append("There is no other contender to compare it with.")
    else:
        detail.append(f"The runner-up {others[0]['bidder']} scores {score(others[0], tables)}.")
        headline, why = compare(leader, others, tables)
        detail.append(why)
    detail.extend(
        f"The reference {row['bidder']}, no contender, reaches {score(row, tables)}."
        for row in tables.ranking.filter("reference").drop_nulls("score").to_dicts()
    )
    return Verdict(headline, " ".join([*detail, *tables.notices]))


def compare(leader: Row, others: list[Row], tables: RunTables) -> tuple[str, str]:
    """Headline and reason: from whom the leader can be told apart."""
    name, apart = leader["bidder"], separable(tables)
    equal = [row["bidder"] for row in others if tied(row["score"], leader["score"])]
    near = [row["bidder"] for row in others if not apart.get(frozenset((name, row["bidder"])))]
    if tables.replicates < 2 and not equal:
        return (
            f"{name} scores highest, but this run cannot tell skill from luck",
            "One replicate does not tell how much was luck.",
        )
    if not near:
        everybody = "the other bidder" if len(others) == 1 else "all others"
        return (
            f"{name} ranks first, clear of {everybody}",
            "The paired test tells it from each of them, at 5\u00a0% for all pairs together.",
        )
    if equal:
        return f"{listed([name, *equal])} are tied for first", "Their scores are equal."
    opponents = listed(near) if len(near) <= 3 else f"{len(near)} of {len(others)} others"
    if any(apart.get(frozenset((name, opponent))) is not None for opponent in near):
        why = (
            "The differences are no larger than chance makes; more replicates may tell them apart."
        )
    else:
        why = too_few(tables) or (
            "On too few replicates was anything drawn by which they differ: no test can tell them "
            "apart, however large the difference."
        )
    return f"{name} scores highest, but is not separable from {opponents}", why


def separable(tables: RunTables) -> dict[frozenset[str], bool | None]:
    """Of every two bidders, whether they are told apart; None where no test can."""
    if tables.paired is None:
        return {}
    rows = tables.paired.select("bidder", "other", "separable").rows()
    return {frozenset((one, other)): apart for one, other, apart in rows}


def too_few(tables: RunTables) -> str:
    """A warning where the test cannot say anything, whatever the differences."""
    if tables.paired is None:
        return ""
    pairs, played = tables.paired.height, tables.replicates
    least, enough = pairs * least_p(played), enough_for(pairs)
    if least < LEVEL:
        return ""
    return (
        f"{played} replicates are too few for the test: the signs of {played} differences fall "
        f"alike by chance too often, so no p of {pairs} pairs is below {number(min(least, 1), 2)}."
        + ("" if enough is None else f" From {enough} replicates on it can be.")
    )


def listed(names: list[str]) -> str:
    """Names in a sentence."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def has_interval(row: Row, tables: RunTables, column: str = "score") -> bool:
    """Whether the interval is one: a single replicate of no width says nothing."""
    low, high = row[f"{column}_low"], row[f"{column}_high"]
    return known(low) and known(high) and (tables.replicates > 1 or low < high)


def score(row: Row, tables: RunTables) -> str:
    """A score with unit and, if there is one, interval."""
    digits = tables.score_digits
    text = f"{number(row['score'], digits)} {tables.score_unit}".strip()
    if has_interval(row, tables):
        low, high = number(row["score_low"], digits), number(row["score_high"], digits)
        text += f" (95\u00a0% interval {low} to {high})"
    return text
