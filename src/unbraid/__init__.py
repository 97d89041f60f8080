"""unbraid takes a song apart into vocals, drums, bass, piano and other."""
