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

    Bidders are called separable when their 95 % intervals do not touch, which is stricter than a
    paired test: what it separates is separate.
    """
    contenders = tables.ranking.filter(~pl.col("reference")).to_dicts()
    if not contenders:
        return Verdict("Nobody competed", "Only references ran, so there is nothing to rank.")
    leader, others = contenders[0], contenders[1:]
    name = leader["bidder"]
    detail = [f"{name} scores {score(leader, tables)}."]
    if not others:
        headline = f"{name} ran alone"
        detail.append("There is no other contender to compare it with.")
    else:
        detail.append(f"The runner-up {others[0]['bidder']} scores {score(others[0], tables)}.")
        if not all(has_interval(row, tables) for row in contenders):
            headline = f"{name} scores highest, but skill and luck cannot be told apart"
            detail.append(f"{tables.seeds} seed{'s' * (tables.seeds > 1)} gave no interval.")
        else:
            near = [row["bidder"] for row in others if row["score_high"] >= leader["score_low"]]
            headline, why = compare(name, near, len(others))
            detail.append(why)
    detail.extend(
        f"{row['bidder']}, a mark and no contender, reaches {score(row, tables)}."
        for row in tables.ranking.filter("reference").to_dicts()
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
        "Their intervals overlap its own; more seeds may tell.",
    )


def has_interval(row: Row, tables: RunTables) -> bool:
    """Whether the interval is one: a single seed of no width says nothing."""
    low, high = row["score_low"], row["score_high"]
    return known(low) and known(high) and (tables.seeds > 1 or low < high)


def score(row: Row, tables: RunTables) -> str:
    """A score with unit and, if there is one, interval."""
    digits = tables.score_digits
    text = f"{number(row['score'], digits)} {tables.score_unit}".strip()
    if has_interval(row, tables):
        low, high = number(row["score_low"], digits), number(row["score_high"], digits)
        text += f" (95 % interval {low} to {high})"
    return text
