"""How well a controller holds its reference: the four numbers of control engineering.

Source: as reported for bidding by Zhang, Rong, Wang, Zhu and Wang, "Feedback control of real-time
display advertising", WSDM 2016.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float


class ControlReport(NamedTuple):
    """Quality of control, one number an advertiser.

    Attributes:
        rise_time: first tick, from 0, at whose end the controlled variable is inside the band;
            inf if there is none.
        settling_time: first tick from which it stays inside; inf if there is none.
        overshoot: how far it passes the reference on the far side of where it began, as a share of
            the reference.
        steady_state_rmse: root mean square error from the settling time on, as a share of the
            reference; nan if it never settles.
    """

    rise_time: Float[Array, " N"]
    settling_time: Float[Array, " N"]
    overshoot: Float[Array, " N"]
    steady_state_rmse: Float[Array, " N"]


def control_report(
    x: Float[Array, "T N"], reference: Float[Array, " N"], band: float = 0.1
) -> ControlReport:
    """Judge a controlled variable against its reference.

    Args:
        x: the variable at the end of each tick, finite.
        reference: what it should be, positive.
        band: half width of the band around the reference, as a share of it.
    """
    error = x / reference - 1
    ticks = jnp.arange(len(x))[:, None]
    inside = jnp.abs(error) <= band
    for_good = jnp.cumprod(inside[::-1], axis=0)[::-1] > 0
    rise = jnp.where(inside, ticks, jnp.inf).min(axis=0)
    settling = jnp.where(for_good, ticks, jnp.inf).min(axis=0)
    settled_ticks = for_good.sum(axis=0)
    mean_square = jnp.where(for_good, error**2, 0).sum(axis=0) / settled_ticks
    return ControlReport(
        rise_time=rise,
        settling_time=settling,
        overshoot=jnp.maximum(-jnp.sign(error[0]) * error, 0).max(axis=0),
        steady_state_rmse=jnp.sqrt(mean_square),
    )
