"""Ways to an equilibrium, by name."""

__all__: list[str] = []
