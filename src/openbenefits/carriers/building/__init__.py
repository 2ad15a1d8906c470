"""From the coverage timeline to a file, validated and kept."""
