"""What agents may show and say in Gymnasium's terms."""

from typing import cast

import numpy as np
import numpy.typing as npt

from equibid.envs.auction_observer import Auctions
from equibid.envs.campaign_observers import CostStatus, Uscb
from equibid.envs.observers import Joined, Observer, Pace, Traits
from equibid.errors import InputError
from equibid.simulation.features import WIDEST

try:
    from gymnasium.spaces import Box, Space
except ImportError as error:
    raise InputError(
        "environments need further libraries; run: pip install equibid[environments]"
    ) from error

# Observers that show shares, and logarithms kept within `WIDEST`. Others may show any number.
BOUNDED = (Pace, Traits, Auctions, Uscb, CostStatus)
Vector = npt.NDArray[np.float32]


def action_box(*agents: int) -> Space[Vector]:
    """One number from -1 to 1: [1], or [*agents, 1]."""
    return cast(Space[Vector], Box(-1.0, 1.0, (*agents, 1), np.float32))


def observation_box(observer: Observer, *agents: int) -> Space[Vector]:
    """What an observer may show: [F], or [*agents, F]."""
    parts = observer.parts if isinstance(observer, Joined) else (observer,)
    widest = [WIDEST if isinstance(part, BOUNDED) else np.inf for part in parts]
    bound = np.repeat(np.asarray(widest, np.float32), [len(part.names) for part in parts])
    bound = np.broadcast_to(bound, (*agents, len(bound)))
    return cast(Space[Vector], Box(-bound, bound, bound.shape, np.float32))
