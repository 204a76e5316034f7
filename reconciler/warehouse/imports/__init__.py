"""Reports of other platforms and tables of other warehouses, read and stored."""
