"""Composes music as notes, not sound: harmony, melodies, styles and grooves."""
