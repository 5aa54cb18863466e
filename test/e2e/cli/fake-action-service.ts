import {
  create,
  type DescMethod,
  type DescMethodUnary,
  fromBinary,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
} from "@grpc/grpc-js";
import { afterAll, beforeAll } from "vitest";
import { ActionService } from "../../../gen/oms/operations/v1/action_service_pb.ts";

type Methods = typeof ActionService.method;
type Answer<M> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>) => MessageInitShape<O> | Promise<MessageInitShape<O>>
    : never;

/** Answers of the fake service. A thrown object with code and details is the error of the call. */
export type Script = { -readonly [M in keyof Methods]?: Answer<Methods[M]> };

/** An ActionService with scripted answers, such as batches of a large backlog. */
export function useFakeActionService(): {
  readonly address: string;
  readonly script: Script;
  /** Names of the callers so far. */
  readonly callers: ReadonlySet<string>;
} {
  const script: Script = {};
  const callers = new Set<string>();
  const server = new Server();
  let port = 0;

  const handlerOf = (name: keyof Methods, method: DescMethod): handleUnaryCall<Message, Message> => {
    return async ({ request, metadata }, answer) => {
      callers.add(String(metadata.get("oms-caller")[0]));
      const answerTo = script[name] as ((request: Message) => Message | Promise<Message>) | undefined;
      try {
        answer(null, create(method.output, await answerTo?.(request)));
      } catch (error) {
        answer(error as ServiceError);
      }
    };
  };

  beforeAll(async () => {
    const definition: Record<string, ServiceDefinition[string]> = {};
    const handlers: Record<string, handleUnaryCall<Message, Message>> = {};
    for (const [name, method] of Object.entries(ActionService.method) as [keyof Methods, DescMethod][]) {
      definition[name] = {
        path: `/${ActionService.typeName}/${method.name}`,
        requestStream: false,
        responseStream: false,
        requestSerialize: (message: Message) => Buffer.from(toBinary(method.input, message)),
        requestDeserialize: (bytes) => fromBinary(method.input, bytes),
        responseSerialize: (message: Message) => Buffer.from(toBinary(method.output, message)),
        responseDeserialize: (bytes) => fromBinary(method.output, bytes),
      };
      handlers[name] = handlerOf(name, method);
    }
    server.addService(definition, handlers);
    port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
  });
  afterAll(() => server.forceShutdown());

  return {
    script,
    callers,
    get address() {
      return `127.0.0.1:${port}`;
    },
  };
}
