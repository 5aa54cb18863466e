import { expect, test } from "vitest";
import { createConnection } from "../../../tools/client/index.ts";
import { useService } from "../../support/service.ts";

const harness = useService();

test("an address whose clients close their connections is not blocked", async () => {
  for (let count = 0; count < 20; count += 1) {
    const connection = createConnection(`127.0.0.1:${harness.service.grpcPort}`);
    const { states } = await connection.orderStatus.describeStateMachine({});
    expect(states).not.toEqual([]);
    connection.close();
  }
});
