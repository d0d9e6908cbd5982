"""What one process may know of another: events, who reads them, and API models."""
