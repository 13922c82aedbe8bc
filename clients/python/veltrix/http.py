"""Events as JSON over HTTP; for scripts and hooks. The stream client is the fast and the safe one."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Iterable, List, Union

from .events import Event


class HttpClient:
    """Posts batches of events to one hunt.

    key: an API key, sent as a bearer token. operate: asks for the right to order as well as to report.
    Events may be `Event`s or dicts of the JSON form; a dict may name its player. Give them sequences and a
    producer, or the request an idempotency key, when it may be repeated.
    """

    def __init__(self, base="http://127.0.0.1:7400", hunt="", *, key=None, operate=False, timeout=10.0,
                 ack="durable"):
        path = f"/v1/hunts/{urllib.parse.quote(hunt, safe='')}/events?ack={ack}"
        self._url = base.rstrip("/") + path
        self._timeout = timeout
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"
        if operate:
            self._headers["Veltrix-Rights"] = "operate"

    def send(self, events: Iterable[Union[Event, dict]], *, idempotency_key=None) -> List[dict]:
        """The outcomes, in the order of the events, also when none of them was taken.

        urllib.error.HTTPError when the request as a whole was refused; its status and body say why.
        """
        forms = [one.to_json() if isinstance(one, Event) else one for one in events]
        body = json.dumps(forms, ensure_ascii=False, separators=(",", ":")).encode()
        request = urllib.request.Request(self._url, data=body, headers=self._headers, method="POST")
        if idempotency_key is not None:
            request.add_header("Idempotency-Key", idempotency_key)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as response:
                return json.loads(response.read())["outcomes"]
        except urllib.error.HTTPError as error:
            with error:
                answer = error.read()
            outcomes = _outcomes(answer)
            if not outcomes:
                raise urllib.error.HTTPError(
                    error.url, error.code, error.reason, error.headers, io.BytesIO(answer)) from None
            return outcomes


def _outcomes(body: bytes) -> list:
    """The outcomes in the body of an error; empty when it has none."""
    try:
        return json.loads(body)["outcomes"]
    except (ValueError, KeyError, TypeError):
        return []
