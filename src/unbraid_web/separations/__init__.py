"""Separations: the background work that takes songs apart, the stems it leaves, and what is rendered from them."""
