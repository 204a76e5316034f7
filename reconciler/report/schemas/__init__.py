"""The shapes of the documents that `--format json` prints, as models, and the JSON Schemas made from them.

Nothing is decoded with these models. Readers should let pass keys they do not know: later versions may add some.
"""
