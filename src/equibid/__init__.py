"""Equibid: auto-bidding in real-time ad auctions, from logs to a ranked table.

Axis names used everywhere: ``S`` seeds or markets, ``T`` ticks, ``K`` impressions, ``N``
advertisers, ``C`` candidates of an impression, ``L`` slots, ``B`` impressions of a block.

Importing the package turns JAX's 64-bit mode on, and does not import JAX: money is kept in float64,
because a budget that is exact to the last cent cannot live in 24 bits. Values may stay float32.
"""

from equibid.jax_settings import set_jax

__version__ = "0.1.0"

set_jax("jax_enable_x64", True)
