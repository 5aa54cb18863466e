import { create, createFileRegistry, type DescMethod, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { EmptySchema, FileDescriptorSetSchema, file_google_protobuf_empty } from "@bufbuild/protobuf/wkt";
import type { ConnectRouter } from "@connectrpc/connect";
import { type BuiltInService, reflect } from "../wire/reflection.ts";

/**
 * Serves reflection over Connect and gRPC-Web, for buf curl. Bidirectional streams require HTTP/2.
 */
export function addReflection(router: ConnectRouter, services: readonly BuiltInService[]): void {
  for (const service of services) {
    router.rpc(methodOf(service), async function* (requests: AsyncIterable<Message>) {
      for await (const response of reflect(service, bytesOf(requests))) {
        yield fromBinary(EmptySchema, response);
      }
    });
  }
}

async function* bytesOf(messages: AsyncIterable<Message>): AsyncGenerator<Uint8Array> {
  for await (const message of messages) {
    yield toBinary(EmptySchema, message as Parameters<typeof toBinary<typeof EmptySchema>>[1]);
  }
}

/**
 * The method with empty message types: the content passes through as unknown fields. The package's
 * own descriptors lack the full names that a registry needs.
 */
function methodOf({ definition }: BuiltInService): DescMethod & { readonly methodKind: "bidi_streaming" } {
  const [, typeName = "", method = ""] = definition.ServerReflectionInfo?.path.split("/") ?? [];
  const dot = typeName.lastIndexOf(".");
  const empty = `.${EmptySchema.typeName}`;
  const file = {
    name: "reflection.proto",
    syntax: "proto3",
    package: typeName.slice(0, dot),
    dependency: [file_google_protobuf_empty.proto.name],
    service: [
      {
        name: typeName.slice(dot + 1),
        method: [{ name: method, inputType: empty, outputType: empty, clientStreaming: true, serverStreaming: true }],
      },
    ],
  };
  const registry = createFileRegistry(
    create(FileDescriptorSetSchema, { file: [file_google_protobuf_empty.proto, file] }),
  );
  return registry.getService(typeName)?.methods[0] as DescMethod & { readonly methodKind: "bidi_streaming" };
}
