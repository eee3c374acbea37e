"""From a checkpoint to a bundle: graphs, their parity, int8, and what other servers need."""
