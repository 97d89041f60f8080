"""Produces records from single sounds: levels, panning, effects."""
