import { EventEmitter } from "node:events";
import { type DescFile, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { file_google_rpc_error_details } from "../../../gen/google/rpc/error_details_pb.ts";
import { file_google_rpc_status } from "../../../gen/google/rpc/status_pb.ts";
import { file_oms_events_v1_events } from "../../../gen/oms/events/v1/events_pb.ts";
import { MAX_REFLECTION_REQUESTS } from "../limits.ts";

/** A grpc-js service implemented by a library: health or reflection. */
export interface BuiltInService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** Described besides the services: error details and events. */
const FURTHER_FILES = [file_google_rpc_error_details, file_google_rpc_status, file_oms_events_v1_events];

/**
 * Server reflection, v1 and v1alpha: clients such as grpcurl and buf curl read the contract from
 * the server. Imports (google/protobuf, buf/validate) are described as well: clients wait forever
 * for a missing one.
 */
export function createReflection(
  services: readonly { readonly typeName: string; readonly file: DescFile }[],
): BuiltInService[] {
  const files = withImports([...services.map(({ file }) => file), ...FURTHER_FILES]);
  const fileDescriptorProtos = [...files].map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)));
  // The package reads only the descriptors.
  type Root = ConstructorParameters<typeof ReflectionService>[0];
  const root = { contract: { fileDescriptorProtos } } as unknown as Root;
  const versions: BuiltInService[] = [];
  new ReflectionService(root, { services: services.map(({ typeName }) => typeName) }).addToServer({
    addService: (definition, implementation) => versions.push({ definition, implementation }),
  });
  return versions;
}

function withImports(files: readonly DescFile[], seen = new Set<DescFile>()): Set<DescFile> {
  for (const file of files) {
    if (!seen.has(file)) {
      seen.add(file);
      withImports(file.dependencies, seen);
    }
  }
  return seen;
}

/** The error of a call with too many requests. */
export const TOO_MANY_REQUESTS = `reflection answers at most ${MAX_REFLECTION_REQUESTS} requests in one call: open another one`;

/**
 * Answers reflection requests one by one without grpc-js, for other transports.
 *
 * @throws ConnectError RESOURCE_EXHAUSTED after MAX_REFLECTION_REQUESTS
 */
export async function* reflect(
  { definition, implementation }: BuiltInService,
  requests: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const { requestDeserialize, responseSerialize } = definition.ServerReflectionInfo as ServiceDefinition[string];
  const responses: unknown[] = [];
  const stream = Object.assign(new EventEmitter(), {
    write: (response: unknown) => responses.push(response),
    end() {},
  });
  (implementation.ServerReflectionInfo as (stream: EventEmitter) => void)(stream);
  let count = 0;
  for await (const request of requests) {
    count += 1;
    if (count > MAX_REFLECTION_REQUESTS) {
      throw new ConnectError(TOO_MANY_REQUESTS, Code.ResourceExhausted);
    }
    stream.emit("data", requestDeserialize(Buffer.from(request)));
    yield* responses.splice(0).map(responseSerialize);
  }
}
