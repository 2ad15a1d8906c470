"""The rows of each set-up table, made from the parts of a bundle."""
