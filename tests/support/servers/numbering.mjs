// Answers each request with its eventor-offset header, and writes that to standard error.
//
// Arguments: the port, the seconds after which an idle connection is closed, and the number of requests for each
// connection; 0 stands for what the server does by itself.
import { createServer } from "node:http";
import process from "node:process";

const [port, idleSeconds, maxRequests] = process.argv.slice(2).map(Number);

const server = createServer((request, response) => {
  const number = request.headers["eventor-offset"];
  request.resume().on("end", () => {
    process.stderr.write(`${number}\n`);
    response.end(number);
  });
});
if (idleSeconds > 0) server.keepAliveTimeout = 1000 * idleSeconds;
server.maxRequestsPerSocket = maxRequests;
server.listen(port, "127.0.0.1");
process.on("SIGTERM", () => process.exit());
