"""Management commands for whoever runs the site."""
