"""Tests of `unbraid_web.separations.work`."""
