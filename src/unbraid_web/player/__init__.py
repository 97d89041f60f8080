"""The player: all stems of a song on one clock, and the welcome page."""
