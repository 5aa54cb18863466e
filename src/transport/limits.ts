/** A request's greatest size, in bytes. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/**
 * Calls and watches at once on one HTTP/2 connection; a client that needs more opens another one, or waits. Somewhat more than calls may be
 * under way: whoever opens as many as there may be and leaves costs the others as long as it takes to end them all.
 */
export const MAX_CONCURRENT_STREAMS = 2_500;

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
export const HTTP1_IDLE_MS = 65_000;

/** How often HTTP/1.1 connections are looked at for those limits, in milliseconds. */
export const HTTP1_CHECK_INTERVAL_MS = 5_000;

/** How long an HTTP/2 request that was answered before all of it was there may go on, in milliseconds. */
export const UNREAD_REQUEST_MS = 500;

/** Unary calls under way in one process: about half a second of work. gRPC calls beyond it are refused before anything of them is read. */
export const MAX_UNARY_CALLS = 2_048;

/** Open connections to a port, unless configured: a few thousand callers with a pool each; an idle one costs some 30 KB. */
export const MAX_CONNECTIONS = 8_192;

/** The share of them that one address may have: nobody alone shuts the others out, and all callers may stand behind one proxy. */
export const MAX_SHARE_PER_ADDRESS = 0.5;

/** How often HTTP/2 connections are looked at for the limits below, in milliseconds. */
export const GUARD_INTERVAL_MS = 1_000;

/** An HTTP/2 connection on which nobody has called for this long is told to go, in milliseconds; clients open another one when they need it. */
export const IDLE_HTTP2_MS = 30 * 60_000;

/**
 * Pings and settings of an HTTP/2 connection in a second. Node answers each by itself, for as long as the answers are read; a client sends
 * one in some seconds.
 */
export const MAX_CONTROL_FRAMES = 100;

/** An address of which so many HTTP/2 connections had to be ended for what they did … */
export const MAX_VIOLATIONS = 8;

/**
 * … within this time gets no new ones until it is over, in milliseconds. Those that it has go on; and where one of them is older than that,
 * new ones are let in all the same: a balancer may stand there, and many callers behind it.
 */
export const BLOCK_MS = 10_000;

/** How long a message of an answer may wait to be read, in milliseconds: a watcher that reads nothing, a window that stays at 0. */
export const UNREAD_RESPONSE_MS = 60_000;

/**
 * Bytes in one process that callers send and have not finished sending, or do not read though they asked for them: 64 of the greatest
 * requests. Who would go beyond it is cut off; small requests are not counted, so that others go on.
 */
export const MAX_BUFFERED_BYTES = 64 * MAX_MESSAGE_BYTES;

/** A request up to this size, in bytes, is small: HTTP/2 lets a client send so much unasked. */
export const SMALL_REQUEST_BYTES = 64 * 1024;

/**
 * What Node holds for an HTTP/2 connection, in MB: streams, headers, answers that wait. Beyond it new calls on it are refused. grpc-js would
 * set no limit at all, Node one of 10 MB, which is 4 KB for each of the calls that a connection may have.
 */
export const MAX_SESSION_MB = 64;

/**
 * Further limits of an HTTP/2 connection. Node's own hold besides: 1,000 streams reset at once and then 33 a second (rapid reset), 1,000
 * invalid or empty frames, 100 refused streams, 32 settings in a frame, 8 CONTINUATION frames, 64 KB of headers, 1,000 answers to pings and
 * settings that nobody reads.
 */
export const HTTP2_OPTIONS = {
  maxSessionMemory: MAX_SESSION_MB,
  // Told to clients, which refuse by themselves then; 128 lines are taken in all.
  maxHeaderListPairs: 128,
  settings: { maxConcurrentStreams: MAX_CONCURRENT_STREAMS, maxHeaderListSize: 64 * 1024 },
} as const;
