"""Training data: songs as stems, mixed and degraded afresh for every step."""
