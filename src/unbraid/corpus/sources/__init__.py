"""Where training sounds come from: one record (TOML) for each source, and one fetcher that brings them all."""
