"""Files of money: contributions and premiums."""
