"""PURE. Changes -> a plan: a value that can be saved, shown, guarded and carried out."""
