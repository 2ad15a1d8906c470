"""What carriers are told: pure rules on columns; no database, no Django, no clock."""
