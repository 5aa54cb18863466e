import type { DescMethod } from "@bufbuild/protobuf";
import { createRandom } from "../../faults/workload/random.ts";
import { FulfilmentService } from "../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { ActionService } from "../../gen/oms/operations/v1/action_service_pb.ts";
import { ShadowService } from "../../gen/oms/operations/v1/shadow_service_pb.ts";
import { OrderStatusService } from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { OrderReversalService } from "../../gen/oms/reversal/v1/order_reversal_service_pb.ts";
import type { World } from "../values/fixture.ts";
import { companionShot } from "./built-in-services.ts";
import type { Shot } from "./case.ts";
import { connectJsonShot, connectProtoShot } from "./connect.ts";
import { grpcShot } from "./grpc.ts";
import { grpcWebShot } from "./grpc-web.ts";
import { oldShot } from "./legacy.ts";
import { rawShot } from "./raw.ts";

const METHODS: readonly DescMethod[] = [
  OrderStatusService,
  FulfilmentService,
  OrderReversalService,
  ActionService,
  ShadowService,
].flatMap((service): readonly DescMethod[] => service.methods);

/** The request of a run that has this number: the same for the same seed and orders. */
export function shotOf(seed: number, index: number, world: World): Shot {
  const random = createRandom(seed, index);
  const method = METHODS[random.below(METHODS.length)] as DescMethod;
  switch (random.weighted({ grpc: 40, json: 25, proto: 15, web: 8, old: 11, raw: 1, companion: 1 })) {
    case "grpc":
      return grpcShot(random, method, world);
    case "json":
      return connectJsonShot(random, method, world);
    case "proto":
      return connectProtoShot(random, method, world);
    case "web":
      return grpcWebShot(random, method, world);
    case "old":
      return oldShot(random, world);
    case "companion":
      return companionShot(random);
    case "raw":
      return rawShot(random, world);
  }
}
