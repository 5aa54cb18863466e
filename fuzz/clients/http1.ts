import { Agent, type OutgoingHttpHeaders, request as startRequest } from "node:http";
import { connect } from "node:net";
import { type CallResult, GRPC_CODES, MAX_TEXT_LENGTH } from "./result.ts";

/** A request over HTTP/1.1. */
export interface Http1Request {
  readonly method: string;
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
  /**
   * The response is an endless stream: it is cancelled after its first message or after a timeout.
   */
  readonly endless: boolean;
}

/** Sends requests over persistent HTTP/1.1 connections. */
export interface Http1Client {
  send(request: Http1Request): Promise<CallResult>;
  /** Sends bytes on a new connection and reads until the server closes it or a timeout expires. */
  sendRaw(bytes: Buffer): Promise<CallResult>;
  close(): void;
}

/** Time after which an endless stream is cancelled, in milliseconds. */
const STREAM_MS = 100;

/** Read timeout after raw bytes, in milliseconds. */
const RAW_MS = 150;

export function openHttp1(port: number, connections: number): Http1Client {
  let rawSent = 0;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  return {
    send: ({ method, path, headers, body, endless }) =>
      new Promise((resolve) => {
        let request: ReturnType<typeof startRequest>;
        try {
          request = startRequest({ host: "127.0.0.1", port, agent, method, path, headers });
        } catch (error) {
          resolve({ code: "NOT SENT", text: String(error) });
          return;
        }
        let [text, cancelled] = ["", false];
        const cancel = () => {
          cancelled = true;
          request.destroy();
        };
        const timer = endless ? setTimeout(cancel, STREAM_MS) : undefined;
        const end = (answer: CallResult) => {
          clearTimeout(timer);
          resolve(cancelled ? { code: "CANCELLED BY CLIENT", text } : answer);
        };
        request.once("error", (error) => end({ code: "CLOSED", text: String(error) }));
        request.once("response", (response) => {
          response.on("data", (bytes: Buffer) => {
            if (text.length < MAX_TEXT_LENGTH) {
              text += bytes.toString("latin1", 0, MAX_TEXT_LENGTH);
            }
            if (endless) {
              cancel();
            }
          });
          response.once("close", () =>
            end({ code: codeOf(response.statusCode ?? 0, String(response.headers["oms-code"] ?? ""), text), text }),
          );
        });
        request.end(body);
      }),
    sendRaw: (request) =>
      new Promise((resolve) => {
        // The service blocks addresses that repeatedly send malformed requests: rotate the source
        // address.
        rawSent += 1;
        const localAddress = `127.0.${1 + (rawSent % 250)}.1`;
        const socket = connect({ port, host: "127.0.0.1", localAddress });
        let text = "";
        const timer = setTimeout(() => socket.destroy(), RAW_MS);
        socket.on("data", (bytes) => {
          text += bytes.toString("latin1", 0, MAX_TEXT_LENGTH);
        });
        socket.on("error", () => {});
        socket.once("close", () => {
          clearTimeout(timer);
          const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1];
          resolve({ code: status === undefined ? "CLOSED" : codeOf(Number(status), "", text), text });
        });
        socket.write(request);
      }),
    close: () => agent.destroy(),
  };
}

/**
 * The code of a response other than native gRPC: from the header or the SOAP fault of a legacy
 * endpoint, from the trailers of gRPC-Web, or from the error of Connect, which may be at the end of
 * a stream.
 */
export function codeOf(status: number, legacyCode: string, text: string): string {
  if (legacyCode !== "") {
    return legacyCode;
  }
  if (/<soap:Fault>/.test(text)) {
    return (
      /<ns2:code[^>]*>(\w+)/.exec(text)?.[1] ?? (/VersionMismatch|MustUnderstand/.test(text) ? "NO SOAP" : "INTERNAL")
    );
  }
  const trailer = /grpc-status: (\d+)/i.exec(text)?.[1];
  if (trailer !== undefined) {
    return GRPC_CODES[Number(trailer)] ?? `grpc-status ${trailer}`;
  }
  const error = /"code":"([a-z_]+)"/.exec(text)?.[1];
  if (error !== undefined && (status >= 400 || text.includes('{"error":{'))) {
    return error.toUpperCase().replace("CANCELED", "CANCELLED");
  }
  return status === 200 ? "OK" : `HTTP ${status}`;
}
