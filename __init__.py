"""actrec."""
