import { EventEmitter } from "node:events";
import { type DescFile, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { file_google_rpc_error_details } from "../../../gen/google/rpc/error_details_pb.ts";
import { file_google_rpc_status } from "../../../gen/google/rpc/status_pb.ts";
import { file_oms_events_v1_events } from "../../../gen/oms/events/v1/events_pb.ts";

/** A service made for grpc-js by somebody else. */
export interface BuiltInService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** Described beside the services: the details of errors, and the events. */
const ALSO_DESCRIBED = [file_google_rpc_error_details, file_google_rpc_status, file_oms_events_v1_events];

/**
 * Server reflection, v1 and v1alpha: clients such as grpcurl and buf curl learn the contract from the server. Every import is
 * described as well (google/protobuf, buf/validate): clients wait for ever for one that is not.
 */
export function createReflection(
  services: readonly { readonly typeName: string; readonly file: DescFile }[],
): BuiltInService[] {
  const files = [...services.map(({ file }) => file), ...ALSO_DESCRIBED];
  const described = [...withImports(files)].map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)));
  // The package reads nothing but the descriptors.
  type Root = ConstructorParameters<typeof ReflectionService>[0];
  const root = { contract: { fileDescriptorProtos: described } } as unknown as Root;
  const found: BuiltInService[] = [];
  new ReflectionService(root, { services: services.map(({ typeName }) => typeName) }).addToServer({
    addService: (definition, implementation) => found.push({ definition, implementation }),
  });
  return found;
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

/** Answers reflection requests one by one, without grpc-js: for the fronts that speak something else. */
export async function* reflect(
  { definition, implementation }: BuiltInService,
  requests: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const { requestDeserialize, responseSerialize } = definition.ServerReflectionInfo as ServiceDefinition[string];
  const answers: unknown[] = [];
  const stream = Object.assign(new EventEmitter(), { write: (answer: unknown) => answers.push(answer), end() {} });
  (implementation.ServerReflectionInfo as (stream: EventEmitter) => void)(stream);
  for await (const request of requests) {
    stream.emit("data", requestDeserialize(Buffer.from(request)));
    yield* answers.splice(0).map(responseSerialize);
  }
}
