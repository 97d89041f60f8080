"""Families of General MIDI programs, counted from 0."""

PIANOS = frozenset(range(6))  # acoustic, electric and honky-tonk ones
BASSES = frozenset(range(32, 40))
PERCUSSION = frozenset(range(112, 119))
STRINGS = 48
SUNG = frozenset((52, 53, 54, 85, 91))  # choirs and voices: they would teach that singing is "other"
NOISES = frozenset(range(119, 128))
