"""A transformer that predicts equilibrium factors, and what it is compared with."""

__all__: list[str] = []
