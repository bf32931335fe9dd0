"""The steps of a delivery by the requests that they make, as `order_fault` takes them."""

from __future__ import annotations

from typing import Any, Final

Step = dict[str, Any]

EVERY_ATTEMPT: Final = 7  # more than the client makes for one request

ACCOUNT: Final[Step] = {"method": "GET", "path": "/api/accounts*"}
LIST: Final[Step] = {"method": "GET", "path": "/api/lists/*"}
IMPORT: Final[Step] = {"method": "POST", "path": "/api/profile-bulk-import-jobs*"}
JOBS: Final[Step] = {"method": "GET", "path": "/api/profile-bulk-import-jobs*"}
CLEAR: Final[Step] = {"method": "POST", "path": "/api/profile-import*"}
LOOK_UP: Final[Step] = {"method": "GET", "path": "/api/lists/*/profiles*"}
REMOVE: Final[Step] = {"method": "DELETE", "path": "/api/lists/*/relationships/profiles*"}
