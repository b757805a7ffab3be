"""A small perceptron from a file, as other libraries' weights are kept.

np.savez("ppo.npz", weight_0=…, bias_0=…, weight_1=…, bias_1=…, activation="tanh")
"""

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float

from equibid.errors import InputError, input_error
from equibid.files import opening
from equibid.learning.networks.mlp import ACTIVATIONS, MLP, Linear

Arrays = dict[str, npt.NDArray[Any]]


class Squashed(eqx.Module):
    """A perceptron whose answer goes through tanh, as SAC's mean does."""

    network: MLP

    def __call__(self, seen: Float[Array, "... F"]) -> Float[Array, "... 1"]:
        """The answer."""
        return jnp.tanh(self.network(seen))


def mlp_from(path: str | Path) -> MLP | Squashed:
    """A perceptron from a file of NumPy (``.npz``).

    It holds ``weight_0`` [O, F] and ``bias_0`` [O] of the first layer, as PyTorch has them, then
    ``weight_1``, ``bias_1``, … up to the last, of one output; the ``activation`` between layers,
    "tanh" if none is named; and ``squash``, true where tanh follows the last layer too.

    Raises:
        InputError: there is no such file, or it does not hold such layers.
    """
    path = Path(path)
    held = _arrays(path)
    activation = str(held.get("activation", "tanh"))
    if activation not in ACTIVATIONS:
        raise input_error(path, f"activation {activation!r} is none of {', '.join(ACTIVATIONS)}")
    network = MLP(_layers(path, held), (), activation, 0.0)
    return Squashed(network) if held.get("squash", False) else network


def _layers(path: Path, held: Arrays) -> tuple[Linear, ...]:
    """First to last, each of as many inputs as the one before has outputs.

    Raises:
        InputError: they are not.
    """
    layers: list[Linear] = []
    inputs = None
    for number in range(max(1, sum(name.startswith("weight_") for name in held))):
        weight, bias = (held.get(f"{name}_{number}") for name in ("weight", "bias"))
        if weight is None or bias is None:
            raise input_error(path, f"it must hold weight_{number} and bias_{number}")
        fits = weight.ndim == 2 and bias.shape == weight.shape[:1]
        if not fits or inputs not in (None, weight.shape[1]):
            raise input_error(
                path,
                f"weight_{number} of shape {weight.shape} does not go with "
                + (f"the {inputs} outputs before it" if fits else f"bias_{number} of {bias.shape}"),
            )
        layers.append(Linear(*(jnp.asarray(x, jnp.float32) for x in (weight.T, bias))))
        inputs = weight.shape[0]
    if inputs != 1:
        raise input_error(path, f"its last layer has {inputs} outputs; it must have one")
    return tuple(layers)


def _arrays(path: Path) -> Arrays:
    """What a file of NumPy holds.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with opening(path), path.open("rb") as file, np.load(file) as held:
            return dict(held)
    except InputError:
        raise
    except (ValueError, EOFError, BadZipFile, TypeError, AttributeError) as error:
        raise input_error(path, "it is no file of arrays as np.savez writes it") from error
