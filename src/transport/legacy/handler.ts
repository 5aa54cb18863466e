import type { IncomingMessage, ServerResponse } from "node:http";
import { Code } from "@connectrpc/connect";
import { OperationError } from "../../application/errors.ts";
import type { Logger } from "../../observability/log.ts";
import { createLogLimiter } from "../../observability/log-limiter.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { peerOfRequest } from "../connections/peer.ts";
import type { HttpHandler } from "../http/connect.ts";
import type { Route } from "../middleware/pipeline.ts";
import { CALLER_HEADER } from "../middleware/trust-caller-header.ts";
import { responseBody } from "./answers.ts";
import { callLegacyMethod, type LegacyOutcome } from "./call.ts";
import { createCallerResolver, type KnownCaller } from "./callers.ts";
import { createLegacyCallCounter } from "./counter.ts";
import { readParams, sendOutcome } from "./http.ts";
import { LEGACY_METHODS, LEGACY_SERVICES, type LegacyMethod, type LegacyService, pathOf } from "./methods.ts";
import { sendOverview, sendRouteError } from "./overview.ts";
import type { Params } from "./params.ts";
import { createSoapHandler, isSoapRequest, type SoapHandler } from "./soap/index.ts";

/** A reading call by an old address, and what it was answered. */
export interface LegacyRead {
  readonly method: string;
  readonly path: string;
  /** The parameters, as the caller gave them. */
  readonly params: ReadonlyMap<string, string>;
  /** As the old system's would be, whether failures are HTTP errors here or not. */
  readonly status: number;
  /** The answer's body over HTTP, whichever protocol it went by. */
  readonly text: string;
  /** The names of the fields that an answer may have; none of them is personal data. */
  readonly publicFields: ReadonlySet<string>;
  /** 0 where the call names none. */
  readonly orderId: bigint;
  readonly caller: string;
  readonly callId: string;
}

export interface LegacyHandlerOptions {
  readonly callers: readonly KnownCaller[];
  /** Whether a failure is an HTTP error; else it is 200, as it was. */
  readonly httpErrors: boolean;
  /** The namespace of the old services' SOAP messages. */
  readonly namespace: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Hears of each reading call after its answer. */
  readonly onRead: (read: LegacyRead) => void;
}

const BASE = "/services";

/** Lines in the log. */
const REFUSALS_PER_SECOND = 10;

/**
 * Serves the old system's addresses, over HTTP and SOAP, from the RPCs: a caller changes nothing but the host name.
 *
 * @returns finds what answers at a path; undefined for one that was not the old system's
 */
export function createLegacyHandler(
  routes: readonly Route[],
  { callers, httpErrors, namespace, log, metrics, onRead }: LegacyHandlerOptions,
): (path: string) => HttpHandler | undefined {
  const callerOf = createCallerResolver(callers);
  const count = createLegacyCallCounter(
    metrics,
    callers.map(({ name }) => name),
  );
  const routeOf = new Map(
    LEGACY_METHODS.map((method) => [method, routes.find(({ rpc }) => rpc.method === method.rpc) as Route]),
  );

  const callOver =
    (protocol: "http" | "soap") =>
    async (method: LegacyMethod, request: IncomingMessage, given: Params | OperationError): Promise<LegacyOutcome> => {
      const route = routeOf.get(method) as Route;
      const header = (name: string) => request.headers[name]?.toString();
      const peer = peerOfRequest(request);
      const caller = callerOf({ authorization: header("authorization"), header: header(CALLER_HEADER), peer }, method);
      const outcome = await callLegacyMethod(method, route, { caller, peer, header, params: given });
      count(method.name, outcome, protocol);
      if (!route.rpc.hasSideEffects && !(given instanceof OperationError) && isComparable(outcome)) {
        onRead(readOf(method, given, outcome));
      }
      return outcome;
    };

  const refused = createLogLimiter(log, {
    message: "a SOAP message in which no call can be found",
    perSecond: REFUSALS_PER_SECOND,
  });
  const overHttp = callOver("http");
  const soaps = new Map<LegacyService, SoapHandler>(
    LEGACY_SERVICES.map((service) => [
      service,
      createSoapHandler({
        service,
        methods: LEGACY_METHODS.filter((method) => method.service === service),
        namespace,
        call: callOver("soap"),
        onRefused(request, reason) {
          const from = peerOfRequest(request).address;
          refused.write("info", service, () => ({ service, from, reason }));
        },
      }),
    ]),
  );

  async function answerMethod(method: LegacyMethod, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const outcome = await overHttp(method, request, await readParams(request));
    sendOutcome(response, method, outcome, httpErrors);
  }

  return (path) => {
    if (path !== BASE && !path.startsWith(`${BASE}/`)) {
      return undefined;
    }
    const place = path.endsWith("/") ? path.slice(0, -1) : path;
    const method = LEGACY_METHODS.find((one) => pathOf(one) === place);
    const service = method?.service ?? LEGACY_SERVICES.find((one) => `${BASE}/${one}` === place);
    const soap = service && soaps.get(service);
    const isPage = method === undefined && (service !== undefined || place === BASE);
    return async (request, response) => {
      // Nothing else could be sent to a service than SOAP.
      if (soap !== undefined && (isSoapRequest(request) || (method === undefined && request.method === "POST"))) {
        await soap(request, response);
      } else if (method !== undefined && (request.method === "GET" || request.method === "POST")) {
        await answerMethod(method, request, response);
      } else if (isPage && (request.method === "GET" || request.method === "HEAD")) {
        sendOverview(response);
      } else {
        const ofService = service === undefined ? undefined : ["GET", "POST"];
        sendRouteError(request, response, place === BASE ? ["GET", "HEAD"] : ofService);
      }
    };
  };
}

/** Whether the old system would have had the same to say: an answer, or that there is no such order. */
function isComparable(outcome: LegacyOutcome): boolean {
  return outcome.kind === "answered" || outcome.code === Code.NotFound;
}

function readOf(method: LegacyMethod, given: Params, outcome: LegacyOutcome): LegacyRead {
  return {
    method: method.name,
    path: pathOf(method),
    params: new Map([...given].map(([name, texts]) => [name, texts.join(",")])),
    status: 200,
    text: responseBody(outcome),
    publicFields: new Set(method.fields),
    orderId: outcome.orderId,
    caller: outcome.caller,
    callId: outcome.callId,
  };
}
