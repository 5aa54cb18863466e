/** Maximum size of a request, in bytes. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/**
 * Maximum size of a request for an RPC whose valid messages may be larger, in bytes. It takes about
 * 20 ms to decode, and holds 1,000 status reports of 1,000 bytes.
 */
export const MAX_REQUEST_BYTES = 1024 * 1024;

/**
 * Maximum requests that wait on an HTTP/1.1 connection for the response to an earlier one. Browsers
 * and HTTP libraries send none (pipelining).
 */
export const MAX_PIPELINED_REQUESTS = 8;

/**
 * Maximum size of a request to health or reflection, in bytes. They need no admission, and name one
 * service, file or symbol.
 */
export const MAX_BUILT_IN_REQUEST_BYTES = 8 * 1024;

/**
 * Maximum requests of one call of reflection. A client that reads the whole contract sends one for
 * each service and file, a few dozen.
 */
export const MAX_REFLECTION_REQUESTS = 200;

/**
 * Maximum concurrent calls and watches on one HTTP/2 connection. Slightly more than
 * MAX_UNARY_CALLS: a client that opens as many as allowed and disconnects delays all others for as
 * long as it takes to close them.
 */
export const MAX_CONCURRENT_STREAMS = 2_500;

/**
 * The same before the first admitted call on a connection. Clients assume 100 until they have
 * received the server's settings.
 */
export const INITIAL_CONCURRENT_STREAMS = 100;

/** The same while the connection's address has more calls refused than its limit allows. */
export const FLOODING_CONCURRENT_STREAMS = 8;

/**
 * Maximum calls per second of one address on connections without a success, after the first
 * FLOODING_CONCURRENT_STREAMS of each. Clients repeat the
 * refused ones by themselves.
 */
export const MAX_UNPROVEN_CALLS = 500;

/**
 * Maximum calls started in a turn of the event loop on connections without an admitted call: about
 * 2 ms of work.
 */
export const UNPROVEN_STARTS_PER_TURN = 8;

/**
 * Delay of new connections from an address, after one of its connections was closed because it
 * flooded the server, in milliseconds.
 */
export const FLOOD_DELAY_MS = 1_000;

/** Interval between keep-alive pings on a connection, in milliseconds. */
export const KEEPALIVE_MS = 30_000;

/** Time to answer a ping before the connection is closed, in milliseconds. */
export const KEEPALIVE_TIMEOUT_MS = 10_000;

/**
 * Interval between checks of the server's state for clients that watch its health, in milliseconds.
 */
export const HEALTH_WATCH_INTERVAL_MS = 1_000;

/** Timeout of a TLS handshake, in milliseconds. */
export const HANDSHAKE_TIMEOUT_MS = 5_000;

/** Interval between checks of the client certificates of open connections, in milliseconds. */
export const CERTIFICATE_CHECK_MS = 1_000;

/** Time for the headers of an HTTP/1.1 request to arrive, in milliseconds (slowloris). */
export const HEADERS_TIMEOUT_MS = 10_000;

/** Time for a whole request to arrive, in milliseconds. Responses are not limited. */
export const REQUEST_TIMEOUT_MS = 30_000;

/** Maximum delay of a Node timer (24 days), in milliseconds: a longer deadline counts as none. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Keep-alive timeout of an idle HTTP/1.1 connection, in milliseconds; longer than that of proxies,
 * which is 60 s.
 */
export const HTTP1_IDLE_MS = 65_000;

/**
 * Time in which a server that shuts down still answers a request on an idle HTTP/1.1 connection, in
 * milliseconds: longer than a request takes to arrive.
 */
export const HTTP1_LAST_REQUEST_MS = 500;

/**
 * Maximum bytes read and discarded of an HTTP/1.1 request that was answered before its end; a
 * client that sends more is disconnected.
 */
export const MAX_DISCARDED_BYTES = 4 * MAX_MESSAGE_BYTES;

/** Interval between checks of HTTP/1.1 connections against these limits, in milliseconds. */
export const HTTP1_CHECK_INTERVAL_MS = 5_000;

/** Time to finish sending an HTTP/2 request after its response was sent, in milliseconds. */
export const UNREAD_REQUEST_MS = 500;

/**
 * Maximum unary calls in flight in one process: about half a second of work. Further gRPC calls are
 * rejected unread.
 */
export const MAX_UNARY_CALLS = 2_048;

/**
 * Default maximum of open connections to a port: a few thousand callers with a pool each. An idle
 * one costs about 30 KB.
 */
export const MAX_CONNECTIONS = 8_192;

/**
 * Maximum share of a port's connections for one address. All callers may be behind one proxy, hence
 * not less.
 */
export const MAX_SHARE_PER_ADDRESS = 0.5;

/** Interval between checks of HTTP/2 connections against the limits below, in milliseconds. */
export const GUARD_INTERVAL_MS = 1_000;

/**
 * Maximum calls per second and address that are answered although the address exceeded its limit:
 * they take about 10 ms. Each further one closes its HTTP/2 connection.
 */
export const MAX_REFUSED_CALLS = 100;

/** Time without a call after which an HTTP/2 connection is closed gracefully, in milliseconds. */
export const IDLE_HTTP2_MS = 30 * 60_000;

/**
 * Maximum PING and SETTINGS frames of an HTTP/2 connection per second during which the server sends
 * no HEADERS or DATA. Node answers each of them for as long as the answers are read. grpc-go and
 * grpc-java measure the bandwidth with a PING for each DATA frame that they receive, at most one at
 * a time; keep-alive adds one every few seconds.
 */
export const MAX_CONTROL_FRAMES = 100;

/**
 * Time a response may wait to be read, in milliseconds: a watcher that reads nothing, a
 * flow-control window that stays at 0.
 */
export const UNREAD_RESPONSE_MS = 60_000;

/**
 * Maximum bytes buffered in one process for requests not yet complete, and for responses not yet
 * read: 64 of the largest requests. A call that would exceed it is closed, unless its request is
 * small.
 */
export const MAX_BUFFERED_BYTES = 64 * MAX_REQUEST_BYTES;

/**
 * Maximum share of the bytes of incomplete requests for one address, small requests included. All
 * callers may be behind one proxy, hence not less.
 */
export const MAX_BUFFERED_SHARE_PER_ADDRESS = 0.5;

/**
 * Memory of a chunk of a request body (a DATA frame, an HTTP/1.1 chunk) besides its bytes: the
 * objects that hold it.
 */
export const CHUNK_COST_BYTES = 256;

/**
 * Size below which a chunk counts as small, in bytes. HTTP libraries send chunks of 4 KB and more;
 * gRPC libraries send a message in frames of 16 KB.
 */
export const SMALL_CHUNK_BYTES = 512;

/** Small chunks of a request that are not counted: most requests are one. */
export const SMALL_CHUNKS_PER_REQUEST = 16;

/**
 * Maximum further small chunks of one address per second: about 40 ms of work. Programs that write
 * a request piece by piece without a buffer send them.
 */
export const MAX_SMALL_CHUNKS = 4_000;

/** Maximum size of a small request, in bytes: the initial HTTP/2 flow-control window. */
export const SMALL_REQUEST_BYTES = 64 * 1024;

/**
 * Memory limit of an HTTP/2 connection in MB: streams, headers, pending responses. Beyond it new
 * calls on it are rejected. grpc-js sets no limit, Node one of 10 MB, which is 4 KB for each of the
 * allowed streams.
 */
export const MAX_SESSION_MB = 64;

/**
 * Maximum streams that a client may reset on an HTTP/2 connection (rapid reset): all its calls in
 * flight at once, as when their deadlines expire together, and then this many per second. Node's
 * own limits, 1,000 and 33, end the connections of clients whose calls take too long.
 */
export const MAX_RESET_STREAMS = { burst: MAX_CONCURRENT_STREAMS, perSecond: 1_000 } as const;

/**
 * Further limits of an HTTP/2 connection. Node itself enforces: 1,000 invalid or empty frames, 32
 * settings in a frame, 8 CONTINUATION frames, 64 KB of headers, 1,000 unread answers to PING and
 * SETTINGS frames.
 */
export const HTTP2_OPTIONS = {
  maxSessionMemory: MAX_SESSION_MB,
  // Node counts a closed stream among those open until its next turn. Calls that took the place of
  // closed ones in the same packet may exceed the limit then, and are reset. Node's own limit, 100
  // in a row, would close the connection with all its other calls.
  maxSessionRejectedStreams: MAX_CONCURRENT_STREAMS,
  streamResetBurst: MAX_RESET_STREAMS.burst,
  streamResetRate: MAX_RESET_STREAMS.perSecond,
  // Announced to clients, which then enforce it themselves; the server accepts 128 header lines.
  maxHeaderListPairs: 128,
  settings: { maxConcurrentStreams: INITIAL_CONCURRENT_STREAMS, maxHeaderListSize: 64 * 1024 },
} as const;
