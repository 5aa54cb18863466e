import type { IncomingMessage, ServerResponse } from "node:http";
import type { OperationError } from "../../operations/errors.ts";
import type { Outcome } from "../call.ts";
import type { Given } from "../given.ts";
import type { OldMethod, OldService } from "../methods.ts";

export interface SoapOptions {
  readonly service: OldService;
  readonly methods: readonly OldMethod[];
  /** The target namespace of the service's messages. */
  readonly namespace: string;
  readonly call: (method: OldMethod, request: IncomingMessage, given: Given | OperationError) => Promise<Outcome>;
}

/** Answers whatever is SOAP at a service's address: its messages, its WSDL and its schema. */
export type Soap = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Whether a request is for the SOAP side of an address: ?wsdl, ?xsd, or a body in XML. */
export function isSoap(_request: IncomingMessage): boolean {
  return false;
}

export function createSoap(_options: SoapOptions): Soap {
  return async () => {};
}
