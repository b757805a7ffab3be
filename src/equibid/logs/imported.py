"""Folders that `equibid import` wrote, played as the logs they were made of."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import polars as pl

from equibid.errors import input_error
from equibid.kept import file_digest
from equibid.logs import hourly
from equibid.logs.auctionnet import auctionnet_logs, recordings_of
from equibid.logs.campaign import BUDGET_SHARE, PERIOD, campaign_market, with_budget_share
from equibid.logs.hourly import hourly_recording, in_hours
from equibid.logs.recording import Recording
from equibid.logs.registry import READERS, Reader
from equibid.logs.rlb import TICKS, history_of, rlb_recording
from equibid.logs.table import Table, read_bytes
from equibid.markets.market import Campaigns, Labels, Market, even_ticks

MILLIONTHS = 1e6
PERIOD_INDEX = "deliveryPeriodIndex"
IMPRESSION = (PERIOD_INDEX, "timeStepIndex", "pvIndex")


@dataclass(frozen=True)
class File:
    """A file as it was imported.

    Attributes:
        folder: of the import.
        name: the file had.
        parts: its Parquet files.
        complete: whether no row of it is in quarantine.
        beside: what was kept of the files beside it.
        digests: of the Parquet files, by name.
    """

    folder: Path
    name: str
    parts: Sequence[Path]
    complete: bool
    beside: dict[str, Any]
    digests: dict[str, str]

    @property
    def stem(self) -> str:
        """The name up to the first dot, with folders where they are part of the name."""
        name = Path(self.name)
        return str(name.with_name(name.name.partition(".")[0]))

    def frame(self) -> pl.DataFrame:
        """All rows.

        Raises:
            InputError: they are not there any more, or damaged.
        """
        try:
            for part in self.parts:
                # Before Polars reads it: a damaged file may end the whole program.
                digest = self.digests.get(part.name)
                if digest is not None and digest != file_digest(part):
                    raise OSError(part.name)
            return pl.read_parquet(list(self.parts), glob=False)
        except (pl.exceptions.PolarsError, OSError) as error:
            problem = f"the rows of {self.name} are gone or damaged; import the log again"
            raise input_error(self.folder, problem) from error


def recognises(path: Path) -> bool:
    """A folder with import.json and rows."""
    return (path / "import.json").is_file() and (path / "rows").is_dir()


def read(path: Path) -> list[Recording]:
    """The recordings of an imported folder: those of the files it was made of.

    Raises:
        InputError: the folder is no import or was changed, or its log has nothing to bid on.
    """
    data = read_bytes(path / "import.json")
    try:
        told = json.loads(data)
        form = told["form"]
        files = [
            File(
                folder=path,
                name=file["name"],
                parts=[path / "rows" / part for part in file["parts"]],
                complete=file["read"] == file["kept"],
                beside=file["beside"],
                digests=dict(told.get("digests", {})),
            )
            for file in told["files"]
            if file["parts"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise input_error(path / "import.json", "it was changed; import the log again") from error
    if form not in PLAYERS:
        raise input_error(
            path,
            f"a log of the form {form} has no values to bid by; only {', '.join(PLAYERS)} can be "
            "played",
        )
    return PLAYERS[form](files)


def _auctionnet(files: Sequence[File]) -> list[Recording]:
    """Impressions that lost a row to the quarantine are left out whole."""
    recordings = []
    for file in files:
        frame = file.frame()
        if not file.complete:
            # Rows were lost, and none won: the most that an impression of the period has are all.
            frame = frame.with_columns(rows=pl.len().over(IMPRESSION))
            frame = frame.filter(pl.col("rows") == pl.col("rows").max().over(PERIOD_INDEX))
            frame = frame.drop("rows")
        logs = auctionnet_logs(file.folder, file.stem, _table(frame))
        recordings += recordings_of(file.folder, logs)
    return recordings


def _hourly(files: Sequence[File]) -> list[Recording]:
    """Train and test files of a campaign belong together; a file of another name is a test."""
    train: dict[str, File] = {}
    test: dict[str, File] = {}
    for file in files:
        match = hourly.NAME.fullmatch(Path(file.name).name.removesuffix(".bz2"))
        part = train if match and match["part"] == "train" else test
        if file.stem in part:
            names = f"{part[file.stem].name} and {file.name}"
            raise input_error(file.folder, f"{names} are both of {file.stem}; import them apart")
        part[file.stem] = file
    for name, file in train.items():
        if name not in test:
            raise input_error(file.folder, f"there is no {name}.test.txt to test bidders on")
    return [
        hourly_recording(
            name,
            _table(file.frame()),
            _table(train[name].frame()) if name in train else None,
        )
        for name, file in sorted(test.items())
    ]


def _rlb(files: Sequence[File]) -> list[Recording]:
    recordings = []
    for file in sorted(files, key=lambda file: file.stem):
        if "info" not in file.beside:
            problem = f"there was no {file.stem}.info.json beside {file.name}; import it again"
            raise input_error(file.folder, problem)
        history = history_of(file.folder / "import.json", file.beside["info"])
        recordings.append(rlb_recording(file.stem, history, _table(file.frame())))
    return recordings


def _campaign(files: Sequence[File]) -> list[Recording]:
    """Logs of a campaign without a clock: even ticks."""
    recordings = []
    for file in files:
        rows = _table(file.frame())
        count = len(rows["click"])
        ticks = np.asarray(even_ticks(count, min(TICKS, count)))
        market = campaign_market(file.stem, rows, ticks)
        recordings.append(
            with_budget_share(Recording(file.stem, market, period=PERIOD), BUDGET_SHARE)
        )
    return recordings


def _columns(files: Sequence[File]) -> list[Recording]:
    """Logs that were read through a map: one recording an advertiser and file."""
    recordings = []
    for file in files:
        frame = file.frame()
        missing = [name for name in ("price", "value") if name not in frame.columns]
        if missing:
            problem = f"{file.name} was imported without {' and '.join(missing)}, so nobody can bid"
            raise input_error(file.folder, problem)
        name = file.beside["labels"].get("name", file.stem)
        if len(files) > 1:
            name = f"{name}-{file.stem}"
        if "advertiser" not in frame.columns:
            recordings.append(_mapped(name, name, frame, file))
            continue
        several = frame["advertiser"].n_unique() > 1
        for (advertiser,), rows in frame.group_by("advertiser", maintain_order=True):
            title = f"{name}-{advertiser}" if several else name
            recordings.append(_mapped(title, str(advertiser), rows, file))
    return recordings


def _mapped(name: str, advertiser: str, frame: pl.DataFrame, file: File) -> Recording:
    """One advertiser's impressions; prices in currency become whole budgets in millionths."""
    labels = file.beside["labels"]
    rows = _table(frame.drop("id", "time", "advertiser", strict=False))
    count = frame.height
    if "tick" in rows:
        order, start = in_hours(rows["tick"].astype(np.int64))
        rows = {key: column[order] for key, column in rows.items()}
    else:
        start = np.asarray(even_ticks(count, min(TICKS, count)))
    nothing = jnp.zeros(1)
    kind = "click" if "click" in rows else "conversion"
    unit = labels.get("value_unit", kind)
    # Where values are of one kind, the other is not what they foretell.
    outcome = rows.get(unit if unit in ("click", "conversion") else kind)
    market = Market(
        values=jnp.asarray(rows["value"][:, None]),
        tick_start=jnp.asarray(start, jnp.int32),
        campaigns=Campaigns(nothing, nothing, jnp.zeros(1, jnp.int32)),
        market_price=jnp.asarray(rows["price"] * MILLIONTHS),
        outcomes=None if outcome is None else jnp.asarray(outcome[:, None] == 1),
        labels=Labels(
            name,
            (advertiser,),
            value_unit=unit,
            currency=labels.get("currency", "unit"),
            per_currency=MILLIONTHS,
        ),
    )
    return with_budget_share(Recording(name, market), BUDGET_SHARE)


def _table(frame: pl.DataFrame) -> Table:
    """Columns as numbers."""
    return {name: frame[name].cast(pl.Float64).to_numpy(writable=False) for name in frame.columns}


PLAYERS: dict[str, Callable[[Sequence[File]], list[Recording]]] = {
    "auctionnet": _auctionnet,
    "hourly": _hourly,
    "rlb": _rlb,
    "yzpc": _campaign,
    "columns": _columns,
}

READERS.add("imported", "A folder that equibid import wrote.")(Reader(recognises, read))
