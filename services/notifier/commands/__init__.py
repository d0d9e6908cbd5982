"""What the notifier decides, in the transaction it is given."""
