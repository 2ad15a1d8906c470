"""Files that are no 834: delimited or of fixed width, written by a layout as data."""
