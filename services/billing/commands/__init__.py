"""What billing does: load, decide, save, announce, in the transaction it is given."""
