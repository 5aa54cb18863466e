import type { IncomingMessage } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** The other end of a call's connection. */
export interface Peer {
  /** Its IP address; empty where it has hung up already. */
  readonly address: string;
  /** The name in its client certificate, where it showed one that was verified. */
  readonly certificateName: string | undefined;
}

/** Reading a certificate takes longer than many a call. */
const known = new WeakMap<Socket, Peer>();

/** Who is at the other end of a connection, whose TLS handshake is over where there is one. */
export function peerOf(socket: Socket): Peer {
  let peer = known.get(socket);
  if (peer === undefined) {
    peer = { address: normalizeAddress(socket.remoteAddress ?? ""), certificateName: certificateNameOf(socket) };
    known.set(socket, peer);
  }
  return peer;
}

/** Who sent a request, of HTTP/1.1 or of HTTP/2 in the same guise. */
export function peerOfRequest(request: IncomingMessage): Peer {
  const { stream } = request as { readonly stream?: ServerHttp2Stream };
  return peerOf((stream?.session?.socket as Socket | undefined) ?? request.socket);
}

/** A socket that listens for both families tells IPv4 addresses as IPv6 ones. */
export function normalizeAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

function certificateNameOf(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) {
    return undefined;
  }
  const { subject, subjectaltname = "" } = socket.getPeerCertificate();
  return subject === undefined ? undefined : selectCertificateName(subject.CN, subjectaltname);
}

/** The common name; where there is not exactly one, the first URI or DNS name. */
export function selectCertificateName(commonName: unknown, altNames: string): string | undefined {
  return typeof commonName === "string" && commonName !== "" ? commonName : altNameIn(altNames);
}

/** One name after the other, for one that is in quotes may hold what looks like the next. */
const ALT_NAMES = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/gy;

function altNameIn(altNames: string): string | undefined {
  for (const [, kind, value = ""] of altNames.matchAll(ALT_NAMES)) {
    if (kind === "URI" || kind === "DNS") {
      return value.startsWith('"') ? JSON.parse(value) : value;
    }
  }
  return undefined;
}
