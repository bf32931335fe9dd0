"""Tests of declarations: every mistake is told, with its place, and whatever is right becomes definitions."""
