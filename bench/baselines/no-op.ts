/**
 * A gRPC server with no-op handlers, on the same library and messages: the cost of a call before
 * any work.
 */
import { serveGrpc } from "./support/grpc.ts";
import { getAnswer, updateAnswer } from "./support/no-op-answers.ts";
import { announce } from "./support/process.ts";

const server = await serveGrpc({
  updateOrderStatus: ({ request }, done) => done(null, updateAnswer(request)),
  getOrderStatus: ({ request }, done) => done(null, getAnswer(request)),
});
announce({ port: server.port }, server.stop);
