"""What this deployment exports: a folder for each connection, segment and export, with its defs.yaml."""
