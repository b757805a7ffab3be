"""Commands, configuration, progress: what the user touches."""
