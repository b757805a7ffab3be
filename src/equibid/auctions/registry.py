"""The auction rules by name."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from inspect import signature
from typing import Any, cast

from equibid.auctions.clearing import Auction
from equibid.errors import InputError
from equibid.registry import Registry, made

AUCTIONS: Registry[Callable[..., Auction]] = Registry("auction")
"""Auction rules by name: settings in, an auction out."""


def auction_named(text: str) -> Auction:
    """The rule ``name`` or ``name:setting=value,…``, as ``gsp:reserve=0.01``.

    Raises:
        InputError: there is no such rule or setting, or a setting takes no such value.
    """
    auction = made(AUCTIONS, text)
    for setting in ("reserve", "minimum_budget"):
        if not getattr(auction, setting, 0.0) >= 0:
            raise InputError(f"auction {text}: {setting} must be 0 or more")
    if not getattr(auction, "temperature", 1.0) > 0:
        raise InputError(f"auction {text}: temperature must be above 0")
    return auction


def rule_named(rule: Mapping[str, Any]) -> str:
    """A rule as a config holds it, in the words that `auction_named` takes.

    Args:
        rule: the name of its class under `rule`, and its settings.

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
