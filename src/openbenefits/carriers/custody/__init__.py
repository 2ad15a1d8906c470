"""Where each person's lines stand; what is entered by hand."""
