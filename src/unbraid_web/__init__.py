"""The website: upload a song, watch it come apart, play its stems, find it again."""
