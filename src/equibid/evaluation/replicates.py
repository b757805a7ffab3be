"""Which replicates of a comparison are copies, and what is said of that.

A day of a log on which nothing is drawn comes out the same with every seed, and a log that holds a
period twice gives it twice. A copy tells nothing of how much was luck, so it is no replicate.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import polars as pl

from equibid.simulation.scenario import Scenario

CUT = "cut the log into periods with --period, and each of them is a replicate"


def nothing_drawn(rows: pl.DataFrame) -> bool:
    """Whether all replicates of every market are equal to the bit, and there are several."""
    marks = [list(replicate_marks(one).values()) for one in by_market(rows)]
    return all(len(set(each)) == 1 for each in marks) and max(map(len, marks)) > 1


def counted_once(
    rows: pl.DataFrame, scenarios: Sequence[Scenario]
) -> tuple[pl.DataFrame, list[str]]:
    """The rows of all replicates that are no copies, and sentences on what is left out.

    A period that equals an earlier one of its market in every row is left out. Seeds are left out
    where all of them came out alike in all markets. Where chance made some of them, those that it
    made alike are no copies; without them the mean would be another.

    Args:
        rows: of a comparison.
        scenarios: that were played.
    """
    periods = {scenario.name for scenario in scenarios if scenario.periods or scenario.days}
    if not periods and nothing_drawn(rows):
        seeds = rows["replicate"].n_unique()
        first = rows.filter(pl.col("replicate") == pl.col("replicate").min())
        return first, [
            f"Nothing was drawn: all {seeds} seeds came out alike and count as one replicate of "
            f"each market, so they do not tell how much was luck; {CUT}."
        ]
    frames, said = [], []
    for every in by_market(rows):
        one, marks, name = every, replicate_marks(every), every["market"][0]
        distinct = {mark: number for number, mark in reversed(marks.items())}
        if name in periods and len(distinct) < len(marks):
            one = every.filter(pl.col("replicate").is_in(sorted(distinct.values())))
            said.append(
                f"{len(marks) - len(distinct)} of {len(marks)} periods of {name} equal an earlier "
                "one in every number; they are left out."
            )
        elif len(distinct) == 1 < len(marks):
            said.append(
                f"Nothing was drawn on {name}: its {len(marks)} seeds came out alike and count as "
                f"one replicate; {CUT}."
            )
        frames.append(one)
    return pl.concat(frames), said


def by_market(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """The rows of each market."""
    return rows.partition_by("market", maintain_order=True)


def replicate_marks(rows: pl.DataFrame) -> dict[int, str]:
    """A digest of the rows of each replicate of a market, equal where all their numbers are."""
    marks = {}
    keys = [name for name in ("bidder", "against", "tick", "advertiser") if name in rows.columns]
    for one in rows.sort("replicate", *keys).partition_by("replicate", maintain_order=True):
        state = hashlib.blake2b(digest_size=16)
        for column in one.drop("market", "replicate").iter_columns():
            text = column.dtype == pl.String
            state.update(
                "\n".join(column.to_list()).encode()
                if text
                else np.ascontiguousarray(column.to_numpy()).data
            )
        marks[one["replicate"][0]] = state.hexdigest()
    return marks
