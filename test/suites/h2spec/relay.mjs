// What h2specd starts for every case: relay.mjs PORT URL hands the URL to the run's own process, which has the client
// loaded already, and ends when that is done with it. h2specd gives a case three seconds, a busy machine needs one of
// them to load TypeScript.
import { connect } from "node:net";

const [port, url] = process.argv.slice(2);
connect(Number(port), "127.0.0.1")
  .on("error", () => process.exit(1))
  .on("close", () => process.exit())
  .resume()
  .end(url);
