"""The website: upload songs, follow their separation, mix the stems, keep a library."""
