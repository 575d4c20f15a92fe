"""The OpenAPI document against the running service: every route, method, status and shape, in both directions."""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from knowledge_base import requests
from knowledge_base.library import KnowledgeBase
from knowledge_base.service import REQUEST_MAX_BYTES, SMALL_REQUEST_MAX_BYTES, create_app
from tests.knowledge_base.conftest import TOKEN

ARTICLE = {"language": "en", "title": "Mute a channel", "body": "Open it.\n\n1. Choose **Mute**.", "author": "Ada"}
EDIT = {**ARTICLE, "title": "Mute it", "tags": ["channels"], "audience": "staff", "base_revision": 1}
PLACE = "/articles/en/mute-a-channel"
LABEL = {
    "question": "mute it",
    "language": "en",
    "slug": "opening-hours",
    "right": True,
    "source": "editor",
    "author": "Ada",
}
BIG = json.dumps({"body": "x" * SMALL_REQUEST_MAX_BYTES}).encode()
# Method, path, body (None: none), status. Together they must reach everything that the document lists.
CALLS: list[tuple[str, str, object, int]] = [
    ("GET", "/health", None, 200),
    ("GET", "/openapi.json", None, 200),
    ("POST", "/reload", None, 200),
    ("POST", "/embed", {"texts": ["my card"]}, 200),
    ("POST", "/embed", {"texts": []}, 400),
    ("POST", "/articles", ARTICLE, 201),
    ("POST", "/articles", ARTICLE, 409),
    ("POST", "/articles", {**ARTICLE, "audience": "nobody"}, 400),
    ("GET", "/articles?published=1&language=de&limit=1", None, 200),
    ("GET", "/articles?limit=0", None, 400),
    ("GET", "/articles?status=nonsense", None, 400),
    ("GET", PLACE, None, 200),
    ("GET", f"{PLACE}?published=1", None, 404),
    ("PUT", PLACE, EDIT, 200),
    ("PUT", PLACE, {**EDIT, "title": "Mine"}, 409),
    ("PUT", PLACE, {}, 400),
    ("PUT", "/articles/en/none", EDIT, 404),
    ("GET", f"{PLACE}/revisions", None, 200),
    ("GET", "/articles/en/none/revisions", None, 404),
    ("GET", f"{PLACE}/revisions/1", None, 200),
    ("GET", f"{PLACE}/revisions/{10**30}", None, 404),
    ("GET", f"{PLACE}/revisions/2/diff", None, 200),
    ("GET", f"{PLACE}/revisions/1/diff", None, 200),
    ("GET", f"{PLACE}/revisions/1/diff?against=2", None, 200),
    ("GET", f"{PLACE}/revisions/2/diff?against=3", None, 400),
    ("GET", f"{PLACE}/revisions/9/diff", None, 404),
    ("POST", f"{PLACE}/revisions/1/restore", {"author": "Ada", "base_revision": 2}, 200),
    ("POST", f"{PLACE}/revisions/1/restore", {"author": "Ada", "base_revision": 2}, 409),
    ("POST", f"{PLACE}/revisions/1/restore", {"author": "Ada"}, 400),
    ("POST", f"{PLACE}/revisions/9/restore", {"author": "Ada", "base_revision": 3}, 404),
    ("POST", f"{PLACE}/publish", {"author": "Ada", "revision": 1}, 200),
    ("POST", f"{PLACE}/publish", {"author": "Ada", "revision": 10**30}, 404),
    ("POST", f"{PLACE}/publish", {}, 400),
    ("POST", "/search", {"question": "mute a channel"}, 200),
    ("POST", "/search", {"question": "zebra pizza"}, 200),
    ("POST", "/search", {"question": ""}, 400),
    ("GET", "/questions", None, 200),
    ("GET", "/questions?limit=x", None, 400),
    ("POST", "/questions/dismiss", {"question": "zebra pizza"}, 200),
    ("POST", "/questions/dismiss", {"question": 7}, 400),
    ("POST", "/labels", LABEL, 200),
    ("POST", "/labels", {**LABEL, "revision": 10**30}, 404),
    ("POST", "/labels", {**LABEL, "source": "rumour"}, 400),
    ("POST", "/refit", None, 200),
    ("DELETE", "/labels", None, 200),
    ("POST", f"{PLACE}/archive", {"author": "Ada"}, 200),
    ("POST", f"{PLACE}/archive", {"author": ""}, 400),
    ("POST", "/articles/en/none/archive", {"author": "Ada"}, 404),
    ("POST", "/render", {"body": "> [!NOTE]\n> x"}, 200),
    ("POST", "/render", {"body": 7}, 400),
    ("POST", "/import", {"articles": [{"title": "A", "body": "B", "language": "en"}, {}], "author": "Ada"}, 200),
    ("POST", "/import", {"articles": [], "author": "Ada"}, 400),
    ("GET", "/export", None, 200),
    *[
        ("POST", path, BIG, 413)
        for path in (
            "/search",
            "/embed",
            "/questions/dismiss",
            "/labels",
            "/articles",
            "/render",
            f"{PLACE}/publish",
            f"{PLACE}/archive",
        )
    ],
    ("POST", f"{PLACE}/revisions/1/restore", BIG, 413),
    ("PUT", PLACE, BIG, 413),
    ("POST", "/import", b"x" * (REQUEST_MAX_BYTES + 1), 413),
]
# The same while as much is changed as may be.
CALLS_WHILE_BUSY: list[tuple[str, str, object, int]] = [
    ("POST", "/articles/en/opening-hours/publish", {"author": "Ada"}, 409),
    ("POST", "/articles/en/opening-hours/archive", {"author": "Ada"}, 409),
    ("POST", "/import", {"articles": [{}], "author": "Ada"}, 409),
    ("POST", "/refit", None, 409),
    ("DELETE", "/labels", None, 409),
]


@pytest.fixture
def client(centre: KnowledgeBase) -> FlaskClient:
    return create_app(centre, TOKEN).test_client()


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    return client.get("/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"}).get_json()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in item.keys() & {"get", "post", "put", "delete", "patch"}:
            yield method.upper(), path, item[method]


def resolve(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        found: Any = document
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def find_path(document: dict[str, Any], path: str) -> str:
    """Return the template that a real path follows: the one with the most literal parts."""
    found = [
        template
        for template in document["paths"]
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path.partition("?")[0])
    ]
    return min(found, key=lambda template: template.count("{"))


def check_shape(document: dict[str, Any], schema: dict[str, Any], value: object) -> None:
    registry = Registry().with_resource("doc", Resource.from_contents(document, DRAFT202012))
    anchored = json.loads(json.dumps(schema).replace('"#/', '"doc#/'))
    Draft202012Validator(anchored, registry=registry).validate(value)


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_the_document_has_the_services_routes_and_no_others(client: FlaskClient, document: dict[str, Any]) -> None:
    routes = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in client.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(method, path) for method, path, _ in operations(document)} == routes


def test_every_answer_has_the_shape_that_the_document_gives_it(
    client: FlaskClient, document: dict[str, Any], busy: KnowledgeBase
) -> None:
    reached: set[tuple[str, str, str]] = set()
    listed = {(m, path, status) for m, path, operation in operations(document) for status in operation["responses"]}
    busy_client = create_app(busy, TOKEN).test_client()
    for authorization in (f"Bearer {TOKEN}", "Bearer wrong"):
        calls = [(client, call) for call in CALLS] + [(busy_client, call) for call in CALLS_WHILE_BUSY]
        for asked, (method, path, body, status) in calls:
            data = body if isinstance(body, bytes) or body is None else json.dumps(body)
            response = asked.open(path, method=method, data=data, headers={"Authorization": authorization})
            is_refused = authorization == "Bearer wrong" and path != "/health"
            assert response.status_code == (401 if is_refused else status), (
                method,
                path,
                response.get_data(as_text=True),
            )
            template = find_path(document, path)
            described = document["paths"][template][method.lower()]["responses"][str(response.status_code)]
            schema = resolve(document, described)["content"]["application/json"]["schema"]
            assert response.mimetype == "application/json"
            check_shape(document, schema, response.get_json())
            reached.add((method, template, str(response.status_code)))
    assert listed - reached == set()


def test_a_wrong_answer_would_be_noticed(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for wrong in ({"error": {"code": "x"}}, {"error": {"code": "X Y", "message": "m"}}, {"message": "m"}, {}):
        with pytest.raises(Exception, match="Failed validating"):
            check_shape(document, schemas["Error"], wrong)


def test_the_requests_of_the_document_are_those_that_the_service_decodes(document: dict[str, Any]) -> None:
    kinds = [kind for kind in vars(requests).values() if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]
    kinds = [kind for kind in kinds if kind is not msgspec.Struct]
    assert len(kinds) >= 9
    _, decoded = msgspec.json.schema_components(
        kinds, schema_hook=lambda _: {"description": "anything"}, ref_template="#/components/schemas/{name}"
    )
    for name, schema in decoded.items():
        listed = document["components"]["schemas"][name]
        assert set(listed["properties"]) == set(schema["properties"]), name
        assert set(listed.get("required", ())) == set(schema.get("required", ())), name
        for field, shape in schema["properties"].items():
            told = listed["properties"][field]
            default = shape.get("default")
            assert told.get("default") == ([] if default == () else default), (name, field)
            if "anyOf" in shape:
                assert sorted(told["type"]) == sorted(option["type"] for option in shape["anyOf"]), (name, field)
            elif "type" in shape:
                assert resolve(document, told)["type"] == shape["type"], (name, field)


def test_a_request_of_another_shape_is_refused_as_the_document_says(
    client: FlaskClient, document: dict[str, Any]
) -> None:
    """Every required field of every request is missed when it is not there."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    good = {**LABEL, **EDIT, "question": "x", "articles": [{}], "body": "x"}
    for method, path, operation in operations(document):
        if "requestBody" not in operation:
            continue
        schema = resolve(document, operation["requestBody"]["content"]["application/json"]["schema"])
        real = re.sub(r"\{revision\}", "1", path).replace("{language}", "en").replace("{slug}", "opening-hours")
        for name in schema["required"]:
            body = {key: value for key, value in good.items() if key != name and key in schema["properties"]}
            error = client.open(real, method=method, json=body, headers=headers).get_json()["error"]
            assert (error["code"], error["field"]) == ("request_invalid", name), (method, path, name)
