"""Clusters of advertisers that learn to coordinate."""

__all__: list[str] = []
