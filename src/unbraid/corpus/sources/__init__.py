"""Sources of training sounds: one record (TOML) for each, and one fetcher for them all."""
