"""Klaviyo lists as Dagster assets."""
