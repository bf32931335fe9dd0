"""The web application: Klaviyo's API, the sandbox's controls, and the pages."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from klaviyo_assets.sandbox import control, pages
from klaviyo_assets.sandbox.api.gateway import Gateway
from klaviyo_assets.sandbox.settings import Settings
from klaviyo_assets.sandbox.state import Sandbox


class SandboxApp(Starlette):
    """Starlette for the pages and controls. The API goes by it, so that a fault can reach the bare connection."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(routes=[Mount("/_sandbox", routes=control.routes(sandbox)), *pages.routes(sandbox)])
        self.sandbox = sandbox
        self._gateway = Gateway(sandbox)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request."""
        if scope["type"] == "http" and scope["path"].startswith("/api/"):
            await self._gateway(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: Settings | None = None) -> SandboxApp:
    """A sandbox as an ASGI application, for whoever brings a server of their own."""
    return SandboxApp(Sandbox(settings))
