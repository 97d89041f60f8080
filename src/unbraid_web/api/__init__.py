"""The REST API: what the pages do, for programs that hold a personal token."""
