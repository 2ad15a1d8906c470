"""Pages about people: whom to find, one person's story, what may be done about an event, elections."""
