"""The sections of a set-up bundle, each as people write it."""
