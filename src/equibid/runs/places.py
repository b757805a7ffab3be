"""Whose folder a run folder is: what tells runs apart, and how one makes room for another."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import Any

from equibid.errors import InputError
from equibid.plugins import loaded

# What a run folder may hold besides its parts and loggers; with anything else it is not replaced.
KINDS = {".json", ".jsonl", ".parquet", ".html", ".eqx", ".csv", ".toml", ".txt", ".part"}
FOLDERS = {"parts", "loggers", "models"}
# Settings that are named when a run with others is refused.
NAMED, LONGEST = 4, 60


def asked_of(settings: Any) -> dict[str, Any]:
    """The settings of a command as a config has them: not where the run goes."""
    asked = asdict(settings) | {"out": None}
    asked.pop("force", None)
    return asked


def whole_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config with the plugins that were named."""
    return {**config, **({"plugins": loaded()} if loaded() else {})}


def config_text(config: Mapping[str, Any]) -> str:
    """What stands in ``config.json``."""
    return json.dumps(whole_config(config), indent=2, sort_keys=True) + "\n"


def place_for(folder: Path, config: Mapping[str, Any], inner: str = "") -> Path:
    """Where a run goes that named no folder.

    Args:
        folder: by default.
        config: of the run.
        inner: the run's own folder in it, if it is one of several.

    Returns:
        The folder by default, or the one beside it with the config's digest behind its name if the
        first holds a run with another config.
    """
    return beside(folder, config_text(config), text_in(folder / inner / "config.json"))


def beside(folder: Path, asked: str, there: str | None) -> Path:
    """The folder, or the one beside it for what is asked if something else is there."""
    if there is None or there == asked:
        return folder
    digest = blake2b(asked.encode(), digest_size=4).hexdigest()
    return folder.with_name(f"{folder.name}-{digest}")


def text_in(path: Path) -> str | None:
    """A file's text; empty where it cannot be read, None where there is no file."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        return ""


def refusal(folder: Path, there: str, asked: Mapping[str, Any]) -> InputError:
    """Why a folder is not used: what is different about the run that it holds.

    Args:
        folder: of a run.
        there: the text of its config.
        asked: the config of the run that was asked for.
    """
    mend = "name another folder with --out, or replace this run with --force"
    try:
        differ = differences(json.loads(there), json.loads(json.dumps(asked)))
    except (ValueError, AttributeError, RecursionError):
        return InputError(f"{folder}: its settings cannot be read; {mend}")
    return InputError(f"{folder} holds a run with other settings ({'; '.join(differ)}); {mend}")


def differences(there: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """Each setting that differs, as ``seeds: 5 there, 10 asked``; the first few of them."""
    old, new = flat(there), flat(asked)
    names = [name for name in sorted(old | new) if old.get(name) != new.get(name)]
    told = [f"{name}: {brief(old.get(name))} there, {brief(new.get(name))} asked" for name in names]
    more = len(told) - NAMED
    return [*told[:NAMED], *([f"and {more} more"] if more > 0 else [])]


def flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """Inner settings under dotted names."""
    found: dict[str, Any] = {}
    for name, x in config.items():
        inner = flat(x) if isinstance(x, dict) else {}
        found |= {f"{name}.{key}": value for key, value in inner.items()} or {name: x}
    return found


def brief(x: Any) -> str:
    """A setting in a few words."""
    text = ",".join(map(str, x)) if isinstance(x, list) else str("none" if x is None else x)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def clear(folder: Path, marker: str = "config.json") -> None:
    """Delete a run, so that another takes its place.

    Args:
        folder: of the run; there may be none.
        marker: the file that makes it a run.

    Raises:
        InputError: it is no run, holds something no run made, or cannot be deleted.
    """
    if not folder.exists():
        return
    here, place = Path.cwd().resolve(), folder.resolve()
    if folder.is_symlink() or place == here or place in here.parents:
        raise InputError(f"--force: {folder} is a link, or a folder you are in; delete it yourself")
    if not (folder / marker).is_file():
        raise InputError(f"--force: {folder} is no run of Equibid, {marker} is missing")
    for path in folder.iterdir():
        if path.is_dir() and (path.name in FOLDERS or (path / marker).is_file()):
            continue
        if path.is_dir() or path.suffix not in KINDS:
            raise InputError(f"--force: {folder} also holds {path.name}, which no run made")
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise InputError(f"--force: {folder} cannot be deleted ({error.strerror})") from error
