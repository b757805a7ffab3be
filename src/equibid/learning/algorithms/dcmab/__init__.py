"""Clusters of advertisers that learn to coordinate."""
