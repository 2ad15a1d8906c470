"""Pure decisions on columns: which months are charged, who a line is about, why an amount differs."""
