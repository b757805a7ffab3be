"""The command that asks for a run, in words, from the resolved settings of its folder."""

from collections.abc import Collection, Mapping
from shlex import join
from typing import Any

from equibid.auctions.registry import rule_named
from equibid.errors import InputError
from equibid.settings import as_text

# What stands without a name behind the command.
PLACED = {"fit": ("log",), "certify": ("market", "factors"), "exploit": ("market", "bidder")}
# What a config tells beside what was asked.
TOLD = {
    *("command", "version", "out", "markets", "log_digest", "digest", "learned", "games", "name"),
    *("factors_digest", "periods", "dataset", "plugins"),
}


def command_of(kind: str, config: Mapping[str, Any]) -> str:
    """The command with every setting that has a value; a log stands there by its name alone.

    Args:
        kind: of the run: compare, solve, certify, exploit, train or fit.
        config: of its folder.
    """
    placed = PLACED.get(kind, ("market",))
    words = ["equibid", kind, *(str(config[name]) for name in placed if name in config)]
    try:
        return join([*words, *_options(kind, config, placed)])
    except (LookupError, TypeError, ValueError):
        # Somebody changed the config; its market is as much as can be said.
        return join(words)


def _options(kind: str, config: Mapping[str, Any], placed: Collection[str]) -> list[str]:
    words = []
    for name, value in _asked(kind, config).items():
        if name in TOLD or name in placed or value is None or value is False:
            continue
        words += _option(name, value)
    for plugin in config.get("plugins") or ():
        words += ["--plugin", str(plugin)]
    return words


def _asked(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked, under the names of the options."""
    asked = dict(config)
    games = config.get("games")
    if kind == "solve" and isinstance(games, list) and games:
        alike = len({game["temperature"] for game in games}) == 1
        asked["auction"] = soft_text(games[0]) if alike else None
        if config.get("method") == "ncb-select":
            asked |= {name: games[0][name] for name in ("starts", "deflated")}
    # What is certified by default: day 0 for factors of a file, day 1 for a bidder.
    if kind == "certify" and config.get("days") == [int(config.get("factors_digest") is None)]:
        del asked["days"]
    seeds = config.get("seeds")
    if isinstance(seeds, list) and seeds:
        asked |= {"seeds": len(seeds), "seed": seeds[0]}
    return asked


def _option(name: str, value: Any) -> list[str]:
    option = f"--{name.replace('_', '-')}"
    if value is True:
        return [option]
    if name == "settings" and isinstance(value, Mapping):
        pairs = [f"{key}={as_text(x)}" for key, x in value.items()]
        return [word for pair in pairs for word in ("--set", pair)]
    if isinstance(value, Mapping):
        return [option, _rule(value)]
    if isinstance(value, list):
        # One day with a comma behind it is that day, not so many.
        return [option, ",".join(map(str, value)) + "," * (name == "days")]
    return [option, str(value)]


def _rule(rule: Mapping[str, Any]) -> str:
    try:
        return rule_named(rule)
    except InputError:
        # A rule of a plugin that is not imported here.
        return str(rule.get("rule"))


def soft_text(game: Mapping[str, Any]) -> str:
    """A game's auction as `auction_named` takes it."""
    name = "soft" if game["pricing"] == "soft" else "soft-hard"
    return f"{name}:temperature={game['temperature']!r}"
