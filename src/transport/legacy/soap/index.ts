import type { IncomingMessage, ServerResponse } from "node:http";
import { Code } from "@connectrpc/connect";
import { OperationError } from "../../../application/errors.ts";
import { readText } from "../body.ts";
import type { LegacyOutcome } from "../call.ts";
import type { LegacyMethod, LegacyService } from "../methods.ts";
import type { Params } from "../params.ts";
import { serverOrigin } from "./address.ts";
import { declaredEncoding } from "./encoding.ts";
import { EnvelopeError, readMessage, type SoapMessage } from "./message.ts";
import { readSoapParams } from "./read-params.ts";
import { childElements, readXml } from "./read-xml.ts";
import { mediaType, requestedDocument } from "./recognize.ts";
import {
  answerResponse,
  documentResponse,
  failureResponse,
  rejectionResponse,
  type SoapResponse,
  sendResponse,
} from "./reply.ts";
import { SOAP_11, SOAP_12 } from "./versions.ts";
import type { ResponseNamespace } from "./write-message.ts";
import { printSchema, printWsdl } from "./wsdl.ts";

export { isSoapRequest } from "./recognize.ts";

export interface SoapHandlerOptions {
  readonly service: LegacyService;
  readonly methods: readonly LegacyMethod[];
  /** The target namespace of the service's messages. */
  readonly namespace: string;
  readonly call: (
    method: LegacyMethod,
    request: IncomingMessage,
    given: Params | OperationError,
  ) => Promise<LegacyOutcome>;
  /** Hears of a message in which no call can be found: no method keeps it in the request log. */
  readonly onRefused: (request: IncomingMessage, why: string) => void;
}

/** Answers whatever is SOAP at a service's address: its messages, its WSDL and its schema. */
export type SoapHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Serves one of the old services over SOAP 1.1 and 1.2. */
export function createSoapHandler(options: SoapHandlerOptions): SoapHandler {
  const { service, methods, namespace, call, onRefused } = options;

  async function answer(request: IncomingMessage): Promise<SoapResponse> {
    const said = mediaType(request) === "application/soap+xml" ? SOAP_12 : SOAP_11;
    try {
      return await answerMessage(request, await readRequest(request));
    } catch (error) {
      if (error instanceof EnvelopeError || error instanceof OperationError) {
        onRefused(request, error.message);
        return rejectionResponse(said, error, namespace);
      }
      throw error;
    }
  }

  async function answerMessage(request: IncomingMessage, { version, wrapper }: SoapMessage): Promise<SoapResponse> {
    const method = methods.find(({ name }) => name === wrapper.localName);
    if (method === undefined) {
      const message = `${service} has no operation ${wrapper.localName}; it has ${methods.map(({ name }) => name).join(", ")}`;
      throw new EnvelopeError(message, { code: Code.Unimplemented, version });
    }
    const outcome = await call(method, request, readSoapParams(wrapper, method.parameters));
    return outcome.kind === "answered"
      ? answerResponse(version, method.name, outcome, placeFor(wrapper, namespace))
      : failureResponse(version, outcome, namespace);
  }

  function document(request: IncomingMessage): SoapResponse {
    return documentResponse(
      requestedDocument(request) === "xsd"
        ? printSchema(options)
        : printWsdl(options, `${serverOrigin(request)}/services/${service}`),
    );
  }

  return async (request, response) => {
    sendResponse(response, request.method === "POST" ? await answer(request) : document(request));
  };
}

async function readRequest(request: IncomingMessage): Promise<SoapMessage> {
  if (mediaType(request).startsWith("multipart/")) {
    throw new EnvelopeError("attachments (MTOM, multipart) are not taken: send the envelope alone, as text/xml");
  }
  return readMessage(readXml(await readText(request, declaredEncoding)));
}

/** A stub of the old system's WSDL has that one's namespace, and reads only what is in it. */
function placeFor(wrapper: SoapMessage["wrapper"], namespace: string): ResponseNamespace {
  const uri = wrapper.namespaceURI ?? "";
  const first = childElements(wrapper)[0];
  return { uri, qualified: uri !== namespace && first !== undefined && (first.namespaceURI ?? "") === uri };
}
