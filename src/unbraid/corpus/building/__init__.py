"""Building a corpus: what there is, songs of it, their manifest, and whether they are whole."""
