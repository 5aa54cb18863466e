"""Calls the service from Python, with only its address and name: the contract is read by reflection.

Usage: order_status.py HOST:PORT ORDER_ID
Prints one line of JSON per response.
"""

import json
import sys

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory

SERVICE = "oms.orderstatus.v1.OrderStatusService"


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """The length-delimited fields of a message: all fields of a reflection response but an error code."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        length, at = varint(data, at)
        if key & 7 == 2:
            yield key >> 3, data[at : at + length]
            at += length


def descriptor_bytes(channel, number, name):
    """The files in the response to a reflection request, by file name (number 3) or symbol (4)."""
    request = bytes([number << 3 | 2, len(name)]) + name.encode()
    reflect = channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
    for response in reflect(iter([request])):
        for kind, body in fields(response):
            if kind == 4:
                return [proto for _, proto in fields(body)]
    raise SystemExit(f"{name} not found by reflection")


def load_pool(channel):
    """A descriptor pool with the file of the service and its imports."""
    from google.protobuf import descriptor_pb2

    known = {}
    pending = [(4, SERVICE)]
    while pending:
        for data in descriptor_bytes(channel, *pending.pop()):
            file = descriptor_pb2.FileDescriptorProto.FromString(data)
            if file.name not in known:
                known[file.name] = file
                pending += [(3, name) for name in file.dependency if name not in known]
    pool = descriptor_pool.DescriptorPool()

    def add(name):
        file = known.pop(name, None)
        if file is not None:
            for dependency in file.dependency:
                add(dependency)
            pool.Add(file)

    for name in list(known):
        add(name)
    return pool


def main(address, order_id):
    channel = grpc.insecure_channel(address)
    service = load_pool(channel).FindServiceByName(SERVICE)
    factory = message_factory.MessageFactory()

    def call(rpc, **request):
        method = service.methods_by_name[rpc]
        stub = channel.unary_unary(
            f"/{SERVICE}/{rpc}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=factory.GetPrototype(method.output_type).FromString,
        )
        message = factory.GetPrototype(method.input_type)(**request)
        try:
            response = stub(message, timeout=10, metadata=[("oms-caller", "python")])
            print(json.dumps(json_format.MessageToDict(response)))
        except grpc.RpcError as error:
            print(json.dumps({"code": error.code().name, "message": error.details()}))

    call("GetOrderStatus", order_id=order_id)
    call("UpdateOrderStatus", order_id=order_id, status=1010, operator="python")
    call("UpdateOrderStatus", order_id=order_id, status=3010, operator="python")
    call("GetOrderStatus", order_id=order_id)


main(sys.argv[1], int(sys.argv[2]))
