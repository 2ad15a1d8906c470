"""What each carrier was told, is to be told, and answered."""
