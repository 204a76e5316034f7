"""The two reporting APIs of the sandbox, and the made-up market that they report on."""
