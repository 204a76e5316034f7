"""Floor suggestions and backtests -> text, JSON and Markdown. Prices are USD per thousand impressions."""
