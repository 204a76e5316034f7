"""PORT. Carrying out a plan through the ports: the only code that writes."""
