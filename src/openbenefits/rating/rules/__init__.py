"""What it costs: offers (the set-up of a day), coverage amounts, quotes (rates found), prices."""
