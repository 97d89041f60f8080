"""Tests of what whoever runs the site needs."""
