"""Builds a corpus: the catalogue of material, the songs, their manifest and their verification."""
