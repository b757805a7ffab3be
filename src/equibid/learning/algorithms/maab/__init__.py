"""Deep Q bidders that share credit, held up by bars."""

__all__: list[str] = []
