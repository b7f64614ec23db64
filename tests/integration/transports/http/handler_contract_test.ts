import { httpHandlerSchema } from "../../../../src/transports/http/config.ts";
import { httpHandler } from "../../../../src/transports/http/mod.ts";
import { testHandlerContract } from "../../../contracts/handler.ts";
import { startRawEndpoint } from "../../../support/http/raw_endpoint.ts";
import { DEFAULT_LIMITS } from "../../../support/limits.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

const KEYS = {
  HttpHandler: {},
  "HttpHandler with credentials": { auth: { type: "bearer", token: "t" } },
};

for (const [name, keys] of Object.entries(KEYS)) {
  testHandlerContract(name, (respond) => {
    const endpoint = startRawEndpoint(async (connection) => {
      for (;;) {
        const request = await connection.readRequest();
        if (request === null) return;
        const answer = await respond(request.body);
        if (answer === "none") return;
        const { value, isError = false } = answer;
        const status = isError ? "500 Internal Server Error" : "200 OK";
        await connection.write(`HTTP/1.1 ${status}\r\ncontent-length: ${value.length}\r\n\r\n`);
        await connection.write(value);
      }
    });
    const config = httpHandlerSchema.parse({
      type: "http",
      url: `http://${endpoint.host}/`,
      ...keys,
    });
    const context = {
      pipeline: "contract",
      log: new RecordedLog().log,
      limits: DEFAULT_LIMITS,
    };
    let isAway = false;
    const goAway = async () => {
      if (isAway) return;
      isAway = true;
      await endpoint[Symbol.asyncDispose]();
    };
    return Promise.resolve({
      open: () => httpHandler.open(config, context),
      goAway,
      [Symbol.asyncDispose]: goAway,
    });
  });
}
