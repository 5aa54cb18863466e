import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Http2Session, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { type DetailedPeerCertificate, TLSSocket } from "node:tls";

/** The remote end of a connection. */
export interface Peer {
  /** Its IP address; empty once disconnected. */
  readonly address: string;
  /** Whether the connection itself is encrypted; behind a proxy it may not be. */
  readonly encrypted: boolean;
  /** Its client certificate, if it presented one that was verified in the handshake. */
  readonly certificate: ClientCertificate | undefined;
}

/** A verified client certificate. */
export interface ClientCertificate {
  /** The name in it; undefined: it has none. */
  readonly name: string | undefined;
  /** End of its validity or of that of a CA above it, in milliseconds since 1970. */
  readonly expiresAt: number;
  /** SHA-256 of the certificate in base64url, as in the claim `cnf` of a token (RFC 8705). */
  readonly thumbprint: string;
}

/** A peer of which only the address is known. */
export const plaintextPeer = (address: string): Peer => ({ address, encrypted: false, certificate: undefined });

/** By connection: reading a certificate takes longer than many a call. */
const peers = new WeakMap<Socket, Peer>();

/** The peer of a connection, after its TLS handshake if any. */
export function peerOf(socket: Socket): Peer {
  let peer = peers.get(socket);
  if (peer === undefined) {
    peer = {
      address: normalizeAddress(socket.remoteAddress ?? ""),
      encrypted: socket instanceof TLSSocket,
      certificate: certificateOf(socket),
    };
    peers.set(socket, peer);
  }
  return peer;
}

/** By request: one over HTTP/2 that was reset does not know its connection any more. */
const peersOfRequests = new WeakMap<IncomingMessage, Peer>();

/**
 * The peer of a request over HTTP/1.1, or over HTTP/2 in Node's compatibility API. First called
 * before anything is awaited.
 */
export function peerOfRequest(request: IncomingMessage): Peer {
  let peer = peersOfRequests.get(request);
  if (peer === undefined) {
    const { stream } = request as { readonly stream?: ServerHttp2Stream };
    peer = peerOf((stream?.session?.socket as Socket | undefined) ?? request.socket);
    peersOfRequests.set(request, peer);
  }
  return peer;
}

/** A session of HTTP/2, or a socket of HTTP/1.1; undefined for a request that was reset. */
export function connectionOfRequest(request: IncomingMessage): Http2Session | Socket | undefined {
  const { stream } = request as { readonly stream?: ServerHttp2Stream };
  return stream === undefined ? request.socket : stream.session;
}

/** Turns an IPv4-mapped IPv6 address, which a dual-stack socket reports, into the IPv4 address. */
export function normalizeAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

/** The client certificate of a connection, if it was verified in the handshake. */
export function certificateOf(socket: Socket): ClientCertificate | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) {
    return undefined;
  }
  const chain = chainOf(socket);
  const [certificate] = chain;
  return (
    certificate && {
      name: selectCertificateName(certificate.subject.CN, certificate.subjectaltname ?? ""),
      expiresAt: Math.min(...chain.map(({ valid_to }) => Date.parse(valid_to))),
      thumbprint: createHash("sha256").update(certificate.raw).digest("base64url"),
    }
  );
}

/** The client certificate of a connection and its issuers, verified or not; empty without one. */
export function chainOf(socket: TLSSocket): readonly DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = [];
  let link: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  // An empty object where the client presented none; a root is its own issuer.
  while (link?.raw !== undefined && !chain.includes(link)) {
    chain.push(link);
    link = link.issuerCertificate;
  }
  return chain;
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
