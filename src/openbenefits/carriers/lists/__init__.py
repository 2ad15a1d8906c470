"""Files that list people for administrators and insurers."""
