"""Events as JSON over HTTP; for scripts and hooks. The stream client is the fast and the safe one."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Iterable, List, Union

from .events import Event


class HttpClient:
    """Posts batches of events to one hunt.

    key: an API key, sent as a bearer token. Events may be `Event`s or dicts of the JSON form; a dict may
    name its player. Give them sequences, and a producer, when a request may be repeated.
    """

    def __init__(self, base="http://127.0.0.1:7400", hunt="", *, key=None, timeout=10.0,
                 path="/v1/hunts/{hunt}/events"):
        self._url = base.rstrip("/") + path.format(hunt=urllib.parse.quote(hunt, safe=""))
        self._timeout = timeout
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"

    def send(self, events: Iterable[Union[Event, dict]]) -> List[dict]:
        """The outcomes, in the order of the events; urllib.error.HTTPError for any status above 299."""
        forms = [one.to_json() if isinstance(one, Event) else one for one in events]
        body = json.dumps(forms, ensure_ascii=False, separators=(",", ":")).encode()
        request = urllib.request.Request(self._url, data=body, headers=self._headers, method="POST")
        with urllib.request.urlopen(request, timeout=self._timeout) as response:
            answer = json.loads(response.read())
        return answer["outcomes"] if isinstance(answer, dict) and "outcomes" in answer else answer
