import { assertEquals, assertStringIncludes } from "@std/assert";
import { CA_FILE, certifiedKey } from "../support/tls/certificates.ts";
import { startEndpoint } from "../support/http/endpoint.ts";
import { configFile, runEventor } from "../support/executable/eventor_process.ts";
import { stdioPipeline } from "../support/executable/pipeline_yaml.ts";

Deno.test("eventor calls an https:// endpoint whose certificate it trusts", async () => {
  await using endpoint = startEndpoint(undefined, { tls: certifiedKey() });
  using file = configFile(stdioPipeline({ url: endpoint.url }));

  const end = await runEventor(["-f", file.path], {
    input: "first\nsecond\n",
    env: { DENO_CERT: CA_FILE },
  });

  assertEquals({ code: end.code, stdout: end.stdout }, { code: 0, stdout: "first\nsecond\n" });
  assertStringIncludes(end.stderr, `may reach ${new URL(endpoint.url).host}, and nothing else`);
});
