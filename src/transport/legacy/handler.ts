import type { IncomingMessage, ServerResponse } from "node:http";
import { Code } from "@connectrpc/connect";
import { OperationError } from "../../application/errors.ts";
import { createAddressList, LOOPBACK } from "../../lib/address-list.ts";
import { boundedLabels } from "../../observability/bounded-labels.ts";
import type { Logger } from "../../observability/log.ts";
import { createLogLimiter } from "../../observability/log-limiter.ts";
import type { Metrics } from "../../observability/metrics.ts";
import type { TokenTransportCheck } from "../auth/cleartext.ts";
import type { ClientAddress } from "../connections/client-address.ts";
import { connectionOfRequest, peerOfRequest } from "../connections/peer.ts";
import type { FindHandler } from "../http/server.ts";
import type { Route } from "../middleware/pipeline.ts";
import { CALLER_HEADER } from "../middleware/trust-caller-header.ts";
import { isServerFailure, responseBody } from "./answers.ts";
import { authenticationError, callLegacyMethod, type LegacyOutcome } from "./call.ts";
import { createCallerResolver, type KnownCaller } from "./callers.ts";
import { readParams, sendOutcome } from "./http.ts";
import { LEGACY_METHODS, LEGACY_SERVICES, type LegacyMethod, type LegacyService, pathOf } from "./methods.ts";
import { sendOverview, sendRouteError } from "./overview.ts";
import type { Params } from "./params.ts";
import type { ShadowRead } from "./shadow/index.ts";
import { createBaseUrlResolver } from "./soap/address.ts";
import { createSoapHandler, isSoapRequest, type SoapHandler } from "./soap/index.ts";

export interface LegacyHandlerOptions {
  readonly callers: readonly KnownCaller[];
  readonly mayPresentToken: TokenTransportCheck;
  /** Whether a failure has an HTTP error status; otherwise it is 200, as in the legacy system. */
  readonly httpErrors: boolean;
  /** The XML namespace of the SOAP messages. */
  readonly namespace: string;
  readonly clientAddress: ClientAddress;
  /** The URL in the WSDL's addresses; undefined: the one at which the client asked for it. */
  readonly baseUrl: string | undefined;
  /** Addresses and CIDR ranges, besides loopback, whose forwarded headers are accepted. */
  readonly proxies: readonly string[];
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Called after each successful read, and each read of a missing order. */
  readonly onRead: (read: ShadowRead) => void;
}

type Protocol = "http" | "soap";

const BASE = "/services";

/** Maximum log lines per second for rejected SOAP messages. */
const REJECTIONS_PER_SECOND = 10;

/**
 * Serves the legacy endpoints over HTTP and SOAP from the RPCs; a legacy caller changes only the
 * host name.
 *
 * @returns a function that finds the handler of a path; undefined for a path that is not legacy
 */
export function createLegacyHandler(
  routes: readonly Route[],
  {
    clientAddress,
    callers,
    mayPresentToken,
    httpErrors,
    namespace,
    baseUrl,
    proxies,
    log,
    metrics,
    onRead,
  }: LegacyHandlerOptions,
): FindHandler {
  const resolveCaller = createCallerResolver(callers, mayPresentToken);
  const count = createCallCounter(
    metrics,
    callers.map(({ name }) => name),
  );
  const routeOf = new Map(
    LEGACY_METHODS.map((method) => [method, routes.find(({ rpc }) => rpc.method === method.rpc) as Route]),
  );

  const headersOf = (request: IncomingMessage, method: LegacyMethod) => {
    const header = (name: string) => request.headers[name]?.toString();
    const peer = peerOfRequest(request);
    const evidence = { authorization: header("authorization"), header: header(CALLER_HEADER), peer };
    return { caller: resolveCaller(evidence, method), peer, connection: connectionOfRequest(request), header };
  };

  const callOver =
    (protocol: Protocol) =>
    async (
      method: LegacyMethod,
      request: IncomingMessage,
      readParams: () => Promise<Params | OperationError>,
      startedAt = performance.now(),
    ): Promise<LegacyOutcome> => {
      const route = routeOf.get(method) as Route;
      const call = { ...headersOf(request, method), readParams, startedAt };
      const { params, restricted, outcome } = await callLegacyMethod(method, route, call);
      count(method.name, outcome, protocol);
      if (!route.rpc.hasSideEffects && !restricted && params instanceof Map && isComparable(outcome)) {
        onRead(shadowReadOf(method, params, outcome));
      }
      return outcome;
    };

  const [anyMethod, anyRoute] = routeOf.entries().next().value as [LegacyMethod, Route];
  const rejected = createLogLimiter(log, {
    message: "SOAP message without a valid call",
    perSecond: REJECTIONS_PER_SECOND,
  });
  const baseUrlOf = createBaseUrlResolver({ baseUrl, proxies: createAddressList([...LOOPBACK, ...proxies]) });
  const overHttp = callOver("http");
  const soapHandlers = new Map<LegacyService, SoapHandler>(
    LEGACY_SERVICES.map((service) => [
      service,
      createSoapHandler({
        service,
        methods: LEGACY_METHODS.filter((method) => method.service === service),
        namespace,
        baseUrlOf,
        authenticationError(request) {
          return authenticationError(anyRoute, headersOf(request, anyMethod));
        },
        call: callOver("soap"),
        onRejected(request, reason) {
          const address = clientAddress(peerOfRequest(request), request.headers["x-forwarded-for"]?.toString());
          rejected.write("info", service, () => ({ service, address, reason }));
        },
      }),
    ]),
  );

  async function callOverHttp(method: LegacyMethod, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const outcome = await overHttp(method, request, () => readParams(request, method));
    sendOutcome(response, method, outcome, httpErrors);
  }

  return (path, addressCheck) => {
    if (path !== BASE && !path.startsWith(`${BASE}/`)) {
      return undefined;
    }
    const endpoint = path.endsWith("/") ? path.slice(0, -1) : path;
    const method = LEGACY_METHODS.find((candidate) => pathOf(candidate) === endpoint);
    const service = method?.service ?? LEGACY_SERVICES.find((candidate) => `${BASE}/${candidate}` === endpoint);
    const soap = service && soapHandlers.get(service);
    const isPage = method === undefined && (service !== undefined || endpoint === BASE);
    const respond = async (request: IncomingMessage, response: ServerResponse) => {
      // A POST to a service itself can only be SOAP.
      if (soap !== undefined && (isSoapRequest(request) || (method === undefined && request.method === "POST"))) {
        await soap(request, response);
      } else if (method !== undefined && (request.method === "GET" || request.method === "POST")) {
        await callOverHttp(method, request, response);
      } else if (isPage && (request.method === "GET" || request.method === "HEAD")) {
        sendOverview(response);
      } else {
        const allowedByService = service === undefined ? undefined : ["GET", "POST"];
        sendRouteError(request, response, endpoint === BASE ? ["GET", "HEAD"] : allowedByService);
      }
    };
    return async (request, response) => {
      if (request.method !== "POST" && (method === undefined || isSoapRequest(request))) {
        // The overview and the documents: nothing to authenticate.
        if (addressCheck.rejects("open", request, response)) {
          return;
        }
      }
      try {
        await respond(request, response);
      } catch (error) {
        if (!(error instanceof OperationError && error.kind === "address-rate-limited")) {
          throw error;
        }
        addressCheck.reject(request, response, error);
      }
    };
  };
}

/**
 * Counts calls by method and caller, which shows who still has to migrate. Each method starts at 0.
 */
function createCallCounter(
  { legacyCalls }: Metrics,
  callers: readonly string[],
): (method: string, outcome: LegacyOutcome, protocol: Protocol) => void {
  for (const { name } of LEGACY_METHODS) {
    legacyCalls.inc({ method: name, caller: `legacy:${name}`, protocol: "http", result: "answered" }, 0);
  }
  const labelOf = boundedLabels();
  // Configured names get a label before names from headers, which any client can invent.
  callers.forEach(labelOf);
  return (method, outcome, protocol) => {
    const failure = outcome.kind === "failed" && (isServerFailure(outcome.code) ? "failed" : "refused");
    legacyCalls.inc({ method, caller: labelOf(outcome.caller), protocol, result: failure || "answered" });
  };
}

/**
 * Whether the legacy system would have answered too: with an answer, or that the order is missing.
 */
function isComparable(outcome: LegacyOutcome): boolean {
  return outcome.kind === "answered" || outcome.code === Code.NotFound;
}

function shadowReadOf(method: LegacyMethod, params: Params, outcome: LegacyOutcome): ShadowRead {
  return {
    method: method.name,
    path: pathOf(method),
    params: new Map([...params].map(([name, texts]) => [name, texts.join(",")])),
    // As the legacy system's, whether or not failures are HTTP errors here.
    status: 200,
    text: responseBody(outcome),
    publicFields: new Set(method.fields),
    orderId: outcome.orderId,
    caller: outcome.caller,
    callId: outcome.callId,
  };
}
