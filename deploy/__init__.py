"""Ways to run the product; nothing here is part of it."""
