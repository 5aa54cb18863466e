/**
 * Checks what examples name of the contract: RPCs with their JSON bodies, messages, enum values.
 */
import { createRegistry, type DescMethod, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { file_oms_events_v1_events } from "../../gen/oms/events/v1/events_pb.ts";
import { file_oms_fulfilment_v1_fulfilment_service } from "../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { file_oms_operations_v1_action_service } from "../../gen/oms/operations/v1/action_service_pb.ts";
import { file_oms_operations_v1_shadow_service } from "../../gen/oms/operations/v1/shadow_service_pb.ts";
import { file_oms_orderstatus_v1_order_status } from "../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { file_oms_orderstatus_v1_order_status_service } from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { file_oms_reversal_v1_order_reversal_service } from "../../gen/oms/reversal/v1/order_reversal_service_pb.ts";
import { LEGACY_METHODS, pathOf } from "../../src/transport/legacy/methods.ts";

const registry = createRegistry(
  file_oms_events_v1_events,
  file_oms_fulfilment_v1_fulfilment_service,
  file_oms_operations_v1_action_service,
  file_oms_operations_v1_shadow_service,
  file_oms_orderstatus_v1_order_status,
  file_oms_orderstatus_v1_order_status_service,
  file_oms_reversal_v1_order_reversal_service,
);

const types = [...registry];
const services = types.filter((type) => type.kind === "service");
const MESSAGES = new Set(types.filter((type) => type.kind === "message").map(({ name }) => name));
const SERVICES = new Set(services.map(({ name }) => name));
const METHODS = new Set(services.flatMap(({ methods }) => methods.map(({ localName }) => localName)));
const ENUM_VALUES = new Set(
  types.filter((type) => type.kind === "enum").flatMap(({ values }) => values.map(({ name }) => name)),
);

/** The RPC of a path like `oms.orderstatus.v1.OrderStatusService/GetOrderStatus`. */
function methodOf(path: string): DescMethod | undefined {
  const [service, method] = path.split("/");
  return registry.getService(service ?? "")?.methods.find(({ name }) => name === method);
}

function bodyFault(method: DescMethod, body: string): string | undefined {
  try {
    fromJson(method.input, JSON.parse(body) as JsonValue, { registry });
    return undefined;
  } catch (error) {
    return `the body ${body} does not fit ${method.input.typeName}: ${error instanceof Error ? error.message : error}`;
  }
}

const LEGACY_PATHS = new Set([...LEGACY_METHODS.map(pathOf), "/services", "/services/orderStatus", "/services/detail"]);

/** What is wrong with a call by curl, grpcurl or `buf curl`. */
export function callFaults(words: readonly string[]): string[] {
  const bodies = words.flatMap((word, index) => (["-d", "--data"].includes(words[index - 1] ?? "") ? [word] : []));
  const query = words.find((word) => word.startsWith("message="));
  const faults: string[] = [];
  for (const word of words) {
    const path = /(?:^|\/)(oms\.[\w.]+\/\w+)$/.exec(word)?.[1];
    const legacy = /^https?:\/\/[^/]+(\/services[^?]*)/.exec(word)?.[1];
    if (legacy !== undefined && !LEGACY_PATHS.has(legacy)) {
      faults.push(`${legacy} is not a legacy endpoint`);
    }
    if (path === undefined) {
      continue;
    }
    const method = methodOf(path);
    if (method === undefined) {
      faults.push(`${path} is not an RPC`);
      continue;
    }
    const json = query?.slice("message=".length) ?? bodies.find((body) => body.startsWith("{"));
    const fault = json === undefined ? undefined : bodyFault(method, json);
    if (fault !== undefined) {
      faults.push(fault);
    }
  }
  return faults;
}

/** Names in an example of another language that the contract does not have. */
export function unknownNames(code: string): string[] {
  const isKnown = (name: string) =>
    MESSAGES.has(name) ||
    SERVICES.has(name.replace(/(?:Grpc|Client|Stub)$/, "").replace(/^New/, "")) ||
    ENUM_VALUES.has(name.replace(/^OrderStatus_/, ""));
  const names = [
    ...code.matchAll(/\b\w+(?:Request|Response)\b/g),
    ...code.matchAll(/\b[A-Z]\w*Service(?:Grpc|Client|Stub)?\b/g),
    ...code.matchAll(/\b(?:OrderStatus_)?ORDER_STATUS_\w+/g),
  ].map(([name]) => name);
  const calls = [...code.matchAll(/(?:\borders|Client\(conn\))\.(\w+)\(/g)].map(([, name = ""]) => name);
  const local = (name: string) => name.charAt(0).toLowerCase() + name.slice(1);
  return [
    ...names.filter((name) => !isKnown(name)),
    ...calls.filter((name) => !METHODS.has(local(name)) && !/^with/.test(name)),
  ];
}
