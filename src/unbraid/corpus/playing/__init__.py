"""Instruments: each turns a part into sound; `casting` decides which instrument plays what."""
