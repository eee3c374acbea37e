"""Training: clips, features, streams, the head. Needs the extra `train`."""
