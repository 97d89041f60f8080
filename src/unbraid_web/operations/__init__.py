"""Running the site: whether it is well, its numbers, its backups."""
