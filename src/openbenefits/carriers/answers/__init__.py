"""What comes back, matched to what was sent."""
