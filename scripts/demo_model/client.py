"""A client of the server's chat completions. Standard library only."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from typing import Any, Dict, List, Sequence

TIMEOUT_SECONDS = 120


class Client:
    """Thread safety: immutable."""

    def __init__(self, base_url: str, model: str = ""):
        self.base_url = base_url.rstrip("/")
        self.model = model or self._get("/v1/models")["data"][0]["id"]

    def ask(self, messages: List[Dict[str, Any]]) -> str:
        """The greedy answer. Raises SystemExit with the server's message where it refuses."""
        body = {"model": self.model, "messages": messages, "temperature": 0, "max_tokens": 256}
        request = urllib.request.Request(
            self.base_url + "/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        return self._send(request)["choices"][0]["message"]["content"]

    def _get(self, path: str) -> Any:
        return self._send(urllib.request.Request(self.base_url + path))

    @staticmethod
    def _send(request: urllib.request.Request) -> Any:
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{request.full_url}: {error.code} {error.read().decode(errors='replace')}") from error
        except urllib.error.URLError as error:
            raise SystemExit(f"{request.full_url}: {error.reason}") from error


def user_message(text: str, pngs: Sequence[bytes] = ()) -> Dict[str, Any]:
    """Pictures first, then the text."""
    urls = ["data:image/png;base64," + base64.b64encode(png).decode() for png in pngs]
    return {
        "role": "user",
        "content": [*({"type": "image_url", "image_url": {"url": url}} for url in urls), {"type": "text", "text": text}],
    }


def assistant_message(text: str) -> Dict[str, Any]:
    return {"role": "assistant", "content": text}
