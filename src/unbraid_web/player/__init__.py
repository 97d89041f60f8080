"""The player: all stems of a song on one clock, and the page that invites to it."""
