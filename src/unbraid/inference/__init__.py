"""One song through one model: tiles, filter bank, runtimes, and the stream that joins them."""
