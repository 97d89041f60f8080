"""Voices: speech cut into syllables, a singer who puts them on a melody, finished vocal stems."""
