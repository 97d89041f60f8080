"""The REST API: the functions of the pages, for programs with a personal token."""
