"""DT's User Level Reporting API."""
