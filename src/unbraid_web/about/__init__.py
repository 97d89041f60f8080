"""Pages about the site itself: help, privacy, licence, samples, and its own source."""
