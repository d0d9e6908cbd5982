"""The front door: checks tokens, limits floods, and passes calls on to the services."""
