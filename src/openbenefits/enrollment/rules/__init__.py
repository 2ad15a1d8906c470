"""What people are offered, what they get, and from when: preparation, validation, the timeline."""
