"""The server of milvus-lite with quick collections. Reads run beside each other and beside a write; writes queue."""

import logging
import shutil
import threading
from collections.abc import Sequence
from concurrent import futures
from typing import Any

import grpc
from milvus_lite import db as engine
from milvus_lite.adapter.grpc import server as stock
from milvus_lite.adapter.grpc.errors import success_status_kwargs
from milvus_lite.adapter.grpc.servicer import MilvusServicer
from milvus_lite.adapter.grpc.translators.records import _build_field_data
from milvus_lite.adapter.grpc.translators.search import parse_search_request
from milvus_lite.engine.projection import build_projection_plan
from milvus_lite.exceptions import MilvusLiteError
from milvus_lite.schema.types import DataType
from pymilvus.grpc_gen import common_pb2, milvus_pb2, milvus_pb2_grpc, schema_pb2

from services.runtime import pages
from services.search.lite.collection import QuickCollection
from services.search.lite.reads import Place, columns

_log = logging.getLogger(__name__)
THREADS = 8
COUNT = "count(*)"
WRITES = (
    "CreateCollection", "DropCollection", "RenameCollection", "AlterCollection", "TruncateCollection",
    "Insert", "Upsert", "Delete", "Flush", "ManualCompaction",
    "CreateIndex", "DropIndex", "LoadCollection", "ReleaseCollection", "LoadPartitions", "ReleasePartitions",
    "CreatePartition", "DropPartition", "CreateDatabase", "DropDatabase", "AlterDatabase",
    "CreateAlias", "AlterAlias", "DropAlias",
)  # fmt: skip
"""Calls that change something: the engine has no lock between writers."""

_FOLLOWED = ("function_chains", "has_function_score", "rerank", "order_by_fields", "group_size", "time_fields")
"""What milvus-lite does with results afterwards."""


class QuickDatabase(engine.MilvusLite):
    """Opens each collection once, whoever asks."""

    def __init__(self, folder: str) -> None:
        self.writing = threading.RLock()
        super().__init__(folder)

    def create_collection(
        self,
        name: str,
        schema: Any,
        properties: dict[str, Any] | None = None,
        database_name: str = engine.DEFAULT_DATABASE_NAME,
    ) -> Any:
        self._validate_name(name)
        if not self.has_collection(name, database_name=database_name):
            # What is left of a creation that a full disk or a kill broke off would keep the name taken for good.
            shutil.rmtree(self._collection_dir(name, database_name), ignore_errors=True)
        return super().create_collection(name, schema, properties, database_name)

    def get_collection(self, name: str, database_name: str = engine.DEFAULT_DATABASE_NAME) -> Any:
        known = self._collections.get((database_name, name))
        if known is not None:
            return known
        with self.writing:
            return super().get_collection(name, database_name)


class QuickServicer(MilvusServicer):
    """Answers as milvus-lite does."""

    def __init__(self, database: QuickDatabase) -> None:
        super().__init__(database)
        for name in WRITES:
            setattr(self, name, _in_turn(database.writing, getattr(self, name)))

    def Query(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        if list(request.output_fields) != [COUNT] or not request.expr or request.partition_names:
            return super().Query(request, context)
        try:
            collection = self._get_collection(request, context)
            rows = collection.rows(request.expr)
        except Exception as error:
            _blame(error)
            return super().Query(request, context)
        counted = schema_pb2.FieldData(field_name=COUNT, type=schema_pb2.Int64)
        counted.scalars.long_data.data.append(rows)
        return milvus_pb2.QueryResults(
            status=common_pb2.Status(**success_status_kwargs()),
            fields_data=[counted],
            collection_name=collection.name,
            output_fields=[COUNT],
        )

    def Search(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        try:
            collection, asked = self._get_collection(request, context), parse_search_request(request)
            metric = collection.resolve_search_metric(asked["anns_field"], asked["metric_type"])
            followed = any(map(asked.get, _FOLLOWED)) or asked["round_decimal"] >= 0
            if followed or not collection.usual(metric, asked["partition_names"], asked):
                return super().Search(request, context)
            sign, found = collection.places(
                asked["query_vectors"], asked["top_k"], metric, asked["expr"], asked["anns_field"],
                asked["search_params"] or {},
            )  # fmt: skip
        except Exception as error:
            _blame(error)
            return super().Search(request, context)
        return milvus_pb2.SearchResults(
            status=common_pb2.Status(**success_status_kwargs()),
            results=_results(collection, found, sign, asked["top_k"], asked["output_fields"]),
            collection_name=collection.name,
        )


def _blame(error: Exception) -> None:
    """What is wrong with a request is told as milvus-lite tells it; any other fault is ours, and it answers then."""
    if not isinstance(error, MilvusLiteError | ValueError | KeyError):
        _log.error("a quick read failed; milvus-lite answers instead", exc_info=error)


def _results(collection: Any, found: Sequence[Sequence[Place]], sign: float, limit: int, fields: Any) -> Any:
    """What was found as Milvus tells it: columns over all queries."""
    schema, key = collection.schema, collection._pk_name
    plan = build_projection_plan(fields, schema, api_kind="search")
    places = [place for of in found for place in of]
    read = columns(places, plan.response_schema_fields, collection.vectors)
    ids = [place.source.keys[place.row] for place in places]
    result = schema_pb2.SearchResultData(
        num_queries=len(found),
        top_k=limit,
        fields_data=[_column(field, read[field.name]) for field in schema.fields if field.name in read],
        scores=[sign * place.score for place in places],
        topks=[len(of) for of in found],
        output_fields=plan.response_schema_fields,
        primary_field_name=key,
    )
    if all(isinstance(id_, str) for id_ in ids):
        result.ids.str_id.data.extend(ids)
    else:
        result.ids.int_id.data.extend(ids)
    return result


def _column(field: Any, values: list[Any]) -> Any:
    if field.nullable or field.dtype not in (DataType.VARCHAR, DataType.INT64):
        return _build_field_data(field.name, field, values)
    if field.dtype == DataType.INT64:
        return schema_pb2.FieldData(
            field_name=field.name,
            type=schema_pb2.Int64,
            scalars=schema_pb2.ScalarField(long_data=schema_pb2.LongArray(data=values)),
        )
    return schema_pb2.FieldData(
        field_name=field.name,
        type=schema_pb2.VarChar,
        scalars=schema_pb2.ScalarField(string_data=schema_pb2.StringArray(data=values)),
    )


def _in_turn(lock: Any, method: Any) -> Any:
    def call(request: Any, context: grpc.ServicerContext) -> Any:
        with lock:
            return method(request, context)

    return call


def serve(folder: str, address: str) -> None:
    """Serve the data of a folder at host:port until the process ends. Every write is in the log before it is answered,
    so nothing needs an orderly end."""
    engine.Collection = QuickCollection
    database = QuickDatabase(folder)
    server = grpc.server(
        futures.ThreadPoolExecutor(THREADS, thread_name_prefix="milvus"),
        options=[
            ("grpc.max_receive_message_length", stock._MAX_MESSAGE_SIZE),
            ("grpc.max_send_message_length", stock._MAX_MESSAGE_SIZE),
        ],
    )
    milvus_pb2_grpc.add_MilvusServiceServicer_to_server(QuickServicer(database), server)
    server.add_insecure_port(address)
    server.start()
    pages.collapse()
    server.wait_for_termination()
