"""Data sets that others made, each read as songs of the five sources."""
