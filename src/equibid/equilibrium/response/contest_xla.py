"""A softmax auction measured from its two highest bids, for a block of impressions.

Bids b, temperature τ, d = (top − second)/τ, and over the bidders below the top
z_j = (b_j − second)/τ, e_j = exp(z_j), E = Σ e_j ≥ 1:

    p_top = 1/(1 + e⁻ᵈE),  p_j = e⁻ᵈe_j/(1 + e⁻ᵈE),  1 − p_top = e⁻ᵈE/(1 + e⁻ᵈE),

and among themselves the opponents of the top bidder have the weights e_j/E. One exponential a bid
gives the winners and every price; nothing overflows, and nothing cancels when the top's
probability is one but for rounding. Derivatives are by hand: reverse mode would keep every
intermediate table.
"""

from typing import Literal, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from equibid.auctions.clearing import ABSENT

Pricing = Literal["soft", "hard"]
# Beyond it weights are zero in any type; finite, so that a product with a zero weight is zero.
FAR = 1e6


class ActiveBids(NamedTuple):
    """A softmax measured from its two highest bids; symbols in the page's first lines.

    Attributes:
        is_top: the highest bidder, the first of several; nobody where nobody bids.
        is_second: the first of the highest below it.
        top: currency per impression, float64; -inf is nobody.
        second: likewise.
        z: at most zero; the top's entry means nothing.
        e: zero for the top and the absent.
        total: E, zero where the top is alone.
        lead: d.
        odds: e⁻ᵈ.
    """

    is_top: Bool[Array, "B C"]
    is_second: Bool[Array, "B C"]
    top: Float[Array, "B 1"]
    second: Float[Array, "B 1"]
    z: Float[Array, "B C"]
    e: Float[Array, "B C"]
    total: Float[Array, "B 1"]
    lead: Float[Array, "B 1"]
    odds: Float[Array, "B 1"]

    @property
    def share(self) -> Float[Array, "B 1"]:
        """Probability of a bidder below the top, per unit of e."""
        return self.odds / (1 + self.odds * self.total)

    @property
    def win(self) -> Float[Array, "B C"]:
        """Probability p of winning."""
        return jnp.where(self.is_top, 1 / (1 + self.odds * self.total), self.share * self.e)

    @property
    def others(self) -> Float[Array, "B C"]:
        """Σ exp((b_j − top)/τ) over j ≠ i, for i below the top; at least 1."""
        return 1 + self.odds * (self.total - self.e)

    @property
    def best_other(self) -> Float[Array, "B C"]:
        """The highest bid of the others, currency per impression, float64; -inf without."""
        return jnp.where(self.is_top, self.second, self.top)

    @property
    def opponents(self) -> Float[Array, "B 1"]:
        """E where it is a divisor."""
        return jnp.maximum(self.total, 1)


def meet(bid: Float[Array, "B C"], temperature: Float[Array, ""], dtype: jnp.dtype) -> ActiveBids:
    """The contest of each impression.

    Args:
        bid: currency per impression, float64; -inf absent.
        temperature: τ, likewise.
        dtype: of the weights.
    """
    top = bid.max(axis=1, keepdims=True)
    is_top = first(bid == top) & (bid > ABSENT)
    below = jnp.where(is_top, ABSENT, bid)
    second = below.max(axis=1, keepdims=True)
    is_second = first(below == second) & (below > ABSENT)
    z = jnp.maximum((below - finite(second)) / temperature, -FAR).astype(dtype)
    e = jnp.exp(z)
    lead = jnp.clip((finite(top) - finite(second)) / temperature, 0, FAR).astype(dtype)
    return ActiveBids(is_top, is_second, top, second, z, e, row_sum(e), lead, odds=jnp.exp(-lead))


def price(
    contest: ActiveBids, temperature: Float[Array, ""], pricing: Pricing
) -> Float[Array, "B C"]:
    """What a win costs, currency; zero without another bidder."""
    best = finite(contest.best_other).astype(contest.e.dtype)
    if pricing == "hard":
        return best
    return best + temperature.astype(best.dtype) * below_best(contest)


def below_best(contest: ActiveBids) -> Float[Array, "B C"]:
    """μ, the soft price relative to the highest bid of the others, in temperatures."""
    z, e, total = contest.z, contest.e, contest.total
    moment = row_sum(e * z)
    rest = (moment - e * z) - contest.lead * (total - e)
    return jnp.where(
        contest.is_top, moment / contest.opponents, contest.odds * rest / contest.others
    )


def centred(contest: ActiveBids, x: Float[Array, "B C"]) -> Float[Array, "B C"]:
    """x_i − Σ_j p_j x_j; times p/τ, the softmax's derivative along x and its transpose."""
    rest = row_sum(contest.e * x)
    top = row_sum(jnp.where(contest.is_top, x, 0))
    mean = top / (1 + contest.odds * contest.total) + contest.share * rest
    # The top's probability may be one but for rounding: its difference is taken with the rest.
    return jnp.where(contest.is_top, contest.share * (contest.total * x - rest), x - mean)


def price_along(
    contest: ActiveBids, moved: Float[Array, "B C"], pricing: Pricing
) -> Float[Array, "B C"]:
    """Change of the prices when the bids change by `moved`.

    Soft: Σ_{j≠i} q_j (1 + (b_j − m_i)/τ) ḃ_j. Hard: the change of the bid that sets the price.
    """
    top = row_sum(jnp.where(contest.is_top, moved, 0))
    if pricing == "hard":
        second = row_sum(jnp.where(contest.is_second, moved, 0))
        return jnp.where(contest.is_top, second, top)
    mu, odds = below_best(contest), contest.odds
    low = contest.e * moved
    high = low * contest.z
    low_sum, high_sum = row_sum(low), row_sum(high)
    # Sums over j ≠ i of exp(y_j) ḃ_j and exp(y_j) y_j ḃ_j, where y_j = (b_j − top)/τ.
    mass = top + odds * (low_sum - low)
    moment = odds * ((high_sum - high) - contest.lead * (low_sum - low))
    others = (mass * (1 - mu) + moment) / contest.others
    return jnp.where(contest.is_top, (low_sum * (1 - mu) + high_sum) / contest.opponents, others)


def price_back(
    contest: ActiveBids, each: Float[Array, "B C"], pricing: Pricing
) -> Float[Array, "B C"]:
    """The transpose of `price_along`, of weights `each` on the costs: Σ_i u_i p_i ∂m_i/∂b_j."""
    paying = each * contest.win
    from_top = row_sum(jnp.where(contest.is_top, paying, 0))
    below = jnp.where(contest.is_top, 0, paying)
    if pricing == "hard":
        from_below = row_sum(below)
        return jnp.where(contest.is_top, from_below, jnp.where(contest.is_second, from_top, 0))
    mu = below_best(contest)
    # Payer i below the top gives j ≠ i: u_i p_i exp(y_j) (1 + y_j − μ_i) / Σ_{k≠i} exp(y_k).
    payer = below / contest.others
    payer_mu = payer * mu
    mass, moment = row_sum(payer) - payer, row_sum(payer_mu) - payer_mu
    y = contest.z - contest.lead
    to_below = contest.odds * contest.e * ((1 + y) * mass - moment)
    nu = row_sum(jnp.where(contest.is_top, mu, 0))
    to_below += from_top * contest.e / contest.opponents * (1 + contest.z - nu)
    return jnp.where(contest.is_top, mass - moment, to_below)


def met_back(
    contest: ActiveBids, drop: Float[Array, "B C"], raised: Float[Array, "B C"], pricing: Pricing
) -> Float[Array, "B C"]:
    """What all deviations make of the bids that they meet: Σ_{i≠j} q_j (raised_i ∂m_i − drop_i).

    Args:
        contest: the bids.
        drop: of each bidder's deviation, how it falls with the level of the others, per bid.
        raised: how it changes with the price.
        pricing: of the price.
    """
    top_drop = row_sum(jnp.where(contest.is_top, drop, 0))
    top_raised = row_sum(jnp.where(contest.is_top, raised, 0))
    drop, raised = (jnp.where(contest.is_top, 0, x) for x in (drop, raised))
    of_top = contest.e / contest.opponents
    if pricing == "hard":
        fall = -drop / contest.others
        to_below = contest.odds * contest.e * (row_sum(fall) - fall) - of_top * top_drop
        to_below += jnp.where(contest.is_second, top_raised, 0)
        return jnp.where(contest.is_top, row_sum(fall + raised), to_below)
    mu = below_best(contest)
    fall, lift = (raised * (1 - mu) - drop) / contest.others, raised / contest.others
    mass, moment = row_sum(fall) - fall, row_sum(lift) - lift
    to_below = contest.odds * contest.e * (mass + (contest.z - contest.lead) * moment)
    nu = row_sum(jnp.where(contest.is_top, mu, 0))
    to_below += of_top * (top_raised * (1 + contest.z - nu) - top_drop)
    return jnp.where(contest.is_top, row_sum(fall), to_below)


def first(mask: Bool[Array, "B C"]) -> Bool[Array, "B C"]:
    """The first true cell of each row."""
    return jnp.arange(mask.shape[1]) == mask.argmax(axis=1)[:, None]


def finite(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Zero in place of a bid that is absent."""
    return jnp.where(x > ABSENT, x, 0)


def row_sum(table: Float[Array, "B C"]) -> Float[Array, "B 1"]:
    """Sum over the bidders of an impression."""
    return table.sum(axis=1, keepdims=True)
