"""How a record is made of single sounds: levels, places, effects."""
