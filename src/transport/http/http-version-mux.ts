import type { Server } from "node:http";
import type { Http2Server } from "node:http2";
import type { Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { HEADERS_TIMEOUT_MS } from "../limits.ts";

/** How an HTTP/2 connection begins (RFC 9113, 3.4); no method of HTTP/1.1 does. */
const PREFACE = Buffer.from("PRI");

const NOTHING = Buffer.alloc(0);

/**
 * Lets a server of HTTP/1.1 hand the connections that begin as HTTP/2 to another one, which does not listen itself. Node's server for
 * either refuses the other, and without TLS there is nothing that negotiates; buf curl, for one, reads a contract over HTTP/2 whatever it speaks
 * then.
 */
export function muxByPreface(http1: Server, http2: Http2Server): void {
  const serveHttp1 = http1.listeners("connection") as ((socket: Socket) => void)[];
  http1.removeAllListeners("connection");
  http1.on("connection", (socket) => {
    const giveUp = () => socket.destroy();
    socket.on("error", giveUp);
    socket.on("end", giveUp);
    socket.setTimeout(HEADERS_TIMEOUT_MS, giveUp);
    let start = NOTHING;
    socket.on("readable", function look() {
      start = Buffer.concat([start, socket.read() ?? NOTHING]);
      if (start.length < PREFACE.length && PREFACE.subarray(0, start.length).equals(start)) {
        return;
      }
      socket.unshift(start);
      socket.off("readable", look);
      socket.off("error", giveUp);
      socket.off("end", giveUp);
      socket.setTimeout(0, giveUp);
      if (start.subarray(0, PREFACE.length).equals(PREFACE)) {
        http2.emit("connection", socket);
      } else {
        for (const serve of serveHttp1) {
          serve.call(http1, socket);
        }
      }
    });
  });
}

/** The protocols of the HTTP port over TLS, the better one first. */
export const ALPN_PROTOCOLS = ["h2", "http/1.1"];

/** The same over TLS, whose handshake says which one it is. */
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
