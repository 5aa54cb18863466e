import type { IncomingMessage, ServerResponse } from "node:http";
import { Code } from "@connectrpc/connect";
import { OperationError } from "../../../application/errors.ts";
import { MAX_QUOTED_LENGTH, shorten } from "../../../observability/shorten.ts";
import { toConnectError } from "../../wire/errors.ts";
import { readBody } from "../body.ts";
import type { LegacyOutcome } from "../call.ts";
import type { LegacyMethod, LegacyService } from "../methods.ts";
import type { Params } from "../params.ts";
import { EnvelopeError, readMessage, readSoapParams, type SoapMessage } from "./envelope.ts";
import { childElements, readXml } from "./read-xml.ts";
import { declaredEncoding, mediaType, requestedDocument } from "./request.ts";
import {
  answerResponse,
  documentResponse,
  failureResponse,
  type ResponseNamespace,
  rejectionResponse,
  type SoapResponse,
  sendResponse,
} from "./response.ts";
import { SOAP_11, SOAP_12 } from "./versions.ts";
import { createWsdl, printSchema } from "./wsdl.ts";

export { isSoapRequest } from "./request.ts";

export interface SoapHandlerOptions {
  readonly service: LegacyService;
  readonly methods: readonly LegacyMethod[];
  /** The target namespace of the service's messages. */
  readonly namespace: string;
  /** The URL, without a trailing slash, at which a client reaches the server. */
  readonly baseUrlOf: (request: IncomingMessage) => string;
  /** Why the caller cannot be authenticated by the headers, if so; the envelope is not read. */
  readonly authenticationError: (request: IncomingMessage) => Promise<OperationError | undefined>;
  readonly call: (
    method: LegacyMethod,
    request: IncomingMessage,
    readParams: () => Promise<Params | OperationError>,
    startedAt: number,
  ) => Promise<LegacyOutcome>;
  /** Called for a message without a valid call, which is in no request log. */
  readonly onRejected: (request: IncomingMessage, reason: string) => void;
}

/**
 * Responds to a service's SOAP messages and requests for its WSDL and schema. Throws OperationError
 * "address-rate-limited" for a message that the limit of its address has prevented.
 */
export type SoapHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Serves a legacy service over SOAP 1.1 and 1.2. */
export function createSoapHandler(options: SoapHandlerOptions): SoapHandler {
  const { service, methods, namespace, baseUrlOf, authenticationError, call, onRejected } = options;

  const wsdl = createWsdl(options);
  const schema = printSchema(options);

  async function respond(request: IncomingMessage): Promise<SoapResponse> {
    const startedAt = performance.now();
    const headerVersion = mediaType(request) === "application/soap+xml" ? SOAP_12 : SOAP_11;
    const unauthenticated = await authenticationError(request);
    if (unauthenticated?.kind === "address-rate-limited") {
      throw unauthenticated;
    }
    try {
      if (unauthenticated !== undefined) {
        const { code } = toConnectError(unauthenticated, "");
        throw new EnvelopeError(unauthenticated.message, { code });
      }
      return await callMethod(request, await readRequest(request), startedAt);
    } catch (error) {
      if (error instanceof EnvelopeError || error instanceof OperationError) {
        onRejected(request, error.message);
        return rejectionResponse(headerVersion, error, namespace);
      }
      throw error;
    }
  }

  async function callMethod(
    request: IncomingMessage,
    { version, wrapper, values }: SoapMessage,
    startedAt: number,
  ): Promise<SoapResponse> {
    const method = methods.find(({ name }) => name === wrapper.localName);
    if (method === undefined) {
      const message = `${service} has no operation ${shorten(wrapper.localName ?? "", MAX_QUOTED_LENGTH)}; it has ${methods.map(({ name }) => name).join(", ")}`;
      throw new EnvelopeError(message, { code: Code.Unimplemented, version });
    }
    const params = async () => readSoapParams({ wrapper, values }, method.parameters);
    const outcome = await call(method, request, params, startedAt);
    return outcome.kind === "answered"
      ? answerResponse(version, method.name, outcome, responseNamespace(wrapper, namespace))
      : failureResponse(version, outcome, namespace);
  }

  function document(request: IncomingMessage): SoapResponse {
    return documentResponse(
      requestedDocument(request) === "xsd" ? schema : wsdl(`${baseUrlOf(request)}/services/${service}`),
    );
  }

  return async (request, response) => {
    sendResponse(response, request.method === "POST" ? await respond(request) : document(request));
  };
}

async function readRequest(request: IncomingMessage): Promise<SoapMessage> {
  if (mediaType(request).startsWith("multipart/")) {
    throw new EnvelopeError("attachments (MTOM, multipart) are not taken: send the envelope alone, as text/xml");
  }
  return readMessage(readXml((await readBody(request, declaredEncoding)).text));
}

/**
 * A stub uses the namespace of its WSDL and reads only elements that are qualified as its
 * parameters are; those of this service's WSDL are not. In a call without parameters, stubs of
 * JAXB, which CXF uses, write a default namespace if elements are qualified, else a prefix.
 */
function responseNamespace(wrapper: SoapMessage["wrapper"], namespace: string): ResponseNamespace {
  const uri = wrapper.namespaceURI ?? "";
  const [parameter] = childElements(wrapper);
  const qualified =
    parameter === undefined ? uri !== namespace && !wrapper.prefix : (parameter.namespaceURI ?? "") === uri;
  return { uri, qualified };
}
