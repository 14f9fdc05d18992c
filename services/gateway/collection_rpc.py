"""Proto in, proto out: collections."""

import grpc
from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.core.errors import InvalidInput
from services.core.names import CollectionName
from services.gateway import convert
from services.gateway.access import callers
from services.gateway.collections import Collections


class CollectionRpc:
    """The methods of the public service for collections."""

    def __init__(self, collections: Collections) -> None:
        self._collections = collections

    def CreateCollection(self, request: pb.CreateCollectionRequest, context: grpc.ServicerContext) -> pb.Collection:  # noqa: N802
        made = self._collections.create(request.collection_id, request.request_id, request.shot_labels)
        return convert.collection(made)

    def GetCollection(self, request: pb.GetCollectionRequest, context: grpc.ServicerContext) -> pb.Collection:  # noqa: N802
        return convert.collection(self._collections.get(CollectionName.parse(request.name)))

    def ListCollections(  # noqa: N802
        self, request: pb.ListCollectionsRequest, context: grpc.ServicerContext
    ) -> pb.ListCollectionsResponse:
        views, token = self._collections.list(request.page_size, request.page_token, callers.of(context).collections)
        return pb.ListCollectionsResponse(collections=map(convert.collection, views), next_page_token=token)

    def UpdateCollection(self, request: pb.UpdateCollectionRequest, context: grpc.ServicerContext) -> pb.Collection:  # noqa: N802
        if set(request.update_mask.paths) - {"shot_labels"}:
            rule = "shot_labels can be changed"
            raise InvalidInput(
                f"cannot change {sorted(request.update_mask.paths)}: {rule}", fields={"update_mask": rule}
            )
        name = CollectionName.parse(request.collection.name, "collection.name")
        return convert.collection(self._collections.update(name, request.collection.shot_labels))

    def DeleteCollection(  # noqa: N802
        self, request: pb.DeleteCollectionRequest, context: grpc.ServicerContext
    ) -> pb.DeleteCollectionResponse:
        removed = self._collections.delete(CollectionName.parse(request.name), request.force)
        return pb.DeleteCollectionResponse(removed=convert.removed(removed))
