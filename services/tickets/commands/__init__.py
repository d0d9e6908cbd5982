"""What can be done to tickets: load, decide, save, announce; all in the given `tx`."""
