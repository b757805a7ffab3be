"""The bidders by name: a bidder is declared where it is written, and found everywhere."""

from collections.abc import Callable

from equibid.bidders.bidder import Bidder
from equibid.bidders.training import TrainingLog
from equibid.registry import Registry

Fit = Callable[[TrainingLog], Bidder]

BIDDERS: Registry[Fit] = Registry("bidder")
