"""The forms of AuctionNet: the log of bids, and the trajectories of its published data set."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from equibid.logs.auctionnet import COLUMNS
from equibid.logs.importing.schema import SCHEMAS, Field, LogSchema, listed, number
from equibid.logs.table import Column, amount, flag, positive, whole

STORES = {
    "deliveryPeriodIndex": pl.Int32,
    "advertiserNumber": pl.Int32,
    "advertiserCategoryIndex": pl.Int32,
    "timeStepIndex": pl.Int32,
    "pvIndex": pl.Int32,
    "adSlot": pl.Int32,
    "xi": pl.UInt8,
    "isExposed": pl.UInt8,
    "conversionAction": pl.UInt8,
    "isEnd": pl.UInt8,
    "done": pl.UInt8,
}
STATE = 16


def named_columns(*names: str) -> Callable[[str, Sequence[str]], bool]:
    """A test for a CSV header that has these names."""
    return lambda _, lines: bool(lines) and set(names) <= set(lines[0].split(","))


def _field(column: Column) -> Field:
    return number(column, STORES.get(column.name, pl.Float64))


def _finite(name: str) -> Column:
    return Column(name, "a finite number", np.isfinite)


SCHEMAS.add("auctionnet", "AuctionNet's log: one row for each impression and advertiser.")(
    LogSchema(
        name="auctionnet",
        fields=tuple(map(_field, COLUMNS)),
        recognises=named_columns("pvIndex", "advertiserNumber"),
        header="yes",
        key=tuple(
            map(pl.col, ("deliveryPeriodIndex", "timeStepIndex", "pvIndex", "advertiserNumber"))
        ),
        totals={
            "impressions": pl.col("isExposed").sum(),
            "conversions": pl.col("conversionAction").sum(),
            "cost": (pl.col("cost") * pl.col("isExposed")).sum(),
        },
        advertiser="advertiserNumber",
        census=("deliveryPeriodIndex", "advertiserNumber"),
    )
)

SCHEMAS.add(
    "auctionnet-trajectory", "AuctionNet's training data: state, action, reward, next state."
)(
    LogSchema(
        name="auctionnet-trajectory",
        fields=(
            *map(
                _field,
                (
                    whole("deliveryPeriodIndex"),
                    whole("advertiserNumber"),
                    whole("advertiserCategoryIndex"),
                    positive("budget"),
                    positive("CPAConstraint"),
                    amount("realAllCost"),
                    amount("realAllConversion"),
                    whole("timeStepIndex"),
                ),
            ),
            listed("state", STATE),
            *map(_field, (_finite("action"), _finite("reward"), _finite("reward_continuous"))),
            _field(flag("done")),
            listed("next_state", STATE, ""),
        ),
        recognises=named_columns("next_state", "reward_continuous"),
        header="yes",
        quoted=True,
        key=tuple(map(pl.col, ("deliveryPeriodIndex", "advertiserNumber", "timeStepIndex"))),
        totals={"conversions": pl.col("reward").sum()},
        advertiser="advertiserNumber",
        use="it says what advertisers saw and did, tick by tick, and nothing of impressions: learn "
        "from it elsewhere, for it cannot be played",
    )
)
