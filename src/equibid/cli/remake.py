"""Make the report of a run of ``solve``, ``certify`` or ``train`` anew.

These commands find their jobs done when they are asked for the same again, and end with the report.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from inspect import signature
from pathlib import Path
from typing import Any, cast

import equibid
from equibid.auctions.registry import AUCTIONS, auction_named
from equibid.bidders.registry import names_bidder
from equibid.cli.certify import Settings as CertifySettings
from equibid.cli.certify import rule_text, run_certify
from equibid.cli.market import MarketChoice
from equibid.cli.solve import Settings as SolveSettings
from equibid.cli.solve import run_solve
from equibid.cli.train import Settings as TrainSettings
from equibid.cli.train import run_train
from equibid.cli.training import TrainConfig
from equibid.equilibrium.solvers.registry import NCB_SELECT
from equibid.errors import InputError
from equibid.settings import as_text

Config = Mapping[str, Any]


def ask_again(folder: Path, kind: str, config: Config, log: str | None) -> None:
    """Ask for a run again; its report is in its folder then.

    Args:
        folder: of the run.
        kind: the command that made it.
        config: of the folder.
        log: where the log or the settings of its market lie, if it is no preset.

    Raises:
        InputError: another version made it, its market has to be named, or its config lacks
            something.
    """
    of_market = [field.name for field in fields(MarketChoice)]
    missing = [name for name in (*of_market, *NEEDED[kind]) if name not in config]
    if missing:
        raise InputError(f"{folder}: config.json lacks {', '.join(missing)}; make the run anew")
    if config["version"] != equibid.__version__:
        raise InputError(
            f"{folder} was made by Equibid {config['version']}, and only that version can make its "
            f"report anew; this one is {equibid.__version__}"
        )
    AGAIN[kind](folder, config, market_of(folder, config, log))


def market_of(folder: Path, config: Config, log: str | None) -> str:
    """The market of a run: a generated one, or what was named.

    Raises:
        InputError: it was a log or a file of settings, and none is named.
    """
    if log is not None:
        return log
    if not choice_of(config, config["market"]).generated:
        raise InputError(
            f"{folder} is about {config['market']}, whose place is not kept; name its log (or its "
            "settings) with --log"
        )
    return config["market"]


def choice_of(config: Config, market: str) -> MarketChoice:
    """The market as it was asked for."""
    asked = {field.name: config[field.name] for field in fields(MarketChoice)}
    return replace(MarketChoice(**asked), market=market)


def named(kind: type, config: Config, left_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """The settings of a command that stand in a config under their own names."""
    names = [field.name for field in fields(kind) if field.name not in left_out]
    return {name: config[name] for name in names if name in config}


def solve_again(folder: Path, config: Config, market: str) -> None:
    """The same search; its starts are read from their parts."""
    game = config["games"][0]
    auctions = {rule_text(one) for one in config["games"]}
    if len(auctions) > 1:
        raise InputError(
            f"{folder}: each market has an auction of its own; run `equibid solve` there again, it "
            "goes on from its parts"
        )
    settings = named(SolveSettings, config, ("auction", "starts", "deflated", "out"))
    starts = {name: game[name] for name in ("starts", "deflated")}
    if config["method"] != NCB_SELECT:
        starts = {}
    run_solve(
        choice_of(config, market),
        SolveSettings(**settings, **starts, auction=auctions.pop(), out=folder),
    )


def certify_again(folder: Path, config: Config, market: str) -> None:
    """The same certificates, of a bidder."""
    if not names_bidder(config["factors"]):
        raise InputError(
            f"{folder} is about the factors {config['factors']}, whose place is not kept; run "
            "`equibid certify` there again"
        )
    settings = named(CertifySettings, config, ("days", "out"))
    generated = choice_of(config, market).generated
    days = ",".join(map(str, config["days"])) + "," if generated else None
    run_certify(choice_of(config, market), CertifySettings(**settings, days=days, out=folder))


def train_again(folder: Path, config: Config, market: str) -> None:
    """The same training run, which finds itself finished."""
    if not (folder / "policy.eqx").exists():
        raise InputError(f"{folder} is not finished; let `equibid train` go on first")
    changed = tuple(f"{key}={as_text(value)}" for key, value in config["settings"].items())
    lesson = named(TrainConfig, config, ("set", "log", "checkpoint_every", "auction"))
    seeds = config["seeds"]
    run_train(
        choice_of(config, market),
        TrainConfig(**lesson, auction=rule_named(config["auction"]), set=changed),
        TrainSettings(seeds=len(seeds), seed=seeds[0], out=folder),
    )


def rule_named(rule: Config) -> str:
    """A resolved rule as `auction_named` takes it.

    Raises:
        InputError: no rule has these settings.
    """
    wanted = json.dumps(rule, sort_keys=True)
    for name in AUCTIONS:
        known = [key for key in signature(AUCTIONS[name]).parameters if key in rule]
        text = f"{name}:{','.join(f'{key}={rule[key]!r}' for key in known)}"
        try:
            auction = auction_named(text)
        except InputError:
            continue
        found = {"rule": type(auction).__name__} | asdict(cast(Any, auction))
        if json.dumps(found, sort_keys=True) == wanted:
            return text
    raise InputError(f"there is no auction with the settings {wanted}")


AGAIN: dict[str, Callable[[Path, Config, str], object]] = {
    "solve": solve_again,
    "certify": certify_again,
    "train": train_again,
}
# What a config is asked for beside its market.
NEEDED = {
    "solve": ("version", "games"),
    "certify": ("version", "factors", "days"),
    "train": ("version", "settings", "seeds", "auction", "play"),
}
