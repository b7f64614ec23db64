// Answers each request with its eventor-offset header, and writes that to standard error.
//
// Arguments: the port, the seconds after which an idle connection is closed, and the number of requests for each
// connection, where 0 stands for what the server does by itself; http, or https with cert.pem and key.pem.
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import process from "node:process";

const [port, idleSeconds, maxRequests] = process.argv.slice(2, 5).map(Number);
const isSecure = process.argv[5] === "https";

function answer(request, response) {
  const number = request.headers["eventor-offset"];
  request.resume().on("end", () => {
    process.stderr.write(`${number}\n`);
    response.end(number);
  });
}

const server = isSecure
  ? https.createServer({ cert: readFileSync("cert.pem"), key: readFileSync("key.pem") }, answer)
  : http.createServer(answer);
if (idleSeconds > 0) server.keepAliveTimeout = 1000 * idleSeconds;
server.maxRequestsPerSocket = maxRequests;
server.listen(port, "127.0.0.1");
process.on("SIGTERM", () => process.exit());
