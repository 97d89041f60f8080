"""Tests of `unbraid_web.separations.jobs`."""
