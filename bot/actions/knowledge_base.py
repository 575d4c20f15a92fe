"""Asks the knowledge base. It turns every way in which that can fail into one error, and never waits for long."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence
from urllib.parse import quote

import httpx

VERDICTS = ("answer", "clarify", "unsure")
# The knowledge base takes no longer question; a visitor may write 4,000 characters.
MAX_QUESTION_CHARS = 2000
# Enough to find an article that the visitor chose among the first three, at any length of the help centre.
MAX_RESULTS = 20
TIMEOUT_S = 5.0


class KnowledgeBaseUnreachable(Exception):
    """The knowledge base is down, too slow, or answered with something that is no answer."""


@dataclass(frozen=True)
class Findings:
    """What the knowledge base knows about one question; `results` best first, one per article."""

    verdict: str
    results: List[Dict[str, Any]] = field(default_factory=list)


class KnowledgeBase:
    """The knowledge base as one turn sees it: all its requests together take at most `timeout_s`."""

    def __init__(self, client: httpx.AsyncClient, *, timeout_s: float = TIMEOUT_S) -> None:
        self._client = client
        self._give_up_at = asyncio.get_running_loop().time() + timeout_s

    async def search(
        self,
        question: str,
        language: Optional[str],
        *,
        exclude: Sequence[str] = (),
        limit: int = 5,
        is_logged: bool = True,
    ) -> Findings:
        """Search the published articles for `question`.

        Raises:
            KnowledgeBaseUnreachable: no answer in time, or none that makes sense.
        """
        wanted = {
            "question": question[:MAX_QUESTION_CHARS],
            "language": language,
            "limit": limit,
            "exclude": list(exclude),
        }
        if not is_logged:
            wanted["log"] = False
        return _read_findings(await self._ask("POST", "/search", json=wanted))

    async def read_article(self, language: str, slug: str) -> Optional[Dict[str, Any]]:
        """Return the published article in the shape of a search result, or None if there is none.

        Raises:
            KnowledgeBaseUnreachable: no answer in time, or none that makes sense.
        """
        path = f"/articles/{quote(language, safe='')}/{quote(slug, safe='')}"
        article = await self._ask("GET", path, params={"published": "1"}, may_be_absent=True)
        if article is None:
            return None
        try:
            return _read_result(
                {
                    **article,
                    "url": f"/help/{article['language']}/{article['slug']}",
                    "passage": {"id": 0, "heading": "", "text": article["body"], "html": article["html"]},
                    "probability": 1.0,
                }
            )
        except (KeyError, TypeError, ValueError) as exc:
            raise KnowledgeBaseUnreachable(f"the article '{slug}' came without {exc}") from exc

    async def _ask(self, method: str, path: str, *, may_be_absent: bool = False, **options: Any) -> Any:
        left_s = self._give_up_at - asyncio.get_running_loop().time()
        try:
            # httpx counts its timeout anew for each piece that arrives; wait_for ends a trickle as well.
            response = await asyncio.wait_for(self._client.request(method, path, **options), max(left_s, 0.0))
            if may_be_absent and response.status_code == 404:
                return None
            response.raise_for_status()
            return response.json()
        except (httpx.HTTPError, httpx.InvalidURL, asyncio.TimeoutError, ValueError) as exc:
            raise KnowledgeBaseUnreachable(f"{method} {path}: {type(exc).__name__} {exc}") from exc


def build_client(url: str, token: str, *, timeout_s: float = TIMEOUT_S) -> httpx.AsyncClient:
    """Build the connection pool that all turns share. The environment's proxies are not asked: it is loopback."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout_s, trust_env=False)


def _read_findings(answer: Any) -> Findings:
    try:
        results = [_read_result(result) for result in answer["results"]]
        verdict = answer["verdict"]
    except (KeyError, TypeError, ValueError) as exc:
        raise KnowledgeBaseUnreachable(f"POST /search: the answer has no {exc}") from exc
    if verdict not in VERDICTS:
        raise KnowledgeBaseUnreachable(f"POST /search: unknown verdict {verdict!r}")
    return Findings(verdict=verdict, results=results)


def _read_result(result: Dict[str, Any]) -> Dict[str, Any]:
    passage = result["passage"]
    return {
        "slug": str(result["slug"]),
        "language": str(result["language"]),
        "title": str(result["title"]),
        "revision": int(result["revision"]),
        "url": str(result["url"]),
        "passage": {
            "id": int(passage["id"]),
            "heading": str(passage["heading"] or ""),
            "text": str(passage["text"]),
            "html": str(passage["html"]),
        },
        "probability": float(result["probability"]),
        # Words of the editors' own: the handoff service knows which of them only a person may handle.
        "tags": [str(tag) for tag in result.get("tags") or []],
    }
