"""When impressions came: the order of rows, ticks, and days, from what a log says of time.

Where a log says of time, the order of its rows decides nothing but the order within a tick, and
that only where no moment is logged. A day of which the log holds less than a half, at its beginning
or its end, is no delivery period; a log of fewer than two days is one period as a whole.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from equibid.logs.rlb import TICKS
from equibid.markets.market import even_ticks

DAY_TICKS = 24
SECONDS = 24 * 60 * 60

Numbers = npt.NDArray[np.int64]


class Clock(NamedTuple):
    """How rows are put in order.

    Attributes:
        order: the rows that are played, in order of arrival.
        tick_start: as in `Market`; several days stand in a row.
        day_ticks: ticks of a day where there are several, else None.
    """

    order: Numbers
    tick_start: Numbers
    day_ticks: int | None


class Steps(NamedTuple):
    """Where a log's rows stand in time.

    Attributes:
        day: of each row.
        tick: of its day.
        ticks: of a day; None where they are as many as differ in the log.
    """

    day: pl.Expr
    tick: pl.Expr
    ticks: int | None


def steps_of(names: Collection[str], labels: Mapping[str, Any]) -> Steps | None:
    """Day and tick from the columns there are; None where none says of them.

    Args:
        names: of the columns.
        labels: of the map: time_zone and day_ticks.
    """
    if "time" in names:
        ticks = labels.get("day_ticks", DAY_TICKS)
        local = pl.col("time").dt.convert_time_zone(labels.get("time_zone", "UTC"))
        second = local.dt.time().cast(pl.Int64) // 1_000_000_000
        return Steps(local.dt.date().cast(pl.Int64), second * ticks // SECONDS, ticks)
    day = pl.col("day") if "day" in names else None
    if "hour" in names:
        hour = pl.col("hour").cast(pl.Int64)
        return Steps(hour // 24 if day is None else day, hour % 24, DAY_TICKS)
    if "tick" in names:
        tick = pl.col("tick").rank("dense").cast(pl.Int64) - 1
        return Steps(pl.lit(0, pl.Int64) if day is None else day, tick, None)
    if day is None:
        return None
    # Without a time of day, the rows of a day are spread evenly over its ticks.
    place = pl.int_range(pl.len()).over(day)
    return Steps(day, place * TICKS // pl.len().over(day), TICKS)


def whole_days(day: Numbers, tick: Numbers, ticks: int) -> Numbers:
    """The days that are delivery periods; none where they are fewer than two.

    Args:
        day: of rows, or of each step that has rows.
        tick: the same of the tick.
        ticks: of a day.
    """
    days = np.unique(day)
    begins, ends = tick[day == days[0]].min(), tick[day == days[-1]].max() + 1
    first = int(2 * (ticks - begins) < ticks)
    last = len(days) - int(2 * ends < ticks)
    return days[first:last] if last - first > 1 else days[:0]


def clock_of(rows: pl.DataFrame, labels: Mapping[str, Any]) -> Clock:
    """The clock of mapped rows.

    Args:
        rows: with some of the columns time, day, hour and tick; at least one row.
        labels: of the map: time_zone and day_ticks.
    """
    count = rows.height
    steps = steps_of(rows.columns, labels)
    if steps is None:
        return Clock(np.arange(count), np.asarray(even_ticks(count, min(TICKS, count))), None)
    placed = rows.select(day=steps.day, tick=steps.tick)
    day, tick = placed["day"].to_numpy(), placed["tick"].to_numpy()
    ticks = steps.ticks or int(tick.max()) + 1
    days = whole_days(day, tick, ticks)
    several = len(days) > 0
    kept = np.flatnonzero(np.isin(day, days)) if several else np.arange(count)
    place = np.searchsorted(days if several else np.unique(day), day) * ticks + tick
    moment = rows["time"].to_physical().to_numpy() if "time" in rows.columns else place
    order = kept[np.lexsort((moment[kept], place[kept]))]
    place = place[order]
    first, last = (0, len(days) * ticks) if several else (place[0], place[-1] + 1)
    start = np.searchsorted(place, np.arange(first, last + 1))
    return Clock(order, start, ticks if several else None)
