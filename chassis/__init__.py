"""The plumbing every process stands on; it knows no business word."""
