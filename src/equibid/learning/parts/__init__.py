"""What algorithms share: networks, replay, targets, episodes, structures."""
