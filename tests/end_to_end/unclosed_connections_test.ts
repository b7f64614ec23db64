import { EventorProcess } from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import { freshTopic, produce } from "../support/kafka/broker.ts";
import { kafkaPipeline } from "../support/executable/pipeline_yaml.ts";
import { startRawEndpoint } from "../support/http/raw_endpoint.ts";

const CALLS = 128;

Deno.test("eventor starts a pipeline again when a hundred of its connections cannot be closed, which closes them", async () => {
  const topic = await freshTopic("unclosed");
  await produce(topic, Array.from({ length: CALLS }, (_, event) => ({ value: `${event}` })));
  // No handshake is ever answered.
  await using endpoint = startRawEndpoint((connection) => connection.closed());
  await using eventor = new EventorProcess(kafkaPipeline({
    topic,
    results: await freshTopic("unclosed-results"),
    url: `https://${endpoint.host}/`,
    keys: { concurrency: CALLS, ordering: "none" },
    handler: { timeout: "1s" },
  }));
  await eventually(() => endpoint.openConnections >= 100, {
    deadlineMs: 30_000,
    what: () => `connections that stay open; ${endpoint.openConnections} are`,
  });

  await eventor.line(/100 aborted connections to the endpoint are still open, .* restarting/);

  await eventually(() => endpoint.openConnections < 100, {
    deadlineMs: 30_000,
    what: () => `the end of connections; ${endpoint.openConnections} are open`,
  });
  const accepted = endpoint.acceptedConnections;
  await eventually(() => endpoint.acceptedConnections > accepted, {
    deadlineMs: 30_000,
    what: "further calls",
  });
});
