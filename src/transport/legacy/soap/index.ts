import type { IncomingMessage, ServerResponse } from "node:http";
import { Code } from "@connectrpc/connect";
import { OperationError } from "../../../application/errors.ts";
import { readText } from "../body.ts";
import type { Outcome } from "../call.ts";
import type { OldMethod, OldService } from "../methods.ts";
import type { Given } from "../params.ts";
import { originOf } from "./address.ts";
import { encodingOf } from "./encoding.ts";
import { EnvelopeError, readMessage, type SoapMessage } from "./message.ts";
import { readSoapGiven } from "./read-params.ts";
import { elementsOf, readXml } from "./read-xml.ts";
import { documentOf, mediaTypeOf } from "./recognize.ts";
import { answerReply, documentReply, failureReply, type Reply, refusalReply, sendReply } from "./reply.ts";
import { SOAP_11, SOAP_12 } from "./versions.ts";
import type { AnswerPlace } from "./write-message.ts";
import { printSchema, printWsdl } from "./wsdl.ts";

export { isSoap } from "./recognize.ts";

export interface SoapOptions {
  readonly service: OldService;
  readonly methods: readonly OldMethod[];
  /** The target namespace of the service's messages. */
  readonly namespace: string;
  readonly call: (method: OldMethod, request: IncomingMessage, given: Given | OperationError) => Promise<Outcome>;
  /** Hears of a message in which no call can be found: no method keeps it in the request log. */
  readonly onRefused: (request: IncomingMessage, why: string) => void;
}

/** Answers whatever is SOAP at a service's address: its messages, its WSDL and its schema. */
export type Soap = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Serves one of the old services over SOAP 1.1 and 1.2. */
export function createSoap(options: SoapOptions): Soap {
  const { service, methods, namespace, call, onRefused } = options;

  async function answer(request: IncomingMessage): Promise<Reply> {
    const said = mediaTypeOf(request) === "application/soap+xml" ? SOAP_12 : SOAP_11;
    try {
      return await answerMessage(request, await readRequest(request));
    } catch (error) {
      if (error instanceof EnvelopeError || error instanceof OperationError) {
        onRefused(request, error.message);
        return refusalReply(said, error, namespace);
      }
      throw error;
    }
  }

  async function answerMessage(request: IncomingMessage, { version, wrapper }: SoapMessage): Promise<Reply> {
    const method = methods.find(({ name }) => name === wrapper.localName);
    if (method === undefined) {
      const message = `${service} has no operation ${wrapper.localName}; it has ${methods.map(({ name }) => name).join(", ")}`;
      throw new EnvelopeError(message, { code: Code.Unimplemented, version });
    }
    const outcome = await call(method, request, readSoapGiven(wrapper, method.parameters));
    return outcome.kind === "answered"
      ? answerReply(version, method.name, outcome, placeFor(wrapper, namespace))
      : failureReply(version, outcome, namespace);
  }

  function document(request: IncomingMessage): Reply {
    return documentReply(
      documentOf(request) === "xsd"
        ? printSchema(options)
        : printWsdl(options, `${originOf(request)}/services/${service}`),
    );
  }

  return async (request, response) => {
    sendReply(response, request.method === "POST" ? await answer(request) : document(request));
  };
}

async function readRequest(request: IncomingMessage): Promise<SoapMessage> {
  if (mediaTypeOf(request).startsWith("multipart/")) {
    throw new EnvelopeError("attachments (MTOM, multipart) are not taken: send the envelope alone, as text/xml");
  }
  return readMessage(readXml(await readText(request, encodingOf)));
}

/** A stub of the old system's WSDL has that one's namespace, and reads only what is in it. */
function placeFor(wrapper: SoapMessage["wrapper"], namespace: string): AnswerPlace {
  const uri = wrapper.namespaceURI ?? "";
  const first = elementsOf(wrapper)[0];
  return { uri, qualified: uri !== namespace && first !== undefined && (first.namespaceURI ?? "") === uri };
}
