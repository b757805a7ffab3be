"""What the ranking says in words, and no more than it can say."""

from typing import Any, NamedTuple

import polars as pl

from equibid.reports.tables import RunTables, known, number

Row = dict[str, Any]


class Verdict(NamedTuple):
    """A headline, and the numbers behind it."""

    headline: str
    detail: str


def verdict(tables: RunTables) -> Verdict:
    """Who leads, and whether the intervals tell the leader from the others.

    Bidders are called separable when their 95 % intervals do not touch. That is never laxer than a
    paired test at the same level, for the error of a difference is at most the sum of the errors.
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
        if not all(has_interval(row, tables) for row in contenders):
            headline = f"{name} scores highest, but this run cannot tell skill from luck"
            detail.append("Without an interval for each bidder, nothing tells how much was luck.")
        else:
            near = [row["bidder"] for row in others if row["score_high"] >= leader["score_low"]]
            headline, why = compare(name, near, len(others))
            detail.append(why)
    detail.extend(
        f"The reference {row['bidder']}, no contender, reaches {score(row, tables)}."
        for row in tables.ranking.filter("reference").drop_nulls("score").to_dicts()
    )
    return Verdict(headline, " ".join(detail))


def compare(name: str, near: list[str], others: int) -> tuple[str, str]:
    """Headline and reason, given the rivals whose intervals touch the leader's."""
    if not near:
        return (
            f"{name} ranks first, clear of {'the other bidder' if others == 1 else 'all others'}",
            "No other interval touches its own.",
        )
    if len(near) <= 3:
        rivals = " and ".join(filter(None, [", ".join(near[:-1]), near[-1]]))
    else:
        rivals = f"{len(near)} of {others} others"
    return (
        f"{name} scores highest, but is not separable from {rivals}",
        "Their intervals overlap its own; more replicates may tell them apart.",
    )


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
