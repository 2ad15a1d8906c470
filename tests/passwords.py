"""Passwords of tests are hashed in one round: nobody guesses at them, and a million rounds take a third of a second."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


def hash_quickly() -> None:
    """Hash so in this process; a process that hashed otherwise would hash again at a sign-in."""
    PBKDF2PasswordHasher.iterations = 1
