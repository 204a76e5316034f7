"""PURE. Evidence -> floor suggestions: pooled estimates, verdicts, guardrails, working, and a backtest of them."""
