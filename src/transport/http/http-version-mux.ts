import type { Server } from "node:http";
import type { Http2Server } from "node:http2";
import type { Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { HEADERS_TIMEOUT_MS } from "../limits.ts";

/** Start of an HTTP/2 connection (RFC 9113, 3.4), and of no HTTP/1.1 request. */
const PREFACE = Buffer.from("PRI");

const EMPTY = Buffer.alloc(0);

/**
 * Serves HTTP/1.1 and HTTP/2 on one plaintext port: passes connections that start with the HTTP/2
 * preface to a server that does not listen itself. A Node server for one version rejects the other,
 * and without TLS there is no negotiation. buf curl, for example, always uses HTTP/2 for
 * reflection.
 *
 * @returns closes the connections that have sent nothing yet
 */
export function muxByPreface(http1: Server, http2: Http2Server): () => void {
  const undecided = new Set<Socket>();
  const serveHttp1 = http1.listeners("connection") as ((socket: Socket) => void)[];
  http1.removeAllListeners("connection");
  http1.on("connection", (socket) => {
    const abandon = () => socket.destroy();
    socket.on("error", abandon);
    socket.on("end", abandon);
    socket.setTimeout(HEADERS_TIMEOUT_MS, abandon);
    undecided.add(socket);
    socket.once("close", () => undecided.delete(socket));
    let start = EMPTY;
    socket.on("readable", function sniff() {
      start = Buffer.concat([start, socket.read() ?? EMPTY]);
      if (start.length < PREFACE.length && PREFACE.subarray(0, start.length).equals(start)) {
        return;
      }
      undecided.delete(socket);
      socket.unshift(start);
      socket.off("readable", sniff);
      socket.off("error", abandon);
      socket.off("end", abandon);
      socket.setTimeout(0, abandon);
      if (start.subarray(0, PREFACE.length).equals(PREFACE)) {
        http2.emit("connection", socket);
      } else {
        for (const serve of serveHttp1) {
          serve.call(http1, socket);
        }
      }
    });
  });
  return () => {
    for (const socket of undecided) {
      socket.destroy();
    }
  };
}

/** The ALPN protocols of the HTTP port in order of preference. */
export const ALPN_PROTOCOLS = ["h2", "http/1.1"];

/** The same over TLS, by the protocol negotiated in the handshake. */
export function muxByAlpn(http1: HttpsServer, http2: Http2Server): void {
  const serveHttp1 = http1.listeners("secureConnection") as ((socket: TLSSocket) => void)[];
  http1.removeAllListeners("secureConnection");
  http1.on("secureConnection", (socket) => {
    if (socket.alpnProtocol === "h2") {
      http2.emit("connection", socket);
    } else {
      for (const serve of serveHttp1) {
        serve.call(http1, socket);
      }
    }
  });
}
