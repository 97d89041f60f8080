"""The pages of songs: the library, uploading, and what can be done to one song."""
