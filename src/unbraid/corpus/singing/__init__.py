"""Voices: cuts speech into syllables, sings them to a melody, and makes finished vocal stems."""
