import type { Http2Session, ServerHttp2Stream } from "node:http2";
import type {
  Metadata,
  ServerInterceptingCall,
  ServerInterceptingCallInterface,
  ServerInterceptor,
  StatusObject,
} from "@grpc/grpc-js";
import { PERMISSION_RATE_LIMITED } from "../auth/index.ts";
import type { Call } from "../call.ts";
import { onCallRefused } from "../guard/index.ts";
import { MAX_BUILT_IN_REQUEST_BYTES } from "../limits.ts";
import type { LoadShedding } from "../middleware/admission.ts";
import type { Route } from "../middleware/pipeline.ts";
import { ADDRESS_LIMITED } from "./address-limit.ts";
import type { AdmittedCalls } from "./handlers.ts";
import { OVERLOADED } from "./load-shedding.ts";

/** Private members of a grpc-js call, which has no option for the limit of one RPC. */
interface CallInternals {
  readonly stream: ServerHttp2Stream;
  maxReceiveMessageSize: number;
  readonly decoder: { maxReadMessageLength: number };
}

/** A call that was answered before it reached the pipeline, and with it the access log. */
export interface RejectedCall {
  readonly reason: "overloaded" | "unknown RPC";
  /** The RPC's name; of an unknown one the path, as sent by the client. */
  readonly rpc: string;
  /** The client's address. */
  readonly address: () => string;
}

type Listener = Parameters<ServerInterceptingCallInterface["start"]>[0];

export interface AdmissionDeps {
  /** The routes by path. */
  readonly routes: ReadonlyMap<string, Route>;
  readonly loadShedding: LoadShedding;
  readonly onRejected: (rejected: RejectedCall) => void;
  readonly addressOf: (incoming: ServerInterceptingCallInterface, metadata: Metadata | undefined) => string;
  readonly toCall: (
    incoming: ServerInterceptingCallInterface,
    metadata: Metadata,
    session: Http2Session | undefined,
  ) => Call;
  /** The status of a call that was not admitted, which goes through the pipeline nevertheless. */
  readonly rejectionOf: (route: Route, call: Call) => Promise<StatusObject>;
  readonly admitted: AdmittedCalls;
}

/**
 * Admits calls when their headers arrive: grpc-js reads, decompresses and decodes a request only
 * when the handler of an admitted call requests it. Calls of health and reflection need no
 * admission; a small size limit applies to them instead.
 */
export function admitCalls({
  routes,
  loadShedding,
  onRejected,
  addressOf,
  toCall,
  rejectionOf,
  admitted,
}: AdmissionDeps): ServerInterceptor {
  return ({ path }, incoming) => {
    const route = routes.get(path);
    limitMessageSize(incoming, route?.rpc.maxRequestBytes ?? MAX_BUILT_IN_REQUEST_BYTES);
    if (route === undefined) {
      return incoming as ServerInterceptingCall;
    }
    let headers: Metadata | undefined;
    /** Whether a call beyond the capacity has been answered. */
    const isShed = (): boolean => {
      if (route.rpc.streaming || loadShedding.hasCapacity()) {
        return false;
      }
      const { name } = route.rpc.method;
      loadShedding.onRejected(name);
      onRejected({ reason: "overloaded", rpc: name, address: () => addressOf(incoming, headers) });
      incoming.sendStatus(OVERLOADED);
      return true;
    };
    const onAddressLimited = ({ peer, rejection }: Call, session: Http2Session | undefined, address: string): void => {
      // A known caller may make other calls on the connection.
      if (rejection === PERMISSION_RATE_LIMITED || !onCallRefused(session, address, address !== peer.address)) {
        incoming.sendStatus(ADDRESS_LIMITED.status);
      }
    };
    const onMetadata = (metadata: Metadata, listener: Listener): void => {
      headers = metadata;
      if (isShed()) {
        return;
      }
      // A stream that is reset meanwhile knows neither.
      const { session } = (incoming as unknown as CallInternals).stream;
      const address = addressOf(incoming, metadata);
      const call = toCall(incoming, metadata, session);
      const proceed = (): void => {
        if (call.rejection === undefined) {
          admitted.set(metadata, call);
          listener.onReceiveMetadata(metadata);
        } else if (call.rejection.kind === "address-rate-limited") {
          onAddressLimited(call, session, address);
        } else {
          void rejectionOf(route, call).then((status) => incoming.sendStatus(status));
        }
      };
      const pending = route.admit(call);
      if (pending === undefined) {
        proceed();
      } else {
        pending.then(proceed);
      }
    };
    const { start } = incoming;
    incoming.start = (listener) =>
      start.call(incoming, {
        onReceiveMetadata: (metadata) => onMetadata(metadata, listener),
        onReceiveMessage: (message) => listener.onReceiveMessage(message),
        onReceiveHalfClose: () => {
          // The capacity may have been used up since the headers arrived: the calls of a burst,
          // whose headers arrive together, would all be executed.
          if (!isShed()) {
            listener.onReceiveHalfClose();
          }
        },
        onCancel: () => listener.onCancel(),
      });
    // The type demands the class, the server only its interface.
    return incoming as ServerInterceptingCall;
  };
}

/** @throws Error when the internals of grpc-js have changed */
function limitMessageSize(incoming: ServerInterceptingCallInterface, maxBytes: number): void {
  const internals = incoming as unknown as CallInternals;
  if (
    internals.stream === undefined ||
    internals.maxReceiveMessageSize === undefined ||
    internals.decoder.maxReadMessageLength === undefined
  ) {
    throw new Error("unsupported version of grpc-js: adapt src/transport/grpc/admission.ts to its internals");
  }
  internals.maxReceiveMessageSize = maxBytes;
  internals.decoder.maxReadMessageLength = maxBytes;
}
