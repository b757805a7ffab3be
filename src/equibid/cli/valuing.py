"""What `equibid values` does: read, fit, predict, judge, write, print."""

import json
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

import equibid
from equibid.cli.console import plain_console, plain_table
from equibid.cli.progress import progress
from equibid.cli.values import Settings
from equibid.errors import InputError
from equibid.files import file_name, write_json
from equibid.logs.ipinyou_log import Impressions, parts_of, read_impressions
from equibid.logs.value_market import MARKET, market_of, read_market, table_of, write_market
from equibid.logs.value_models import write_model
from equibid.markets.values.fit import fit_values
from equibid.markets.values.joint import Predictions, predict_all
from equibid.markets.values.model import Fitted
from equibid.markets.values.quality import Quality, quality, reliability
from equibid.runs.options import check_numbers, refuse_idle
from equibid.runs.places import asked_of, beside, clear, refusal

TEST_SHARE = 0.25
# With fewer events a figure is mostly luck: its error is about 1 / √events.
FEW = 50


class Parts(NamedTuple):
    """A campaign's training and test impressions."""

    train: Impressions
    test: Impressions


def run_values(settings: Settings) -> Path:
    """Carry out the command; gives the folder of the market."""
    check_numbers(settings)
    if settings.model == "trees":
        refuse_idle(settings, ("strength",), "trees have no penalty")
    console = plain_console()
    with progress(console) as bar:
        task = bar.add_task("reading", total=4)
        parts = [_parts(path, settings) for path in _logs(settings)]
        names = [part.train.campaign for part in parts]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise InputError(f"two of the logs are of campaign {twice[0]}; name each one once")
        asked = _asked(settings)
        named = Path("runs") / f"values-{file_name('-'.join(names))}"
        folder = _folder(settings, asked, named)
        bar.update(task, advance=1, description="fitting")
        fitted = [_fit(part.train, settings) for part in parts]
        bar.update(task, advance=1, description="predicting")
        test = [part.test for part in parts]
        held = [
            part.train.part(each.held, len(part.train.time))
            for part, each in zip(parts, fitted, strict=True)
        ]
        predicted = [predict_all([log.columns for log in logs], fitted) for logs in (test, held)]
        bar.update(task, advance=1, description="writing")
        market = market_of([part.train for part in parts], settings.outcome, asked)
        figures = {
            name: _judged(number, parts[number], fitted[number], held[number], predicted)
            for number, name in enumerate(names)
        }
        for name, each in zip(names, fitted, strict=True):
            write_model(folder / "models" / f"{file_name(name)}.json", each)
        write_json(folder / "quality.json", figures)
        tables = [
            table_of(market, logs, x) for logs, x in zip((test, held), predicted, strict=True)
        ]
        write_market(folder, market, *tables)
        bar.update(task, advance=1)
    _print(console, settings.outcome, figures)
    console.print(f"market in {folder}; play it with: equibid compare {folder}", style="dim")
    return folder


def _logs(settings: Settings) -> tuple[Path, ...]:
    if not settings.logs:
        raise InputError("name at least one log: equibid values LOG")
    if len(settings.logs) > 1 and settings.test is not None and _share(settings.test) is None:
        raise InputError(
            "--test names one log for several campaigns; give each a folder with a test.log.txt, "
            "or --test a share"
        )
    return settings.logs


def _share(text: str) -> float | None:
    """A share, if it is a number."""
    try:
        share = float(text)
    except ValueError:
        return None
    if not 0 < share < 1:
        raise InputError(f"--test {text}: a share lies between 0 and 1")
    return share


def _parts(path: Path, settings: Settings) -> Parts:
    """What to train on, and what to test on."""
    first, later = parts_of(path)
    log = read_impressions(first, settings.outcome)
    share = None if settings.test is None else _share(settings.test)
    if settings.test is not None and share is None:
        later = Path(settings.test)
        if not later.exists():
            raise InputError(f"--test {later}: there is no such log, and it is no share")
    if share is None and later is not None:
        test = read_impressions(later, settings.outcome)
        if test.campaign != log.campaign:
            raise InputError(
                f"{later}: it is of campaign {test.campaign}, and {first} of {log.campaign}"
            )
        return Parts(log, test)
    count = len(log.time)
    cut = count - round((share or TEST_SHARE) * count)
    if not 0 < cut < count:
        raise InputError(f"{first}: {count} impressions are too few to test on a part of them")
    return Parts(log.part(0, cut), log.part(cut, count))


def _asked(settings: Settings) -> dict[str, Any]:
    """The settings that make one market another."""
    asked = asked_of(settings) | {
        "version": equibid.__version__,
        "logs": [path.name for path in settings.logs],
        "test": None if settings.test is None else Path(settings.test).name,
    }
    del asked["out"]
    return json.loads(json.dumps(asked))


def _folder(settings: Settings, asked: dict[str, Any], default: Path) -> Path:
    """The folder that is named or free, once it is sure that it holds no market made otherwise."""
    folder = settings.out or default
    if settings.force:
        clear(folder, MARKET)
    there = read_market(folder / MARKET).asked if (folder / MARKET).exists() else None
    if there is None or there == asked:
        return folder
    if settings.out is None:
        return beside(default, json.dumps(asked), json.dumps(there))
    raise refusal(folder, json.dumps(there), asked)


def _fit(train: Impressions, settings: Settings) -> Fitted:
    """A campaign's model; an error names the campaign."""
    try:
        return fit_values(
            train.columns,
            train.happened,
            settings.model,
            settings.calibrate,
            settings.held_share,
            settings.strength,
        )
    except InputError as error:
        raise InputError(f"campaign {train.campaign}: {error}") from error


def _judged(
    number: int, part: Parts, fitted: Fitted, held: Impressions, predicted: list[Predictions]
) -> dict[str, Any]:
    """Figures of a campaign's predictions on its own impressions."""
    figures: dict[str, Any] = {
        "learned_from": fitted.held,
        "test_starts_before_training_ends": bool(part.test.time[0] < part.train.time[-1]),
    }
    for place, log, x in zip(("test", "held"), (part.test, held), predicted, strict=True):
        own = x.owner == number
        for kind, p in (("raw", x.raw[own, number]), ("calibrated", x.calibrated[own, number])):
            curve = reliability(p, log.happened)
            figures[f"{place}_{kind}"] = {
                **_plain(quality(p, log.happened)),
                "reliability": {name: x.tolist() for name, x in curve._asdict().items()},
            }
    return figures


def _plain(figures: Quality) -> dict[str, float | None]:
    """Figures for JSON, which has no NaN."""
    return {name: x if isfinite(x) else None for name, x in figures._asdict().items()}


def _print(console: Console, outcome: str, figures: dict[str, Any]) -> None:
    """The quality on the test part."""
    table = plain_table(
        f"predicted {outcome}s on the test part",
        "loss: log loss, nats an impression; base: of always saying the rate; error: of "
        "calibration",
    )
    for column in ("campaign", "prediction"):
        table.add_column(column, no_wrap=True)
    for column in (f"{outcome}s", "rate", "mean", "AUC", "loss", "base", "error"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, each in figures.items():
        for kind in ("raw", "calibrated"):
            row = each[f"test_{kind}"]
            table.add_row(
                name,
                kind,
                str(row["events"]),
                *(f"{row[key]:.3%}" for key in ("base_rate", "mean_prediction")),
                "–" if row["auc"] is None else f"{row['auc']:.3f}",
                *(f"{row[key]:.5f}" for key in ("log_loss", "base_log_loss")),
                f"{row['calibration_error']:.3%}",
            )
    console.print(table)
    for name, each in figures.items():
        events = each["test_raw"]["events"]
        if events < FEW:
            console.print(
                f"{name}: {events} {outcome}s to test on: these figures are mostly luck",
                style="yellow",
            )
        if each["test_starts_before_training_ends"]:
            console.print(
                f"{name}: the test log starts before the training log ends", style="yellow"
            )
