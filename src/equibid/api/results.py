"""What came of a command, from its folder alone: tables, and text for papers and notebooks."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from equibid.files import read_json, read_parquet
from equibid.reports.report import KINDS
from equibid.reports.sheet import Form, together, written
from equibid.runs.past import runs_of
from equibid.runs.reading import read_run


@dataclass(frozen=True)
class Result:
    """A run that is finished.

    Attributes:
        folder: in which all its tables are. Of a log with several campaigns, training runs and fits
            have a folder for each of them in it.
    """

    folder: Path

    @property
    def rows(self) -> pl.DataFrame:
        """The main table: a row a bidder, market, seed, measure or file."""
        return pl.concat(
            (pl.DataFrame(run.rows(), infer_schema_length=None) for run in runs_of(self.folder)),
            how="diagonal_relaxed",
        )

    @property
    def reports(self) -> list[Path]:
        """The pages of the run, one a folder."""
        return [run.folder / "report.html" for run in runs_of(self.folder)]

    @property
    def report(self) -> Path:
        """The first page of the run."""
        return self.reports[0]

    def table(self, form: Form = "markdown") -> str:
        """The main table as text for a paper or a spreadsheet.

        Args:
            form: "latex" (with booktabs), "markdown" or "csv".
        """
        sheets = []
        for past in runs_of(self.folder):
            run = read_run(past.folder)
            kind = KINDS[run.kind]
            sheets.append((past.folder.name, kind.sheet(kind.read(run))))
        return written(sheets[0][1] if len(sheets) == 1 else together(sheets), form)

    def _repr_html_(self) -> str:
        """The main table, for notebooks."""
        return self.rows._repr_html_()

    def _parquet(self, name: str) -> pl.DataFrame:
        """A table of all folders of the run, told apart by the name of the folder."""
        runs = runs_of(self.folder)
        tables = [read_parquet(run.folder / name, "make the run anew") for run in runs]
        if len(runs) > 1:
            named = zip(runs, tables, strict=True)
            tables = [x.select(pl.lit(run.folder.name).alias("run"), pl.all()) for run, x in named]
        return pl.concat(tables)


@dataclass(frozen=True)
class Compared(Result):
    """A comparison of bidders."""

    @property
    def ranking(self) -> pl.DataFrame:
        """A row a contender or reference, the best first, each metric with its 95 % interval.

        The ends of the interval are ``metric_low`` and ``metric_high``.
        """
        return self._parquet("ranking.parquet")

    @property
    def paired(self) -> pl.DataFrame | None:
        """A row a pair of bidders: mean difference, interval, p-value; None for one bidder."""
        return (
            self._parquet("paired.parquet") if (self.folder / "paired.parquet").exists() else None
        )

    @property
    def delivery(self) -> pl.DataFrame:
        """A row a market, replicate, bidder, tick and advertiser, money in currency."""
        return self._parquet("delivery.parquet")

    def _repr_html_(self) -> str:
        return self.ranking._repr_html_()


@dataclass(frozen=True)
class Certificates(Result):
    """What is proven of factors, for each market and day."""

    @property
    def certificate(self) -> pl.DataFrame:
        """A row a market, day and advertiser: what it bids, gets and could gain, in currency."""
        return self._parquet("certificate.parquet")

    @property
    def holds(self) -> bool:
        """Whether nobody gains or overspends more than the tolerance in any market, on any day."""
        markets = read_json(self.folder / "certificate.json")["markets"]
        return all(market["holds"] for market in markets)


@dataclass(frozen=True)
class Frontier(Result):
    """The most of an objective at each gain that advertisers may leave."""

    @property
    def points(self) -> pl.DataFrame:
        """A row an allowed gain and side from which it was followed, money in currency."""
        return self._parquet("points.parquet")

    @property
    def factors(self) -> pl.DataFrame:
        """A row an allowed gain and advertiser, currency per value unit."""
        return self._parquet("factors.parquet")

    @property
    def certificate(self) -> pl.DataFrame:
        """A row an allowed gain and advertiser: what it bids, gets and could gain, in currency."""
        return self._parquet("certificate.parquet")


@dataclass(frozen=True)
class Exploited(Result):
    """What leaving a bidder that all use gains."""

    @property
    def advertisers(self) -> pl.DataFrame:
        """A row a bidder and advertiser: its value, its best response, its gain, in value units."""
        return self._parquet("exploitability.parquet")

    @property
    def holds(self) -> bool:
        """Whether no response was found that gains more than the tolerance, of any seed."""
        return read_json(self.folder / "exploitability.json")["compliance"] == 1


@dataclass(frozen=True)
class Solved(Certificates):
    """An equilibrium of each market, with its certificate."""

    @property
    def factors(self) -> pl.DataFrame:
        """A row an advertiser: its bidding factor, in currency per unit of value."""
        return self.certificate.select("market", "advertiser", "name", "factor")

    @property
    def starts(self) -> pl.DataFrame:
        """A row a start of the search: where it led, and which distinct equilibrium that is."""
        return self._parquet("starts.parquet")


@dataclass(frozen=True)
class Trained(Result):
    """What an algorithm has learnt; its folder is the name of a bidder in `compare`."""

    @property
    def metrics(self) -> pl.DataFrame:
        """A row a step and seed: what the step reported."""
        return self._parquet("metrics.parquet")

    @property
    def judgements(self) -> pl.DataFrame:
        """A row a judgement and seed: what the policy got on held-out periods."""
        return self._parquet("judgements.parquet")


@dataclass(frozen=True)
class Fitted(Result):
    """Generated markets whose days are like those of a log."""

    @property
    def markets(self) -> list[Path]:
        """Settings that every command and function takes as a market, one a campaign."""
        return [run.folder / "market.toml" for run in runs_of(self.folder)]

    @property
    def quantiles(self) -> pl.DataFrame:
        """A row a measure and quantile, of the log and of a generated day."""
        return self._parquet("quantiles.parquet")


@dataclass(frozen=True)
class Imported:
    """A log as Parquet; its folder is the name of a market in all other functions.

    Attributes:
        folder: that was written.
        files: a row a file: how many rows were read, kept and put in quarantine.
        totals: sums over all rows kept, by name.
        notes: what people should know before they use it.
    """

    folder: Path
    files: pl.DataFrame
    totals: dict[str, float]
    notes: list[str]

    def _repr_html_(self) -> str:
        """The files, for notebooks."""
        return self.files._repr_html_()
