import { readFileSync } from "node:fs";
import { createFileRegistry, type DescMessage, type DescService, fromBinary, type Message } from "@bufbuild/protobuf";
import { type Any, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

/**
 * The messages of the conformance suite, as far as the server under test uses them. Their schemas
 * are read from the suite's own files, so that no copy of them is needed.
 */
export interface Header {
  readonly name: string;
  readonly value: readonly string[];
}

export interface ErrorDefinition {
  readonly code: number;
  readonly message?: string;
  readonly details: readonly Any[];
}

interface Definition extends Message {
  readonly responseHeaders: readonly Header[];
  readonly responseTrailers: readonly Header[];
  readonly responseDelayMs: number;
}

export interface UnaryDefinition extends Definition {
  readonly response:
    | { readonly case: "responseData"; readonly value: Uint8Array }
    | { readonly case: "error"; readonly value: ErrorDefinition }
    | { readonly case: undefined };
}

export interface StreamDefinition extends Definition {
  readonly responseData: readonly Uint8Array[];
  readonly error?: ErrorDefinition;
}

export interface ConformanceRequest<D extends Definition = Definition> extends Message {
  readonly responseDefinition?: D;
}

/** How the runner wants the server to be started. */
export interface ServerRequest extends Message {
  readonly useTls: boolean;
  readonly serverCreds?: { readonly cert: Uint8Array; readonly key: Uint8Array };
  /** The certificate that clients must present; empty for none. */
  readonly clientTlsCert: Uint8Array;
  /** Maximum size of a request, in bytes; 0 for none. */
  readonly messageReceiveLimit: number;
}

/** @param image the compiled files, as written by `buf build` */
export function readSchemas(image: string) {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(image)));
  const find = <Desc>(desc: Desc | undefined, name: string): Desc => {
    if (desc === undefined) {
      throw new Error(`${image} does not define ${name}`);
    }
    return desc;
  };
  const fullName = (name: string) => `connectrpc.conformance.v1.${name}`;
  return {
    registry,
    message: (name: string): DescMessage => find(registry.getMessage(fullName(name)), name),
    service: (name: string): DescService => find(registry.getService(fullName(name)), name),
  };
}

export type Schemas = ReturnType<typeof readSchemas>;
