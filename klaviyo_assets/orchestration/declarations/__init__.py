"""WHAT STANDS IN A DECLARATION: from YAML to the values of `exports`, with every mistake at its line and column.

    file ──documents──▶ Document ──rendering──▶ attributes without templates ──wording──▶ Declaration, or mistakes
    └───────────────────────────────────────── reading ─────────────────────────────────────────┘

The same way is gone when Dagster loads a project and when `klaviyo-assets check` reads a folder, so that both tell
the same sentence. What is wrong between declarations, however they were made, is in `crosscheck.py` next door.
"""
