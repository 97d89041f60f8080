"""Instruments: each turns a part into sound; `casting` decides who plays what."""
