/**
 * What Connect's conformance suite starts as a server under test: connects the suite with a server
 * in the process of the tests, as a process of its own would take seconds to start each time.
 *
 *     node test/clients/conformance/relay.ts PORT
 */
import { connect } from "node:net";

const socket = connect(Number(process.argv[2]), "127.0.0.1");
// The end of the input is not that of the server: the suite ends this process then.
process.stdin.pipe(socket, { end: false });
socket.pipe(process.stdout);
