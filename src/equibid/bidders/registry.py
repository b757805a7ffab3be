"""The bidders by name: a bidder is declared where it is written, and found everywhere."""

from collections.abc import Callable
from functools import partial

from equibid.bidders.bidder import Bidder
from equibid.bidders.training import TrainingLog
from equibid.registry import Registry, label, named

# Tunes a bidder on a log; its further arguments, which have defaults, are the bidder's settings.
Fit = Callable[..., Bidder]

BIDDERS: Registry[Fit] = Registry("bidder")
"""Bidders by name: each entry tunes one on a training log; its further arguments, which have
defaults, are the settings."""
# Those that suppose that the highest bid wins and pays the market price; others refuse no rule.
SECOND_PRICE_ONLY: set[str] = set()


def bidder_named(text: str) -> Callable[[TrainingLog], Bidder]:
    """What tunes the bidder ``name`` or ``name:setting=value,…``, as ``pid-ecpc:reference=40``.

    Raises:
        InputError: there is no such bidder or setting, or a setting takes no such value.
    """
    name, settings = named(BIDDERS, text)
    return partial(BIDDERS[name], **settings)


def bidder_label(text: str) -> str:
    """The shortest text for the same bidder with the same settings: what it is called."""
    return label(BIDDERS, text)


def names_bidder(text: str) -> bool:
    """Whether a text begins with the name of a bidder."""
    return text.partition(":")[0].strip() in BIDDERS
