// The process of the `carillon` command: bin/carillon.js runs its build.
import { runCarillon } from './carillon.ts';

try {
  process.exitCode = await runCarillon(process.argv.slice(2));
} catch (error) {
  // A bug of ours. Receipts that were written are whole; --resume sends the rest.
  process.stderr.write(
    `carillon: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exitCode = 1;
}
// A stdin, pipe or socket that is still open must not keep the process: everything is settled and written.
process.exit();
