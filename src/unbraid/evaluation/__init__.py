"""Evaluation: songs with known stems, the standard measures, and a report on a model."""
