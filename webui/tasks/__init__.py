"""The missed-call ledger: lost callers, each an open task until somebody has spoken with them."""
