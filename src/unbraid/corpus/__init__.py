"""Training songs without end, from free material only: list what there is, build songs, verify them."""
