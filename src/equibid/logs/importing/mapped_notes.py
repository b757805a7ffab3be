"""What people should know of a log that was read through a map."""

import polars as pl

from equibid.logs.clock import steps_of, whole_days
from equibid.logs.importing.column_map import COLUMNS, ColumnMap

USES = {
    "price": "what it took to win them is unknown, so `equibid compare` plays the other rows",
    "bid": "nothing is computed from bids",
    "cost": "they count as nothing in the total",
    "click": "they count as not clicked",
    "conversion": "they count as not converted",
}
TRAINING = (
    "train predictions with `equibid values`, which reads iPinYou's forms, or map a column of your "
    "own predictions"
)


def notes(rows: pl.LazyFrame, columns: ColumnMap) -> list[str]:
    """Sentences on what is missing, doubtful or taken for granted.

    Args:
        rows: all that were kept, in the order of the files.
        columns: the map.
    """
    ours = columns.names
    counted = {
        f"without {name}": pl.col(name).is_null().sum()
        for name in USES
        if name in ours and COLUMNS[name].gaps
    }
    if "value" in ours:
        counted["outcomes"] = pl.col("value").is_in([0.0, 1.0]).sum()
    if "hour" in ours:
        counted["hours"] = pl.col("hour").max() + 1
    if "tick" in ours:
        counted["falls"] = (pl.col("tick").cast(pl.Int64).diff() < 0).sum()
    told = rows.select(pl.len().alias("rows"), **counted).collect().row(0, named=True)
    said = []
    if "value" not in ours:
        said.append(f"there are no predicted values to bid by: {TRAINING}")
    elif told["outcomes"] == told["rows"]:
        said.append(
            "value is 0 or 1 in every row: that is an outcome, and bidders that know it before the "
            f"auction are not judged fairly; {TRAINING}"
        )
    if "price" not in ours:
        said.append("there is no price, so the log cannot be played")
    said += [
        f"{told[f'without {name}']:,} rows have no {name}: they are kept; {use}"
        for name, use in USES.items()
        if told.get(f"without {name}")
    ]
    if told.get("hours", 0) > 24:
        days = "only its hour of the day counts, as the day is mapped too"
        if "day" not in ours:
            days = f"taken as {-(-told['hours'] // 24)} days of 24 hours"
        said.append(f"hour counts on to {told['hours'] - 1}: {days}")
    if told.get("falls") and "day" not in ours:
        said.append(
            f"tick falls {told['falls']:,} times from row to row: if the log holds several days, "
            "map their `day` or `time` too; without it, it is one period, and the tick alone says "
            "when a row was"
        )
    return said + _days(rows, columns)


def _days(rows: pl.LazyFrame, columns: ColumnMap) -> list[str]:
    """Which days of the log are delivery periods."""
    steps = steps_of(columns.names, columns.labels)
    if steps is None or not {"time", "day", "hour"} & set(columns.names):
        return []
    table = rows.select(day=steps.day, tick=steps.tick).group_by("day", "tick").len().collect()
    day, tick = table["day"].to_numpy(), table["tick"].to_numpy()
    days = whole_days(day, tick, steps.ticks or int(tick.max()) + 1)
    if not len(days):
        return ["the log holds fewer than two days: it is one delivery period"]
    said = f"{len(days)} days, each a delivery period with its own budget"
    rest = table.filter(~pl.col("day").is_in(days))["len"].sum()
    if not rest:
        return [said]
    return [
        f"{said}; {rest:,} rows are of a day of which the log holds less than a half: they are "
        "kept, and `equibid compare` does not play them"
    ]
