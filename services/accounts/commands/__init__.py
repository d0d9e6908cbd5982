"""What accounts can be told to do: load, decide, save, announce, in one transaction."""
