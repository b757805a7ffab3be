"""Folders that `equibid import` wrote, played as the logs they were made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import polars as pl

from equibid.errors import InputError, input_error
from equibid.files import check_parquet, opening, read_json, read_parquet
from equibid.kept import file_digest
from equibid.logs.auctionnet import auctionnet_logs, datasets_of
from equibid.logs.campaign import (
    BUDGET_SHARE,
    with_budget,
    with_budget_share,
)
from equibid.logs.clock import clock_of
from equibid.logs.dataset import LogDataset
from equibid.logs.hourly import hourly_recording
from equibid.logs.importing.campaign_forms import PARTS, first_word, part_of
from equibid.logs.importing.ipinyou_forms import TO_TRAIN
from equibid.logs.importing.schema import SCHEMAS
from equibid.logs.registry import READERS, Reader
from equibid.logs.rlb import history_of, rlb_recording
from equibid.logs.table import Table
from equibid.markets.market import Campaigns, Labels, Market

# What to do about a folder that cannot be used.
AGAIN = "import the log again"
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
        lost: how many rows of it are in quarantine.
        beside: what was kept of the files beside it.
        digests: of the Parquet files, by name.
    """

    folder: Path
    name: str
    parts: Sequence[Path]
    lost: int
    beside: dict[str, Any]
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The campaign: the name up to the first dot, with folders where they are part of the name.

        Of a file that is only called train or test, the folder it lay in.
        """
        name = Path(self.name)
        if first_word(name) not in PARTS:
            return str(name.with_name(first_word(name)))
        beside = self.beside.get("campaign", first_word(name))
        return str(name.parent) if name.parent.name else beside

    def __str__(self) -> str:
        return f"{self.folder}: {self.name}"

    def frame(self) -> pl.DataFrame:
        """All rows.

        Raises:
            InputError: they are not there any more, or damaged.
        """
        self._check()
        try:
            return pl.concat([read_parquet(part, AGAIN) for part in self.parts])
        except pl.exceptions.PolarsError as error:
            raise input_error(self.folder, f"its rows were changed; {AGAIN}") from error

    def _check(self) -> None:
        """Before Polars reads the parts: a damaged file may end the whole program."""
        unknown = []
        for part in self.parts:
            digest = self.digests.get(part.name)
            if digest is None:
                unknown.append(part)
                continue
            with opening(part):
                same = digest == file_digest(part)
            if not same:
                raise input_error(part, f"it is damaged or was changed; {AGAIN}")
        check_parquet(unknown, AGAIN)


def recognises(path: Path) -> bool:
    """A folder with import.json and rows."""
    return (path / "import.json").is_file() and (path / "rows").is_dir()


def read(path: Path) -> list[LogDataset]:
    """The datasets of an imported folder: those of the files it was made of.

    Raises:
        InputError: the folder is no import or was changed, or its log has nothing to bid on.
    """
    form, files = files_of(path)
    if form not in PLAYERS:
        raise input_error(path, unplayable(form))
    try:
        return PLAYERS[form](files)
    except InputError:
        raise
    except (LookupError, TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise input_error(path, f"its rows or its import.json were changed; {AGAIN}") from error


def files_of(path: Path) -> tuple[str, list[File]]:
    """The form of an imported folder, and its files that have rows.

    Raises:
        InputError: the folder is no import or was changed.
    """
    told = read_json(path / "import.json")
    try:
        form = told["form"]
        files = [
            File(
                folder=path,
                name=file["name"],
                parts=[path / "rows" / Path(part).name for part in file["parts"]],
                lost=file["read"] - file["kept"],
                beside=file["beside"],
                digests=dict(told.get("digests", {})),
            )
            for file in told["files"]
            if file["parts"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise input_error(path / "import.json", f"it was changed; {AGAIN}") from error
    if not isinstance(form, str):
        raise input_error(path / "import.json", f"it was changed; {AGAIN}")
    return form, files


def unplayable(form: str) -> str:
    """Why a log cannot be played, and what it is good for."""
    use = SCHEMAS[form].use if form in SCHEMAS else TO_TRAIN
    return f"a log of the form {form} cannot be played: {use}"


def _auctionnet(files: Sequence[File]) -> list[LogDataset]:
    """Impressions that may have lost a row to the quarantine are left out whole.

    Where more impressions lack rows than rows are in quarantine, advertisers were absent from
    impressions: then nobody can tell, and all stay.
    """
    datasets = []
    for file in files:
        frame = file.frame()
        if file.lost:
            # Rows were lost, and none won: the most that an impression of the period has are all.
            frame = frame.with_columns(rows=pl.len().over(IMPRESSION))
            whole = pl.col("rows") == pl.col("rows").max().over(PERIOD_INDEX)
            short = frame.filter(~whole).select(IMPRESSION).n_unique()
            frame = (frame.filter(whole) if short <= file.lost else frame).drop("rows")
        logs = auctionnet_logs(file.folder, file.stem, table_of(frame))
        datasets += datasets_of(file.folder, logs)
    return datasets


def _parts(files: Sequence[File]) -> list[tuple[str, File, File | None]]:
    """Each campaign's name, the file to test on, and the one to train on beside it.

    Raises:
        InputError: two files are of one campaign, and neither is to train on.
    """
    train: dict[str, File] = {}
    test: dict[str, File] = {}
    for file in files:
        part = train if part_of(Path(file.name)) == "train" else test
        if file.stem in part:
            names = f"{part[file.stem].name} and {file.name}"
            raise input_error(file.folder, f"{names} are both of {file.stem}; name one of them")
        part[file.stem] = file
    both = train | test
    return [(name, both[name], train.get(name) if name in test else None) for name in sorted(both)]


def _hourly(files: Sequence[File]) -> list[LogDataset]:
    datasets = []
    for name, test, train in _parts(files):
        if part_of(Path(test.name)) == "train":
            raise input_error(test.folder, f"there is no {name}.test.txt to test bidders on")
        earlier = None if train is None else table_of(train.frame())
        datasets.append(hourly_recording(name, table_of(test.frame()), earlier))
    return datasets


def _rlb(files: Sequence[File]) -> list[LogDataset]:
    datasets = []
    for name, test, train in _parts(files):
        earlier = None if train is None else table_of(train.frame())
        info = test.beside.get("info")
        if info is None and earlier is None:
            problem = f"there is no {name}.info.json beside {test.name}, and no log to train on"
            raise input_error(test.folder, problem)
        history = None if info is None else history_of(test.folder, info)
        datasets.append(rlb_recording(name, history, table_of(test.frame()), train=earlier))
    return datasets


def _campaign(files: Sequence[File]) -> list[LogDataset]:
    """Logs of a campaign without a clock or totals."""
    datasets = []
    for name, test, train in _parts(files):
        earlier = None if train is None else table_of(train.frame())
        datasets.append(rlb_recording(name, None, table_of(test.frame()), train=earlier))
    return datasets


def _columns(files: Sequence[File]) -> list[LogDataset]:
    """Logs that were read through a map: one dataset an advertiser and file."""
    datasets = []
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
            datasets.append(_mapped(name, name, frame, file))
            continue
        several = frame["advertiser"].n_unique() > 1
        for (advertiser,), rows in frame.group_by("advertiser", maintain_order=True):
            title = f"{name}-{advertiser}" if several else name
            datasets.append(_mapped(title, str(advertiser), rows, file))
    return datasets


def _mapped(name: str, advertiser: str, frame: pl.DataFrame, file: File) -> LogDataset:
    """One advertiser's impressions; prices in currency become whole budgets in millionths.

    Rows without a price are left out: nobody knows what would have won them.
    """
    labels = file.beside["labels"]
    frame = frame.filter(pl.col("price").is_not_null())
    if frame.is_empty():
        raise input_error(file.folder, f"{name}: no row has a price, so nobody can bid against it")
    order, start, day_ticks = clock_of(frame, labels)
    rows = table_of(frame.select(pl.exclude("id", "time", "advertiser"))[order])
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
    dataset = with_budget_share(LogDataset(name, market, day_ticks=day_ticks), BUDGET_SHARE)
    if "budget" not in rows:
        return dataset
    budgets = np.unique(rows["budget"])
    if len(budgets) > 1:
        several = " and ".join(f"{budget:g}" for budget in budgets[:2])
        raise input_error(
            file.folder,
            f"the budget of {name} is {several} in different rows; name one with --budget, and "
            "import the log without that column",
        )
    return with_budget(dataset, float(budgets[0]))


def table_of(frame: pl.DataFrame) -> Table:
    """Columns as numbers."""
    return {name: frame[name].cast(pl.Float64).to_numpy(writable=False) for name in frame.columns}


PLAYERS: dict[str, Callable[[Sequence[File]], list[LogDataset]]] = {
    "auctionnet": _auctionnet,
    "hourly": _hourly,
    "rlb": _rlb,
    "yzpc": _campaign,
    "columns": _columns,
}

READERS.add("imported", "A folder that equibid import wrote.")(Reader(recognises, read))
