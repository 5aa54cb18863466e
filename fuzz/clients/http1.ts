import { Agent, type OutgoingHttpHeaders, request as startRequest } from "node:http";
import { connect } from "node:net";
import { type CallResult, GRPC_CODES, MAX_TEXT_LENGTH } from "./answer.ts";

/** A request as it goes over HTTP/1.1. */
export interface Http1Request {
  readonly method: string;
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
  /** It is a stream without an end: we leave after its first message, or after a while. */
  readonly endless: boolean;
}

/** Sends requests over HTTP/1.1, on connections that stay. */
export interface Http1Client {
  send(request: Http1Request): Promise<CallResult>;
  /** Sends bytes on a connection of their own, and hears what comes until the server or the patience ends. */
  sendRaw(bytes: Buffer): Promise<CallResult>;
  close(): void;
}

/** How long a stream without an end is listened to, in milliseconds. */
const LISTEN_MS = 100;

/** How long bytes that may be no whole request are waited for, in milliseconds. */
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
        let [text, left] = ["", false];
        const leave = () => {
          left = true;
          request.destroy();
        };
        const timer = endless ? setTimeout(leave, LISTEN_MS) : undefined;
        const end = (answer: CallResult) => {
          clearTimeout(timer);
          resolve(left ? { code: "LEFT", text } : answer);
        };
        request.once("error", (error) => end({ code: "CLOSED", text: String(error) }));
        request.once("response", (response) => {
          response.on("data", (bytes: Buffer) => {
            if (text.length < MAX_TEXT_LENGTH) {
              text += bytes.toString("latin1", 0, MAX_TEXT_LENGTH);
            }
            if (endless) {
              leave();
            }
          });
          response.once("close", () =>
            end({ code: codeOf(response.statusCode ?? 0, String(response.headers["oms-code"] ?? ""), text), text }),
          );
        });
        request.end(body);
      }),
    sendRaw: (bytes) =>
      new Promise((resolve) => {
        // Who sends the like time and again is left outside for a while.
        rawSent += 1;
        const localAddress = `127.0.${1 + (rawSent % 250)}.1`;
        const socket = connect({ port, host: "127.0.0.1", localAddress });
        let text = "";
        const timer = setTimeout(() => socket.destroy(), RAW_MS);
        socket.on("data", (said) => {
          text += said.toString("latin1", 0, MAX_TEXT_LENGTH);
        });
        socket.on("error", () => {});
        socket.once("close", () => {
          clearTimeout(timer);
          const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1];
          resolve({ code: status === undefined ? "CLOSED" : codeOf(Number(status), "", text), text });
        });
        socket.write(bytes);
      }),
    close: () => agent.destroy(),
  };
}

/** The code of an answer that is not gRPC's: of an old address in its header or its SOAP fault, of gRPC-Web in the trailers, of Connect in the error, which may stand at a stream's end. */
export function codeOf(status: number, oldCode: string, text: string): string {
  if (oldCode !== "") {
    return oldCode;
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
