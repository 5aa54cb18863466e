import type { DescMethod } from "@bufbuild/protobuf";
import { FulfilmentService } from "../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { ActionService } from "../../gen/oms/operations/v1/action_service_pb.ts";
import { ShadowService } from "../../gen/oms/operations/v1/shadow_service_pb.ts";
import { OrderStatusService } from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { OrderReversalService } from "../../gen/oms/reversal/v1/order_reversal_service_pb.ts";
import { createRandom } from "../../tools/testkit/random.ts";
import type { Fixture } from "../values/scalars.ts";
import { builtInServiceCase } from "./built-in-services.ts";
import type { FuzzCase } from "./case.ts";
import { connectJsonCase, connectProtoCase } from "./connect.ts";
import { grpcCase } from "./grpc.ts";
import { grpcWebCase } from "./grpc-web.ts";
import { legacyCase } from "./legacy.ts";
import { rawCase } from "./raw.ts";

const METHODS: readonly DescMethod[] = [
  OrderStatusService,
  FulfilmentService,
  OrderReversalService,
  ActionService,
  ShadowService,
].flatMap((service): readonly DescMethod[] => service.methods);

/** The request with this number: a pure function of seed, number and fixture. */
export function caseAt(seed: number, index: number, fixture: Fixture): FuzzCase {
  const random = createRandom(seed, index);
  const method = METHODS[random.below(METHODS.length)] as DescMethod;
  switch (random.weighted({ grpc: 40, json: 25, proto: 15, web: 8, legacy: 11, raw: 1, "built-in": 1 })) {
    case "grpc":
      return grpcCase(random, method, fixture);
    case "json":
      return connectJsonCase(random, method, fixture);
    case "proto":
      return connectProtoCase(random, method, fixture);
    case "web":
      return grpcWebCase(random, method, fixture);
    case "legacy":
      return legacyCase(random, fixture);
    case "built-in":
      return builtInServiceCase(random);
    case "raw":
      return rawCase(random, fixture);
  }
}
