"""Settings of JAX that hold whether it is imported before or after they are made."""

import os
import sys


def set_jax(name: str, value: bool | float | str) -> None:
    """Give a setting of JAX a value in this process and in those that it starts.

    JAX reads its settings from the environment when it is imported. So this does not import it:
    where JAX is there already, it is told as well.

    Args:
        name: as ``jax.config`` has it, ``jax_enable_x64``.
        value: of the setting. It replaces one that the environment has.
    """
    os.environ[name.upper()] = str(int(value) if isinstance(value, bool) else value)
    if "jax" in sys.modules:
        import jax  # noqa: PLC0415

        jax.config.update(name, value)
