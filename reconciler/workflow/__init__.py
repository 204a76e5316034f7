"""PORT. One short function per verb, from states to plans and suggestions, and from a plan to results."""
