// A webhook receiver that answers 204 to what the public verifier of Standard
// Webhooks accepts, and 401 to everything else. It prints its URL and ends with
// its standard input.
import http from "node:http";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.SIGNING_KEY);

const server = http.createServer((req, res) => {
  const chunks = [];
  req.on("data", (chunk) => chunks.push(chunk));
  req.on("end", () => {
    try {
      webhook.verify(Buffer.concat(chunks).toString("utf8"), req.headers);
      res.writeHead(204).end();
    } catch {
      res.writeHead(401).end();
    }
  });
});

server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.stdin.on("end", () => process.exit(0)).resume();
