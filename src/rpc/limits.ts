/** A request's greatest size, in bytes. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** Calls and watches at once on one HTTP/2 connection; a client that needs more opens another one, or waits. */
export const MAX_CONCURRENT_STREAMS = 10_000;

/** A connection that says nothing for this long is asked whether it is alive, in milliseconds … */
export const KEEPALIVE_MS = 30_000;

/** … and is closed when it does not answer for this long, in milliseconds. */
export const KEEPALIVE_TIMEOUT_MS = 10_000;

/** How long a TLS handshake may take, in milliseconds. */
export const HANDSHAKE_TIMEOUT_MS = 5_000;

/** How long the headers of an HTTP/1.1 request may take to arrive, in milliseconds: a trickle is an attack. */
export const HEADERS_TIMEOUT_MS = 10_000;

/** How long a whole HTTP/1.1 request may take to arrive, in milliseconds; answers take as long as they need. */
export const REQUEST_TIMEOUT_MS = 30_000;

/** Node's timers go no further (24 days): a longer deadline counts as none. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** How long an HTTP/1.1 connection may wait for its next request, in milliseconds; longer than proxies do, which is 60 s. */
export const IDLE_MS = 65_000;

/** How often HTTP/1.1 connections are looked at for those limits, in milliseconds. */
export const CHECK_MS = 5_000;

/** How long an HTTP/2 request that was answered before all of it was there may go on, in milliseconds. */
export const UNREAD_MS = 500;

/** Unary calls under way in one process: about half a second of work. gRPC calls beyond it are refused before anything of them is read. */
export const MAX_UNARY_CALLS = 2_048;
