"""Calls GetOrderStatus at a fixed rate on one connection of grpcio with default settings, and prints
the results as JSON: load.py TARGET ORDER_ID CALLS_PER_SECOND SECONDS
"""

import asyncio
import collections
import json
import sys
import time

import grpc
from oms.orderstatus.v1 import order_status_service_pb2, order_status_service_pb2_grpc

WORKERS = 64

READY = grpc.ChannelConnectivity.READY


async def count_connects(channel, connects):
    """Counts how often the connection becomes ready: once, unless the server closes it."""
    state = channel.get_state()
    while True:
        if state is READY:
            connects["ready"] += 1
        await channel.wait_for_state_change(state)
        state = channel.get_state()


async def main(target, order_id, rate, seconds):
    calls = 0
    sent = 0
    failed = collections.Counter()
    connects = collections.Counter()
    request = order_status_service_pb2.GetOrderStatusRequest(order_id=order_id)
    async with grpc.aio.insecure_channel(target) as channel:
        watcher = asyncio.create_task(count_connects(channel, connects))
        orders = order_status_service_pb2_grpc.OrderStatusServiceStub(channel)
        started = time.monotonic()

        async def work():
            """A due call that finds all workers busy waits for one."""
            nonlocal calls, sent
            while time.monotonic() - started < seconds:
                if sent >= (time.monotonic() - started) * rate:
                    await asyncio.sleep(0.001)
                    continue
                sent += 1
                try:
                    await orders.GetOrderStatus(request, timeout=10)
                except grpc.aio.AioRpcError as error:
                    failed[f"{error.code().name}: {error.details()[:120]}"] += 1
                calls += 1

        await asyncio.gather(*(work() for _ in range(WORKERS)))
        watcher.cancel()
    print(json.dumps({"calls": calls, "failed": failed, "connects": connects["ready"]}))


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
