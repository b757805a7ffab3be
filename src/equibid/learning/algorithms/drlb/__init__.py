"""A Q-network that regulates λ, paid by the best return of a period."""

__all__: list[str] = []
