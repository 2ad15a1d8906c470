"""What a receiver answers to a file, what that means for it, and what we answer to files of others."""
