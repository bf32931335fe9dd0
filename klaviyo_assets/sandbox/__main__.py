"""`python -m klaviyo_assets.sandbox`."""

from klaviyo_assets.sandbox.command import sandbox

if __name__ == "__main__":
    sandbox()
