"""The market's response with the impressions spread over devices, and over processes.

Each device sums its own impressions; the sums, a few numbers an advertiser, are gathered and added
in the order of the mesh, so that the bits depend on the number of devices and not on how many
processes own them. A process only ever holds the impressions of its own devices:

    mesh = jax.make_mesh((jax.device_count(),), ("impressions",))
    response = on_mesh(own_rows(game, mesh), mesh)
    returns, cost = response.respond(factors)
"""

from dataclasses import dataclass, replace
from functools import cached_property, partial

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.experimental.multihost_utils import process_allgather
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float

from equibid.equilibrium.game import Floats, Game
from equibid.equilibrium.response import rows as response_rows
from equibid.equilibrium.response.contest_xla import Pricing
from equibid.equilibrium.response.rows import Rows, Rule
from equibid.equilibrium.response.xla import (
    Quantity,
    Sums,
    block_rows,
    profiles_of,
    rule_of,
    sums,
)
from equibid.errors import InputError

AXIS = "impressions"


@dataclass(frozen=True)
class ShardedGame:
    """A game whose impressions lie on the devices of a mesh; calls as in `response_xla`.

    Every process makes the same calls in the same order, with the same arguments, and gets the
    same results.

    Attributes:
        game: budgets, caps and the rule; its market holds this process's impressions only.
        mesh: devices along the one axis "impressions".
        rows: all impressions, padded with some nobody bids on.
    """

    game: Game
    mesh: Mesh
    rows: Rows

    @cached_property
    def worth(self) -> Floats:
        """[N] value of the whole market to each advertiser, value units."""
        return np.asarray(self._over(response_rows.worth)[0])

    @cached_property
    def players(self) -> npt.NDArray[np.bool_]:
        """[N] who can gain anything: it has a budget, and values something."""
        return (self.game.budget > 0) & (self.worth > 0) & (self.game.cap > 0)

    def at(self, temperature: float) -> "ShardedGame":
        """The same game at another temperature."""
        return replace(self, game=self.game.at(temperature))

    def respond(self, factors: npt.ArrayLike) -> tuple[Array, Array]:
        """[N] returns, [N] cost at factors [N] or [T, N]."""
        won, paid = self._over(response_rows.respond, factors)
        return won, paid

    def jvp(
        self, factors: npt.ArrayLike, direction: npt.ArrayLike
    ) -> tuple[Array, Array, Array, Array]:
        """The response and its derivative along a direction."""
        won, paid, won_moved, paid_moved = self._over(response_rows.jvp, factors, direction)
        return won, paid, won_moved, paid_moved

    def vjp(
        self, factors: npt.ArrayLike, returns_weight: npt.ArrayLike, cost_weight: npt.ArrayLike
    ) -> tuple[Array, Array, Array]:
        """The response, and the gradient of a weighted total of it."""
        won, paid, gradient = self._over(response_rows.vjp, factors, returns_weight, cost_weight)
        return won, paid, gradient

    def deviate(self, factors: npt.ArrayLike, trial: npt.ArrayLike) -> tuple[Array, Array, Array]:
        """Returns, cost and its slope, each advertiser alone at its trial factor."""
        won, paid, slope = self._over(response_rows.deviate, factors, trial)
        return won, paid, slope

    def _over(self, quantity: Quantity, *profiles: npt.ArrayLike) -> Sums:
        """The sums of the whole game; arguments are copied to every device."""
        market = self.game.market
        copied = NamedSharding(self.mesh, PartitionSpec())
        arguments = jax.device_put(
            jax.tree.map(np.asarray, (rule_of(self.game), profiles_of(market, *profiles))), copied
        )
        return _sums(
            quantity,
            self.game.auction.pricing,
            market.advertisers,
            block_rows(market.values.shape[1]),
            self.mesh,
            self.rows,
            *arguments,
        )


def on_mesh(game: Game, mesh: Mesh) -> ShardedGame:
    """A game's impressions, moved to the devices of a mesh.

    Args:
        game: in a run of several processes, a game of this process's impressions (`own_rows`);
            every process has the same advertisers, ticks and rule.
        mesh: devices along the one axis "impressions".

    Raises:
        InputError: the mesh has other axes.
    """
    here, market = len(_own_devices(mesh)), game.market
    each = -(-max(market.impressions, 1) // here)
    if jax.process_count() > 1:
        each = int(process_allgather(np.asarray(each)).max())
    missing = each * here - market.impressions
    sharding = NamedSharding(mesh, PartitionSpec(AXIS))

    def place(x: npt.ArrayLike, padding: int = 0) -> Array:
        table = np.asarray(x)
        margin = [(0, missing)] + [(0, 0)] * (table.ndim - 1)
        padded = np.pad(table, margin, constant_values=padding)
        whole = (each * mesh.size, *table.shape[1:])
        return jax.make_array_from_process_local_data(sharding, padded, whole)

    ticks = np.repeat(np.arange(market.ticks, dtype=np.int32), np.diff(market.tick_start))
    rows = Rows(
        values=place(market.values),
        ids=None if market.candidates is None else place(market.candidates, -1),
        outside=None if market.market_price is None else place(market.market_price),
        tick=place(ticks),
    )
    return ShardedGame(game, mesh, rows)


def own_rows(game: Game, mesh: Mesh) -> Game:
    """The game of the impressions that this process's devices are to hold, all ticks kept.

    Arrays of NumPy, memory-mapped files among them, are sliced where they are.

    Raises:
        InputError: the mesh has other axes, or this process's devices are not side by side.
    """
    own = _own_devices(mesh)
    if own != list(range(own[0], own[0] + len(own))):
        raise InputError(
            "the devices of a process must lie side by side on the mesh; "
            "make it of jax.devices() in their order"
        )
    market = game.market
    each = -(-market.impressions // mesh.size)
    first, last = (min(each * edge, market.impressions) for edge in (own[0], own[-1] + 1))
    inside = slice(first, last)
    return replace(
        game,
        market=replace(
            market,
            values=market.values[inside],
            tick_start=np.clip(np.asarray(market.tick_start), first, last) - first,
            market_price=None if market.market_price is None else market.market_price[inside],
            candidates=None if market.candidates is None else market.candidates[inside],
            outcomes=None if market.outcomes is None else market.outcomes[inside],
        ),
    )


def _own_devices(mesh: Mesh) -> list[int]:
    """Places on the mesh of this process's devices.

    Raises:
        InputError: the mesh has other axes than "impressions", or no device of this process.
    """
    if mesh.axis_names != (AXIS,):
        raise InputError(f"impressions are spread along one mesh axis; name it {AXIS!r}")
    process = jax.process_index()
    own = [place for place, x in enumerate(mesh.devices) if x.process_index == process]
    if not own:
        raise InputError(f"no device of process {process} is on the mesh; give it one")
    return own


@partial(jax.jit, static_argnames=("quantity", "pricing", "advertisers", "block", "mesh"))
def _sums(
    quantity: Quantity,
    pricing: Pricing,
    advertisers: int,
    block: int,
    mesh: Mesh,
    rows: Rows,
    rule: Rule,
    profiles: list[Float[Array, "*T N"]],
) -> Sums:
    """`response_xla.sums` of every device, added in the order of the mesh."""

    def on_device(rows: Rows, rule: Rule, profiles: list[Array]) -> Sums:
        own = jnp.stack(sums(quantity, pricing, advertisers, block, rows, rule, profiles))
        return tuple(jax.lax.all_gather(own, AXIS).sum(axis=0))

    return jax.shard_map(
        on_device,
        mesh=mesh,
        in_specs=(PartitionSpec(AXIS), PartitionSpec(), PartitionSpec()),
        out_specs=PartitionSpec(),
        check_vma=False,  # what is gathered is the same everywhere, which the checker cannot see
    )(rows, rule, profiles)
