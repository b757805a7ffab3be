"""A folder of trained values, which is a market: `equibid values` writes it, `compare` plays it.

market.json          campaigns, what is predicted, totals of the training logs, what was asked
predictions.parquet  the test part: time, campaign, price, outcome, prediction raw and calibrated
tuning.parquet       the same of the part held out of training, on which bidders are tuned
models/NAME.json     a campaign's model and calibration; weights beside it in NAME.npz
quality.json         figures of the predictions
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Bool, Int

from equibid.errors import input_error
from equibid.files import check_parquet, opening, parquet, read_json, write_json, write_parquet
from equibid.logs.campaign import BID_CAP, BUDGET_SHARE, PERIOD, with_budget_share
from equibid.logs.dataset import LogDataset
from equibid.logs.ipinyou_log import Impressions, moments_of
from equibid.logs.registry import READERS, Reader
from equibid.logs.table import MOST, Numbers
from equibid.markets.history import PriceHistory, price_history
from equibid.markets.market import Campaigns, Labels, Market
from equibid.markets.values.joint import Predictions

FORMAT = "equibid-values"
# What to do about a file that cannot be used.
ANEW = "let `equibid values` write the folder anew"
MARKET, TEST, TUNING = "market.json", "predictions.parquet", "tuning.parquet"


@dataclass(frozen=True)
class ValueMarket:
    """What `market.json` says.

    Attributes:
        campaigns: names.
        outcome: what is predicted, "click" or "conversion".
        cost: [N] fen CPM each campaign's training log cost in all.
        events: [N] outcomes in it.
        counts: training impressions by price, 0 … `BID_CAP`.
        asked: the settings of the command.
    """

    campaigns: tuple[str, ...]
    outcome: str
    cost: tuple[float, ...]
    events: tuple[int, ...]
    counts: tuple[int, ...]
    asked: dict[str, Any]

    @property
    def columns(self) -> tuple[list[str], list[str]]:
        """Names of the columns of raw and of calibrated predictions."""
        if len(self.campaigns) == 1:
            return ["raw"], ["calibrated"]
        names = self.campaigns
        return [f"raw_{name}" for name in names], [f"calibrated_{name}" for name in names]

    def history(self) -> PriceHistory:
        """Totals of all training logs together."""
        counts = np.asarray(self.counts, np.float64)
        value = np.asarray(self.events, np.float64)
        return PriceHistory(counts, 1.0, float(counts.sum()), float(sum(self.cost)), value)


def market_of(logs: Sequence[Impressions], outcome: str, asked: dict[str, Any]) -> ValueMarket:
    """Totals of the training logs of the campaigns."""
    prices = np.concatenate([log.price for log in logs])
    history = price_history(prices, np.zeros(1), 1.0, BID_CAP + 1)
    return ValueMarket(
        campaigns=tuple(log.campaign for log in logs),
        outcome=outcome,
        cost=tuple(float(log.price.sum()) for log in logs),
        events=tuple(int(log.happened.sum()) for log in logs),
        counts=tuple(history.counts.astype(int).tolist()),
        asked=asked,
    )


def table_of(
    market: ValueMarket, logs: Sequence[Impressions], predictions: Predictions
) -> pl.DataFrame:
    """Impressions of all campaigns in order of time, with their predictions."""
    raw, calibrated = market.columns
    time, price, happened = (
        np.concatenate([getattr(log, name) for log in logs])
        for name in ("time", "price", "happened")
    )
    names = np.asarray(market.campaigns)[predictions.owner]
    frame = pl.DataFrame(
        {
            "time": moments_of(time),
            "campaign": names,
            "price": price,
            market.outcome: happened,
            **{name: predictions.raw[:, n] for n, name in enumerate(raw)},
            **{name: predictions.calibrated[:, n] for n, name in enumerate(calibrated)},
        }
    )
    return frame.sort("time", maintain_order=True)


def write_market(
    folder: Path, market: ValueMarket, test: pl.DataFrame, tuning: pl.DataFrame
) -> None:
    """Write the market; `market.json` comes last, so that a folder with it is whole."""
    with opening(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_parquet(folder / TEST, test)
    write_parquet(folder / TUNING, tuning)
    write_json(folder / MARKET, {"format": FORMAT} | vars(market))


def recognises(path: Path) -> bool:
    """A folder with a `market.json` of this format."""
    file = path / MARKET
    return path.is_dir() and file.is_file() and FORMAT in first_words(file)


def first_words(path: Path) -> str:
    """The beginning of a text file."""
    with opening(path), path.open(encoding="utf-8", errors="replace") as file:
        return file.read(100)


def read(path: Path, budget_share: float = BUDGET_SHARE) -> list[LogDataset]:
    """One dataset: tuned on the held-out part, tested on the test part.

    A single campaign is played in delivery periods of `PERIOD` impressions; campaigns that meet
    are played through the whole test part, as one period.

    Raises:
        InputError: a file of the folder is missing or damaged.
    """
    market = read_market(path / MARKET)
    tuning, _ = _market(path / TUNING, market)
    test, known = _market(path / TEST, market)
    several = len(market.campaigns) > 1
    if several:
        # A click that nobody could see is not one that did not happen: predictions are the totals.
        tuning = replace(tuning, outcomes=None)
    dataset = LogDataset(
        name="-".join(market.campaigns),
        test=test,
        train=tuning,
        history=market.history(),
        period=None if several else PERIOD,
        known=known if several else None,
    )
    return [with_budget_share(dataset, budget_share)]


def read_market(path: Path) -> ValueMarket:
    """What a `market.json` says.

    Raises:
        InputError: it is no such file, or says something else.
    """
    state = read_json(path)
    try:
        assert state.pop("format") == FORMAT
        lists = {name: tuple(x) for name, x in state.items() if isinstance(x, list)}
        market = ValueMarket(**(state | lists))
        sizes = {len(market.campaigns), len(market.cost), len(market.events)}
        assert len(sizes) == 1 and len(market.counts) == BID_CAP + 1 and market.campaigns
    except (ValueError, TypeError, KeyError, AttributeError, AssertionError) as error:
        raise input_error(
            path, "it does not describe a market of `equibid values`; train it again"
        ) from error
    return market


def _market(path: Path, said: ValueMarket) -> tuple[Market, Bool[np.ndarray, "K N"]]:
    """A part of the folder as a market, and whose outcomes are known."""
    frame = _frame(path, said)
    advertisers = len(said.campaigns)
    number = {name: n for n, name in enumerate(said.campaigns)}
    owner = frame["campaign"].replace_strict(number, return_dtype=pl.Int64).to_numpy()
    known = owner[:, None] == np.arange(advertisers)
    happened = frame[said.outcome].to_numpy()[:, None] & known
    values = frame.select(said.columns[1]).to_numpy()
    cost = np.asarray(said.cost)
    # Shares of the budget; `with_budget_share` makes money of them.
    campaigns = Campaigns(jnp.asarray(cost), jnp.asarray(cost), jnp.zeros(advertisers, jnp.int32))
    market = Market(
        values=jnp.asarray(values),
        tick_start=jnp.asarray(_hours(frame["time"]), jnp.int32),
        campaigns=campaigns,
        market_price=jnp.asarray(frame["price"].to_numpy()),
        outcomes=jnp.asarray(happened),
        labels=Labels(
            name="-".join(said.campaigns),
            advertisers=said.campaigns,
            value_unit=said.outcome,
            currency="fen",
            per_currency=1000.0,
        ),
        bid_step=1.0,
        bid_cap=float(BID_CAP),
    )
    return market, known


def _frame(path: Path, said: ValueMarket) -> pl.DataFrame:
    """The rows of a part, once they are known to be whole."""
    raw, calibrated = said.columns
    wanted = ["time", "campaign", "price", said.outcome, *raw, *calibrated]
    check_parquet([path], ANEW)
    with parquet(path, ANEW) as table:
        names = table.collect_schema().names()
        missing = [name for name in wanted if name not in names]
        if missing:
            raise input_error(path, f"columns {', '.join(missing)} are missing; {ANEW}")
        frame = table.select(wanted).collect()
    if frame.height == 0:
        raise input_error(path, "it holds no rows")
    try:
        frame = frame.with_columns(
            pl.col("campaign").cast(pl.String),
            pl.col("price", *raw, *calibrated).cast(pl.Float64),
            pl.col(said.outcome).cast(pl.Boolean),
        )
    except pl.exceptions.PolarsError as error:
        raise input_error(path, f"a column has another type ({error})") from error
    at = pl.col("time")
    for name, wish, good in (
        ("campaign", f"one of {said.campaigns}", pl.col("campaign").is_in(said.campaigns)),
        ("price", "a number from 0 on", pl.col("price").is_between(0, MOST)),
        ("time", "a time in order", at >= at.shift(1, fill_value=at.first())),
        (said.outcome, "true or false", pl.col(said.outcome).is_not_null()),
        *((c, "a number from 0 to 1", pl.col(c).is_between(0, 1)) for c in calibrated),
    ):
        wrong = ~frame.select(good.fill_null(False)).to_series()
        if wrong.any():
            row = int(wrong.arg_max() or 0)
            raise input_error(path, f"{name} {frame[name][row]!r} of row {row} is not {wish}")
    return frame


def _hours(time: pl.Series) -> Int[np.ndarray, " T+1"]:
    """First impression of every hour that has one, and K."""
    hour: Numbers = time.dt.truncate("1h").to_physical().to_numpy()
    return np.concatenate([[0], np.flatnonzero(np.diff(hour)) + 1, [len(hour)]])


READERS.add("values", "A folder of `equibid values`: predictions as values, logged outcomes.")(
    Reader(recognises, read)
)
