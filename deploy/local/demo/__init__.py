"""The demo company, Horizonte Hosting: what it sells, who works there, who buys."""
