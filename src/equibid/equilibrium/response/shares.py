"""The impressions of a game dealt out to processes.

Each process gets whole blocks, side by side, so that the sums of all blocks in their order are what
one process alone adds, to the same bits.
"""

from dataclasses import replace

from equibid.equilibrium.game import Game
from equibid.equilibrium.response.response import BLOCK
from equibid.markets.market import slab


def blocks_each(game: Game, processes: int) -> int:
    """Blocks that a process gets; the last may get fewer, or none."""
    blocks = -(-game.market.impressions // BLOCK)
    return -(-blocks // processes)


def share_of(game: Game, process: int, processes: int) -> Game:
    """The game of the impressions of one process, all advertisers and ticks kept.

    Args:
        game: whole.
        process: its number, from 0.
        processes: how many there are.
    """
    market = game.market
    size = blocks_each(game, processes) * BLOCK
    first, last = (min(size * edge, market.impressions) for edge in (process, process + 1))
    return replace(game, market=slab(market, first, last))
