"""Auctions with a temperature: the softmax allocation of Nash-equilibrium constrained bidding.

With bids b and temperature τ, advertiser i wins with probability
``p_i = exp(b_i/τ) / Σ_j exp(b_j/τ)`` and pays, when it wins, the price its competitors make:

- ``soft``: ``m_i = Σ_{j≠i} b_j exp(b_j/τ) / Σ_{j≠i} exp(b_j/τ)``,
- ``hard``: ``m_i = max_{j≠i} b_j``.

Source: Nash-equilibrium constrained bidding at scale (arXiv 2503.10304), section 2. As τ → 0 both
become the second-price auction with even splits of ties. The rule charges bids of zero.
"""

from dataclasses import dataclass
from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt64

from equibid.auctions.clearing import ABSENT, Clearing, Draws, drop_outside, join_outside
from equibid.auctions.registry import AUCTIONS
from equibid.errors import InputError
from equibid.noise import Purpose, uniform


@dataclass(frozen=True)
class Soft:
    """Softmax allocation of one slot.

    Attributes:
        temperature: τ, currency per exposure; small against the bids.
        pricing: "soft" (softmax mean of the others) or "hard" (highest of the others).
        reserve: lowest price; a lower bid takes no part.
        minimum_budget: an advertiser with less money left sits out the tick.
    """

    temperature: float
    pricing: Literal["soft", "hard"] = "soft"
    reserve: float = 0.0
    minimum_budget: float = 0.0

    @property
    def expected_exposure(self) -> tuple[float, ...]:
        """The one slot is always shown."""
        return (1.0,)

    def _price(
        self, table: Float[Array, "B C"], probability: Float[Array, "B C"]
    ) -> Float[Array, "B C"]:
        """What a win would cost each column, present or not."""
        price = (
            leave_one_out_max(table)
            if self.pricing == "hard"
            else leave_one_out_mean(table, probability, self.temperature)
        )
        return jnp.maximum(price, self.reserve)

    def competition(
        self, bids: Float[Array, "B C"], outside: Float[Array, " B"] | None = None
    ) -> tuple[Float[Array, "B C"], Float[Array, "B C"]]:
        """What each column meets, the others' bids standing, whether it bids itself or not.

        Args:
            bids: money per exposure, ``-inf`` for who takes no part.
            outside: highest bid from outside the market on each impression.

        Returns:
            What a win costs, and the bid that wins with even chance (``-inf`` where nobody else
            takes part), both money per exposure.
        """
        table = bids if outside is None else join_outside(bids, outside, False)
        table = jnp.where(table >= self.reserve, table, ABSENT)
        price = self._price(table, _softmax(table, self.temperature))
        even = leave_one_out_even(table, self.temperature)
        if outside is not None:
            price, even = drop_outside(price, False), drop_outside(even, False)
        return price, even

    def draw(
        self, seed: UInt64[Array, ""], impressions: Int[Array, " B"], ids: Int[Array, "#B C"]
    ) -> Draws:
        """The luck that picks the winners; the one slot is always shown."""
        luck = uniform(seed, Purpose.LUCK, impressions[:, None], ids)
        outside = uniform(seed, Purpose.LUCK, impressions, jnp.asarray(-1))
        return Draws(jnp.ones((impressions.shape[0], 1)), luck, outside)

    def clear(
        self,
        bids: Float[Array, "B C"],
        outside: Float[Array, " B"] | None = None,
        draws: Draws | None = None,
    ) -> Clearing:
        """Clear a block; see `Auction.clear`."""
        table = bids if outside is None else join_outside(bids, outside, False)
        table = jnp.where(table >= self.reserve, table, ABSENT)
        probability = _softmax(table, self.temperature)
        price = jnp.where(table > ABSENT, self._price(table, probability), 0)
        mean = (probability * jnp.where(table > ABSENT, table, 0)).sum(axis=1)
        mean = jnp.maximum(mean, self.reserve)
        win = probability
        if draws is not None:
            luck = draws.luck
            if outside is not None:
                luck = join_outside(luck, draws.outside_luck, False)
            # Gumbel's trick: the argmax of z + noise is a draw from softmax(z).
            gumbel = -jnp.log(-jnp.log(jnp.maximum(luck, 2.0**-54)))
            winner = (table / self.temperature + gumbel).argmax(axis=1)
            chosen = jnp.arange(table.shape[1]) == winner[:, None]
            win = (chosen & (table > ABSENT)).astype(table.dtype)
        if outside is not None:
            win, price = drop_outside(win, False), drop_outside(price, False)
        slot = (win > 0).astype(jnp.int8)
        return Clearing(
            slot=slot,
            win=win,
            exposure=win,
            price=price,
            top_bids=jnp.stack([mean, mean], axis=1),
            place=slot,
        )


def _softmax(table: Float[Array, "B C"], temperature: float) -> Float[Array, "B C"]:
    """Softmax of bids over columns; zero for the absent, and where everybody is."""
    top = table.max(axis=1, keepdims=True)
    weight = jnp.exp((table - jnp.where(top > ABSENT, top, 0)) / temperature)
    total = weight.sum(axis=1, keepdims=True)
    return weight / jnp.where(total > 0, total, 1)


def leave_one_out_max(table: Float[Array, "B C"]) -> Float[Array, "B C"]:
    """Highest bid of the others, 0 where there is none."""
    top = table.argmax(axis=1)
    is_top = jnp.arange(table.shape[1]) == top[:, None]
    second = jnp.where(is_top, ABSENT, table).max(axis=1, keepdims=True)
    highest = jnp.where(is_top, second, table.max(axis=1, keepdims=True))
    return jnp.where(highest > ABSENT, highest, 0)


def leave_one_out_mean(
    table: Float[Array, "B C"], probability: Float[Array, "B C"], temperature: float
) -> Float[Array, "B C"]:
    """Softmax mean of the others' bids, 0 where there are none.

    Taking a bidder out of the sums by subtraction cancels when its probability nears one, so the
    top bidder's others are summed anew; everybody else has a probability of at most one half.
    """
    bids = jnp.where(table > ABSENT, table, 0)
    weighted = probability * bids
    others = (weighted.sum(axis=1, keepdims=True) - weighted) / (1 - jnp.minimum(probability, 0.5))
    is_top = jnp.arange(table.shape[1]) == table.argmax(axis=1)[:, None]
    rest = jnp.where(is_top, ABSENT, table)
    top_price = (_softmax(rest, temperature) * bids).sum(axis=1, keepdims=True)
    return jnp.where(is_top, top_price, others)


def leave_one_out_even(table: Float[Array, "B C"], temperature: float) -> Float[Array, "B C"]:
    """``τ · log Σ_j exp(b_j / τ)`` over the others, ``-inf`` where there are none.

    Measured from the others' highest bid, whose own term is 1: at least that much of the sum is
    left when a bidder's own term is taken out, and the top bidder's others are summed anew.
    """
    is_top = jnp.arange(table.shape[1]) == table.argmax(axis=1)[:, None]
    rest = jnp.where(is_top, ABSENT, table)

    def even(present: Array, own: Array | float) -> Array:
        top = present.max(axis=1, keepdims=True)
        safe = jnp.where(top > ABSENT, top, 0)
        total = jnp.exp((present - safe) / temperature).sum(axis=1, keepdims=True)
        others = jnp.maximum(total - jnp.exp((own - safe) / temperature), 1e-300)
        return jnp.where(top > ABSENT, safe + temperature * jnp.log(others), ABSENT)

    return jnp.where(is_top, even(rest, ABSENT), even(table, jnp.where(is_top, ABSENT, table)))


@AUCTIONS.add("soft", "Softmax allocation, softmax-mean price of the others (temperature).")
def soft(temperature: float = 0.05) -> Soft:
    """The rule of the NCB papers as written.

    Args:
        temperature: of the softmax, in the market's money.
    """
    return Soft(positive(temperature))


@AUCTIONS.add("soft-hard", "Softmax allocation, highest bid of the others as price.")
def soft_hard(temperature: float = 0.05) -> Soft:
    """The rule that reproduces the NCB paper's table 3.

    Args:
        temperature: of the softmax, in the market's money.
    """
    return Soft(positive(temperature), "hard")


def positive(temperature: float) -> float:
    """The temperature itself, if it is one.

    Raises:
        InputError: it is not above zero.
    """
    if not temperature > 0:
        raise InputError(f"temperature {temperature:g} must be above 0; second-price is its limit")
    return temperature
