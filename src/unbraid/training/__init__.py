"""The extra `[train]`: networks, losses, data, the training loop, and the export to ONNX."""
