"""One page or one folder an algorithm."""
