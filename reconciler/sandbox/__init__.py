"""EDGE. A local server that speaks the vendor's Management API, odd spellings and faults included."""
