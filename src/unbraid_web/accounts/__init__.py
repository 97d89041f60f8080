"""Accounts: signing up, logging in, changing and resetting passwords, deleting an account with all its data."""
