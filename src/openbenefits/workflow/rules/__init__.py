"""What channels decide, on columns: no database, no Django, no clock."""
