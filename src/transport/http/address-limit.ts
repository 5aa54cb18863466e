import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import { errorToJson } from "@connectrpc/connect/protocol-connect";
import type { OperationError } from "../../application/errors.ts";
import { ADDRESS_RATE_LIMITED, PERMISSION_RATE_LIMITED } from "../auth/index.ts";
import type { ClientAddress } from "../connections/client-address.ts";
import { peerOfRequest } from "../connections/peer.ts";
import { onCallRefused } from "../guard/index.ts";
import type { AddressLimits } from "../rate-limits/index.ts";
import { encodeStatus, toConnectError } from "../wire/errors.ts";
import { END_STREAM_FLAG, envelope } from "./connect-request.ts";

/** Rejects requests whose address has exceeded its limit. */
export interface AddressCheck {
  /**
   * Counts a request that needs no authentication.
   *
   * @param cost how many of the cheapest requests it costs
   * @returns whether it was rejected, and has been answered
   */
  rejects(
    kind: Parameters<AddressLimits["take"]>[0],
    request: IncomingMessage,
    response: ServerResponse,
    cost?: number,
  ): boolean;
  /**
   * Rejects a request whose authentication or authorization the limit has prevented.
   *
   * @param error "address-rate-limited"; the HTTP/2 connection of a known caller stays open
   */
  reject(request: IncomingMessage, response: ServerResponse, error: OperationError): void;
}

/** The cost of a request whose response takes 10 times as long as an error or a health page. */
export const PAGE_COST = 10;

/** @param limits undefined: no limit */
export function createAddressCheck(limits: AddressLimits | undefined, clientAddress: ClientAddress): AddressCheck {
  const addressOf = (request: IncomingMessage) =>
    clientAddress(peerOfRequest(request), request.headers["x-forwarded-for"]?.toString());

  function reject(request: IncomingMessage, response: ServerResponse, error: OperationError): void {
    const { stream } = request as { readonly stream?: ServerHttp2Stream };
    const address = addressOf(request);
    if (stream === undefined) {
      response.setHeader("connection", "close");
    } else if (
      error !== PERMISSION_RATE_LIMITED &&
      onCallRefused(stream.session, address, address !== peerOfRequest(request).address)
    ) {
      return;
    }
    sendAddressLimited(request, response);
  }

  return {
    reject,
    rejects(kind, request, response, cost) {
      if (limits === undefined || limits.take(kind, addressOf(request), cost)) {
        return false;
      }
      reject(request, response, ADDRESS_RATE_LIMITED);
      return true;
    },
  };
}

const ERROR = toConnectError(ADDRESS_RATE_LIMITED, "");
const ERROR_JSON = errorToJson(ERROR, undefined);
const BODY = JSON.stringify(ERROR_JSON);

/** The last message of a Connect stream. */
const END_OF_STREAM = envelope(Buffer.from(JSON.stringify({ error: ERROR_JSON })), END_STREAM_FLAG);

/** Of a gRPC-Web response without a message. */
const GRPC_WEB_HEADERS = {
  "grpc-status": String(ERROR.code),
  "grpc-message": encodeURI(ERROR.rawMessage),
  "grpc-status-details-bin": Buffer.from(encodeStatus(ERROR)).toString("base64"),
};

const COMMON_HEADERS = {
  "cache-control": "no-store",
  "retry-after": String(Math.ceil((ADDRESS_RATE_LIMITED.retryAfterMs ?? 0) / 1_000)),
};

/**
 * As RESOURCE_EXHAUSTED in the protocol of the request, otherwise as 429. Encoded beforehand:
 * rejecting must cost next to nothing.
 */
function sendAddressLimited(request: IncomingMessage, response: ServerResponse): void {
  const type = request.headers["content-type"] ?? "";
  if (/^application\/grpc-web/i.test(type)) {
    response.writeHead(200, { ...COMMON_HEADERS, "content-type": type, ...GRPC_WEB_HEADERS }).end();
  } else if (/^application\/connect\+/i.test(type)) {
    response.writeHead(200, { ...COMMON_HEADERS, "content-type": type }).end(END_OF_STREAM);
  } else {
    response.writeHead(429, { ...COMMON_HEADERS, "content-type": "application/json" }).end(BODY);
  }
}
