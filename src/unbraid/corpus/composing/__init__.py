"""Music on paper: notes, harmony, melodies, styles and grooves; no sound yet."""
