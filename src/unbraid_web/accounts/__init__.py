"""People: signing up, logging in, changing and resetting passwords, leaving with everything."""
