import type { IncomingMessage } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** The remote end of a connection. */
export interface Peer {
  /** Its IP address; empty once disconnected. */
  readonly address: string;
  /** The name in its verified client certificate, if it presented one. */
  readonly certificateName: string | undefined;
}

/** By connection: reading a certificate takes longer than many a call. */
const peers = new WeakMap<Socket, Peer>();

/** The peer of a connection, after its TLS handshake if any. */
export function peerOf(socket: Socket): Peer {
  let peer = peers.get(socket);
  if (peer === undefined) {
    peer = { address: normalizeAddress(socket.remoteAddress ?? ""), certificateName: certificateNameOf(socket) };
    peers.set(socket, peer);
  }
  return peer;
}

/** The peer of a request over HTTP/1.1, or over HTTP/2 in Node's compatibility API. */
export function peerOfRequest(request: IncomingMessage): Peer {
  const { stream } = request as { readonly stream?: ServerHttp2Stream };
  return peerOf((stream?.session?.socket as Socket | undefined) ?? request.socket);
}

/** Turns an IPv4-mapped IPv6 address, which a dual-stack socket reports, into the IPv4 address. */
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

/** The common name if there is exactly one, else the first URI or DNS alternative name. */
export function selectCertificateName(commonName: unknown, altNames: string): string | undefined {
  return typeof commonName === "string" && commonName !== "" ? commonName : selectAltName(altNames);
}

/** Matches name by name: a quoted name may contain what looks like the next one. */
const ALT_NAMES = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/gy;

function selectAltName(altNames: string): string | undefined {
  for (const [, kind, value = ""] of altNames.matchAll(ALT_NAMES)) {
    if (kind === "URI" || kind === "DNS") {
      return value.startsWith('"') ? JSON.parse(value) : value;
    }
  }
  return undefined;
}
