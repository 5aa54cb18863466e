import type { Message } from "@bufbuild/protobuf";
import { OperationError } from "../../application/errors.ts";
import { createTimeShare } from "../../lib/time-shares.ts";
import { credentialExpired, scopeExceeded } from "../auth/identity.ts";
import { type Auth, type Credentials, type Identity, permissionDenied } from "../auth/index.ts";
import { SCOPED_RPCS } from "../auth/scoped-rpcs.ts";
import type { Admit, Call, Interceptor, Rpc } from "../call.ts";
import { MAX_TIMEOUT_MS } from "../limits.ts";
import { trustCallerHeader } from "./trust-caller-header.ts";

/**
 * Creates the admission of each RPC: authentication and authorization. It needs nothing of the
 * request, so that neither the response nor its timing depends on what the request is about, and an
 * unknown caller costs no more than its headers. Streams share their time: each may begin with a
 * thousand orders.
 *
 * @param auth undefined: callers name themselves
 */
export function createAdmission(auth: Auth | undefined, loadShedding: LoadShedding): (rpc: Rpc) => Admit {
  const identifyCaller = createIdentification(auth);
  const turn = createTimeShare();
  return (rpc) => {
    const identify = identifyCaller(rpc);
    if (rpc.streaming) {
      return (call) => turn().then(() => identify(call));
    }
    return (call) => {
      shed(loadShedding, rpc, call);
      return call.rejection === undefined ? identify(call) : undefined;
    };
  };
}

/** Authentication alone, of a caller whose RPC is not known yet. */
export function createAuthentication(auth: Auth | undefined): Admit {
  if (auth === undefined) {
    return (call) => rejectOnError(call, () => trustCallerHeader(call));
  }
  return (call) =>
    rejectOnError(call, () => {
      const identity = auth.authenticate(credentialsOf(call));
      return identity instanceof Promise ? identity.then(() => {}) : undefined;
    });
}

/**
 * Rejects calls beyond the capacity once their request has arrived: requests may take long to
 * arrive, and their callers must not occupy capacity meanwhile. Encloses the count of calls in
 * flight.
 */
export const shedLoad =
  (loadShedding: LoadShedding): Interceptor =>
  (next, rpc) =>
  (request, call) => {
    if (call.rejection === undefined) {
      shed(loadShedding, rpc, call);
    }
    return next(request, call);
  };

function shed(loadShedding: LoadShedding, { method, streaming }: Rpc, call: Call): void {
  if (!streaming && !loadShedding.hasCapacity()) {
    loadShedding.onRejected(method.name);
    call.rejection = overloaded();
  }
}

/** Rejects calls beyond the server's capacity. */
export interface LoadShedding {
  /** Whether one more call can be executed. */
  hasCapacity(): boolean;
  onRejected(rpc: string): void;
}

/** RetryInfo delay of a rejected call, in milliseconds: about the time until capacity is free. */
const RETRY_AFTER_MS = 250;

/** The error of a call beyond the server's capacity. */
export function overloaded(): OperationError {
  return new OperationError("overloaded", "server overloaded; the call was not executed", {
    retryAfterMs: RETRY_AFTER_MS,
  });
}

function createIdentification(auth: Auth | undefined): (rpc: Rpc) => Admit {
  if (auth === undefined) {
    return () => createAuthentication(undefined);
  }
  return ({ method }) => {
    const rpc = `${method.parent.name}/${method.name}`;
    const authorize = (call: Call, identity: Identity): void => {
      call.identity = identity;
      call.caller = identity.name;
      call.requestNamespace = identity.name;
      call.authenticatedOperator = identity.operator;
      const permissions = auth.permissionsOf(identity);
      if (!permissions.canCall(rpc)) {
        throw auth.denied(credentialsOf(call), permissionDenied(identity, rpc));
      }
      const { orderScope } = permissions;
      if (orderScope !== undefined && !SCOPED_RPCS.has(rpc)) {
        throw auth.denied(credentialsOf(call), scopeExceeded(identity, rpc, orderScope));
      }
      call.orderScope = orderScope;
      call.reportableStatuses = permissions.reportableStatuses;
    };
    return (call) =>
      rejectOnError(call, () => {
        const identity = auth.authenticate(credentialsOf(call));
        return identity instanceof Promise
          ? identity.then((known) => authorize(call, known))
          : authorize(call, identity);
      });
  };
}

function credentialsOf(call: Call): Credentials {
  return {
    authorization: call.header("authorization"),
    peer: call.peer,
    authenticatedName: call.authenticatedName,
    forwardedFor: call.header("x-forwarded-for"),
  };
}

/** Turns an error of the admission into the call's rejection. */
function rejectOnError(call: Call, admit: () => void | Promise<void>): void | Promise<void> {
  const reject = (error: unknown): void => {
    if (!(error instanceof OperationError)) {
      throw error;
    }
    call.rejection = error;
  };
  try {
    return admit()?.catch(reject);
  } catch (error) {
    return reject(error);
  }
}

/** Rejects calls that were not admitted. A stream ends when its caller's credentials expire. */
export const admitted: Interceptor = (next, { streaming }) =>
  streaming
    ? async function* (request, call) {
        assertAdmitted(call);
        const expiry = abortOnExpiry(call.identity);
        call.signal = AbortSignal.any([call.signal, expiry.signal]);
        try {
          yield* next(request, call) as AsyncIterable<Message>;
        } finally {
          expiry.clear();
        }
      }
    : (request, call) => {
        assertAdmitted(call);
        return next(request, call);
      };

function assertAdmitted({ rejection }: Call): void {
  if (rejection !== undefined) {
    throw rejection;
  }
}

/** A signal that aborts when the credentials expire: a stream could outlive them by days. */
function abortOnExpiry(identity: Identity | undefined): { readonly signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  if (identity?.expiresAt === undefined) {
    return { signal: controller.signal, clear() {} };
  }
  const ms = Math.min(identity.expiresAt - Date.now(), MAX_TIMEOUT_MS);
  const timer = setTimeout(() => controller.abort(credentialExpired(identity)), ms);
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}
