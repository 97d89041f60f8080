"""The extra `[train]`: networks, losses, data, the loop that joins them, and the way out to ONNX."""
