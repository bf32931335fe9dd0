"""The demonstration: sample customers, and the two commands that show what the project does with them."""
