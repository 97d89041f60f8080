"""The five stems that songs are taken apart into, in their order."""

STEMS = ("vocals", "drums", "bass", "piano", "other")
