"""How far files have come: moves, what was accepted, what waits, cases."""
