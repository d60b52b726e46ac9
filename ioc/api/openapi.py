"""OpenAPI 3.1, emitted from the route table."""

import re
from typing import Any

import msgspec

from ioc.api.binding import body_optional
from ioc.api.problem import PROBLEM_JSON, ProblemDocument
from ioc.api.route import Access, Route

_REF = "#/components/schemas/{name}"
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "ioc_session"},
}
_MEANINGS = {
    200: "As asked",
    201: "Created",
    204: "Done",
    400: "The request is wrong",
    401: "Token missing or not valid",
    403: "Role does not reach, or another site's page asks",
    404: "No such thing",
    409: "Does not fit the present state",
    413: "Body too large",
    415: "Body is not JSON",
    503: "A part does not work now",
}


def openapi_document(routes: tuple[Route, ...], version: str) -> dict[str, Any]:
    """The description of all routes."""
    types = [ProblemDocument, *(kind for route in routes for kind in _types(route))]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    schema_of = {repr(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schema_of, components)
    used = {name: schema for name, schema in components.items() if not name.endswith("Query") and name != "Paged"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "ioc-monitor", "version": version, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"cookie": []}],
        "paths": paths,
        "components": {"schemas": used, "securitySchemes": _SECURITY},
    }


def _types(route: Route) -> list[Any]:
    kinds = [route.query, route.body, route.response, *route.also.values()]
    return [kind for kind in kinds if kind is not None]


def _operation(route: Route, schema_of: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{route.handler.__module__.rpartition('.')[2]}_{route.handler.__name__}",
        "summary": route.summary,
        "parameters": _parameters(route, components),
        "responses": _responses(route, schema_of),
    }
    if route.body is not None:
        content = {"application/json": {"schema": _body_schema(schema_of[repr(route.body)])}}
        operation["requestBody"] = {"required": not body_optional(route), "content": content}
    if route.access is Access.PUBLIC:
        operation["security"] = []
    return operation


def _body_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """An optional body may be left out; a literal null is not described."""
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    return options[0] if len(options) == 1 else schema


def _parameters(route: Route, components: dict[str, Any]) -> list[dict[str, Any]]:
    path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1, "maxLength": 128}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    declared = components[route.query.__name__]
    required = set(declared.get("required", ()))
    query = [
        {"name": name, "in": "query", "required": name in required, "schema": _inline(schema, components)}
        for name, schema in declared["properties"].items()
    ]
    return path + query


def _inline(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    return schema if reference is None else components[reference.rpartition("/")[2]]


def _responses(route: Route, schema_of: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": _MEANINGS[route.status]}
    if route.response is not None:
        answer["content"] = {route.media: {"schema": schema_of[repr(route.response)]}}
    responses = {str(route.status): answer}
    for status, kind in route.also.items():
        responses[str(status)] = {"description": _MEANINGS[status], "content": {"application/json": {"schema": schema_of[repr(kind)]}}}
    for status in _errors(route):
        if status not in route.also:
            content = {PROBLEM_JSON: {"schema": schema_of[repr(ProblemDocument)]}}
            responses[str(status)] = {"description": _MEANINGS[status], "content": content}
    return responses


def _errors(route: Route) -> list[int]:
    errors = {*route.errors, 400, 503}
    if route.access is not Access.PUBLIC:
        errors |= {401, 403}
    if "{" in route.path:
        errors.add(404)
    if route.body is not None:
        errors |= {413, 415}
    if route.access in {Access.ACT, Access.OPERATE} or "cursor" in route.query.__struct_fields__:
        errors.add(409)
    return sorted(errors)
