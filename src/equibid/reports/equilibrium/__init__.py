"""The report of a search for equilibria, or of a certificate."""

__all__: list[str] = []
