"""Speaks to the knowledge base over HTTP, rung 3 of the ladder; passes its answers on as they are."""

from typing import Any, NamedTuple

import httpx

from handoff.errors import KnowledgeBaseAway, KnowledgeBaseFailed


class KbAnswer(NamedTuple):
    """Status and JSON of an answer; a 4xx carries the knowledge base's own error for whoever asked."""

    status: int
    body: Any


class KnowledgeBase:
    """A loopback service behind a bearer token."""

    def __init__(self, base_url: str, *, token: str, timeout_s: float = 10.0) -> None:
        self._http = httpx.Client(
            base_url=base_url,
            timeout=timeout_s,
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
        )

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: object | None = None,
        timeout_s: float | None = None,
    ) -> KbAnswer:
        """Send a request and give the answer, whatever its status below 500.

        Raises:
            KnowledgeBaseAway: nothing listens there.
            KnowledgeBaseFailed: too slow, a 5xx, an answer that is no JSON, or the desk's token is refused: that is
                nothing which whoever asked could mend by signing in.
        """
        try:
            response = self._http.request(
                method,
                path,
                params=query,
                json=body,
                timeout=timeout_s if timeout_s is not None else httpx.USE_CLIENT_DEFAULT,
            )
            answer = KbAnswer(response.status_code, response.json())
        except httpx.ConnectError as exc:
            raise KnowledgeBaseAway("The knowledge base cannot be reached. Try again in a moment.") from exc
        except (httpx.HTTPError, ValueError, RecursionError) as exc:
            raise KnowledgeBaseFailed("The knowledge base cannot be reached. Try again in a moment.") from exc
        if answer.status >= 500:
            raise KnowledgeBaseFailed("The knowledge base failed inside. Its log says why; try again.")
        if answer.status == 401:
            raise KnowledgeBaseFailed("The knowledge base refuses the desk's token: set one BATON_KB_TOKEN for both.")
        return answer

    def close(self) -> None:
        self._http.close()
