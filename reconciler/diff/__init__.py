"""PURE. Desired state x live state x ledger -> one assessment of each resource; from these the changes and the audit.

`context.context_of` -> `assess` -> `changes.verdicts_on` for a plan, `classes.audit_account` for the drift report.
"""
