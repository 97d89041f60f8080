"""The networks that can be trained: each is one file, and a preset in `unbraid.training.presets`."""
